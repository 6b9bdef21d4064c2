//! The slow way from values to a class: every entry of the tables is asked. Runs once per kind of event
//! and thread.

use std::collections::BTreeMap;

use ward_core::{Event, FieldId, FieldSpan, LogSource};

use super::registry::Content;
use super::resolve::{Pick, Shape};
use super::slot::{Code, SlotId, SlotSet, is_scalar};
use super::table::{Entry, Question, Table};

/// How one slot is read from one event.
pub(super) struct Reads<'e, 'a> {
    pub event: &'e Event<'a>,
    pub pick: Pick,
}

impl<'a> Reads<'_, 'a> {
    /// All values of the field that the slot is read from.
    pub fn values(&self) -> impl Iterator<Item = &'a FieldSpan> + use<'a> {
        let fields = self.event.fields.get(self.pick.at as usize..).unwrap_or_default();
        let field = fields.first().map(|span| span.field);
        fields.iter().filter(move |span| Some(span.field) == field && is_scalar(span))
    }
}

/// What is known of one kind of event, and what follows.
pub(super) struct Evaluation<'a> {
    table: &'a Table,
    shape: Shape,
    given: SlotSet,
    codes: Vec<Vec<Code>>,
    hints: [Option<String>; 3],
    /// Field, whether that very field held it, value.
    constants: Vec<(FieldId, bool, String)>,
}

impl<'a> Evaluation<'a> {
    pub fn new(table: &'a Table, shape: Shape) -> Self {
        Self {
            table,
            shape,
            given: SlotSet::default(),
            codes: vec![Vec::new(); table.slots.len()],
            hints: [None, None, None],
            constants: Vec::new(),
        }
    }

    /// Takes note of a value of a slot. `exact`: the whole value is in the key; otherwise only its code
    /// may be used. `only`: the slot has no other value.
    pub fn read(&mut self, slot: SlotId, from: FieldId, value: &[u8], exact: bool, only: bool) {
        let Some(known) = self.table.slots.get(slot as usize) else { return };
        let code = known.code(value);
        if let Some(codes) = self.codes.get_mut(slot as usize) {
            codes.push(code);
        }
        if !only {
            return;
        }
        let text = if exact {
            std::str::from_utf8(value).ok()
        } else {
            known.spelled(code.value).filter(|_| code.exact)
        };
        let Some(text) = text else { return };
        for (hint, slots) in self.hints.iter_mut().zip(self.table.hints) {
            if exact && slots.has(slot) && hint.is_none() {
                *hint = Some(text.to_owned());
            }
        }
        self.constants.push((known.field, from == known.field, text.to_owned()));
        if from != known.field {
            self.constants.push((from, true, text.to_owned()));
        }
    }

    /// Asks the tables.
    pub fn content(mut self, fixed: Option<&LogSource>) -> Content {
        let table = self.table;
        let mut log_sources: Vec<LogSource> = fixed.into_iter().cloned().collect();
        let [product, category, service] = std::mem::take(&mut self.hints);
        if product.is_some() || category.is_some() || service.is_some() {
            log_sources.push(LogSource { product, category, service });
        }
        for entry in &table.entries {
            if entry.when.iter().all(|(slot, question)| self.answer(*slot, question)) {
                log_sources.extend(entry.is.iter().cloned());
                self.give(entry);
            }
        }
        let log_sources = reduced(log_sources);
        let (also_read_from, special) = also_read_from(table, &log_sources);
        // A value from an alternative is what rules read only if they have no alternative of their own.
        let mut constants: Vec<_> = self
            .constants
            .into_iter()
            .filter(|(field, itself, _)| *itself || !special.contains(field))
            .map(|(field, _, text)| (field, text))
            .collect();
        constants.sort();
        constants.dedup();
        Content { log_sources, constants, also_read_from }
    }

    /// The class of every log source there is.
    pub fn everything(table: &Table) -> Content {
        let log_sources = reduced(table.entries.iter().flat_map(|e| e.is.iter().cloned()).collect());
        let (also_read_from, _) = also_read_from(table, &log_sources);
        Content { log_sources, constants: Vec::new(), also_read_from }
    }

    fn answer(&self, slot: SlotId, question: &Question) -> bool {
        let codes = self.codes.get(slot as usize).map_or(&[][..], Vec::as_slice);
        let present = self.shape.present.or(self.given).has(slot);
        match question {
            Question::In(numbers) => codes.iter().any(|code| numbers.contains(&code.value)),
            Question::NotIn(numbers) => !codes.iter().any(|code| numbers.contains(&code.value)),
            Question::Affixes(bits) => codes.iter().any(|code| code.affixes & bits != 0),
            Question::Present => present,
            Question::Missing => !present,
        }
    }

    /// What an entry gives is known to the entries after it, unless the event says it itself.
    fn give(&mut self, entry: &Entry) {
        for (slot, text) in &entry.gives {
            let present = self.shape.present.or(self.given).has(*slot);
            let Some(known) = self.table.slots.get(*slot as usize).filter(|_| !present) else { continue };
            if let Some(codes) = self.codes.get_mut(*slot as usize) {
                codes.push(known.code(text.as_bytes()));
            }
            self.given.add(*slot);
            self.constants.push((known.field, true, text.clone()));
        }
    }
}

/// Leaves out what another log source says more exactly.
fn reduced(mut sources: Vec<LogSource>) -> Vec<LogSource> {
    sources.sort();
    sources.dedup_by(|a, b| a.covers(b) && b.covers(a));
    let all = sources.clone();
    sources.retain(|source| !all.iter().any(|other| source.covers(other) && !other.covers(source)));
    sources
}

type Alternatives = Vec<(FieldId, Vec<FieldId>)>;

/// The alternatives that hold for these log sources, and the fields that have some of their own.
fn also_read_from(table: &Table, log_sources: &[LogSource]) -> (Alternatives, Vec<FieldId>) {
    let mut all: BTreeMap<FieldId, Vec<FieldId>> = BTreeMap::new();
    let mut special = Vec::new();
    for reading in &table.readings {
        let holds = |of: &LogSource| log_sources.iter().any(|source| of.covers(source));
        if !reading.of.is_empty() && !reading.of.iter().any(holds) {
            continue;
        }
        for (field, from) in &reading.fields {
            if !reading.of.is_empty() {
                special.push(*field);
            }
            let known = all.entry(*field).or_default();
            for other in from {
                if other != field && !known.contains(other) {
                    known.push(*other);
                }
            }
        }
    }
    all.retain(|_, from| !from.is_empty());
    (all.into_iter().collect(), special)
}
