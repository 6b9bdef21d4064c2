//! When each device was last heard of, and which sources have fallen silent.
//!
//! Heartbeats are measurements: nobody did them, there are very many, and the ledger does not tell of them. A
//! replay after a crash can count some events twice; first and last times stay right.

use std::collections::BTreeMap;

use sqlx::any::AnyRow;
use ward_core::{Actor, OrganisationId, Scope, Source, SourceId, Timestamp};

use crate::reach::within;
use crate::sql::{Columns, Sql, rows_a_statement, values};
use crate::{Store, StoreError, sources};

/// The rule id of the alert that a silent source raises.
pub const SILENT_RULE: &str = "ward.source.silent";

/// The name of the device that is a source as a whole: with its events that name no device, last seen with its last
/// batch.
pub const WHOLE_SOURCE: &str = "";

/// How long a device that is heard of all the time may go without being recorded again, in microseconds. A source as
/// a whole does not.
pub const DEVICE_EVERY: i64 = 15 * 60 * 1_000_000;

/// What was heard of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// Whose device it is.
    pub organisation: OrganisationId,
    /// Who told of it.
    pub source: SourceId,
    /// The name it gives itself, or [`WHOLE_SOURCE`].
    pub device: String,
    /// Time of its first event.
    pub first_seen: Timestamp,
    /// Time of its last event.
    pub last_seen: Timestamp,
    /// How many events.
    pub events: u64,
}

/// A source that should have sent something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silent {
    /// The source.
    pub source: Source,
    /// When it was last heard of, or entered when it never was.
    pub since: Timestamp,
    /// Whether it was ever heard of.
    pub ever: bool,
}

/// Adds what was heard since the last call.
///
/// # Errors
/// The database fails.
pub async fn record(store: &Store, now: Timestamp, heard: &[Heartbeat]) -> Result<(), StoreError> {
    // One row a device: PostgreSQL refuses to update a row twice in one statement.
    let mut devices: BTreeMap<(&OrganisationId, &SourceId, &str), Heartbeat> = BTreeMap::new();
    for beat in heard {
        let key = (&beat.organisation, &beat.source, beat.device.as_str());
        devices.entry(key).and_modify(|known| known.add(beat)).or_insert_with(|| beat.clone());
    }
    if devices.is_empty() {
        return Ok(());
    }
    let by = Actor::ward("heartbeats");
    let mut change = store.change(&by, now).await?;
    let devices: Vec<Heartbeat> = devices.into_values().collect();
    for chunk in devices.chunks(rows_a_statement(6)) {
        let mut upsert = Sql::new(
            "INSERT INTO heartbeats (organisation, source, device, first_seen, last_seen, events) VALUES ",
        );
        upsert.tuples(chunk.iter().map(|beat| {
            values![
                &beat.organisation,
                &beat.source,
                &beat.device,
                beat.first_seen,
                beat.last_seen,
                beat.events
            ]
        }));
        upsert.push(
            " ON CONFLICT (organisation, source, device) DO UPDATE SET \
             first_seen = CASE WHEN excluded.first_seen < heartbeats.first_seen \
             THEN excluded.first_seen ELSE heartbeats.first_seen END, \
             last_seen = CASE WHEN excluded.last_seen > heartbeats.last_seen \
             THEN excluded.last_seen ELSE heartbeats.last_seen END, \
             events = heartbeats.events + excluded.events",
        );
        change.execute(upsert).await?;
    }
    change.commit_measurement().await
}

/// Devices that may be seen, by organisation, source and name, at most `limit`; `after` is the last of the page
/// before. A source as a whole is among them if it sent events that name no device.
///
/// # Errors
/// The database fails.
pub async fn list(
    store: &Store,
    scope: &Scope,
    after: Option<&Heartbeat>,
    limit: u32,
) -> Result<Vec<Heartbeat>, StoreError> {
    let mut select = Sql::new(
        "SELECT organisation, source, device, first_seen, last_seen, events FROM heartbeats \
         WHERE (device <> '' OR events > 0)",
    );
    if let Some(after) = after {
        select.push(" AND (organisation, source, device) > ");
        select.tuple(values![&after.organisation, &after.source, &after.device]);
    }
    within(&mut select, store.kind(), "organisation", scope);
    select.push(" ORDER BY organisation, source, device LIMIT ").bind(limit);
    store.rows(select).await?.iter().map(read).collect()
}

/// When whoever sent something was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hearing {
    /// Nobody could be heard before, so that no silence began before, either.
    pub since: Timestamp,
    /// All that came until then is recorded.
    pub until: Timestamp,
}

/// The enabled sources that have been silent for longer than they may, by name, as far as they could be heard.
///
/// # Errors
/// The database fails.
pub async fn silent(store: &Store, scope: &Scope, hearing: Hearing) -> Result<Vec<Silent>, StoreError> {
    let mut select = Sql::new(
        "SELECT id, organisation, rate, silent_after, enabled, created, \
         (SELECT MAX(h.last_seen) FROM heartbeats h WHERE h.source = sources.id) FROM sources \
         WHERE enabled = 1 AND silent_after IS NOT NULL",
    );
    within(&mut select, store.kind(), "organisation", scope);
    select.push(" ORDER BY id");
    let mut silent = Vec::new();
    for row in store.rows(select).await? {
        let entered = sources::read(&row)?;
        let heard = row.maybe_time(6)?;
        let since = heard.unwrap_or(entered.created);
        let pause = hearing.until.micros().saturating_sub(since.max(hearing.since).micros());
        if entered.source.silent_after.is_some_and(|longest| pause > longest) {
            silent.push(Silent { source: entered.source, since, ever: heard.is_some() });
        }
    }
    Ok(silent)
}

fn read(row: &AnyRow) -> Result<Heartbeat, StoreError> {
    Ok(Heartbeat {
        organisation: row.organisation(0)?,
        source: row.source(1)?,
        device: row.text(2)?,
        first_seen: row.time(3)?,
        last_seen: row.time(4)?,
        events: row.count(5)?,
    })
}

impl Hearing {
    /// All that came before `now` is recorded, and always was.
    pub fn ever(now: Timestamp) -> Self {
        Self { since: Timestamp::from_micros(i64::MIN), until: now }
    }
}

impl Heartbeat {
    fn add(&mut self, other: &Self) {
        self.first_seen = self.first_seen.min(other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
        self.events = self.events.saturating_add(other.events);
    }
}
