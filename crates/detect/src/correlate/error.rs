//! What can go wrong when correlations are set up or restored.

/// Why correlations could not be set up or restored.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CorrelateError {
    /// More correlations than a state can name.
    #[error("{count} correlations are more than 65,535")]
    TooManyCorrelations {
        /// How many there are.
        count: usize,
    },
    /// A temporal correlation refers to more rules than its bit set has bits, or any to more than 65,535.
    #[error("correlation '{id}' refers to {count} rules; {most} are possible for its type")]
    TooManyReferences {
        /// The correlation.
        id: String,
        /// How many it refers to.
        count: usize,
        /// How many it may.
        most: usize,
    },
    /// The window is empty or longer than ten years.
    #[error("correlation '{id}' has a timespan of {micros} microseconds: not between 1 ms and ten years")]
    Timespan {
        /// The correlation.
        id: String,
        /// Its timespan.
        micros: i64,
    },
    /// Distinct values have to be kept up to the threshold.
    #[error("correlation '{id}' counts up to {need} distinct values; {most} are possible")]
    Threshold {
        /// The correlation.
        id: String,
        /// Its threshold.
        need: u64,
        /// The highest one.
        most: u64,
    },
    /// Chains branch into too many ways upwards from one reference.
    #[error("correlation '{id}' feeds others in more than {most} ways")]
    TooManyWays {
        /// The correlation.
        id: String,
        /// How many ways are possible.
        most: usize,
    },
    /// A correlation is reached again by following what it feeds.
    #[error("correlation '{id}' refers to itself through others, or to one that does not exist")]
    Circular {
        /// The correlation.
        id: String,
    },
    /// The bytes do not begin as a checkpoint does.
    #[error("the bytes are no correlation checkpoint")]
    NoCheckpoint,
    /// Its fingerprints were made with another secret.
    #[error("the checkpoint has another seed")]
    Seed,
    /// Written by a version that this one does not know.
    #[error("the checkpoint has version {version}, known is {known}")]
    Version {
        /// The version found.
        version: u16,
        /// The version this program writes.
        known: u16,
    },
    /// The bytes end early or say what cannot be.
    #[error("the checkpoint is damaged at byte {at}: {what}")]
    Damaged {
        /// Offset of the first byte that is wrong or missing.
        at: usize,
        /// What is wrong with it.
        what: &'static str,
    },
}
