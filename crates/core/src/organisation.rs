//! The tree of organisations that Ward defends: nation, regions, care boards, organisations, sites.

use std::fmt;
use std::sync::Arc;

/// Code of an organisation: an ODS code where there is one. 1 to 64 of `A-Z a-z 0-9 . _ -`, starting with a
/// letter or digit, so that it is safe as a file name, a column value and a part of a URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrganisationId(Arc<str>);

/// Name of a source of telemetry, unique in the hub. The same characters as an [`OrganisationId`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(Arc<str>);

/// What is no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no code: 1 to 64 letters, digits, '.', '_' or '-', starting with a letter or digit")]
pub struct BadCode(pub String);

/// Level of an organisation in the tree, from the whole down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrganisationKind {
    /// The whole sector.
    Nation,
    /// A region of it.
    Region,
    /// An integrated care board.
    CareBoard,
    /// A trust, practice, care home, supplier.
    Organisation,
    /// One place of an organisation.
    Site,
}

/// An organisation of the sector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its code.
    pub id: OrganisationId,
    /// The one above it. `None`: the top of a tree.
    pub parent: Option<OrganisationId>,
    /// Its level.
    pub kind: OrganisationKind,
    /// What people call it.
    pub name: String,
}

/// Something that sends telemetry on behalf of one organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub id: SourceId,
    /// Whose events it sends.
    pub organisation: OrganisationId,
    /// Events a second that it may send in the long run. `None`: as many as come.
    pub rate: Option<u32>,
    /// Microseconds without an event after which it counts as silent. `None`: never.
    pub silent_after: Option<i64>,
}

macro_rules! code {
    ($name:ident) => {
        impl $name {
            /// Takes a code.
            ///
            /// # Errors
            /// It is empty, too long, or has other characters.
            pub fn new(code: &str) -> Result<Self, BadCode> {
                if is_code(code) {
                    Ok(Self(code.into()))
                } else {
                    Err(BadCode(code.chars().take(80).collect()))
                }
            }

            /// The code.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

code!(OrganisationId);
code!(SourceId);

impl OrganisationKind {
    /// All of them, from the whole down.
    pub const ALL: [Self; 5] = [Self::Nation, Self::Region, Self::CareBoard, Self::Organisation, Self::Site];

    /// As it is written in configuration, tables and interfaces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nation => "nation",
            Self::Region => "region",
            Self::CareBoard => "care_board",
            Self::Organisation => "organisation",
            Self::Site => "site",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

fn is_code(code: &str) -> bool {
    let mut bytes = code.bytes();
    code.len() <= 64
        && bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_safe_as_file_names_and_urls() {
        for good in ["RXX", "8HN21", "leeds-dc.1", "a_b", &"x".repeat(64)] {
            assert_eq!(OrganisationId::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "..", "-a", ".a", "a/b", "a b", "a\0", "caf\u{e9}", &"x".repeat(65)] {
            assert_eq!(SourceId::new(bad), Err(BadCode(bad.to_owned())), "{bad:?}");
        }
    }

    #[test]
    fn each_kind_is_found_by_its_name() {
        for kind in OrganisationKind::ALL {
            assert_eq!(OrganisationKind::named(kind.name()), Some(kind));
        }
        assert_eq!(OrganisationKind::named("galaxy"), None);
    }
}
