//! Forgetting sightings that can no longer change any answer.
//!
//! A window is decided when a sighting comes in, and only windows that hold it. So all windows still to
//! be decided end at or after `settled`, the latest tick at which no sighting may come in any more; and,
//! after a key fired, not before a timespan has passed. What makes no difference to those goes.

use std::collections::HashMap;

use super::measure::Entry;
use super::plan::Plan;
use crate::correlation_rule::CorrelationKind;

/// When a key may still fire.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outlook {
    /// No sighting before this tick will come in.
    pub settled: u32,
    /// When the key fired last.
    pub fired: Option<u32>,
}

impl Outlook {
    /// Whether a window that ends here stays silent: the key fired less than a timespan before, or
    /// later.
    pub fn silent(&self, plan: &Plan, end: u32) -> bool {
        self.fired.is_some_and(|fired| end < fired.saturating_add(plan.span))
    }

    /// Sightings before this tick are in no window that may still fire.
    pub fn floor(&self, plan: &Plan) -> u32 {
        plan.start(self.settled).max(self.fired.map_or(0, |fired| fired + 1))
    }

    /// No window that may still fire ends before this tick.
    fn next_end(&self, plan: &Plan) -> u32 {
        self.settled.max(self.fired.map_or(0, |fired| fired.saturating_add(plan.span)))
    }

    /// Whether nothing is left to know of a key without sightings.
    pub fn over(&self, plan: &Plan) -> bool {
        self.fired.is_none_or(|fired| fired.saturating_add(plan.span) <= self.settled)
    }
}

/// Keeps of the sightings, in order of time, those that can still matter.
pub(super) fn thin(plan: &Plan, entries: &mut Vec<Entry>, outlook: Outlook) {
    let floor = outlook.floor(plan);
    entries.retain(|e| e.at >= floor);
    match plan.kind {
        CorrelationKind::ValueCount | CorrelationKind::Temporal => thin_values(plan, entries, outlook),
        CorrelationKind::TemporalOrdered => thin_chains(plan, entries, outlook),
        CorrelationKind::EventCount => {
            let waiting = entries.partition_point(|e| e.at < outlook.next_end(plan));
            if let (Some(need), Some(_)) = (plan.need, outlook.fired) {
                entries.drain(..waiting.saturating_sub(need - 1));
            }
        }
        CorrelationKind::ValueSum
        | CorrelationKind::ValueAvg
        | CorrelationKind::ValuePercentile
        | CorrelationKind::ValueMedian => {}
    }
}

/// Makes room where a key has more sightings than may be kept, and says how many were given up. Counts,
/// sums and means stay whole: neighbours less than 1/256 of the timespan apart are merged, so that the
/// window's start is off by as much. Of the other kinds the latest sightings stay.
pub(super) fn crowd_out(plan: &Plan, entries: &mut Vec<Entry>) -> usize {
    let before = entries.len();
    let newest = entries.last().map_or(0, |e| e.at);
    if matches!(
        plan.kind,
        CorrelationKind::EventCount | CorrelationKind::ValueSum | CorrelationKind::ValueAvg
    ) {
        let width = (plan.span / 256).max(1);
        entries.dedup_by(|next, kept| {
            let near = next.at - kept.at < width && kept.weight.checked_add(next.weight).is_some();
            if near {
                kept.weight += next.weight;
                let sum = f64::from_bits(kept.value) + f64::from_bits(next.value);
                kept.value = sum.clamp(f64::MIN, f64::MAX).to_bits();
            }
            near
        });
    }
    let before = match plan.kind {
        CorrelationKind::ValueCount | CorrelationKind::Temporal => drop_repeated(plan, entries),
        _ => before,
    };
    if entries.len() <= plan.most / 2 {
        return 0;
    }
    let past = entries.partition_point(|e| e.at < plan.start(newest));
    entries.drain(..past);
    entries.drain(..entries.len().saturating_sub(plan.most / 2));
    before - entries.len()
}

/// Of three sightings of one value within a timespan, drops the middle one, and says how many are left.
/// Every window that holds it holds one of the others, so no count is lower for it; but it may have been
/// where a window ends that a late sighting completes, and then the next one has to do.
fn drop_repeated(plan: &Plan, entries: &mut Vec<Entry>) -> usize {
    let mut useful = vec![true; entries.len()];
    let mut seen: HashMap<u64, (usize, Option<u32>)> = HashMap::new();
    for (i, entry) in entries.iter().enumerate() {
        let before = seen.get(&entry.value).map(|(last, earlier)| match earlier {
            Some(earlier) if entry.at - earlier <= plan.span => {
                useful[*last] = false;
                *earlier
            }
            _ => entries[*last].at,
        });
        seen.insert(entry.value, (i, before));
    }
    let mut at = 0;
    entries.retain(|_| {
        at += 1;
        useful[at - 1]
    });
    entries.len()
}

/// Of one value, only the last sighting before the first end to come matters: every window still to be
/// decided that holds an earlier one holds it as well.
fn thin_values(plan: &Plan, entries: &mut Vec<Entry>, outlook: Outlook) {
    let next_end = outlook.next_end(plan);
    let mut useful = vec![true; entries.len()];
    let mut last: HashMap<u64, usize> = HashMap::new();
    for (i, entry) in entries.iter().enumerate().take_while(|(_, e)| e.at <= next_end) {
        if let Some(before) = last.insert(entry.value, i) {
            useful[before] = false;
        }
    }
    let mut at = 0;
    entries.retain(|_| {
        at += 1;
        useful[at - 1]
    });
    // While a key is silent, the latest values that do not yet suffice are enough: the sighting that
    // ends the silence completes them.
    if let (Some(need), CorrelationKind::ValueCount, Some(_)) = (plan.need, plan.kind, outlook.fired) {
        let waiting = entries.partition_point(|e| e.at < next_end);
        entries.drain(..waiting.saturating_sub(need));
    }
}

/// Of sightings that are settled, only those matter that are in a chain which began latest among those
/// of the same length and last reference.
fn thin_chains(plan: &Plan, entries: &mut Vec<Entry>, outlook: Outlook) {
    let settled = entries.partition_point(|e| e.at <= outlook.settled);
    let count = plan.references;
    let mut chains: Vec<Option<Vec<usize>>> = vec![None; count * count];
    let begun = |chain: &Option<Vec<usize>>| chain.as_ref().and_then(|c| c.first().copied());
    for (i, entry) in entries[..settled].iter().enumerate() {
        let reference = entry.value as usize;
        if reference >= count {
            continue;
        }
        for len in (1..=reference).rev() {
            let shorter = (0..reference).map(|r| &chains[(len - 1) * count + r]);
            let Some(best) = shorter.filter(|c| c.is_some()).max_by_key(|c| begun(c)) else { continue };
            if begun(best) > begun(&chains[len * count + reference]) {
                let mut longer = best.clone().unwrap_or_default();
                longer.push(i);
                chains[len * count + reference] = Some(longer);
            }
        }
        chains[reference] = Some(vec![i]);
    }
    // What has no whole chain can only complete a beginning. One that ended while the key was silent still counts.
    let whole = chains.last().is_some_and(Option::is_some);
    let beginnings = plan.need == Some(count) && outlook.fired.is_none() && !whole;
    let hopeful = |place: usize| !beginnings || (place / count == place % count && place % count + 1 < count);
    let mut useful = vec![false; settled];
    for (_, chain) in chains.iter().enumerate().filter(|(place, _)| hopeful(*place)) {
        chain.iter().flatten().for_each(|&i| useful[i] = true);
    }
    let mut at = 0;
    entries.retain(|_| {
        at += 1;
        useful.get(at - 1).copied().unwrap_or(true)
    });
}
