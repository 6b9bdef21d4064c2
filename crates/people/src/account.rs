//! What somebody signs in with, and what others call him.

use ring::digest::{SHA256, digest};
use unicode_normalization::UnicodeNormalization as _;

use crate::throttle::Account;

/// Most letters of a name.
const LONGEST_NAME: usize = 200;

/// Most bytes of an e-mail address (RFC 5321, section 4.5.3.1.3, less the brackets).
const LONGEST_EMAIL: usize = 254;

/// What is wrong with what somebody is to be entered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It is no name.
    #[error(
        "a person could not be entered by that name: it has from 1 to {LONGEST_NAME} letters, and no line breaks"
    )]
    Name,
    /// It is no e-mail address.
    #[error("a person could not be entered with that e-mail address: it is such as a.nurse@leeds.example")]
    Email,
}

/// A name, without the white space around it.
///
/// # Errors
/// It is none.
pub fn name(text: &str) -> Result<String, Wrong> {
    let name: String = text.trim().nfc().collect();
    let good = (1..=LONGEST_NAME).contains(&name.chars().count()) && !name.chars().any(is_hidden);
    if good { Ok(name) } else { Err(Wrong::Name) }
}

/// An e-mail address, without the white space around it. Whether somebody reads it is told by an answer only.
///
/// # Errors
/// It is none.
pub fn email(text: &str) -> Result<String, Wrong> {
    let email: String = text.trim().nfc().collect();
    let parts = email.rsplit_once('@');
    let good = parts.is_some_and(|(local, domain)| {
        let is_label =
            |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
        !local.is_empty() && domain.contains('.') && domain.split('.').all(is_label)
    });
    let good = good
        && email.len() <= LONGEST_EMAIL
        && !email.chars().any(|c| is_hidden(c) || c.is_whitespace() || "\"<>(),;:\\".contains(c));
    if good { Ok(email) } else { Err(Wrong::Email) }
}

/// What an e-mail address is compared by: nobody has two accounts that differ in case.
pub fn login(email: &str) -> String {
    // Small letters may join with accents that great ones do not join with.
    email.trim().nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

/// What tries to sign in are counted by, whether there is such an account or not.
pub fn account(email: &str) -> Account {
    let digest = digest(&SHA256, login(email).as_bytes());
    std::array::from_fn(|at| digest.as_ref()[at])
}

/// What stands in a line and is not seen there, or turns it round: it would let one account look like another.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_as_people_have_them() {
        for good in ["Anna Nurse", "O'Brien", "Nguyễn Thị Minh Khai", "X Æ A-12", "李"] {
            assert_eq!(name(&format!(" {good} ")).as_deref(), Ok(good));
        }
        for wrong in ["", "  ", "a\nb", "a\u{202e}b", "a\u{200b}", &"x".repeat(201)] {
            assert_eq!(name(wrong), Err(Wrong::Name), "{wrong:?}");
        }
    }

    #[test]
    fn an_address_has_two_sides() {
        for good in ["a.nurse@leeds.example", "o'brien+ward@a-b.nhs.example", "anna@münchen.example"] {
            assert_eq!(email(&format!(" {good}\n")).as_deref(), Ok(good));
        }
        let long = format!("{}@leeds.example", "x".repeat(254));
        for wrong in [
            "",
            "anna",
            "@leeds.example",
            "anna@",
            "anna@leeds",
            "anna@leeds..example",
            "a b@leeds.example",
            "a\u{200b}b@leeds.example",
            "<a@leeds.example>",
            "a@leeds.example, b@leeds.example",
            &long,
        ] {
            assert_eq!(email(wrong), Err(Wrong::Email), "{wrong:?}");
        }
    }

    #[test]
    fn an_account_is_the_same_however_its_address_is_typed() {
        assert_eq!(login(" A.Nurse@Leeds.Example "), "a.nurse@leeds.example");
        assert_eq!(account("A.Nurse@leeds.example"), account("a.nurse@LEEDS.example "));
        assert_ne!(account("a.nurse@leeds.example"), account("b.nurse@leeds.example"));
        let folded = login("T\u{308}@leeds.example");
        assert_eq!((login(&folded), folded.as_str()), (folded.clone(), "\u{1e97}@leeds.example"));
    }
}
