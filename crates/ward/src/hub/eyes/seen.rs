//! What comes of looking at a frame.

use std::collections::HashMap;

use ward_core::{EventId, OrganisationId, SourceId, Timestamp};
use ward_detect::correlate::{Reduced, Skipped};
use ward_lake::LakeError;
use ward_store::dead_letters::DeadLetter;
use ward_store::findings::Finding;
use ward_store::segments::BatchName;

use crate::told::Told;

/// What a frame came to.
#[derive(Debug, Default)]
pub struct Seen {
    /// Events that were decoded.
    pub events: u64,
    /// Bytes of the records.
    pub bytes: u64,
    /// What rules found.
    pub findings: Vec<Finding>,
    /// What could not be decoded.
    pub undecodable: Vec<DeadLetter>,
    /// What the correlations are to hear, in the order of the events.
    pub sightings: Vec<Lane>,
    /// Matches that meant nothing to correlations.
    pub skipped: Skipped,
    /// Who sent events of which devices.
    pub heartbeats: Vec<Heartbeats>,
    /// What senders called the batches.
    pub names: Vec<BatchName>,
    /// When the last of them came.
    pub received: Option<Timestamp>,
    /// The lake could not take a row.
    pub lake: Option<LakeError>,
}

/// Sightings that are correlated together.
#[derive(Debug)]
pub struct Lane {
    /// Whose.
    pub key: LaneKey,
    /// The event.
    pub event: EventId,
    /// Who sent it.
    pub source: SourceId,
    /// When it came.
    pub received: Timestamp,
    /// What a correlation would tell of it.
    pub told: Told,
    /// Its sightings.
    pub sightings: Vec<Reduced>,
}

/// What is correlated together: the events of an organisation that happen now, and by itself what one source
/// delivers late, such as old files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneKey {
    /// Whose events.
    pub organisation: OrganisationId,
    /// The source that delivers late. `None`: what happens now.
    pub late: Option<SourceId>,
}

/// The devices that a batch tells of, if any.
#[derive(Debug)]
pub struct Heartbeats {
    /// Whose.
    pub organisation: OrganisationId,
    /// Who sent their events.
    pub source: SourceId,
    /// When.
    pub received: Timestamp,
    /// How many events of which device, by its name as events have it. Empty: they name none.
    pub devices: Devices,
}

/// How many events of which device.
pub type Devices = HashMap<Box<str>, u64, foldhash::fast::RandomState>;
