//! What the correlator may use, and what it counted while doing so.

/// Bounds of a [`super::Correlator`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How far behind the watermark an event may be and still count, in microseconds. The watermark is
    /// the latest event time seen or told. 5 minutes unless changed,
    /// a year at most.
    pub lateness: i64,
    /// How far ahead of the last [`super::Correlator::advance`] an event's time may be, in microseconds;
    /// what claims to be later is dropped and counted, so that one wrong clock cannot make all others
    /// late. `None`: any time is believed, as a scan of old files must.
    pub ahead: Option<i64>,
    /// Most keys tracked at once. Above it, the keys idle longest in the same shard are forgotten.
    pub keys: usize,
    /// Most sightings kept at once in states that outgrew their slot (4 to 56 bytes each).
    pub sightings: usize,
    /// Most sightings kept for one key; 4,096 unless changed, or four times the threshold if that is
    /// more (for `value_count`). The module documentation says what happens above.
    pub key_sightings: usize,
    /// Most evidence handles told with a finding.
    pub evidence: usize,
    /// Sightings whose evidence is remembered for keys of few sightings, 20 bytes each.
    pub trail: usize,
    /// Secret of the fingerprints: whoever does not know it cannot make keys that collide. Kept in
    /// checkpoints.
    pub seed: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lateness: 5 * 60 * 1_000_000,
            ahead: None,
            keys: 64 << 20,
            sightings: 64 << 20,
            key_sightings: 4096,
            evidence: 10,
            trail: 1 << 20,
            seed: 0,
        }
    }
}

/// What a correlator holds and what it counted since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Keys tracked now.
    pub keys: usize,
    /// Of these, keys that outgrew their slot.
    pub grown: usize,
    /// Bytes held now, by own account.
    pub bytes: usize,
    /// Sightings that came in, those of chained correlations included.
    pub sightings: u64,
    /// Findings and firings that only fed other correlations.
    pub fired: u64,
    /// Keys forgotten because a limit was reached.
    pub evicted: u64,
    /// Sightings dropped because they were later than allowed.
    pub late: u64,
    /// Sightings dropped because they claimed to be from the future.
    pub ahead: u64,
    /// Sightings that did not count because a field to group by was missing.
    pub ungrouped: u64,
    /// Sightings that did not count because the field to count, sum or average was missing or no number.
    pub unvalued: u64,
    /// Sightings forgotten before their time because one key had too many.
    pub folded: u64,
}
