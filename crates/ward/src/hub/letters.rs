//! Dead letters, kept within what is set: of each source the newest, and none that came too long ago.
//!
//! The clerk asks after each lot that it enters, so that no source has much more than is kept of one however fast it
//! sends; rounds do the rest.
//! Invariant: what was dropped is counted, in the ledger, and told in the log: a line a round for each source and
//! reason.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ward_core::{Actor, Scope, SourceId, Timestamp};
use ward_store::dead_letters::DeadLetter;
use ward_store::dropped_letters::{self, Bound, Dropped, Why};
use ward_store::{Store, StoreError, room};

use super::config::DeadLettersConfig;
use crate::clock::now;
use crate::detect::problems::chain;

/// Bytes of the database that stay free for what comes next.
const LEAVE: u64 = 32 << 20;
/// Most bytes that are given back to the disk in a round: others want to write, too.
const GIVE_BACK: u64 = 512 << 20;

/// What is kept, and what was dropped.
#[derive(Debug)]
pub struct Letters {
    /// Bytes that those of one source may take.
    most: u64,
    /// How long they are kept, in microseconds.
    age: i64,
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    /// What there is of a source, as the clerk knows it: never less than there is. A round forgets it, since others
    /// discard letters, too.
    of_source: HashMap<SourceId, Sum>,
    /// What there is of all.
    all: Sum,
    /// What was dropped and not told yet.
    untold: BTreeMap<(SourceId, Why), Sum>,
    /// How many were dropped, by why.
    dropped: BTreeMap<Why, u64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    letters: u64,
    bytes: u64,
}

/// Drops what is over and gives its room back, now and then, for ever.
pub async fn keep(letters: Arc<Letters>, store: Store, every: Duration) {
    loop {
        let done = letters.round(&store, now()).await;
        letters.tell();
        let done = match done {
            Ok(()) => room::give_back(&store, LEAVE, GIVE_BACK).await.map(drop),
            failed => failed,
        };
        if let Err(error) = done {
            tracing::error!(error = %chain(&error), "could not tidy up dead letters; trying again later");
        }
        tokio::time::sleep(every).await;
    }
}

impl Letters {
    /// Of which nothing is known yet.
    pub fn new(config: &DeadLettersConfig) -> Self {
        Self {
            most: config.megabytes_of_source << 20,
            age: i64::from(config.days).saturating_mul(DAY),
            books: Mutex::default(),
        }
    }

    /// Notes letters that were just entered. Tells of which sources there are too many now, or may be.
    pub fn entered(&self, letters: &[DeadLetter]) -> BTreeSet<SourceId> {
        let mut books = self.books();
        let mut over = BTreeSet::new();
        for letter in letters {
            let one = Sum { letters: 1, bytes: letter.content.len() as u64 };
            books.all.add(one);
            let known = books.of_source.get_mut(&letter.source).map(|sum| {
                sum.add(one);
                dropped_letters::room(sum.letters, sum.bytes)
            });
            if known.is_none_or(|room| room > self.most) && !over.contains(&letter.source) {
                over.insert(letter.source.clone());
            }
        }
        over
    }

    /// Drops the oldest of a source, if there are too many.
    ///
    /// # Errors
    /// The store fails.
    pub async fn make_room(
        &self,
        store: &Store,
        now: Timestamp,
        source: &SourceId,
    ) -> Result<(), StoreError> {
        self.drop_over(store, now, source, Bound::Room(self.most)).await?;
        let kept = dropped_letters::kept(store, &Scope::whole_sector(), Some(source)).await?;
        let sum = kept.first().map(|kept| Sum { letters: kept.letters, bytes: kept.bytes });
        self.books().of_source.insert(source.clone(), sum.unwrap_or_default());
        Ok(())
    }

    /// Drops what is too old, and of each source what is too much.
    ///
    /// # Errors
    /// The store fails.
    pub async fn round(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let since = Timestamp::from_micros(now.micros().saturating_sub(self.age));
        let all = Scope::whole_sector();
        for kept in dropped_letters::kept(store, &all, None).await? {
            if kept.oldest < since {
                self.drop_over(store, now, &kept.source, Bound::Since(since)).await?;
            }
            if kept.room() > self.most {
                self.drop_over(store, now, &kept.source, Bound::Room(self.most)).await?;
            }
        }
        let mut sum = Sum::default();
        for kept in dropped_letters::kept(store, &all, None).await? {
            sum.add(Sum { letters: kept.letters, bytes: kept.bytes });
        }
        let mut books = self.books();
        books.all = sum;
        books.of_source.clear();
        Ok(())
    }

    /// Tells what was dropped since it was told last.
    pub fn tell(&self) {
        let untold = std::mem::take(&mut self.books().untold);
        for ((source, why), Sum { letters, bytes }) in untold {
            let what = match why {
                Why::Age => "dropped dead letters: they are older than they are kept",
                Why::Quota => {
                    "dropped the oldest dead letters of a source: there are more than are kept of one"
                }
            };
            tracing::warn!(%source, why = why.name(), letters, bytes, "{what}");
        }
    }

    /// What is counted, as Prometheus reads it.
    pub fn text(&self) -> String {
        let books = self.books();
        let mut text = String::new();
        for (name, help, value) in [
            ("ward_dead_letters", "Records that are set aside", books.all.letters),
            ("ward_dead_letters_bytes", "Bytes of them", books.all.bytes),
        ] {
            let _ = writeln!(text, "# HELP {name} {help}.\n# TYPE {name} gauge\n{name} {value}");
        }
        let name = "ward_dead_letters_dropped_total";
        let _ = writeln!(text, "# HELP {name} Those that were dropped since.\n# TYPE {name} counter");
        for why in Why::ALL {
            let count = books.dropped.get(&why).copied().unwrap_or_default();
            let _ = writeln!(text, "{name}{{why=\"{}\"}} {count}", why.name());
        }
        text
    }

    async fn drop_over(
        &self,
        store: &Store,
        now: Timestamp,
        source: &SourceId,
        bound: Bound,
    ) -> Result<(), StoreError> {
        let (by, all) = (Actor::ward("keeper"), Scope::whole_sector());
        loop {
            let went = dropped_letters::drop_oldest(store, &by, now, &all, source, bound).await?;
            if went.is_empty() {
                return Ok(());
            }
            self.note(&went);
        }
    }

    fn note(&self, went: &[Dropped]) {
        let mut books = self.books();
        for Dropped { source, why, letters, bytes, .. } in went {
            let sum = Sum { letters: *letters, bytes: *bytes };
            books.untold.entry((source.clone(), *why)).or_default().add(sum);
            *books.dropped.entry(*why).or_default() += letters;
            books.all.letters = books.all.letters.saturating_sub(*letters);
            books.all.bytes = books.all.bytes.saturating_sub(*bytes);
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.letters += other.letters;
        self.bytes += other.bytes;
    }
}

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

#[cfg(test)]
mod tests {

    use ward_core::{BatchId, EventId, OrganisationId};
    use ward_store::dead_letters;
    use ward_store::{StoreOptions, ledger};

    use super::*;

    const NOON: Timestamp = Timestamp::from_micros(1_772_020_800_000_000);

    fn letter(batch: u64, source: &str, days_old: i64, bytes: usize) -> DeadLetter {
        DeadLetter {
            id: EventId { batch: BatchId(batch), index: 0 },
            organisation: OrganisationId::new("RXX").unwrap(),
            source: SourceId::new(source).unwrap(),
            received: Timestamp::from_micros(NOON.micros() - days_old * DAY),
            format: "ndjson".to_owned(),
            reason: "json-syntax".to_owned(),
            detail: String::new(),
            content: vec![b'x'; bytes],
        }
    }

    /// A megabyte of a source, for two days.
    fn a_megabyte() -> Letters {
        Letters::new(&DeadLettersConfig { megabytes_of_source: 1, days: 2 })
    }

    async fn store(folder: &tempfile::TempDir) -> Store {
        let url = Store::url_of(&folder.path().join("ward.db"));
        Store::open(&url, StoreOptions::default()).await.unwrap()
    }

    /// As the clerk does it.
    async fn enter(letters: &Letters, store: &Store, lot: &[DeadLetter]) {
        dead_letters::set_aside(store, &Actor::ward("watch"), NOON, lot).await.unwrap();
        for source in letters.entered(lot) {
            letters.make_room(store, NOON, &source).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_flood_is_held_back_as_it_comes_and_costs_others_nothing() {
        let folder = crate::hub::trials::folder();
        let (store, letters) = (store(&folder).await, a_megabyte());
        enter(&letters, &store, &[letter(1, "quiet", 0, 900_000)]).await;
        let source = SourceId::new("loud").unwrap();
        for lot in 0..40 {
            let lot: Vec<_> = (0..10).map(|nth| letter(100 + lot * 10 + nth, "loud", 0, 10_000)).collect();
            enter(&letters, &store, &lot).await;
            let loud = dropped_letters::kept(&store, &Scope::whole_sector(), Some(&source)).await.unwrap();
            assert!(loud[0].room() <= 1 << 20, "{loud:?}");
        }
        let kept = dropped_letters::kept(&store, &Scope::whole_sector(), None).await.unwrap();
        assert_eq!((kept.len(), kept[1].letters), (2, 1));
        assert!(kept[0].letters > 80, "most of what may stay does: {kept:?}");
        let text = letters.text();
        let went = 400 - kept[0].letters;
        let expected = format!("ward_dead_letters_dropped_total{{why=\"quota\"}} {went}\n");
        assert!(text.contains(&expected), "{text}");
        assert!(text.contains(&format!("ward_dead_letters {}\n", kept[0].letters + 1)), "{text}");
        // Each lot enters itself; only some had to make room.
        let entries = ledger::entries(&store, &Scope::whole_sector(), 0, 1_000).await.unwrap();
        let drops = entries.iter().filter(|entry| entry.action == "dead_letter.drop").count();
        assert!((10..20).contains(&drops), "{drops}");
    }

    #[tokio::test]
    async fn a_round_drops_what_is_too_old_and_what_an_earlier_run_left_too_much_of() {
        let folder = crate::hub::trials::folder();
        let (store, letters) = (store(&folder).await, a_megabyte());
        let lot = [
            letter(1, "old", 3, 10),
            letter(2, "old", 2, 10),
            letter(3, "much", 1, 900_000),
            letter(4, "much", 0, 900_000),
        ];
        dead_letters::set_aside(&store, &Actor::ward("watch"), NOON, &lot).await.unwrap();
        letters.round(&store, NOON).await.unwrap();
        let kept = dropped_letters::kept(&store, &Scope::whole_sector(), None).await.unwrap();
        let kept: Vec<_> = kept.iter().map(|kept| (kept.source.as_str(), kept.letters)).collect();
        assert_eq!(kept, [("much", 1), ("old", 1)]);
        let text = letters.text();
        assert!(text.contains("{why=\"age\"} 1\n") && text.contains("{why=\"quota\"} 1\n"), "{text}");
        assert!(text.contains("ward_dead_letters_bytes 900010\n"), "{text}");
        assert_eq!(letters.books().untold.len(), 2);
        letters.tell();
        assert!(letters.books().untold.is_empty());
    }

    #[test]
    fn only_of_whom_there_may_be_too_many_room_is_asked_for() {
        let letters = a_megabyte();
        let source = SourceId::new("s").unwrap();
        assert!(letters.entered(&[letter(1, "s", 0, 10)]).contains(&source), "nothing was known of it");
        letters.books().of_source.insert(source.clone(), Sum::default());
        assert!(letters.entered(&[letter(2, "s", 0, 10)]).is_empty());
        assert!(letters.entered(&[letter(3, "s", 0, 1 << 20)]).contains(&source));
    }
}
