//! What is known of a key in 24 bytes: up to three times, or one value, or where the grown state is.

use super::measure::{Entry, at_once};
use super::plan::Plan;
use super::thin::{Outlook, thin};
use super::times::Fire;
use crate::correlation_rule::CorrelationKind;

/// A key's place in the table. All zero: free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Slot {
    /// The key's fingerprint, never 0.
    pub key: u64,
    words: [u32; 3],
    /// Index of the correlation.
    pub plan: u16,
    form: u8,
    /// References of the entries, two bits each.
    references: u8,
}

/// A key of few sightings, unpacked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Small {
    entries: [Entry; ROOM],
    len: usize,
    pub fired: Option<u32>,
}

/// What a slot says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Unpacked {
    Small(Small),
    /// Index of the grown state.
    Grown(u32),
}

const LEN: u8 = 0b0011;
const FIRED: u8 = 0b0100;
const GROWN: u8 = 0b1000;
const VALUED: u8 = 0b1_0000;
/// One more than ever fits into a slot: the one that comes in.
const ROOM: usize = 4;

impl Slot {
    pub fn grown(key: u64, plan: u16, index: u32) -> Self {
        Self { key, words: [index, 0, 0], plan, form: GROWN, references: 0 }
    }

    /// Packs a state, if it fits.
    pub fn pack(key: u64, plan: &Plan, index: u16, small: &Small) -> Option<Self> {
        let mut slot = Self { key, words: [0; 3], plan: index, form: small.len as u8, references: 0 };
        let entries = &small.entries[..small.len];
        if plan.kind.reads_values() {
            match (entries, small.fired) {
                ([], Some(fired)) => {
                    slot.form |= FIRED;
                    slot.words[0] = fired;
                }
                ([one], None) if one.weight == 1 => {
                    slot.form |= VALUED;
                    slot.words = [one.at, one.value as u32, (one.value >> 32) as u32];
                }
                _ => return None,
            }
            return Some(slot);
        }
        let times = usize::from(small.fired.is_some());
        if entries.len() + times > slot.words.len() {
            return None;
        }
        if let Some(fired) = small.fired {
            slot.form |= FIRED;
            slot.words[0] = fired;
        }
        for (i, entry) in entries.iter().enumerate() {
            slot.words[times + i] = entry.at;
            if plan.kind != CorrelationKind::EventCount {
                if entry.value > 3 {
                    return None;
                }
                slot.references |= (entry.value as u8) << (2 * i);
            }
        }
        Some(slot)
    }

    #[inline]
    pub fn unpack(&self) -> Unpacked {
        if self.form & GROWN != 0 {
            return Unpacked::Grown(self.words[0]);
        }
        let mut small = Small { len: usize::from(self.form & LEN), ..Small::EMPTY };
        if self.form & VALUED != 0 {
            small.entries[0] =
                Entry::new(self.words[0], u64::from(self.words[1]) | u64::from(self.words[2]) << 32);
            return Unpacked::Small(small);
        }
        let times = usize::from(self.form & FIRED != 0);
        small.fired = (times > 0).then_some(self.words[0]);
        for i in 0..small.len.min(3 - times) {
            small.entries[i] = Entry::new(self.words[times + i], u64::from(self.references >> (2 * i) & 3));
        }
        Unpacked::Small(small)
    }
}

impl Small {
    pub const EMPTY: Self = Self { entries: [Entry::new(0, 0); ROOM], len: 0, fired: None };

    pub fn new(entries: &[Entry], fired: Option<u32>) -> Option<Self> {
        let mut small = Self { fired, len: entries.len(), ..Self::EMPTY };
        small.entries.get_mut(..entries.len())?.copy_from_slice(entries);
        (entries.len() < ROOM).then_some(small)
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries[..self.len]
    }

    /// Latest tick it knows of.
    pub fn newest(&self) -> u32 {
        self.entries().last().map(|e| e.at).max(self.fired).unwrap_or(0)
    }

    /// Takes in a sighting and says which window it completed. A state out of a slot has room for it.
    pub fn arrive(&mut self, plan: &Plan, entry: Entry, settled: u32) -> Option<Fire> {
        let outlook = Outlook { settled, fired: self.fired };
        let floor = outlook.floor(plan);
        self.keep_from(self.entries().partition_point(|e| e.at < floor));
        if entry.at < floor || self.len >= ROOM {
            return None;
        }
        let place = self.entries().partition_point(|e| e.at <= entry.at);
        self.entries.copy_within(place..self.len, place + 1);
        self.entries[place] = entry;
        self.len += 1;
        let mut upper = place;
        while let Some(end) = self.entries().get(upper).map(|e| e.at) {
            if end >= entry.at.saturating_add(plan.span) {
                break;
            }
            upper = self.entries().partition_point(|e| e.at <= end);
            if outlook.silent(plan, end) {
                continue;
            }
            let start = plan.start(end);
            let lower = self.entries().partition_point(|e| e.at < start);
            let window = &self.entries()[lower..upper];
            let measured = at_once(plan, window);
            if plan.holds(measured) {
                let (first, count) = (window.first().map_or(end, |e| e.at), window.len() as u64);
                self.keep_from(upper);
                self.fired = Some(end);
                return Some(Fire { end, first, last: end, count, value: measured.value });
            }
        }
        if self.fired.is_some() {
            self.tidy(plan, settled);
        }
        if self.len == ROOM {
            self.thin(plan, outlook);
        }
        None
    }

    /// Forgets what can be seen at a glance not to matter any more.
    pub fn tidy(&mut self, plan: &Plan, settled: u32) {
        let outlook = Outlook { settled, fired: self.fired };
        let floor = outlook.floor(plan);
        let mut first = self.entries().partition_point(|e| e.at < floor);
        if plan.kind == CorrelationKind::TemporalOrdered && plan.need == Some(plan.references) {
            // A whole chain begins with the first reference.
            let lost = |e: &Entry| e.at <= settled && e.value != 0;
            first += self.entries()[first..].iter().take_while(|e| lost(e)).count();
        }
        if let (CorrelationKind::EventCount, Some(need), Some(_)) = (plan.kind, plan.need, self.fired) {
            let waiting = self.entries().partition_point(|e| outlook.silent(plan, e.at));
            first = first.max(waiting.saturating_sub(need - 1));
        }
        self.keep_from(first);
        if outlook.over(plan) {
            self.fired = None;
        }
    }

    fn thin(&mut self, plan: &Plan, outlook: Outlook) {
        let mut entries = self.entries().to_vec();
        thin(plan, &mut entries, outlook);
        self.len = entries.len();
        self.entries[..entries.len()].copy_from_slice(&entries);
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.len == 0 && self.fired.is_none()
    }

    /// Counts ticks from a zero that lies later. What would be before it goes.
    pub fn shift(&mut self, ticks: u32) {
        self.fired = self.fired.and_then(|f| f.checked_sub(ticks));
        self.keep_from(self.entries().partition_point(|e| e.at < ticks));
        self.entries[..self.len].iter_mut().for_each(|e| e.at -= ticks);
    }

    fn keep_from(&mut self, first: usize) {
        if first > 0 {
            self.entries.copy_within(first..self.len, 0);
            self.len -= first;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlate::tests::{event_count, plan_of, temporal_ordered, value_count};

    fn there_and_back(plan: &Plan, small: Small) -> Option<Small> {
        match Slot::pack(7, plan, 1, &small)?.unpack() {
            Unpacked::Small(small) => Some(small),
            Unpacked::Grown(_) => None,
        }
    }

    #[test]
    fn a_slot_is_24_bytes_and_says_what_was_packed() {
        assert_eq!(size_of::<Slot>(), 24);
        let times: Vec<Entry> = [5, 6, 9].map(|at| Entry::new(at, 0)).to_vec();
        let three = Small::new(&times, None).unwrap();
        let fired = Small::new(&times[..2], Some(3)).unwrap();
        let count = plan_of(&event_count(9, 1000));
        assert_eq!(there_and_back(&count, three), Some(three));
        assert_eq!(there_and_back(&count, fired), Some(fired));
        assert_eq!(there_and_back(&count, Small::new(&times, Some(3)).unwrap()), None);

        let ordered = plan_of(&temporal_ordered(4, 1000));
        let known = Small::new(&[Entry::new(5, 3), Entry::new(6, 0), Entry::new(7, 2)], None).unwrap();
        assert_eq!(there_and_back(&ordered, known), Some(known));
        let fifth = Small::new(&[Entry::new(5, 4)], None).unwrap();
        assert_eq!(there_and_back(&ordered, fifth), None);

        let values = plan_of(&value_count(4, 1000));
        let one = Small::new(&[Entry::new(5, u64::MAX - 1)], None).unwrap();
        assert_eq!(there_and_back(&values, one), Some(one));
        let silent = Small::new(&[], Some(5)).unwrap();
        assert_eq!(there_and_back(&values, silent), Some(silent));
    }
}
