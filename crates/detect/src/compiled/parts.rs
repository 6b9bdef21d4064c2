//! Literals anywhere in a text.
//!
//! One automaton finds all of them in one pass. It is built when the first value comes, as many fields of
//! many classes never come: first a compact one, and once that has been read with for long a dense one,
//! twice as fast.
//!
//! Invariant: one thread builds an automaton, and none waits for it: the others seek the literals one by
//! one for so long, or go on with the compact one.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use aho_corasick::automaton::Automaton;
use aho_corasick::{Anchored, PatternID, dfa, nfa};
use foldhash::fast::FixedState;
use memchr::memmem;

use super::texts::{Bit, Group, Out};
use crate::rule::Pattern;

/// Literals sought in every part of a value.
#[derive(Debug)]
pub struct Parts {
    compact: Built<nfa::contiguous::NFA>,
    dense: Built<dfa::DFA>,
    /// Bytes that the compact one has read.
    read: AtomicUsize,
    /// Bytes of all literals.
    size: usize,
    literals: Vec<Box<[u8]>>,
    outs: Vec<Vec<Out>>,
    /// For bits that only literals set: these.
    of_bit: HashMap<Bit, Vec<u32>, FixedState>,
}

/// What one thread builds while the others do without.
#[derive(Debug)]
struct Built<T> {
    begun: AtomicBool,
    /// `None`: it cannot be built.
    done: OnceLock<Option<T>>,
}

/// A bit with at most so many literals is asked of a long value by itself.
const FEW_LITERALS: usize = 8;
/// Above this many literal bytes a dense table would not stay in the cache.
const DENSE_LIMIT: usize = 24_000;
/// Bytes read per literal byte after which a dense table pays.
const DENSE_AFTER: usize = 100;

impl Parts {
    /// Takes the literals of a group; `None` if there are none.
    pub fn new(group: Group, globs: &[(Pattern, Bit)]) -> Option<Self> {
        if group.outs.is_empty() {
            return None;
        }
        let literals: Vec<Box<[u8]>> = group.literals().into_iter().map(Into::into).collect();
        let mut of_bit: HashMap<Bit, Vec<u32>, FixedState> = HashMap::default();
        let mut checked: Vec<Bit> = Vec::new();
        for (index, outs) in group.outs.iter().enumerate() {
            for out in outs {
                match *out {
                    Out::Bit(bit) => of_bit.entry(bit).or_default().push(index as u32),
                    Out::Check(glob) => checked.extend(globs.get(glob as usize).map(|(_, bit)| *bit)),
                }
            }
        }
        checked.iter().for_each(|bit| _ = of_bit.remove(bit));
        Some(Self {
            compact: Built::default(),
            dense: Built::default(),
            read: AtomicUsize::new(0),
            size: literals.iter().map(|text| text.len()).sum(),
            literals,
            outs: group.outs,
            of_bit,
        })
    }

    /// The literals and what each means.
    pub fn literals(&self) -> impl Iterator<Item = (&[u8], &[Out])> {
        self.literals.iter().map(|text| &**text).zip(self.outs.iter().map(Vec::as_slice))
    }

    /// Whether one of the literals that set `bit` is in `value`. `None`: they are too many to try them one
    /// by one, or not only literals set it.
    pub fn has(&self, bit: Bit, value: &[u8]) -> Option<bool> {
        let literals = self.of_bit.get(&bit).filter(|literals| literals.len() <= FEW_LITERALS)?;
        Some(literals.iter().any(|&index| memmem::find(value, &self.literals[index as usize]).is_some()))
    }

    /// Calls `found` with what each literal in `value` means; more than once perhaps.
    #[inline]
    pub fn walk(&self, value: &[u8], found: &mut impl FnMut(&[Out])) {
        if let Some(dense) = self.dense.get() {
            return self.walk_with(dense, value, found);
        }
        match self.compact.get() {
            Some(compact) => {
                self.walk_with(compact, value, found);
                self.count(value.len());
            }
            None => self.walk_unbuilt(value, found),
        }
    }

    #[inline]
    fn count(&self, bytes: usize) {
        // threads may lose each other's counts: it is only a hint
        let read = self.read.load(Ordering::Relaxed) + bytes;
        self.read.store(read, Ordering::Relaxed);
        if read > self.size * DENSE_AFTER {
            self.dense.build(|| self.make_dense());
        }
    }

    #[cold]
    fn make_dense(&self) -> Option<dfa::DFA> {
        let mut builder = dfa::DFA::builder();
        builder.start_kind(aho_corasick::StartKind::Unanchored).prefilter(false);
        (self.size <= DENSE_LIMIT).then(|| builder.build(&self.literals).ok()).flatten()
    }

    #[cold]
    fn walk_unbuilt(&self, value: &[u8], found: &mut impl FnMut(&[Out])) {
        self.compact.build(|| nfa::contiguous::NFA::builder().prefilter(false).build(&self.literals).ok());
        match self.compact.get() {
            Some(compact) => self.walk_with(compact, value, found),
            None => self.seek_each(value, found),
        }
    }

    /// Another thread is building, or the automaton would be larger than can be.
    fn seek_each(&self, value: &[u8], found: &mut impl FnMut(&[Out])) {
        let held = self.literals().filter(|(text, _)| memmem::find(value, text).is_some());
        held.for_each(|(_, outs)| found(outs));
    }

    #[inline(always)]
    fn walk_with(&self, automaton: &impl Automaton, value: &[u8], found: &mut impl FnMut(&[Out])) {
        let Ok(mut state) = automaton.start_state(Anchored::No) else { return };
        let mut bytes = value.iter();
        loop {
            // nothing but the next state in this loop: it is where long values spend their time
            loop {
                let Some(&byte) = bytes.next() else { return };
                state = automaton.next_state(Anchored::No, state, byte);
                if automaton.is_special(state) {
                    break;
                }
            }
            if automaton.is_match(state) {
                for index in 0..automaton.match_len(state) {
                    let pattern: PatternID = automaton.match_pattern(state, index);
                    found(&self.outs[pattern.as_usize()]);
                }
            }
        }
    }
}

impl<T> Built<T> {
    #[inline(always)]
    fn get(&self) -> Option<&T> {
        self.done.get().and_then(Option::as_ref)
    }

    /// Builds it, unless somebody has begun to.
    fn build(&self, make: impl FnOnce() -> Option<T>) {
        if !self.begun.load(Ordering::Relaxed) && !self.begun.swap(true, Ordering::Relaxed) {
            _ = self.done.set(make());
        }
    }
}

impl<T> Default for Built<T> {
    fn default() -> Self {
        Self { begun: AtomicBool::new(false), done: OnceLock::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(literals: &[&str]) -> Parts {
        let mut group = Group::default();
        literals.iter().zip(0..).for_each(|(text, bit)| group.add(text.as_bytes().to_vec(), Out::Bit(bit)));
        Parts::new(group, &[]).unwrap()
    }

    fn bits(walk: impl FnOnce(&mut dyn FnMut(&[Out]))) -> Vec<Bit> {
        let mut bits = Vec::new();
        walk(&mut |outs: &[Out]| {
            bits.extend(outs.iter().map(|out| match out {
                Out::Bit(bit) | Out::Check(bit) => *bit,
            }));
        });
        bits.sort_unstable();
        bits.dedup();
        bits
    }

    #[test]
    fn while_another_thread_builds_the_literals_are_found_all_the_same() {
        let parts = parts(&["mimi", "katz", "mimikatz", "nowhere"]);
        parts.compact.begun.store(true, Ordering::Relaxed);
        assert_eq!(bits(|mut found| parts.walk(b"a mimikatz", &mut found)), [0, 1, 2]);
        assert!(parts.compact.get().is_none());
    }

    #[test]
    fn each_automaton_finds_what_seeking_one_by_one_finds() {
        let parts = parts(&["ab", "b", "bab", "x"]);
        let value = b"cabab".repeat(200);
        let expected = bits(|mut found| parts.seek_each(&value, &mut found));
        assert_eq!(expected, [0, 1, 2]);
        for _ in 0..3 {
            assert_eq!(bits(|mut found| parts.walk(&value, &mut found)), expected);
        }
        assert!(parts.compact.get().is_some() && parts.dense.get().is_some());
    }
}
