//! What could not be read: the first few with their places, then only counts.

use std::collections::BTreeMap;

/// Problems that are told in full.
const SHOWN: usize = 10;
/// Most kinds of problem that are counted apart.
const KINDS: usize = 50;

/// Problems in the order of the inputs.
#[derive(Debug, Clone, Default)]
pub struct Problems {
    first: Vec<String>,
    count: u64,
    kinds: BTreeMap<String, u64>,
}

/// One thing that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Input and place in it.
    pub place: String,
    /// What was wrong, as a chain of causes.
    pub reason: String,
}

impl Problems {
    /// Counts a problem.
    pub fn add(&mut self, problem: &Problem) {
        self.count += 1;
        if self.first.len() < SHOWN {
            self.first.push(format!("{}: {}", problem.place, problem.reason));
        }
        self.count_kind(without_numbers(&problem.reason), 1);
    }

    /// Adds those of what comes next in the order of the inputs.
    pub fn merge(&mut self, next: Self) {
        self.count += next.count;
        let room = SHOWN.saturating_sub(self.first.len());
        self.first.extend(next.first.into_iter().take(room));
        for (kind, count) in next.kinds {
            self.count_kind(kind, count);
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The first few, in the order of the inputs.
    pub fn first(&self) -> &[String] {
        &self.first
    }

    /// Reasons (numbers in them replaced by `#`) and how often, most frequent first.
    pub fn kinds(&self) -> Vec<(&str, u64)> {
        let mut kinds: Vec<_> = self.kinds.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
        kinds.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        kinds
    }

    fn count_kind(&mut self, kind: String, count: u64) {
        if self.kinds.len() < KINDS || self.kinds.contains_key(&kind) {
            *self.kinds.entry(kind).or_default() += count;
        }
    }
}

/// An error and its causes in one line. What has told its cause already does not tell it twice.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let told = cause.to_string();
        if !text.ends_with(&told) {
            text.push_str(": ");
            text.push_str(&told);
        }
        source = cause.source();
    }
    text
}

/// Numbers that stand by themselves differ from record to record; those in names (`UTF-8`) do not.
fn without_numbers(text: &str) -> String {
    let mut kind = String::with_capacity(text.len());
    let (mut before, mut in_number) = (' ', false);
    for letter in text.chars() {
        in_number = letter.is_ascii_digit() && (in_number || before == ' ');
        if !in_number {
            kind.push(letter);
        } else if !kind.ends_with('#') {
            kind.push('#');
        }
        before = letter;
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_told_in_full_and_all_are_counted_by_kind() {
        let mut problems = Problems::default();
        for at in 0..100 {
            let reason = format!("byte {at} of the record is not UTF-8");
            problems.add(&Problem { place: format!("a.json:{at}"), reason });
        }
        problems.add(&Problem { place: "b.evtx".into(), reason: "cut".into() });
        assert_eq!(problems.first().len(), 10);
        assert_eq!(problems.first()[3], "a.json:3: byte 3 of the record is not UTF-8");
        assert_eq!(problems.count(), 101);
        assert_eq!(problems.kinds(), [("byte # of the record is not UTF-8", 100), ("cut", 1)]);
    }

    #[test]
    fn hostile_input_cannot_invent_kinds_without_end() {
        let mut problems = Problems::default();
        for n in 0..1000 {
            problems.add(&Problem { place: String::new(), reason: "x".repeat(n) });
        }
        assert_eq!(problems.kinds().len(), KINDS);
        assert_eq!(problems.count(), 1000);
    }
}
