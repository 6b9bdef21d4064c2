//! Checkpoints of correlation state: damaged ones are refused by name, whole ones go on.

use std::sync::OnceLock;

use ward_core::Timestamp;
use ward_detect::correlate::{Correlator, Fields, Limits, Sighting};
use ward_detect::load::{LoadOptions, RuleSet, load};

/// Restores the input itself, and a true checkpoint in which the input overwrites bytes (two for the place,
/// one for the value). What is restored can go on and be written again.
pub fn checkpoint(input: &[u8]) {
    restore(input);
    let mut damaged = sound().to_vec();
    for change in input.chunks_exact(3) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]]));
        let place = place % damaged.len();
        damaged[place] = change[2];
    }
    restore(&damaged);
}

fn restore(bytes: &[u8]) {
    let set = rules();
    let Ok((mut correlator, _)) = Correlator::restore(&set.correlations, &set.rules, limits(), bytes) else {
        return;
    };
    let mut fired = Vec::new();
    feed(&mut correlator, &mut fired);
    let again = correlator.checkpoint();
    let restored = Correlator::restore(&set.correlations, &set.rules, limits(), &again);
    assert!(restored.is_ok(), "its own checkpoint is refused: {:?}", restored.err());
    correlator.finish(&mut fired);
}

/// Some sign-ins of some users from some addresses.
fn feed(correlator: &mut Correlator, fired: &mut Vec<ward_detect::correlate::Correlated>) {
    for number in 0..40u64 {
        let fields = SignIn { number };
        let time = Timestamp::from_micros(1_774_000_000_000_000 + number as i64 * 20_000_000);
        for rule in 0..rules().rules.len() {
            correlator.observe(&Sighting { rule, time, fields: &fields, evidence: number }, fired);
        }
    }
}

struct SignIn {
    number: u64,
}

impl Fields for SignIn {
    fn read(&self, field: usize, text: &mut Vec<u8>) -> bool {
        text.extend_from_slice((self.number % (3 + field as u64)).to_string().as_bytes());
        true
    }
}

fn sound() -> &'static [u8] {
    static SOUND: OnceLock<Vec<u8>> = OnceLock::new();
    SOUND.get_or_init(|| {
        let set = rules();
        let Ok(mut correlator) = Correlator::new(&set.correlations, &set.rules, limits()) else {
            panic!("the correlations are not accepted");
        };
        feed(&mut correlator, &mut Vec::new());
        correlator.checkpoint()
    })
}

fn rules() -> &'static RuleSet {
    static RULES: OnceLock<RuleSet> = OnceLock::new();
    RULES.get_or_init(|| load([("rules.yml", TEXT)], &LoadOptions::default()))
}

/// Small, so that the limits are reached.
fn limits() -> Limits {
    Limits { keys: 4096, sightings: 1 << 16, key_sightings: 64, trail: 256, ..Limits::default() }
}

const TEXT: &str = "\
title: failed
name: failed
logsource: {product: azure}
detection: {s: {ResultType: 50126}, condition: s}
---
title: passed
name: passed
logsource: {product: azure}
detection: {s: {ResultType: 0}, condition: s}
---
title: many
name: many
correlation: {type: event_count, rules: [failed], group-by: [user], timespan: 5m, condition: {gte: 5}}
---
title: spray
correlation:
  {type: value_count, rules: [failed], group-by: [address], timespan: 5m, condition: {field: user, gte: 4}}
---
title: then
correlation: {type: temporal_ordered, rules: [failed, passed], group-by: [user], timespan: 5m}
---
title: volume
correlation:
  {type: value_avg, rules: [passed], group-by: [user], timespan: 5m, condition: {field: bytes, gt: 3}}
---
title: chain
correlation: {type: temporal, rules: [many, passed], group-by: [user], timespan: 10m}
";
