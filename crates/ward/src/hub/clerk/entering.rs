//! What the clerk enters into the store, and what becomes of what the store does not take.

use std::collections::HashSet;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde_json::json;
use ward_core::{Actor, BatchId, EventId, Timestamp};
use ward_store::dead_letters::{self, DeadLetter};
use ward_store::findings::{self, Finding};
use ward_store::{Store, StoreError};

use super::{Clerk, TOGETHER};
use crate::detect::problems::chain;

/// Why something was not entered.
#[derive(Debug)]
pub(super) enum Undone {
    /// The hub stops.
    Stopped,
    /// The store will never take it.
    Never(String),
}

/// The hub stops.
struct Stopped;

impl Clerk {
    /// Enters what was found into the store. `false`: the hub stops, and all of it waits in vain.
    pub(super) fn enter(&mut self) -> bool {
        self.since = None;
        let findings = std::mem::take(&mut self.findings);
        let entered = findings.chunks(TOGETHER).try_for_each(|chunk| self.enter_findings(chunk));
        if entered.is_err() {
            // Nobody may take them for entered: their segment stays in the journal.
            self.findings = findings;
            return false;
        }
        let letters = std::mem::take(&mut self.undecodable);
        let entered = letters.chunks(TOGETHER).try_for_each(|chunk| self.enter_letters(chunk));
        if entered.is_err() {
            self.undecodable = letters;
        }
        entered.is_ok()
    }

    /// Enters findings; where the store does not take all of them, those that it takes. What it will never take
    /// is set aside.
    fn enter_findings(&mut self, chunk: &[Finding]) -> Result<(), Stopped> {
        let by = Actor::ward("watch");
        let recorded =
            self.insist("enter findings", async |store, now| findings::record(store, &by, now, chunk).await);
        let recorded = match (recorded, chunk) {
            (Ok(recorded), _) => recorded,
            (Err(Undone::Stopped), _) => return Err(Stopped),
            (Err(Undone::Never(why)), [one]) => {
                self.undecodable.push(unstorable(one, why));
                return Ok(());
            }
            (Err(Undone::Never(_)), several) => {
                let (some, others) = several.split_at(several.len() / 2);
                self.enter_findings(some)?;
                return self.enter_findings(others);
            }
        };
        let now = (self.now)();
        let new: HashSet<_> = recorded.new.iter().collect();
        for finding in chunk.iter().filter(|finding| new.contains(&finding.id)) {
            self.figures.found(finding.level, finding.received, now);
        }
        self.figures.alerts.fetch_add(recorded.opened.len() as u64, Relaxed);
        Ok(())
    }

    /// Sets letters aside; where the store does not take all of them, those that it takes.
    fn enter_letters(&mut self, chunk: &[DeadLetter]) -> Result<(), Stopped> {
        let by = Actor::ward("watch");
        let set_aside = self.insist("set undecodable records aside", async |store, now| {
            dead_letters::set_aside(store, &by, now, chunk).await
        });
        match (set_aside, chunk) {
            (Ok(_), _) => {
                self.make_room(chunk);
                Ok(())
            }
            (Err(Undone::Stopped), _) => Err(Stopped),
            (Err(Undone::Never(why)), [one]) => {
                let DeadLetter { id, organisation, source, reason, content, .. } = one;
                let bytes = content.len();
                self.figures.unstorable.fetch_add(1, Relaxed);
                tracing::error!(%id, %organisation, %source, reason, bytes, why, "could not set a record aside: it is lost");
                Ok(())
            }
            (Err(Undone::Never(_)), several) => {
                let (some, others) = several.split_at(several.len() / 2);
                self.enter_letters(some)?;
                self.enter_letters(others)
            }
        }
    }

    /// Drops the oldest letters of sources of which there are too many, now that these were entered.
    fn make_room(&self, entered: &[DeadLetter]) {
        let letters = &self.post.letters;
        for source in letters.entered(entered) {
            let made = self
                .insist("drop dead letters", async |store, now| letters.make_room(store, now, &source).await);
            // The rounds of the next start do it.
            if matches!(made, Err(Undone::Stopped)) {
                return;
            }
        }
    }

    /// Does it until it is done.
    ///
    /// # Errors
    /// The hub stops, or it can never be done, which was told.
    pub(super) fn insist<T>(
        &self,
        what: &str,
        work: impl AsyncFn(&Store, Timestamp) -> Result<T, StoreError>,
    ) -> Result<T, Undone> {
        let mut pause = Duration::from_millis(50);
        loop {
            let error = match self.runtime.block_on(work(&self.store, (self.now)())) {
                Ok(done) => {
                    self.figures.store_failing.store(false, Relaxed);
                    return Ok(done);
                }
                Err(error) => error,
            };
            if error.is_about_the_data() {
                let why = chain(&error);
                tracing::error!(error = why, "could not {what}: the store will never take it as it is");
                return Err(Undone::Never(why));
            }
            if !self.figures.store_failing.swap(true, Relaxed) {
                tracing::error!(error = %chain(&error), "could not {what}; trying again until it can be done");
            }
            if self.stopped() {
                return Err(Undone::Stopped);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }
}

/// The letter of a finding that the store does not take.
fn unstorable(finding: &Finding, why: String) -> DeadLetter {
    let Finding { organisation, source, events, rule, level, host, user, time, received, matched, .. } =
        finding;
    let told = json!({
        "finding": finding.id.to_string(),
        "rule": { "id": rule.id, "title": rule.title },
        "level": level.to_string(),
        "time": time.to_string(),
        "host": host,
        "user": user,
        "events": events.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "matched": matched,
    });
    // A place in the batch that no record has, and as a rule no other finding of it.
    let [low, high, ..] = finding.id.0;
    let index = u32::MAX - u32::from(u16::from_le_bytes([low, high]));
    let batch = events.first().map_or(BatchId(0), |event| event.batch);
    DeadLetter {
        id: EventId { batch, index },
        organisation: organisation.clone(),
        source: source.clone(),
        received: *received,
        format: "finding".to_owned(),
        reason: "unstorable".to_owned(),
        detail: why,
        content: told.to_string().into_bytes(),
    }
}
