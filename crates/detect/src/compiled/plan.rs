//! Which slots of a partition every event pays for, and which bits call which rules.
//!
//! A rule can only fire if at least one bit of its *witness* set is true. The plan gives each rule the
//! witness that costs least, as measured: reading a slot costs time for every event, a common bit costs
//! a look at the rule for every event that has it.
//! Slots that no witness needs are read only when a rule that was called asks for them.

use super::partition::{Home, Node, Partition, SlotIndex};
use super::texts::Bit;

/// What was seen of a partition's events.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Events of which everything was read.
    pub events: u32,
    /// Per slot: how many of them had it, and the total length of its values in bytes.
    pub slots: Vec<(u32, u64)>,
    /// Per bit: how many of them had it true.
    pub bits: Vec<u32>,
    /// Total length of their records in bytes.
    pub record_bytes: u64,
}

/// What every event of a partition is asked first.
#[derive(Debug)]
pub struct Plan {
    /// Slots read for every event.
    pub eager: Vec<SlotIndex>,
    /// Whether keywords are sought in every event.
    pub keywords: bool,
    /// Rules called by each bit: a run of `called`.
    calls: Vec<(u32, u32)>,
    called: Vec<u32>,
    /// Rules looked at for every event.
    pub always: Vec<u32>,
}

impl Measured {
    /// Nothing seen yet: every slot is taken to be present and of middling length.
    pub fn nothing(partition: &Partition) -> Self {
        Self {
            events: 0,
            slots: vec![(0, 0); partition.slots.len()],
            bits: vec![0; partition.bit_homes.len()],
            record_bytes: 0,
        }
    }

    fn presence(&self, slot: SlotIndex) -> f32 {
        let (present, _) = self.slots[slot as usize];
        (present as f32 + 1.0) / (self.events as f32 + 1.0)
    }

    fn length(&self, slot: SlotIndex) -> f32 {
        let (present, bytes) = self.slots[slot as usize];
        (bytes as f32 + 40.0) / (present as f32 + 1.0)
    }

    fn frequency(&self, bit: Bit) -> f32 {
        (self.bits[bit as usize] as f32 + 0.02) / (self.events as f32 + 1.0)
    }
}

impl Plan {
    /// The plan that costs least by what was measured.
    pub fn new(partition: &Partition, measured: &Measured) -> Self {
        let mut costs = Costs { partition, measured, read: vec![0; partition.slots.len()], keywords: 0 };
        let mut witnesses: Vec<Option<Vec<Bit>>> = vec![None; partition.rules.len()];
        for _pass in 0..3 {
            for (rule, &(_, root)) in partition.rules.iter().enumerate() {
                if let Some(old) = &witnesses[rule] {
                    costs.count(old, -1);
                }
                witnesses[rule] = costs.witness(root);
                if let Some(new) = &witnesses[rule] {
                    costs.count(new, 1);
                }
            }
        }
        let mut calls: Vec<Vec<u32>> = vec![Vec::new(); partition.bit_homes.len()];
        let mut always = Vec::new();
        for (rule, witness) in witnesses.iter().enumerate() {
            match witness {
                Some(bits) => bits.iter().for_each(|&bit| calls[bit as usize].push(rule as u32)),
                None => always.push(rule as u32),
            }
        }
        let mut plan = Self {
            eager: (0..partition.slots.len() as SlotIndex)
                .filter(|&slot| costs.read[slot as usize] > 0)
                .collect(),
            keywords: costs.keywords > 0,
            calls: Vec::with_capacity(calls.len()),
            called: Vec::new(),
            always,
        };
        for rules in calls {
            plan.calls.push((plan.called.len() as u32, rules.len() as u32));
            plan.called.extend(rules);
        }
        plan
    }

    /// The rules that a bit calls.
    #[inline(always)]
    pub fn called_by(&self, bit: Bit) -> &[u32] {
        let (first, count) = self.calls[bit as usize];
        if count == 0 { &[] } else { &self.called[first as usize..(first + count) as usize] }
    }
}

struct Costs<'a> {
    partition: &'a Partition,
    measured: &'a Measured,
    /// How many witness bits are in each slot.
    read: Vec<i32>,
    keywords: i32,
}

/// Nanoseconds, roughly, of looking at a rule.
const LOOK: f32 = 20.0;

impl Costs<'_> {
    fn count(&mut self, bits: &[Bit], by: i32) {
        for &bit in bits {
            match self.partition.bit_homes[bit as usize] {
                Home::Slot(slot) => self.read[slot as usize] += by,
                Home::Keywords => self.keywords += by,
            }
        }
    }

    /// Bits of which one is true whenever the condition holds, at least cost. `None`: there are none.
    fn witness(&self, node: u32) -> Option<Vec<Bit>> {
        match self.partition.nodes[node as usize] {
            Node::Const(false) => Some(Vec::new()),
            Node::Bit(bit) => Some(vec![bit]),
            Node::All(kids) => self
                .partition
                .kids(kids)
                .iter()
                .filter_map(|&kid| self.witness(kid))
                .min_by(|a, b| self.cost(a).total_cmp(&self.cost(b))),
            Node::Any(kids) => {
                let mut all = Vec::new();
                for &kid in self.partition.kids(kids) {
                    all.extend(self.witness(kid)?);
                }
                all.sort_unstable();
                all.dedup();
                Some(all)
            }
            _ => None,
        }
    }

    /// Nanoseconds an event pays for a witness set, slots that are read anyway being free.
    fn cost(&self, bits: &[Bit]) -> f32 {
        let mut cost = 0.0;
        let mut slots: Vec<SlotIndex> = Vec::new();
        let mut keywords = false;
        for &bit in bits {
            cost += self.measured.frequency(bit) * LOOK;
            match self.partition.bit_homes[bit as usize] {
                Home::Slot(slot) => slots.push(slot),
                Home::Keywords => keywords = true,
            }
        }
        slots.sort_unstable();
        slots.dedup();
        for slot in slots {
            if self.read[slot as usize] == 0 {
                cost += self.reading(slot);
            }
        }
        if keywords && self.keywords == 0 {
            let length = (self.measured.record_bytes as f32 + 1000.0) / (self.measured.events as f32 + 1.0);
            cost += length * self.partition.keywords.as_ref().map_or(0.0, |k| k.cost_per_byte());
        }
        cost
    }

    fn reading(&self, slot: SlotIndex) -> f32 {
        let per_byte = if self.partition.slots[slot as usize].reads_all { 1.5 } else { 0.3 };
        self.measured.presence(slot) * (15.0 + self.measured.length(slot) * per_byte)
    }
}
