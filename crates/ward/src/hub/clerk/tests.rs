//! What the clerk enters, and when a segment is done.

use std::sync::atomic::AtomicBool;

use arc_swap::ArcSwap;
use ward_core::{OrganisationId, Scope, Source, SourceId};
use ward_journal::faulty::FaultyDisk;
use ward_journal::{Item, Journal};
use ward_lake::{Lake, WriteOptions};
use ward_store::sources;

use super::*;
use crate::hub::engine::{Engine, Exceptions, RulePlaces};
use crate::hub::eyes::Eyes;
use crate::hub::letters::Letters;
use crate::hub::trials::{batch, configure, enter_senders, folder};

/// A clerk, and somebody who looks at what is in the journal, frame by frame.
struct Office {
    clerk: Clerk,
    eyes: Eyes,
    reader: ward_journal::Reader,
    engine: Arc<Engine>,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

/// These batches wait in the journal, each by itself.
fn office(batches: impl Iterator<Item = ward_core::Batch>) -> Office {
    let folder = folder();
    let config = configure(folder.path(), 1);
    let places = RulePlaces { rules: config.watch.rules.clone(), ..RulePlaces::default() };
    let engine = Arc::new(Engine::load(&places, 0, 1).unwrap());
    let (journal, _) = Journal::open(Arc::new(FaultyDisk::new()), Options::default()).unwrap();
    for batch in batches {
        journal.append_and_wait(batch, None).unwrap();
    }
    let post = Post {
        journal: Arc::new(journal),
        engine: Arc::new(ArcSwap::new(Arc::clone(&engine))),
        exceptions: Arc::new(ArcSwap::new(Arc::new(Exceptions::default()))),
        lake: Lake::new(config.lake()),
        letters: Arc::new(Letters::new(&config.dead_letters)),
        write: WriteOptions::default(),
        workers: 1,
        awaited: Arc::default(),
        stop: Arc::new(AtomicBool::new(false)),
        closed: Arc::new(AtomicBool::new(false)),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = config.store_url();
    let store = runtime.block_on(Store::open(&url, ward_store::StoreOptions::default())).unwrap();
    let source = Source {
        id: SourceId::new("rxx").unwrap(),
        organisation: OrganisationId::new("RXX").unwrap(),
        rate: None,
        silent_after: Some(sources::SHORTEST_SILENCE),
    };
    runtime.block_on(enter_senders(&config));
    let (by, now) = (Actor::operator("test".to_owned()), crate::clock::now());
    runtime.block_on(sources::put(&store, &by, now, &source)).unwrap();
    let (again, _) = std::sync::mpsc::channel();
    let correlators = Correlators::new(Arc::clone(&engine), Duration::from_secs(10));
    let (figures, now) = (Arc::default(), crate::clock::now);
    let reader = post.journal.reader(Position::START);
    let handle = runtime.handle().clone();
    let clerk = Clerk::new(post, store, handle, now, figures, correlators, again);
    Office { clerk, eyes: Eyes::new(Arc::clone(&engine)), reader, engine, runtime, _folder: folder }
}

impl Office {
    /// Has the next frame looked at. `false`: there is none.
    fn look(&mut self) -> bool {
        let Some(Item::Frame(frame)) = self.reader.next().unwrap() else { return false };
        let seen =
            self.eyes.look(&frame, &self.engine, &Exceptions::default(), None, true, &Default::default());
        self.clerk.seen(seen, frame.next_position);
        true
    }

    /// Some seconds pass.
    fn tick(&mut self) {
        self.clerk.advanced -= Duration::from_secs(6);
        self.clerk.tick();
    }
}

fn after(time: i64, seconds: i64) -> Timestamp {
    Timestamp::from_micros(time + seconds * 1_000_000)
}

#[test]
fn what_waited_in_the_journal_through_an_outage_is_not_too_late_to_be_correlated() {
    // A user's third event came a while after the first two, and all of them an hour ago.
    let an_hour_ago = crate::clock::now().micros() - 3_600_000_000;
    let came = [(0, 0), (2, 10)].map(|(nth, seconds)| batch(nth, after(an_hour_ago, seconds)));
    let mut office = office(came.into_iter());
    while office.look() {
        office.tick();
    }
    let clerk = &office.clerk;
    let found = clerk.findings.iter().filter(|finding| finding.rule.id == "thrice").count();
    assert_eq!(found, 1);
    let an_hour = clerk.time_heard().unwrap().micros() - an_hour_ago;
    assert!(an_hour >= 3_600_000_000, "nothing waits, so it is now again");
}

#[test]
fn sources_are_heard_of_as_far_as_the_journal_was_looked_at_and_no_further() {
    let an_hour_ago = crate::clock::now().micros() - 3_600_000_000;
    let mut unreadable = batch(2, after(an_hour_ago, 20));
    unreadable.payload = b"no json".to_vec();
    let mut office = office([batch(0, after(an_hour_ago, 0)), unreadable].into_iter());
    let heard = |office: &Office| {
        let hearing = heartbeats::Hearing::ever(after(crate::clock::now().micros(), 3_600));
        let all = Scope::whole_sector();
        let silent = heartbeats::silent(&office.clerk.store, &all, hearing);
        let silent = office.runtime.block_on(silent).unwrap().remove(0);
        (office.clerk.figures.heard_until(), silent.ever.then_some(silent.since))
    };
    office.tick();
    assert_eq!(heard(&office), (None, None), "nothing was looked at yet");
    assert!(office.look());
    office.tick();
    let on_the_way = -ON_THE_WAY / 1_000_000;
    assert_eq!(
        heard(&office),
        (Some(after(an_hour_ago, on_the_way)), Some(after(an_hour_ago, 0))),
        "though its events name devices"
    );
    assert!(office.look());
    office.tick();
    let (until, last) = heard(&office);
    assert_eq!(last, Some(after(an_hour_ago, 20)), "who sends what nobody can read is not silent");
    let now = crate::clock::now().micros();
    assert!(now - until.unwrap().micros() < 60_000_000, "nothing waits, so it is about now");
}
