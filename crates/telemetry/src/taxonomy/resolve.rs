//! From an event to its class, at the rate events come.
//!
//! One pass over the event's fields picks, for each slot, the field it is read from, and gives the set of
//! slots the event has: its *shape*. Each shape has a plan: which slots' values can matter for it. Those
//! values, as the tables know them (exactly, where they are the identity of an event), make a key; the
//! key leads to a class this thread has met, or the tables are asked once.
//!
//! Invariant: two events with the same key have the same class, constants included, because the key
//! holds everything that evaluation reads.
//! Invariant: keys are compared byte by byte, so no collision gives an event another's class.

use std::collections::HashMap;
use std::sync::Arc;

use ward_core::{Event, EventClass, LogSource, Timestamp, ValueKind};

use super::evaluate::{Evaluation, Reads};
use super::observables::Observables;
use super::registry::Registry;
use super::slot::{MAX_SLOTS, SlotId, SlotSet, is_scalar};
use super::table::{NO_ROLE, Question, Table};

/// Most keys a thread remembers; then it starts afresh.
const MAX_KEYS: usize = 8_192;

/// Most shapes a thread remembers; then it starts afresh.
const MAX_SHAPES: usize = 4_096;

/// Longest value that is part of an event's identity; a longer one is as any that no table names.
const MAX_IDENTITY_BYTES: usize = 256;

/// Most values of one slot that are looked at.
const MAX_VALUES: usize = 8;

type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Resolves events to classes. One for each thread: clone it, which is cheap; classes are shared.
#[derive(Debug)]
pub struct Resolver {
    shared: Arc<Shared>,
    fixed: Option<LogSource>,
    year: Option<i16>,
    picks: Box<[Pick; MAX_SLOTS]>,
    plans: FastMap<Shape, u32>,
    plan_list: Vec<Plan>,
    /// Shape and plan of the last event: most have the same again.
    last: (Shape, u32),
    key: Vec<u8>,
    scratch: Vec<u8>,
    keys: FastMap<Box<[u8]>, u32>,
    classes: Vec<Arc<EventClass>>,
}

#[derive(Debug)]
struct Shared {
    table: Table,
    registry: Registry,
}

/// Which slots an event has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    /// Slots that are there, if only as a container.
    pub present: SlotSet,
    /// Slots with a value.
    pub valued: SlotSet,
    /// Slots with more than one value, or with a header and a field of the payload.
    pub many: SlotSet,
}

/// The field a slot is read from, best so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pick {
    /// Its first value's place in the event's fields.
    pub at: u32,
    pub rank: u8,
    pub behind_header: bool,
}

/// What matters of the events of one shape. Plan 0 is that of events without a slot.
#[derive(Debug, Clone, Default)]
struct Plan {
    /// Slots whose values matter, ascending, and whether the exact value does.
    slots: Vec<(SlotId, bool)>,
}

impl Resolver {
    pub(super) fn new(table: Table) -> Self {
        Self::of(Arc::new(Shared { table, registry: Registry::default() }), None, None)
    }

    fn of(shared: Arc<Shared>, fixed: Option<LogSource>, year: Option<i16>) -> Self {
        Self {
            shared,
            fixed,
            year,
            picks: Box::new([Pick::default(); MAX_SLOTS]),
            plans: FastMap::default(),
            plan_list: vec![Plan::default()],
            last: (Shape::default(), 0),
            key: Vec::new(),
            scratch: Vec::new(),
            keys: FastMap::default(),
            classes: Vec::new(),
        }
    }

    /// The same, for an input of which the caller knows the log source: its events belong to it besides
    /// those they are recognised by.
    #[must_use]
    pub fn with_fixed(self, log_source: LogSource) -> Self {
        Self::of(self.shared, Some(log_source), self.year)
    }

    /// The same, taking times that name no year (syslog, RFC 3164) to be in this one.
    #[must_use]
    pub fn with_year(self, year: i16) -> Self {
        Self::of(self.shared, self.fixed, Some(year))
    }

    /// The class of an event. Its `log_sources` are empty if nothing is known of where it comes from.
    #[inline]
    pub fn resolve(&mut self, event: &Event<'_>) -> &Arc<EventClass> {
        let shape = self.pick(event);
        if self.last.0 != shape {
            self.last = (shape, self.plan(&shape));
        }
        let plan = self.last.1;
        self.make_key(event, &shape, plan);
        let class = match self.keys.get(self.key.as_slice()) {
            Some(&class) => class,
            None => self.learn(event, &shape, plan),
        };
        &self.classes[class as usize]
    }

    /// When it happened. `None`: no column holds a time.
    pub fn time(&self, event: &Event<'_>) -> Option<Timestamp> {
        self.shared.table.columns.time(event, self.year)
    }

    /// The host or device it happened on.
    pub fn host(&self, event: &Event<'_>) -> Option<String> {
        self.shared.table.columns.host(event)
    }

    /// Who did it, as the source names them.
    pub fn user(&self, event: &Event<'_>) -> Option<String> {
        self.shared.table.columns.user(event)
    }

    /// Number or identifier of the record in its source.
    pub fn record_id(&self, event: &Event<'_>) -> Option<String> {
        self.shared.table.columns.record_id(event)
    }

    /// Its addresses, hashes, domains and URLs, put into `found` in place of what was there.
    pub fn observables(&self, event: &Event<'_>, found: &mut Observables) {
        self.shared.table.observables.find(event, found);
    }

    /// How many classes all resolvers of this table have met.
    pub fn class_count(&self) -> usize {
        self.shared.registry.len()
    }

    #[inline]
    fn pick(&mut self, event: &Event<'_>) -> Shape {
        let table = &self.shared.table;
        let mut shape = Shape::default();
        for (at, span) in event.fields.iter().enumerate() {
            let mut next = table.first_role.get(span.field.0 as usize).copied().unwrap_or(NO_ROLE);
            while let Some(role) = table.roles.get(next as usize) {
                next = role.next;
                let slot = role.slot;
                if !is_scalar(span) {
                    if span.kind == ValueKind::Container {
                        shape.present.add(slot);
                    }
                    continue;
                }
                let pick = &mut self.picks[slot as usize];
                let new = Pick { at: at as u32, rank: role.rank, behind_header: role.behind_header };
                if !shape.valued.has(slot) {
                    shape.valued.add(slot);
                    *pick = new;
                } else if role.rank < pick.rank {
                    shape.many.remove(slot);
                    if pick.behind_header {
                        shape.many.add(slot);
                    }
                    *pick = new;
                } else if role.rank == pick.rank || role.behind_header {
                    shape.many.add(slot);
                }
            }
        }
        shape.present = shape.present.or(shape.valued);
        shape
    }

    #[cold]
    fn plan(&mut self, shape: &Shape) -> u32 {
        if let Some(&plan) = self.plans.get(shape) {
            return plan;
        }
        if self.plan_list.len() >= MAX_SHAPES {
            // Keys hold numbers of plans: they go together.
            self.plans.clear();
            self.plan_list.truncate(1);
            self.keys.clear();
            self.classes.clear();
        }
        let number = self.plan_list.len() as u32;
        self.plan_list.push(Plan::new(&self.shared.table, shape));
        self.plans.insert(*shape, number);
        number
    }

    #[inline]
    fn make_key(&mut self, event: &Event<'_>, shape: &Shape, plan: u32) {
        let key = &mut self.key;
        key.clear();
        key.extend_from_slice(&plan.to_le_bytes());
        let Some(plan) = self.plan_list.get(plan as usize) else { return };
        for &(slot, identity) in &plan.slots {
            let pick = self.picks[slot as usize];
            let (Some(known), Some(span)) =
                (self.shared.table.slots.get(slot as usize), event.fields.get(pick.at as usize))
            else {
                continue;
            };
            // The rank tells from which field it was read, and so of which fields it is a constant.
            let rank = u32::from(pick.rank) << 16;
            if shape.many.has(slot) {
                let reads = Reads { event, pick };
                let count = reads.values().take(MAX_VALUES).count() as u32;
                key.extend_from_slice(&(rank | count).to_le_bytes());
                for span in reads.values().take(MAX_VALUES) {
                    known.code(event.text_of(span, &mut self.scratch)).push_to(key);
                }
                continue;
            }
            let text = event.text_of(span, &mut self.scratch);
            if identity && text.len() <= MAX_IDENTITY_BYTES {
                key.extend_from_slice(&(rank | text.len() as u32).to_le_bytes());
                key.extend_from_slice(text);
            } else {
                key.extend_from_slice(&(rank | 0xffff).to_le_bytes());
                known.code(text).push_to(key);
            }
        }
    }

    #[cold]
    fn learn(&mut self, event: &Event<'_>, shape: &Shape, plan: u32) -> u32 {
        let shared = Arc::clone(&self.shared);
        let mut evaluation = Evaluation::new(&shared.table, *shape);
        let plan = self.plan_list.get(plan as usize);
        for &(slot, identity) in plan.iter().flat_map(|plan| &plan.slots) {
            let pick = self.picks[slot as usize];
            let only = !shape.many.has(slot);
            // Of an identity the first value counts: the header stands before the payload.
            let limit = if identity { 1 } else { MAX_VALUES };
            for span in (Reads { event, pick }).values().take(limit) {
                let text = event.text_of(span, &mut self.scratch);
                let exact = only && identity && text.len() <= MAX_IDENTITY_BYTES;
                evaluation.read(slot, span.field, text, exact, only);
            }
        }
        let content = evaluation.content(self.fixed.as_ref());
        let class = shared.registry.class(content, || Evaluation::everything(&shared.table));
        if self.keys.len() >= MAX_KEYS {
            self.keys.clear();
            self.classes.clear();
        }
        let number = self.classes.len() as u32;
        self.classes.push(class);
        self.keys.insert(self.key.as_slice().into(), number);
        number
    }
}

impl Clone for Resolver {
    /// A resolver for another thread: it shares the tables and the classes, and remembers nothing yet.
    fn clone(&self) -> Self {
        Self::of(Arc::clone(&self.shared), self.fixed.clone(), self.year)
    }
}

impl Plan {
    fn new(table: &Table, shape: &Shape) -> Self {
        let mut matters: SlotSet = SlotSet::default();
        for entry in &table.entries {
            let possible = entry.when.iter().all(|(slot, question)| match question {
                Question::In(_) | Question::Affixes(_) => shape.valued.or(table.given).has(*slot),
                Question::Present => shape.present.or(table.given).has(*slot),
                Question::Missing => !shape.present.has(*slot),
                Question::NotIn(_) => true,
            });
            if possible {
                let asks_value =
                    |question: &Question| !matches!(question, Question::Present | Question::Missing);
                entry.when.iter().filter(|(_, q)| asks_value(q)).for_each(|(slot, _)| matters.add(*slot));
            }
        }
        let [product, category, service] = table.hints;
        let mut identity = product.or(category).or(service);
        if !table.identity_when.and(shape.valued).is_empty() {
            identity = identity.or(table.identity);
        }
        let identity = identity.and(shape.valued);
        let slots = matters.and(shape.valued).or(identity).iter();
        Self { slots: slots.map(|slot| (slot, identity.has(slot))).collect() }
    }
}
