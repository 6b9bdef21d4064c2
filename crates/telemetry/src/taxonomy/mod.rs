//! What an event is: the log sources it belongs to and which fields mean the same, as data.
//!
//! The tables are TOML files beside this crate's source; a user's own files go on top. Each entry says:
//! when these fields have these values, the event is from these log sources (in the words of a Sigma
//! rule), and these fields may be read from those. Every entry that holds adds its log sources: a
//! registry delete is `registry_delete` and `registry_event`.
//!
//! [`Taxonomy`] holds the tables, gives the [`FieldNames`] that an event is searched for, and makes a
//! [`Resolver`], which gives each event its [`ward_core::EventClass`].
//!
//! Invariant: the class of an event is never less than what the tables say of it; limits cost
//! specialisation or time, never a log source.
//! Invariant: a constant of a class holds for each event of the class, to the byte.
//! Invariant: the work an event costs is bounded, whatever its values; fields of which every event has a
//! new value do not make new classes, except where the tables call them identity, and then to a limit.

mod clock;
mod columns;
#[cfg(test)]
mod corpus_tests;
mod evaluate;
mod file;
mod free_text;
mod names;
mod observables;
mod ocsf;
mod registry;
mod resolve;
mod slot;
mod table;
#[cfg(test)]
mod tests;

use ward_core::{FieldNames, LogSource};

use file::File;
pub use file::{MAX_FILE_BYTES, TaxonomyError};
pub use free_text::LOOKED_THROUGH;
pub use observables::{ObservableKind, Observables};
pub use ocsf::ocsf_class;
pub use registry::{MAX_CLASSES, MAX_GENERIC_CLASSES};
pub use resolve::Resolver;
use table::Table;

/// The tables: log sources, alternative fields, and the columns a responder asks for.
#[derive(Debug, Clone)]
pub struct Taxonomy {
    files: Vec<File>,
}

impl Taxonomy {
    /// The tables that come with Ward.
    ///
    /// # Errors
    /// None of these files is refused: a test reads them all.
    pub fn builtin() -> Result<Self, TaxonomyError> {
        let files =
            BUILTIN.iter().map(|(origin, text)| File::read(origin, text)).collect::<Result<_, _>>()?;
        Ok(Self { files })
    }

    /// Adds the tables of one TOML file. Its log sources are added to those known; its alternatives and
    /// columns are tried before those known. `origin` names the file in errors.
    ///
    /// # Errors
    /// The first entry that cannot be read or has no meaning; the tables are then as they were.
    pub fn extend(&mut self, origin: &str, toml_text: &str) -> Result<(), TaxonomyError> {
        self.files.push(File::read(origin, toml_text)?);
        Ok(())
    }

    /// The field names that events are searched for: those that the rules read, those that the tables
    /// decide by, and where else either may be found.
    ///
    /// # Errors
    /// [`TaxonomyError::TooManyNames`].
    pub fn field_names<'a>(
        &self,
        rule_fields: impl IntoIterator<Item = &'a str>,
    ) -> Result<FieldNames, TaxonomyError> {
        names::field_names(&self.files, rule_fields.into_iter().collect())
    }

    /// The fields that may hold observables: to be asked for beside those of the rules where
    /// [`Resolver::observables`] is wanted.
    pub fn observable_fields(&self) -> impl Iterator<Item = &str> {
        self.files.iter().flat_map(|file| file.observables.all()).map(String::as_str)
    }

    /// A resolver for events whose fields were searched for by `names`.
    ///
    /// # Errors
    /// `names` were not made by [`Taxonomy::field_names`] of these tables, or the tables ask for more than
    /// a resolver can tell apart.
    pub fn resolver(&self, names: &FieldNames) -> Result<Resolver, TaxonomyError> {
        Ok(Resolver::new(Table::new(&self.files, names)?))
    }

    /// Whether there are events that a rule with this log source applies to.
    pub fn can_reach(&self, rule: &LogSource) -> bool {
        self.files.iter().flat_map(|f| &f.sources).flat_map(|s| &s.is).any(|source| rule.covers(source))
    }
}

/// In the order in which entries are asked: what gives a field comes before what asks for it.
const BUILTIN: [(&str, &str); 7] = [
    ("shapes.toml", include_str!("../../taxonomy/shapes.toml")),
    ("windows.toml", include_str!("../../taxonomy/windows.toml")),
    ("unix.toml", include_str!("../../taxonomy/unix.toml")),
    ("cloud.toml", include_str!("../../taxonomy/cloud.toml")),
    ("network.toml", include_str!("../../taxonomy/network.toml")),
    ("applications.toml", include_str!("../../taxonomy/applications.toml")),
    ("health.toml", include_str!("../../taxonomy/health.toml")),
];
