//! What goes into the correlator and what comes out.

use ward_core::Timestamp;

/// The fields of an event, by the numbers that [`super::Reducer::fields`] gives them.
pub trait Fields {
    /// Appends the first text value of the field to `text`. `false`: the event has none.
    fn read(&self, field: usize, text: &mut Vec<u8>) -> bool;
}

/// A detection rule matched an event.
#[derive(Clone, Copy)]
pub struct Sighting<'a> {
    /// Index of the rule.
    pub rule: usize,
    /// When the event happened.
    pub time: Timestamp,
    /// The event's fields.
    pub fields: &'a dyn Fields,
    /// Whatever the caller needs to find the event again. Also orders events of the same microsecond in
    /// a [`super::Reorder`].
    pub evidence: u64,
}

/// A sighting of one correlation, without the event: what matching threads hand to the one correlator.
/// 48 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reduced {
    /// When the event happened, in microseconds since the epoch.
    pub(super) time: i64,
    /// Fingerprint of the group values. 0: one was missing.
    pub(super) key: u64,
    /// Fingerprint of the value to count, or the bits of the number to compute with, or the reference.
    pub(super) value: u64,
    /// The caller's handle.
    pub(super) evidence: u64,
    /// What correlations fed by this one need of the event.
    pub(super) carried: Option<Box<Carried>>,
    pub(super) correlation: u16,
    pub(super) reference: u16,
}

impl Reduced {
    /// When the event happened.
    pub const fn time(&self) -> Timestamp {
        Timestamp::from_micros(self.time)
    }

    /// Index of the correlation it is a sighting of.
    pub const fn correlation(&self) -> usize {
        self.correlation as usize
    }

    /// Fingerprint of the correlation and the group, as [`Correlated::key`].
    pub const fn key(&self) -> u64 {
        self.key
    }
}

/// Keys and values, in the correlations above, of an event that feeds a correlation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Carried {
    /// The route it came in by.
    pub route: u32,
    /// Which step of that route the sighting is of.
    pub step: u32,
    /// Key and value of each step of the route.
    pub words: Vec<(u64, u64)>,
}

/// A correlation fired for a key.
#[derive(Debug, Clone, PartialEq)]
pub struct Correlated {
    /// Index of the correlation.
    pub correlation: usize,
    /// When: the time of the sighting that fulfilled the condition, or the end of the window whose
    /// content was decided at its end.
    pub time: Timestamp,
    /// Names and values of the group. Empty if they are not at hand (reduced sightings, windows decided
    /// at their end); [`super::Correlator::name_group`] reads them from the event behind the last handle
    /// of `evidence`.
    pub group: Vec<(String, String)>,
    /// Fingerprint of the correlation and the group: the same for the same group.
    pub key: u64,
    /// Sightings in the window.
    pub count: u64,
    /// What the condition was asked of: the count, distinct values, references, sum, mean or percentile.
    /// Counts may be told as lower than they are, but never on the other side of a bound.
    pub value: f64,
    /// Handles of the latest sightings that led to it, oldest first, as many as are remembered. The last
    /// is that of the sighting that came last.
    pub evidence: Vec<u64>,
    /// First sighting in the window, to the millisecond.
    pub first: Timestamp,
    /// Last sighting in the window, to the millisecond.
    pub last: Timestamp,
    /// Where the group values are to be read: route and step.
    pub(super) source: (u32, u32),
}
