//! What the threads have learned together of a partition's events.
//!
//! The first events are read in full and noted; then a lesson is drawn from the notes, and again each time
//! there are so many times as many. Each thread adopts the latest lesson the next time that it notes
//! something. So a thread that comes later starts with what the others know.
//!
//! Invariant: nobody waits to note or to adopt; who finds the notes in another's hands goes on without.
//! Invariant: a lesson changes what an answer costs, never the answer.

use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use super::hints::{Hints, SAMPLE, WORTHWHILE};
use super::partition::Partition;
use super::plan::{Measured, Plan};

/// How to match the events of a partition, as learned so far.
#[derive(Debug)]
pub struct Lesson {
    /// How many were drawn before.
    pub number: usize,
    pub plan: Plan,
    /// By slot.
    pub hints: Vec<Option<Hints>>,
}

/// The notes of a partition, and the latest lesson.
#[derive(Debug)]
pub struct Lessons {
    notes: Mutex<Notes>,
}

/// What was seen of a partition's events.
#[derive(Debug)]
pub struct Notes {
    pub latest: Arc<Lesson>,
    pub measured: Measured,
    /// By slot.
    seen: Vec<Seen>,
    /// Events matched by all threads, those that were not noted too.
    events: u64,
    next_lesson: u64,
}

/// Values of a slot, in lower case, to choose hints by.
#[derive(Debug, Default)]
struct Seen {
    values: Vec<Vec<u8>>,
    bytes: usize,
}

/// Events before the first lesson.
const FIRST: u64 = 32;
/// How many times as many before each further one.
const GROWTH: u64 = 32;
/// By lessons drawn: one of so many events is noted.
const NOTED: [u64; 3] = [1, 64, 512];

impl Lesson {
    /// Whether a thread notes its event of this number.
    #[inline(always)]
    pub fn wants(&self, event: u64) -> bool {
        event.is_multiple_of(NOTED[self.number.min(NOTED.len() - 1)])
    }
}

impl Lessons {
    /// The lesson of knowing nothing.
    pub fn nothing(partition: &Partition) -> Self {
        let measured = Measured::nothing(partition);
        let plan = Plan::new(partition, &measured);
        let hints = partition.slots.iter().map(|_| None).collect();
        let seen = partition.slots.iter().map(|_| Seen::default()).collect();
        let latest = Arc::new(Lesson { number: 0, plan, hints });
        Self { notes: Mutex::new(Notes { latest, measured, seen, events: 0, next_lesson: FIRST }) }
    }

    /// The notes, unless another thread has them in its hands.
    pub fn notes(&self) -> Option<MutexGuard<'_, Notes>> {
        match self.notes.try_lock() {
            Ok(notes) => Some(notes),
            Err(TryLockError::Poisoned(notes)) => Some(notes.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The latest lesson, for a thread that has none yet.
    pub fn latest(&self) -> Arc<Lesson> {
        let notes = self.notes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(&notes.latest)
    }
}

impl Notes {
    /// Whether further values help to choose a slot's hints.
    pub fn wants_value(&self, partition: &Partition, slot: usize) -> bool {
        partition.slots[slot].reads_all && self.seen[slot].bytes < SAMPLE
    }

    /// Keeps a value, in lower case, if it is long enough to be worth a hint.
    pub fn keep(&mut self, slot: usize, mut value: Vec<u8>) {
        value.truncate(SAMPLE);
        if value.len() >= WORTHWHILE {
            let seen = &mut self.seen[slot];
            seen.bytes += value.len();
            seen.values.push(value);
        }
    }

    /// Counts events that a thread has matched; draws a lesson if it is time.
    pub fn count(&mut self, events: u64, partition: &Partition) {
        self.events += events;
        if self.events >= self.next_lesson {
            self.next_lesson = self.events * GROWTH;
            self.latest = Arc::new(self.lesson(partition));
        }
    }

    fn lesson(&self, partition: &Partition) -> Lesson {
        let plan = Plan::new(partition, &self.measured);
        let calling = |bit| !plan.called_by(bit).is_empty();
        let slots = partition.slots.iter().zip(&self.seen);
        let hints = slots
            .map(|(slot, seen)| Hints::choose(&slot.folded.as_ref()?.parts(calling), &seen.values))
            .collect();
        Lesson { number: self.latest.number + 1, plan, hints }
    }
}

#[cfg(test)]
mod tests {
    use ward_core::{ClassId, EventClass, FieldNames};

    use super::*;

    fn partition() -> Partition {
        let class = EventClass {
            id: ClassId(0),
            log_sources: Vec::new(),
            constants: Vec::new(),
            also_read_from: Vec::new(),
        };
        Partition::compile(0, &[], &class, &FieldNames::default())
    }

    #[test]
    fn what_one_thread_has_seen_all_go_by() {
        let partition = partition();
        let mut notes = partition.lessons().notes().unwrap();
        notes.count(FIRST - 1, &partition);
        assert_eq!(notes.latest.number, 0);
        notes.count(1, &partition);
        drop(notes);
        assert_eq!(partition.lessons().latest().number, 1);
    }

    #[test]
    fn who_finds_the_notes_in_anothers_hands_goes_on_without() {
        let partition = partition();
        let held = partition.lessons().notes();
        assert!(held.is_some() && partition.lessons().notes().is_none());
    }

    #[test]
    fn the_first_events_are_all_noted_and_later_ever_fewer() {
        let partition = partition();
        let noted = |lesson: &Lesson| (1..=1024).filter(|&event| lesson.wants(event)).count();
        let mut notes = partition.lessons().notes().unwrap();
        let mut by_lesson = vec![noted(&notes.latest)];
        for events in [FIRST, FIRST * GROWTH, FIRST * GROWTH * GROWTH] {
            notes.count(events, &partition);
            by_lesson.push(noted(&notes.latest));
        }
        assert_eq!(by_lesson, [1024, 16, 2, 2]);
    }
}
