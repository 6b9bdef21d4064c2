//! A partition as one thread knows it.

use std::sync::Arc;

use super::cache::Answers;
use super::lessons::{Lesson, Notes};
use super::partition::Partition;

/// A partition with what this thread goes by.
#[derive(Debug)]
pub struct Room {
    pub partition: Arc<Partition>,
    pub lesson: Arc<Lesson>,
    /// By slot.
    pub answers: Vec<Answers>,
    /// Events matched here.
    pub events: u64,
    /// How many of them the notes have counted.
    counted: u64,
}

impl Room {
    /// Enters a partition.
    pub fn new(partition: Arc<Partition>) -> Self {
        let lesson = partition.lessons().latest();
        let answers = partition.slots.iter().map(|_| Answers::default()).collect();
        Self { partition, lesson, answers, events: 0, counted: 0 }
    }

    /// Has the notes count this thread's events; goes by the latest lesson from now on.
    pub fn report(&mut self, notes: &mut Notes) {
        notes.count(self.events - self.counted, &self.partition);
        self.counted = self.events;
        if notes.latest.number != self.lesson.number {
            self.lesson = Arc::clone(&notes.latest);
            // those kept may have been left incomplete by the old hints
            self.answers.fill_with(Answers::default);
        }
    }
}
