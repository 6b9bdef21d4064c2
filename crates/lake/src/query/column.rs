//! Names that a query may use for what the lake has a column of.

/// What the lake keeps of each event beside its original bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// Whose event it is.
    Organisation,
    /// Its number, `batch.index`.
    Id,
    /// When it happened.
    Time,
    /// When it came.
    Received,
    /// Who sent it.
    Source,
    /// In which format it came.
    Format,
    /// The device it happened on.
    Device,
    /// The user it is about.
    User,
    /// OCSF class.
    ClassUid,
    /// Log source.
    LogSource,
    /// IP addresses in it.
    Addresses,
    /// Hashes of files in it.
    Hashes,
    /// Domain names in it.
    Domains,
    /// URLs in it.
    Urls,
    /// Device, user, or any of the lists.
    Observable,
}

impl Column {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Organisation,
        Self::Id,
        Self::Time,
        Self::Received,
        Self::Source,
        Self::Format,
        Self::Device,
        Self::User,
        Self::ClassUid,
        Self::LogSource,
        Self::Addresses,
        Self::Hashes,
        Self::Domains,
        Self::Urls,
        Self::Observable,
    ];

    /// Its name: in canonical queries, and in SQL where it has a column of its own.
    pub const fn name(self) -> &'static str {
        self.names()[0]
    }

    /// All names that a query may use for it.
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Organisation => &["organisation", "org"],
            Self::Id => &["id"],
            Self::Time => &["time"],
            Self::Received => &["received"],
            Self::Source => &["source"],
            Self::Format => &["format"],
            Self::Device => &["device", "host"],
            Self::User => &["user"],
            Self::ClassUid => &["class_uid", "class"],
            Self::LogSource => &["log_source", "logsource"],
            Self::Addresses => &["addresses", "ip", "address"],
            Self::Hashes => &["hashes", "hash"],
            Self::Domains => &["domains", "domain"],
            Self::Urls => &["urls", "url"],
            Self::Observable => &["observable", "any"],
        }
    }

    /// The column of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.names().contains(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_stands_for_two_columns() {
        for column in Column::ALL {
            for name in column.names() {
                assert_eq!(Column::named(name), Some(column), "{name}");
            }
        }
        assert_eq!(Column::named("User"), None, "a field of the event, not the column");
    }
}
