//! Why a command could not be carried out. Each text finishes the sentence "ward could not ...".

use std::path::PathBuf;

use thiserror::Error;

/// Why a command could not be carried out at all.
#[derive(Debug, Error)]
pub enum Error {
    /// A file or folder cannot be read.
    #[error("read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no hub's store where the configuration says.
    #[error(
        "find a hub's data: there is no {0}; name its configuration with --config or WARD_CONFIG, or begin one \
         with `ward organisation add`"
    )]
    NoHub(PathBuf),
    /// The templates of the console cannot be understood.
    #[error("make the pages of the console")]
    Pages(#[source] ward_pages::PagesError),
    /// Output cannot be written.
    #[error("write its output")]
    Write(#[source] std::io::Error),
    /// A file of placeholder values is not as it should be.
    #[error("use the placeholders of {path}")]
    Placeholders {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: ward_detect::placeholders::PlaceholderError,
    },
    /// A table of log sources is not as it should be.
    #[error("use the tables of log sources")]
    Taxonomy(#[from] ward_telemetry::taxonomy::TaxonomyError),
    /// A pipeline is not as it should be.
    #[error("use a pipeline")]
    Pipeline(#[from] ward_detect::pipeline::PipelineError),
    /// `--rule` names a rule that is not loaded.
    #[error("find a loaded rule with the id or name '{0}'")]
    UnknownRule(String),
    /// The time asked for is none.
    #[error("scan from {from} to {to}: --to must be later than --from")]
    NoTime {
        /// `--from`.
        from: ward_core::Timestamp,
        /// `--to`.
        to: ward_core::Timestamp,
    },
    /// There is not one rule to work with.
    #[error("load any rule from {0}")]
    NoRules(String),
    /// The event to explain is not there.
    #[error("find record {record} in {source_name}; it has {count} events")]
    NoSuchRecord {
        /// The record asked for.
        record: u64,
        /// Where.
        source_name: String,
        /// How many events there are.
        count: u64,
    },
    /// The event to explain cannot be read.
    #[error("read events from {path}")]
    Input {
        /// Where.
        path: String,
        /// What is wrong with it.
        source: ward_telemetry::Error,
    },
    /// The configuration is not as it should be.
    #[error("use the configuration {path}: {reason}")]
    Config {
        /// File or setting.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A setting cannot be what it is.
    #[error("use the configuration: {0}")]
    Setting(crate::hub::config::Wrong),
    /// Another hub works in the folder.
    #[error(
        "start: another process still works in {}; if it is a hub, stop it (`systemctl stop ward`), or give this one \
         another [data] folder",
        .0.display()
    )]
    Occupied(PathBuf),
    /// What was asked for has no meaning.
    #[error("{0}")]
    Asked(String),
    /// A file cannot be written.
    #[error("write {path}")]
    WriteFile {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file or folder cannot be removed.
    #[error("remove {path}")]
    Remove {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A table of organisations is not as it should be.
    #[error("use the table {path}: {reason}")]
    Table {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An organisation is not there.
    #[error("find the organisation {code}")]
    Organisation {
        /// Its code.
        code: ward_core::OrganisationId,
        /// What the store said.
        source: ward_store::StoreError,
    },
    /// A file holds no certificate.
    #[error("use the certificate {path}: {reason}")]
    Certificate {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A filter is none.
    #[error("use the filter {0}")]
    Filter(String),
    /// A query is none.
    #[error(transparent)]
    Query(ward_lake::QueryError),
    /// The hub cannot be used.
    #[error("use the hub {url}: {reason}")]
    Hub {
        /// Where it is said to be.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// A backup cannot be made, or is not what its manifest says.
    #[error("go on with the backup: {0}")]
    Backup(String),
    /// The store cannot be used.
    #[error("use the store")]
    Store(#[from] ward_store::StoreError),
    /// The journal cannot be used.
    #[error("use the journal")]
    Journal(#[from] ward_journal::JournalError),
    /// The lake cannot be used.
    #[error("use the lake")]
    Lake(#[from] ward_lake::LakeError),
    /// The listeners cannot be started.
    #[error("start the listeners")]
    Intake(#[from] ward_intake::IntakeError),
    /// A thread cannot be started.
    #[error("start a thread")]
    Thread(#[source] std::io::Error),
    /// The correlations cannot be run.
    #[error("run the correlations")]
    Correlate(#[source] Box<dyn std::error::Error + Send + Sync>),
}
