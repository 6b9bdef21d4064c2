//! What correlations keep, tell, and give up.

use ward_core::OrganisationId;
use ward_detect::correlate::{Fields, Sighting};

use super::*;
use crate::hub::engine::RulePlaces;

const BASE: &str = "title: a\nid: a\nname: a\nstatus: test\nlevel: low\nlogsource: {product: windows}\n\
                    detection: {sel: {EventID: 1}, condition: sel}\n";

/// An engine with a correlation by each of these fields.
fn engine(fields: &[&str]) -> Arc<Engine> {
    let folder = tempfile::tempdir().unwrap();
    let correlations = fields.iter().map(|field| {
        format!(
            "---\ntitle: {field}\nid: {field}\nstatus: test\nlevel: low\ncorrelation: {{type: event_count, \
             rules: [a], group-by: [{field}], timespan: 1h, condition: {{gte: 9}}}}\n"
        )
    });
    let rules = folder.path().join("rules.yml");
    std::fs::write(&rules, BASE.to_owned() + &correlations.collect::<String>()).unwrap();
    let places = RulePlaces { rules: vec![rules], ..RulePlaces::default() };
    Arc::new(Engine::load(&places, 0, 1).unwrap())
}

#[test]
fn a_lane_is_taken_up_again_and_tells_nothing_of_fields_that_have_other_numbers_now() {
    let old = engine(&["User", "Image"]);
    let quiet = Duration::from_secs(10);
    let mut correlators = Correlators::new(Arc::clone(&old), quiet);
    let key = LaneKey { organisation: OrganisationId::new("RXX").unwrap(), late: None };
    let lane = Lane {
        key: key.clone(),
        event: EventId { batch: BatchId(7), index: 0 },
        source: SourceId::new("dc").unwrap(),
        received: Timestamp::from_micros(1),
        told: Told { values: [(0, "nurse".into())].into(), host: None },
        sightings: Vec::new(),
    };
    correlators.hear(lane, &mut Vec::new());
    let Changed { heard, state, .. } = correlators.changed().remove(0);
    assert_eq!(heard, BatchId(7));
    assert_eq!(correlators.changed().len(), 1, "until it is stored");
    correlators.is_stored(&key);
    assert!(correlators.changed().is_empty());
    for (engine, told) in [(old, 1), (engine(&["Image", "User"]), 0)] {
        let mut restored = Correlators::new(engine, quiet);
        restored.restore(&state).unwrap();
        assert_eq!((restored.lanes[&key].heard.batch, restored.lanes[&key].told.len()), (heard, told));
    }
}

/// An event of a user.
struct OfUser<'a>(&'a str);

impl Fields for OfUser<'_> {
    fn read(&self, _: usize, text: &mut Vec<u8>) -> bool {
        text.extend_from_slice(self.0.as_bytes());
        true
    }
}

#[test]
fn what_correlations_lose_is_told_also_of_lanes_that_are_gone() {
    let mut correlators = Correlators::new(engine(&["User"]), Duration::from_secs(10));
    correlators.skip(Skipped { ungrouped: 3, unvalued: 1 });
    let late = LaneKey {
        organisation: OrganisationId::new("RXX").unwrap(),
        late: Some(SourceId::new("dc").unwrap()),
    };
    let mut reducer = correlators.engine.reducer();
    let mut lane = |nth: u32, time: i64| {
        let mut sightings = Vec::new();
        let sighting =
            Sighting { rule: 0, time: Timestamp::from_micros(time), fields: &OfUser("nurse"), evidence: 0 };
        reducer.reduce(&sighting, &mut sightings);
        assert_eq!(sightings.len(), 1);
        Lane {
            key: late.clone(),
            event: EventId { batch: BatchId(7), index: nth },
            source: SourceId::new("dc").unwrap(),
            received: Timestamp::from_micros(1),
            told: Told { values: [].into(), host: None },
            sightings,
        }
    };
    // The second is older than anything may be that comes after the first.
    let day = 86_400_000_000;
    for (nth, time) in [(0, 2_000 * day), (1, day)] {
        correlators.hear(lane(nth, time), &mut Vec::new());
    }
    let told = |correlators: &Correlators| {
        let figures = Figures::default();
        correlators.tell_size(&figures);
        (figures.lanes.load(Relaxed), figures.skipped.map(|figure| figure.load(Relaxed)))
    };
    assert_eq!(told(&correlators), (1, [3, 1, 1, 0, 0]));
    correlators.make_room(Timestamp::from_micros(2 * LATE_KEPT));
    assert_eq!(told(&correlators), (0, [3, 1, 1, 0, 0]));
}

#[test]
fn where_there_is_too_much_who_holds_most_gives_up_what_is_idlest() {
    let engine = engine(&["User"]);
    let mut reducer = engine.reducer();
    let mut correlators = Correlators::new(engine, Duration::from_secs(10));
    let now = |code: &str| LaneKey { organisation: OrganisationId::new(code).unwrap(), late: None };
    let mut index = 0;
    let mut hear = |correlators: &mut Correlators, code: &str, user: &str| {
        let (mut sightings, second) = (Vec::new(), 1_000_000);
        let time = Timestamp::from_micros(i64::from(index) * second / 100);
        let fields = OfUser(user);
        let sighting = Sighting { rule: 0, time, fields: &fields, evidence: u64::from(index) };
        reducer.reduce(&sighting, &mut sightings);
        let lane = Lane {
            key: now(code),
            event: EventId { batch: BatchId(1), index },
            source: SourceId::new("dc").unwrap(),
            received: time,
            told: Told { values: [(0, user.into())].into(), host: None },
            sightings,
        };
        index += 1;
        let mut findings = Vec::new();
        correlators.hear(lane, &mut findings);
        findings.len()
    };
    for _ in 0..8 {
        assert_eq!(hear(&mut correlators, "CARE", "nurse"), 0);
    }
    let least = correlators.lanes[&now("CARE")].weight();
    assert!(least < 8 << 10, "{least} bytes for one key: there are forty thousand organisations");
    for user in 0..20_000 {
        hear(&mut correlators, "FLOOD", &format!("u{user}"));
    }
    let sum = |correlators: &Correlators| correlators.lanes.values().map(State::weight).sum::<usize>();
    let before = sum(&correlators);
    correlators.share_room(before / 2);
    assert!(sum(&correlators) <= before / 2, "{} of {before}", sum(&correlators));
    let stats = |code: &str| correlators.lanes[&now(code)].correlator.stats();
    let (care, flood) = (stats("CARE"), stats("FLOOD"));
    assert_eq!((care.keys, care.evicted), (1, 0));
    assert!(flood.evicted > 5_000 && flood.keys as u64 + flood.evicted == 20_000, "{flood:?}");
    assert!(correlators.lanes[&now("FLOOD")].changed, "what it gave up is given up in the store too");
    assert_eq!(hear(&mut correlators, "CARE", "nurse"), 1, "the ninth");
    correlators.share_room(1);
    assert!(sum(&correlators) > 1, "it ends also where nothing is left to give");
}
