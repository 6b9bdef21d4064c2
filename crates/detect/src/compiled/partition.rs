//! The rules of one class of events, compiled.
//!
//! A *slot* is a field some rule of the partition reads. Each distinct question to a slot is asked once
//! and its answer is a *bit*; conditions are trees over bits. Slots are read on demand, except those of
//! the plan (see [`super::plan`]), whose bits tell which rules are worth a look.

use std::collections::HashMap;
use std::sync::OnceLock;

use foldhash::fast::FixedState;
use ipnet::IpNet;
use ward_core::{EventClass, FieldId, FieldNames};

use super::fold::fold_into;
use super::hints::Hints;
use super::keywords::{Keywords, KeywordsBuilder};
use super::lessons::Lessons;
use super::prefilter::required_literals;
use super::texts::{Bit, Texts, TextsBuilder};
use crate::leaf;
use crate::rule::{Comparison, Expr, FieldRef, FieldTest, Pattern, RegexTest, Test, TextTest, TimePart};

/// Index of a slot in its partition.
pub type SlotIndex = u16;

/// Compiled rules of a class.
#[derive(Debug)]
pub struct Partition {
    /// Number of the partition within its matcher.
    pub id: usize,
    pub(super) slots: Vec<Slot>,
    pub(super) routes: Routes,
    pub(super) nodes: Vec<Node>,
    pub(super) kids: Vec<u32>,
    /// Per rule: its number in the rule set and the root of its condition.
    pub(super) rules: Vec<(u32, u32)>,
    pub(super) keywords: Option<Keywords>,
    /// Where each bit's answer comes from.
    pub(super) bit_homes: Vec<Home>,
    pub(super) regexes: Vec<(SlotIndex, RegexTest)>,
    pub(super) keyword_regexes: Vec<RegexTest>,
    pub(super) refs: Vec<(SlotIndex, SlotIndex, FieldRef)>,
    pub(super) times: Vec<(SlotIndex, TimePart, Comparison, i64)>,
    lessons: OnceLock<Lessons>,
}

/// What answers a bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// Reading this slot.
    Slot(SlotIndex),
    /// Searching the whole record for keywords.
    Keywords,
}

/// A field of the partition and all that is asked of its values.
#[derive(Debug, Default)]
pub struct Slot {
    pub(super) folded: Option<Texts>,
    pub(super) cased: Option<Texts>,
    pub(super) networks: Vec<(Vec<IpNet>, Bit)>,
    pub(super) numbers: Vec<(Comparison, f64, Bit)>,
    /// Reading it costs time in proportion to its length.
    pub(super) reads_all: bool,
}

impl Slot {
    /// Calls `hit` with each bit that is true of one value. `low` is scratch. The answer is `false` if the
    /// `hints` let it leave out caseless texts for any part: [`Self::ask_parts`] finds those.
    pub fn ask(
        &self,
        value: &[u8],
        low: &mut Vec<u8>,
        hints: Option<&Hints>,
        hit: &mut impl FnMut(Bit),
    ) -> bool {
        let mut complete = true;
        if let Some(texts) = &self.folded {
            low.clear();
            fold_into(value, low);
            complete = texts.find(low, hints, hit);
        }
        if let Some(texts) = &self.cased {
            texts.find(value, None, hit);
        }
        if !self.networks.is_empty()
            && let Some(address) = leaf::parse_address(value)
        {
            let holds = |networks: &[IpNet]| networks.iter().any(|network| network.contains(&address));
            self.networks.iter().filter(|(networks, _)| holds(networks)).for_each(|&(_, bit)| hit(bit));
        }
        if !self.numbers.is_empty()
            && let Some(number) = leaf::parse_number(value)
        {
            let holding =
                self.numbers.iter().filter(|(comparison, wanted, _)| comparison.holds(number, *wanted));
            holding.for_each(|&(_, _, bit)| hit(bit));
        }
        complete
    }

    /// Calls `hit` with what [`Self::ask`] left out.
    pub fn ask_parts(&self, value: &[u8], low: &mut Vec<u8>, hit: &mut impl FnMut(Bit)) {
        if let Some(texts) = &self.folded {
            low.clear();
            fold_into(value, low);
            texts.find_parts(low, hit);
        }
    }
}

/// A node of a condition.
#[derive(Debug, Clone, Copy)]
pub enum Node {
    Const(bool),
    All(Kids),
    Any(Kids),
    Not(u32),
    Bit(Bit),
    Regex(u32),
    KeywordRegex(u32),
    Exists(SlotIndex),
    Null(SlotIndex),
    Ref(u32),
    Time(u32),
}

/// A run of `Partition::kids`.
#[derive(Debug, Clone, Copy)]
pub struct Kids {
    pub(super) first: u32,
    pub(super) count: u32,
}

/// Which slots a field of the event fills, and with what rank (0 is best).
#[derive(Debug, Default)]
pub struct Routes {
    by_field: Vec<(u32, u32)>,
    list: Vec<(SlotIndex, u8)>,
}

impl Routes {
    /// The slots that a field fills.
    #[inline(always)]
    pub fn of(&self, field: FieldId) -> &[(SlotIndex, u8)] {
        match self.by_field.get(field.0 as usize) {
            Some(&(first, count)) if count > 0 => &self.list[first as usize..(first + count) as usize],
            _ => &[],
        }
    }
}

impl Partition {
    /// Compiles specialised conditions, given with their rules' numbers.
    pub fn compile(id: usize, rules: &[(u32, Expr)], class: &EventClass, names: &FieldNames) -> Self {
        let mut builder = Builder::default();
        let roots: Vec<(u32, u32)> = rules.iter().map(|(rule, expr)| (*rule, builder.node(expr))).collect();
        builder.finish(id, roots, class, names)
    }

    /// What all threads have learned of its events.
    pub(super) fn lessons(&self) -> &Lessons {
        self.lessons.get_or_init(|| Lessons::nothing(self))
    }

    pub(super) fn kids(&self, kids: Kids) -> &[u32] {
        &self.kids[kids.first as usize..(kids.first + kids.count) as usize]
    }
}

#[derive(Default)]
struct Builder {
    slot_index: HashMap<String, SlotIndex, FixedState>,
    slots: Vec<SlotBuilder>,
    nodes: Vec<Node>,
    kids: Vec<u32>,
    bit_homes: Vec<Home>,
    keyword_bits: HashMap<TextTest, Bit, FixedState>,
    keywords: KeywordsBuilder,
    regexes: Vec<(SlotIndex, RegexTest)>,
    keyword_regexes: Vec<RegexTest>,
    regex_index: HashMap<(SlotIndex, String), u32, FixedState>,
    refs: Vec<(SlotIndex, SlotIndex, FieldRef)>,
    times: Vec<(SlotIndex, TimePart, Comparison, i64)>,
}

#[derive(Default)]
struct SlotBuilder {
    bits: HashMap<TextTest, Bit, FixedState>,
    folded: TextsBuilder,
    cased: TextsBuilder,
    networks: Vec<(Vec<IpNet>, Bit)>,
    numbers: Vec<(Comparison, f64, Bit)>,
}

impl Builder {
    fn node(&mut self, expr: &Expr) -> u32 {
        let node = match expr {
            Expr::Const(value) => Node::Const(*value),
            Expr::Named(_, inner) => return self.node(inner),
            Expr::Not(inner) => Node::Not(self.node(inner)),
            Expr::All(parts) => Node::All(self.group(parts)),
            Expr::Any(parts) => match merged(parts) {
                Some(parts) => Node::Any(self.group(&parts)),
                None => Node::Any(self.group(parts)),
            },
            Expr::Keyword(test) => Node::Bit(self.keyword(test)),
            Expr::KeywordRegex(regex) => self.keyword_regex(regex),
            Expr::Field(test) => self.field(test),
        };
        self.push(node)
    }

    fn push(&mut self, node: Node) -> u32 {
        self.nodes.push(node);
        (self.nodes.len() - 1) as u32
    }

    fn group(&mut self, parts: &[Expr]) -> Kids {
        let mut children: Vec<u32> = parts.iter().map(|part| self.node(part)).collect();
        children.sort_by_key(|&child| self.effort(child));
        let first = self.kids.len() as u32;
        self.kids.extend(children);
        Kids { first, count: parts.len() as u32 }
    }

    /// Order in which parts of a condition are tried: cheap ones first.
    fn effort(&self, node: u32) -> u32 {
        match self.nodes[node as usize] {
            Node::Const(_) | Node::Exists(_) | Node::Null(_) => 0,
            Node::Bit(_) => 1,
            Node::Not(inner) => self.effort(inner),
            Node::All(kids) | Node::Any(kids) => {
                let inside = &self.kids[kids.first as usize..(kids.first + kids.count) as usize];
                2 + inside.iter().map(|&kid| self.effort(kid)).max().unwrap_or(0)
            }
            Node::Time(_) | Node::Ref(_) => 50,
            Node::Regex(_) => 100,
            Node::KeywordRegex(_) => 1000,
        }
    }

    fn field(&mut self, test: &FieldTest) -> Node {
        let slot = self.slot(&test.field);
        match &test.test {
            Test::Text(text) => Node::Bit(self.text(slot, text)),
            Test::Exists(wanted) => {
                let exists = Node::Exists(slot);
                if *wanted { exists } else { Node::Not(self.push(exists)) }
            }
            Test::Null => Node::Null(slot),
            Test::Cidr(networks) => {
                let bit = self.bit(Home::Slot(slot));
                self.slots[slot as usize].networks.push((networks.clone(), bit));
                Node::Bit(bit)
            }
            Test::Number(comparison, wanted) => {
                let bit = self.bit(Home::Slot(slot));
                self.slots[slot as usize].numbers.push((*comparison, *wanted, bit));
                Node::Bit(bit)
            }
            Test::Regex(regex) => self.regex(slot, regex),
            Test::FieldRef(reference) => {
                let other = self.slot(&reference.other);
                self.refs.push((slot, other, reference.clone()));
                Node::Ref((self.refs.len() - 1) as u32)
            }
            Test::TimePart(part, comparison, wanted) => {
                self.times.push((slot, *part, *comparison, *wanted));
                Node::Time((self.times.len() - 1) as u32)
            }
        }
    }

    fn regex(&mut self, slot: SlotIndex, regex: &RegexTest) -> Node {
        let pattern = regex.regex.as_str().to_owned();
        let next = self.regexes.len() as u32;
        let index = *self.regex_index.entry((slot, pattern)).or_insert(next);
        if index == next {
            self.regexes.push((slot, regex.clone()));
        }
        let node = Node::Regex(index);
        match required_text(regex) {
            Some(text) => {
                let bit = self.text(slot, &text);
                self.both(Node::Bit(bit), node)
            }
            None => node,
        }
    }

    fn keyword_regex(&mut self, regex: &RegexTest) -> Node {
        self.keyword_regexes.push(regex.clone());
        let node = Node::KeywordRegex((self.keyword_regexes.len() - 1) as u32);
        match required_text(regex) {
            Some(text) => {
                let bit = self.keyword(&text);
                self.both(Node::Bit(bit), node)
            }
            None => node,
        }
    }

    fn both(&mut self, first: Node, second: Node) -> Node {
        let pair = [self.push(first), self.push(second)];
        let kids = Kids { first: self.kids.len() as u32, count: 2 };
        self.kids.extend(pair);
        Node::All(kids)
    }

    fn slot(&mut self, field: &str) -> SlotIndex {
        if let Some(&slot) = self.slot_index.get(field) {
            return slot;
        }
        let slot = self.slots.len() as SlotIndex; // field names are u16 numbered, so this fits
        self.slots.push(SlotBuilder::default());
        self.slot_index.insert(field.to_owned(), slot);
        slot
    }

    fn bit(&mut self, home: Home) -> Bit {
        self.bit_homes.push(home);
        (self.bit_homes.len() - 1) as Bit
    }

    fn text(&mut self, slot: SlotIndex, test: &TextTest) -> Bit {
        if let Some(&bit) = self.slots[slot as usize].bits.get(test) {
            return bit;
        }
        let bit = self.bit(Home::Slot(slot));
        let builder = &mut self.slots[slot as usize];
        for pattern in &test.patterns {
            if test.cased {
                builder.cased.add(pattern, false, bit);
            } else {
                builder.folded.add(pattern, true, bit);
            }
        }
        builder.bits.insert(test.clone(), bit);
        bit
    }

    fn keyword(&mut self, test: &TextTest) -> Bit {
        if let Some(&bit) = self.keyword_bits.get(test) {
            return bit;
        }
        let bit = self.bit(Home::Keywords);
        self.keywords.add(test, bit);
        self.keyword_bits.insert(test.clone(), bit);
        bit
    }

    fn finish(self, id: usize, rules: Vec<(u32, u32)>, class: &EventClass, names: &FieldNames) -> Partition {
        let routes = routes(&self.slot_index, class, names);
        let slots = self
            .slots
            .into_iter()
            .map(|slot| {
                let (folded, cased) = (slot.folded.build(), slot.cased.build());
                let reads_all = [&folded, &cased].into_iter().flatten().any(Texts::reads_all);
                Slot { folded, cased, networks: slot.networks, numbers: slot.numbers, reads_all }
            })
            .collect();
        Partition {
            id,
            slots,
            routes,
            nodes: self.nodes,
            kids: self.kids,
            rules,
            keywords: self.keywords.build(),
            bit_homes: self.bit_homes,
            regexes: self.regexes,
            keyword_regexes: self.keyword_regexes,
            refs: self.refs,
            times: self.times,
            lessons: OnceLock::new(),
        }
    }
}

/// The text that a value must hold for the expression to match.
fn required_text(regex: &RegexTest) -> Option<TextTest> {
    let literals = required_literals(regex.regex.as_str())?;
    Some(TextTest { patterns: literals.iter().map(|text| Pattern::contains(text)).collect(), cased: false })
}

/// Text tests of one field among alternatives, joined into one test: one bit instead of many.
fn merged(parts: &[Expr]) -> Option<Vec<Expr>> {
    let mut joined: Vec<Expr> = Vec::with_capacity(parts.len());
    for part in parts {
        let Expr::Field(FieldTest { field, test: Test::Text(text) }) = part else {
            joined.push(part.clone());
            continue;
        };
        let same = joined.iter_mut().find_map(|earlier| match earlier {
            Expr::Field(FieldTest { field: f, test: Test::Text(t) })
                if f == field && t.cased == text.cased =>
            {
                Some(t)
            }
            _ => None,
        });
        match same {
            Some(earlier) => earlier.patterns.extend(text.patterns.iter().cloned()),
            None => joined.push(part.clone()),
        }
    }
    (joined.len() < parts.len()).then_some(joined)
}

fn routes(slots: &HashMap<String, SlotIndex, FixedState>, class: &EventClass, names: &FieldNames) -> Routes {
    let mut by_field: Vec<Vec<(SlotIndex, u8)>> = vec![Vec::new(); names.len()];
    for (name, &slot) in slots {
        let Some(own) = names.get(name) else { continue };
        let others =
            class.also_read_from.iter().filter(|(field, _)| *field == own).flat_map(|(_, from)| from);
        for (rank, field) in std::iter::once(&own).chain(others).enumerate().take(255) {
            by_field[field.0 as usize].push((slot, rank as u8));
        }
    }
    let mut routes = Routes::default();
    for mut list in by_field {
        list.sort_unstable();
        list.dedup_by_key(|(slot, _)| *slot);
        routes.by_field.push((routes.list.len() as u32, list.len() as u32));
        routes.list.extend(list);
    }
    routes
}
