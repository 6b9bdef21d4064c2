//! Passwords: which may be chosen, and how they are kept.
//!
//! The rules are those of NIST SP 800-63B (section on passwords) and OWASP ASVS 5.0 (V6.2): long ones, of any letters, without
//! rules about which, never to be changed for the sake of changing, and none that is easily guessed. Ward wants a second
//! factor besides, for which NIST asks for eight characters; we ask for [`SHORTEST`].
//!
//! Invariant: a password is compared as it was typed, but for the way in which accents are encoded (NFC of UAX #15): the
//! same keys of two keyboards are the same password. It is never cut.

mod guessable;
mod hashing;

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

pub use hashing::{Cost, Hasher, Verified};

use guessable::{folded, is_guessable, undisguised};

/// Fewest code points.
pub const SHORTEST: usize = 12;

/// Most code points. More is nobody's password.
pub const LONGEST: usize = 128;

/// Words that belong to where a password is used, beside those that belong to whose it is (ASVS 6.2.11).
pub const OF_THE_PLACE: [&str; 1] = ["ward"];

/// Fewest letters of a word that a password may not have in it: shorter ones are in many words by chance.
const SHORTEST_WORD: usize = 4;

/// A password as somebody typed it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// Why a password may not be chosen. The texts are for whoever chooses it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    /// It is too short.
    #[error(
        "it has {0} characters, and needs {SHORTEST} or more: three or four words that do not belong together are good"
    )]
    Short(usize),
    /// It is too long.
    #[error("it has {0} characters, and may have {LONGEST}")]
    Long(usize),
    /// It has something in it that is known of whoever chooses it, or of Ward.
    #[error("it has '{0}' in it, which others would try first")]
    Known(String),
    /// It is on lists of passwords that are tried, or put together of such.
    #[error(
        "it is one that others would soon guess: common words, keys side by side, dates, or the same over again"
    )]
    Guessable,
}

impl Password {
    /// What somebody typed.
    pub fn typed(text: &str) -> Self {
        Self(text.nfc().collect())
    }

    /// Whether it may be chosen by somebody of whom this is known: name, e-mail address, organisation.
    ///
    /// # Errors
    /// Why it may not.
    pub fn check(&self, known: &[&str]) -> Result<(), Weak> {
        let length = self.0.chars().count();
        match length {
            ..SHORTEST => return Err(Weak::Short(length)),
            SHORTEST..=LONGEST => {}
            _ => return Err(Weak::Long(length)),
        }
        let folded = folded(&self.0);
        let undisguised = undisguised(&folded);
        let words = known.iter().chain(&OF_THE_PLACE).flat_map(|text| words(text));
        for word in words {
            if folded.contains(&word) || undisguised.contains(&word) {
                return Err(Weak::Known(word));
            }
        }
        if is_guessable(&folded) { Err(Weak::Guessable) } else { Ok(()) }
    }

    fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// The words of a name or address that are long enough to tell. What an address ends with belongs to everybody.
fn words(text: &str) -> impl Iterator<Item = String> {
    let text = folded(text);
    let text = match text.rsplit_once('@') {
        Some((before, domain)) => {
            let labels: Vec<&str> = domain.split('.').collect();
            format!("{before} {}", labels[..labels.len() - 1].join(" "))
        }
        None => text,
    };
    let words: Vec<String> = text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect();
    words.into_iter().filter(|word| word.chars().count() >= SHORTEST_WORD)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANNA: [&str; 3] = ["Anna Nurse-Smith", "a.nurse@leedsth.nhs.example", "Leeds Teaching"];

    fn check(text: &str) -> Result<(), Weak> {
        Password::typed(text).check(&ANNA)
    }

    #[test]
    fn any_letters_are_good_as_long_as_there_are_enough() {
        for good in [
            "correct horse battery staple",
            "zygote-plinth-41",
            "ЖёлтыйКораблик",
            "日本語の合言葉はこれです。よ",
            "x7#Kq9!mPz2w",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        assert_eq!(check("x7#Kq9!mPz2"), Err(Weak::Short(11)));
        let long: String = (0..LONGEST).map(|at| char::from(b'!' + (at * 7 % 90) as u8)).collect();
        assert_eq!(check(&long), Ok(()));
        assert_eq!(check(&format!("{long}x")), Err(Weak::Long(LONGEST + 1)));
    }

    #[test]
    fn what_is_known_of_somebody_is_in_no_password_however_it_is_disguised() {
        for (password, word) in [
            ("my name is anna of course", "anna"),
            ("zygote-NuRsE-plinth", "nurse"),
            ("plinth-$m1th-zygote", "smith"),
            ("leedsth-zygote-plinth", "leedsth"),
            ("a long way toward spring", "ward"),
        ] {
            assert_eq!(check(password), Err(Weak::Known(word.to_owned())), "{password}");
        }
        assert_eq!(check("zygote-nhs-plinth-41"), Ok(()), "three letters are in many words");
        assert_eq!(check("zygote-example-plinth"), Ok(()), "the end of an address is everybody's");
    }

    #[test]
    fn the_same_keys_of_two_keyboards_are_the_same_password() {
        assert_eq!(Password::typed("caf\u{e9} noir plinth"), Password::typed("cafe\u{301} noir plinth"));
        assert_ne!(Password::typed("Café noir plinth"), Password::typed("café noir plinth"));
        assert_ne!(Password::typed("ﬁlm noir plinth"), Password::typed("film noir plinth"));
        assert_eq!(format!("{:?}", Password::typed("hunter2")), "Password(..)");
    }

    #[test]
    fn why_not_is_told_without_the_password() {
        for wrong in ["Password1234!", "hunter2", "zygote-nurse-plinth"] {
            let told = check(wrong).unwrap_err().to_string();
            assert!(!told.contains(wrong), "{told}");
        }
    }

    proptest! {
        #[test]
        fn a_password_of_random_letters_is_good_and_no_text_makes_us_fall(text in "\\PC{0,140}", random in "[a-z2-9]{20,60}") {
            let _ = check(&text);
            let told = check(&random);
            prop_assert!(matches!(told, Ok(()) | Err(Weak::Known(_))), "{random}: {told:?}");
        }
    }
}
