//! All text patterns asked of one field, answered in one pass over its value.
//!
//! Four kinds cover nearly every pattern of the field's rules: the whole value (a hash table), its start
//! and its end (a trie each, walked until it falls off), any part of it (one automaton). Every other
//! pattern is found by its longest literal and then checked as a wildcard.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::fold::folded_pattern;
use super::hints::Hints;
use super::parts::Parts;
use crate::leaf;
use crate::rule::{Pattern, Piece};

/// What a matched pattern means: this bit of the partition's truths.
pub type Bit = u32;

/// Collects the patterns of a field.
#[derive(Debug, Default)]
pub struct TextsBuilder {
    exact: Group,
    prefix: Group,
    suffix: Group,
    part: Group,
    anything: Vec<Bit>,
    globs: Vec<(Pattern, Bit)>,
    loose: Vec<u32>,
}

/// Compiled patterns.
#[derive(Debug)]
pub struct Texts {
    exact: HashMap<Box<[u8]>, u32, FixedState>,
    exact_outs: Vec<Vec<Out>>,
    prefix: Option<Trie>,
    suffix: Option<Trie>,
    part: Option<Parts>,
    anything: Vec<Bit>,
    globs: Vec<(Pattern, Bit)>,
    loose: Vec<u32>,
}

/// Literals and what each means.
#[derive(Debug, Default)]
pub struct Group {
    index: HashMap<Vec<u8>, usize, FixedState>,
    pub outs: Vec<Vec<Out>>,
}

/// What a literal that was found means.
#[derive(Debug, Clone, Copy)]
pub enum Out {
    /// The bit is true.
    Bit(Bit),
    /// The glob of this index may cover the value.
    Check(u32),
}

impl TextsBuilder {
    /// Adds a pattern that sets `bit`. With `fold`, its text is lowered, as the values will be.
    pub fn add(&mut self, pattern: &Pattern, fold: bool, bit: Bit) {
        let pattern = if fold { folded_pattern(pattern) } else { pattern.clone() };
        match pattern.pieces.as_slice() {
            [] => self.exact.add(Vec::new(), Out::Bit(bit)),
            [Piece::Run] => self.anything.push(bit),
            [Piece::Literal(text)] => self.exact.add(text.clone().into(), Out::Bit(bit)),
            [Piece::Literal(text), Piece::Run] => self.prefix.add(text.clone().into(), Out::Bit(bit)),
            [Piece::Run, Piece::Literal(text)] => {
                self.suffix.add(text.bytes().rev().collect(), Out::Bit(bit));
            }
            [Piece::Run, Piece::Literal(text), Piece::Run] => {
                self.part.add(text.clone().into(), Out::Bit(bit));
            }
            _ => self.add_glob(pattern, bit),
        }
    }

    fn add_glob(&mut self, pattern: Pattern, bit: Bit) {
        let index = self.globs.len() as u32;
        let longest = pattern
            .pieces
            .iter()
            .filter_map(|piece| if let Piece::Literal(text) = piece { Some(text) } else { None })
            .max_by_key(|text| text.len());
        match longest {
            Some(text) => self.part.add(text.clone().into(), Out::Check(index)),
            None => self.loose.push(index),
        }
        self.globs.push((pattern, bit));
    }

    /// Compiles what was added; `None` if nothing was.
    pub fn build(self) -> Option<Texts> {
        let empty = self.exact.outs.is_empty()
            && self.prefix.outs.is_empty()
            && self.suffix.outs.is_empty()
            && self.part.outs.is_empty()
            && self.anything.is_empty()
            && self.globs.is_empty();
        (!empty).then(|| Texts {
            exact: self.exact.index.iter().map(|(text, &at)| (text.as_slice().into(), at as u32)).collect(),
            exact_outs: self.exact.outs,
            prefix: Trie::build(self.prefix),
            suffix: Trie::build(self.suffix),
            part: Parts::new(self.part, &self.globs),
            anything: self.anything,
            globs: self.globs,
            loose: self.loose,
        })
    }
}

impl Texts {
    /// Calls `hit` with the bit of each pattern that covers `value` (a bit may come more than once). With
    /// `hints`, patterns for any part are not sought where the hints say that none of those matters; then
    /// the answer is `false`, and [`Self::find_parts`] finds them later if they come to matter.
    #[inline]
    pub fn find(&self, value: &[u8], hints: Option<&Hints>, hit: &mut impl FnMut(Bit)) -> bool {
        self.anything.iter().for_each(|&bit| hit(bit));
        if !self.exact.is_empty()
            && let Some(&at) = self.exact.get(value)
        {
            self.report(&self.exact_outs[at as usize], value, hit);
        }
        if let Some(trie) = &self.prefix {
            trie.walk(value.iter().copied(), &mut |outs| self.report(outs, value, hit));
        }
        if let Some(trie) = &self.suffix {
            trie.walk(value.iter().rev().copied(), &mut |outs| self.report(outs, value, hit));
        }
        for &index in &self.loose {
            self.report(&[Out::Check(index)], value, hit);
        }
        let skip = self.part.is_some() && hints.is_some_and(|hints| !hints.may_hold(value));
        if !skip {
            self.find_parts(value, hit);
        }
        !skip
    }

    /// Whether a pattern for any part that sets `bit` covers `value`. `None`: it has too many patterns to
    /// try them one by one.
    pub fn has_part(&self, bit: Bit, value: &[u8]) -> Option<bool> {
        self.part.as_ref()?.has(bit, value)
    }

    /// Calls `hit` with the bit of each pattern for any part that covers `value`.
    pub fn find_parts(&self, value: &[u8], hit: &mut impl FnMut(Bit)) {
        if let Some(part) = &self.part {
            part.walk(value, &mut |outs| self.report(outs, value, hit));
        }
    }

    /// Whether a pass must read the value's every byte.
    pub fn reads_all(&self) -> bool {
        self.part.is_some() || !self.loose.is_empty()
    }

    /// The literals sought anywhere in a value for the sake of a bit that `matters`.
    pub fn parts(&self, matters: impl Fn(Bit) -> bool) -> Vec<&[u8]> {
        let Some(part) = &self.part else { return Vec::new() };
        let bit_of = |out: &Out| match *out {
            Out::Bit(bit) => bit,
            Out::Check(index) => self.globs[index as usize].1,
        };
        let mattering = part.literals().filter(|(_, outs)| outs.iter().any(|out| matters(bit_of(out))));
        mattering.map(|(text, _)| text).collect()
    }

    #[inline]
    fn report(&self, outs: &[Out], value: &[u8], hit: &mut impl FnMut(Bit)) {
        for &out in outs {
            match out {
                Out::Bit(bit) => hit(bit),
                Out::Check(index) => {
                    let (pattern, bit) = &self.globs[index as usize];
                    if leaf::pattern_matches(pattern, value, true) {
                        hit(*bit);
                    }
                }
            }
        }
    }
}

impl Group {
    /// Adds a meaning of a literal.
    pub fn add(&mut self, literal: Vec<u8>, out: Out) {
        let next = self.outs.len();
        let at = *self.index.entry(literal).or_insert(next);
        if at == next {
            self.outs.push(Vec::new());
        }
        self.outs[at].push(out);
    }

    /// The literals, in the order that `outs` has.
    pub fn literals(&self) -> Vec<&[u8]> {
        let mut literals: Vec<(&[u8], usize)> =
            self.index.iter().map(|(text, &at)| (text.as_slice(), at)).collect();
        literals.sort_by_key(|&(_, at)| at);
        literals.into_iter().map(|(text, _)| text).collect()
    }
}

/// Literals at the start of a text (or at the end, turned round): a tree walked from its root until no
/// literal goes on.
#[derive(Debug)]
struct Trie {
    /// Children of each node, sorted by byte: `first..first + count` of `edges`.
    nodes: Vec<TrieNode>,
    edges: Vec<(u8, u32)>,
    root: Box<[u32; 256]>,
    outs: Vec<Vec<Out>>,
}

#[derive(Debug, Clone, Copy)]
struct TrieNode {
    first: u32,
    count: u16,
    outs: u32,
}

const NONE: u32 = u32::MAX;

impl Trie {
    fn build(group: Group) -> Option<Self> {
        if group.outs.is_empty() {
            return None;
        }
        let mut literals: Vec<(&[u8], u32)> =
            group.index.iter().map(|(text, &at)| (text.as_slice(), at as u32)).collect();
        literals.sort_unstable();
        let mut trie =
            Self { nodes: Vec::new(), edges: Vec::new(), root: Box::new([NONE; 256]), outs: Vec::new() };
        trie.add(&literals, 0);
        let root = trie.nodes[0];
        let firsts: Vec<(u8, u32)> = trie.children(root).to_vec();
        for (byte, node) in firsts {
            trie.root[byte as usize] = node;
        }
        trie.outs = group.outs;
        Some(trie)
    }

    /// Adds the node that all of `literals` (sorted) share by their first `depth` bytes.
    fn add(&mut self, literals: &[(&[u8], u32)], depth: usize) -> u32 {
        let id = self.nodes.len() as u32;
        let (outs, longer) = match literals.split_first() {
            Some(((text, out), rest)) if text.len() == depth => (*out, rest),
            _ => (NONE, literals),
        };
        self.nodes.push(TrieNode { first: 0, count: 0, outs });
        let groups: Vec<&[(&[u8], u32)]> = longer.chunk_by(|(a, _), (b, _)| a[depth] == b[depth]).collect();
        let edges: Vec<(u8, u32)> =
            groups.into_iter().map(|group| (group[0].0[depth], self.add(group, depth + 1))).collect();
        let node = &mut self.nodes[id as usize];
        node.first = self.edges.len() as u32;
        node.count = edges.len() as u16;
        self.edges.extend(edges);
        id
    }

    #[inline]
    fn children(&self, node: TrieNode) -> &[(u8, u32)] {
        self.edges.get(node.first as usize..node.first as usize + node.count as usize).unwrap_or_default()
    }

    #[inline]
    fn walk(&self, mut bytes: impl Iterator<Item = u8>, found: &mut impl FnMut(&[Out])) {
        let mut node = self.nodes[0];
        if let Some(outs) = self.outs.get(node.outs as usize) {
            found(outs);
        }
        let Some(first) = bytes.next() else { return };
        let mut next = self.root[first as usize];
        while let Some(&reached) = self.nodes.get(next as usize) {
            node = reached;
            if let Some(outs) = self.outs.get(node.outs as usize) {
                found(outs);
            }
            let Some(byte) = bytes.next() else { return };
            let children = self.children(node);
            next = match children {
                [(only, to)] if *only == byte => *to,
                [_] | [] => return,
                _ => match children.iter().find(|(edge, _)| *edge >= byte) {
                    Some((edge, to)) if *edge == byte => *to,
                    _ => return,
                },
            };
        }
    }
}
