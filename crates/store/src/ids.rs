//! Names of what is stored: 128 bits, written as 32 lower-case hexadecimal digits.

use std::fmt;
use std::str::FromStr;

use crate::StoreError;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", u128::from_be_bytes(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        /// What is no such name answers as what does not exist.
        impl FromStr for $name {
            type Err = StoreError;

            fn from_str(text: &str) -> Result<Self, StoreError> {
                parse(text).map(Self).ok_or(StoreError::NotFound($what))
            }
        }

        impl From<$name> for crate::sql::Value {
            fn from(id: $name) -> Self {
                id.to_string().into()
            }
        }
    };
}

id!(
    /// A finding. Made from rule and events by whoever found it, so that a replay makes the same.
    FindingId,
    "finding"
);
id!(
    /// An alert. Made from its key and its first finding.
    AlertId,
    "alert"
);
id!(
    /// An exception.
    ExceptionId,
    "exception"
);
id!(
    /// A person.
    PersonId,
    "person"
);
id!(
    /// A role that a person was given.
    GrantId,
    "grant"
);
id!(
    /// A session. No secret: what opens it is another text.
    SessionId,
    "session"
);
id!(
    /// A one-time link. No secret: what opens it is another text.
    LinkId,
    "link"
);
id!(
    /// One time that the glass was broken.
    GlassId,
    "break-glass access"
);
id!(
    /// What somebody looks at again and again.
    ViewId,
    "saved view"
);

fn parse(text: &str) -> Option<[u8; 16]> {
    let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != 32 || !text.bytes().all(digits) {
        return None;
    }
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_from_what_is_shown_and_from_nothing_else() {
        let id = FindingId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]);
        assert_eq!(id.to_string(), "000102030405060708090a0b0c0d0eff");
        assert_eq!(id.to_string().parse::<FindingId>().unwrap(), id);
        for wrong in ["", "1", &"A".repeat(32), &"+1".repeat(16), &"0".repeat(33)] {
            let error = wrong.parse::<AlertId>().unwrap_err();
            assert_eq!(error.to_string(), "there is no such alert", "{wrong}");
        }
    }
}
