//! The tables, compiled against one set of field names.
//!
//! Each field that conditions ask about is a [`Slot`]. A slot is read from its own field first, then
//! from its global alternatives in order: the rank of a [`Role`]. Only a header comes before the own
//! field, because the payload of an event may have a field of that name.

use std::collections::HashMap;

use ward_core::{FieldId, FieldNames, LogSource};

use super::columns::Columns;
use super::file::{Condition, File, TaxonomyError};
use super::names::inside_envelope;
use super::observables::Kinds;
use super::slot::{MAX_SLOTS, Slot, SlotId, SlotSet};

/// Everything a resolver looks up. Shared by all threads.
#[derive(Debug)]
pub(super) struct Table {
    /// Per field: its first role in `roles`, or [`NO_ROLE`].
    pub first_role: Box<[u16]>,
    pub roles: Vec<Role>,
    pub slots: Vec<Slot>,
    pub entries: Vec<Entry>,
    /// Slots that some entry gives.
    pub given: SlotSet,
    pub identity: SlotSet,
    pub identity_when: SlotSet,
    /// Slots of product, category and service hints.
    pub hints: [SlotSet; 3],
    pub readings: Vec<Reading>,
    pub columns: Columns,
    pub observables: Kinds,
}

/// That a field is read for a slot, and how willingly.
#[derive(Debug, Clone, Copy)]
pub(super) struct Role {
    pub slot: SlotId,
    pub rank: u8,
    /// It is the slot's own field, and there is a header that is believed before it.
    pub behind_header: bool,
    /// Next role of the same field, or [`NO_ROLE`].
    pub next: u16,
}

/// No role.
pub(super) const NO_ROLE: u16 = u16::MAX;

/// An entry of the log sources: if all questions are answered yes, the event is from `is`.
#[derive(Debug)]
pub(super) struct Entry {
    pub when: Vec<(SlotId, Question)>,
    pub is: Vec<LogSource>,
    pub gives: Vec<(SlotId, String)>,
}

/// A question to a slot.
#[derive(Debug)]
pub(super) enum Question {
    /// A value is one of these numbers.
    In(Vec<u16>),
    /// No value is one of these numbers.
    NotIn(Vec<u16>),
    /// A value has one of these beginnings or ends.
    Affixes(u64),
    Present,
    Missing,
}

/// Alternatives that hold for some log sources; for all if `of` is empty.
#[derive(Debug)]
pub(super) struct Reading {
    pub of: Vec<LogSource>,
    pub fields: Vec<(FieldId, Vec<FieldId>)>,
}

impl Table {
    /// Compiles the files against names that [`super::Taxonomy::field_names`] made.
    pub fn new(files: &[File], names: &FieldNames) -> Result<Self, TaxonomyError> {
        let mut slots = Slots { names, slots: Vec::new(), by_name: HashMap::new() };
        let mut entries: Vec<Entry> = Vec::new();
        for source in files.iter().flat_map(|file| &file.sources) {
            let mut when = Vec::new();
            for (field, condition) in &source.when {
                let slot = slots.of(field)?;
                when.push((slot, slots.question(slot, condition)?));
            }
            let mut gives = Vec::new();
            for (field, text) in &source.gives {
                gives.push((slots.of(field)?, text.clone()));
            }
            entries.push(Entry { when, is: source.is.clone(), gives });
        }
        let identity = slots.set(files.iter().flat_map(|f| &f.identity.fields))?;
        let identity_when = slots.set(files.iter().flat_map(|f| &f.identity.when_present))?;
        let hints = [
            slots.set(files.iter().flat_map(|f| &f.hints.product))?,
            slots.set(files.iter().flat_map(|f| &f.hints.category))?,
            slots.set(files.iter().flat_map(|f| &f.hints.service))?,
        ];
        let given = entries.iter().flat_map(|e| &e.gives).map(|(slot, _)| *slot).collect();
        let (first_role, roles) = slots.roles(files);
        Ok(Self {
            first_role,
            roles,
            slots: slots.slots,
            entries,
            given,
            identity,
            identity_when,
            hints,
            readings: readings(files, names),
            columns: Columns::new(files, names),
            observables: Kinds::new(files, names),
        })
    }
}

/// Global alternatives of each field: headers first, then those of later files before earlier ones.
pub(super) fn global_alternatives(files: &[File]) -> HashMap<&str, Vec<&str>> {
    let mut all: HashMap<&str, Vec<&str>> = HashMap::new();
    for reading in files.iter().rev().flat_map(|f| &f.alternatives).filter(|a| a.of.is_empty()) {
        for (field, from) in &reading.fields {
            let known = all.entry(field).or_default();
            for name in from {
                if !known.contains(&name.as_str()) && name != field {
                    known.push(name);
                }
            }
        }
    }
    let headers: Vec<&String> = files.iter().flat_map(|f| &f.identity.headers).collect();
    all.values_mut().for_each(|from| from.sort_by_key(|name| !headers.iter().any(|header| header == name)));
    all
}

fn readings(files: &[File], names: &FieldNames) -> Vec<Reading> {
    let reading = |of: &[LogSource], fields: &mut dyn Iterator<Item = (&str, Vec<&str>)>| Reading {
        of: of.to_vec(),
        fields: fields
            .filter_map(|(field, from)| {
                let from: Vec<_> = from.iter().filter_map(|name| names.get(name)).collect();
                Some((names.get(field)?, from))
            })
            .filter(|(_, from)| !from.is_empty())
            .collect(),
    };
    // The special ones before the global ones, later files before earlier ones.
    let special = files.iter().rev().flat_map(|f| &f.alternatives).filter(|a| !a.of.is_empty());
    let mut all: Vec<_> = special
        .map(|special| {
            let fields = special.fields.iter().map(|(f, from)| (f.as_str(), from.iter().map(String::as_str)));
            reading(&special.of, &mut fields.map(|(field, from)| (field, from.collect())))
        })
        .collect();
    all.push(reading(&[], &mut global_alternatives(files).into_iter()));
    let named = (0..names.len()).map(|number| names.name(FieldId(number as u16)));
    let enveloped = named.filter_map(|name| Some((name, vec![inside_envelope(files, name)?])));
    all.push(reading(&[], &mut enveloped.collect::<Vec<_>>().into_iter()));
    all.retain(|reading| !reading.fields.is_empty());
    all
}

struct Slots<'a> {
    names: &'a FieldNames,
    slots: Vec<Slot>,
    by_name: HashMap<String, SlotId>,
}

impl Slots<'_> {
    fn of(&mut self, name: &str) -> Result<SlotId, TaxonomyError> {
        if let Some(&slot) = self.by_name.get(name) {
            return Ok(slot);
        }
        let count = self.slots.len() + 1;
        if count > MAX_SLOTS {
            return Err(TaxonomyError::TooManyDiscriminators { count });
        }
        let slot = (count - 1) as SlotId;
        let field = self.names.get(name).ok_or(TaxonomyError::OtherNames { name: name.to_owned() })?;
        self.slots.push(Slot::new(field));
        self.by_name.insert(name.to_owned(), slot);
        Ok(slot)
    }

    fn set<'a>(&mut self, names: impl Iterator<Item = &'a String>) -> Result<SlotSet, TaxonomyError> {
        names.map(|name| self.of(name)).collect()
    }

    fn question(&mut self, slot: SlotId, condition: &Condition) -> Result<Question, TaxonomyError> {
        let names = self.names;
        let Some(slot) = self.slots.get_mut(slot as usize) else { return Ok(Question::Missing) };
        let mut affixes = |beginning, texts: &[String]| {
            let mut bits = texts.iter().map(|text| slot.name_affix(beginning, text));
            let bits = bits.try_fold(0, |set, bit| Some(set | bit?)).map(Question::Affixes);
            bits.ok_or_else(|| TaxonomyError::TooManyAffixes { field: names.name(slot.field).to_owned() })
        };
        match condition {
            Condition::Prefix(texts) => affixes(true, texts),
            Condition::Suffix(texts) => affixes(false, texts),
            Condition::In(texts) => Ok(Question::In(texts.iter().map(|t| slot.name_value(t)).collect())),
            Condition::NotIn(texts) => {
                Ok(Question::NotIn(texts.iter().map(|t| slot.name_value(t)).collect()))
            }
            Condition::Present => Ok(Question::Present),
            Condition::Missing => Ok(Question::Missing),
        }
    }

    fn roles(&self, files: &[File]) -> (Box<[u16]>, Vec<Role>) {
        let mut first_role = vec![NO_ROLE; self.names.len()].into_boxed_slice();
        let mut roles = Vec::new();
        let mut add = |field: FieldId, slot, rank, behind_header| {
            if let Some(first) = first_role.get_mut(field.0 as usize) {
                let next = std::mem::replace(first, roles.len() as u16);
                roles.push(Role { slot, rank, behind_header, next });
            }
        };
        let alternatives = global_alternatives(files);
        let headers: Vec<&str> = files.iter().flat_map(|f| &f.identity.headers).map(String::as_str).collect();
        for (name, &slot) in &self.by_name {
            let own = self.names.get(name);
            let others = alternatives.get(name.as_str()).map_or(&[][..], Vec::as_slice);
            let header =
                others.iter().find(|other| headers.contains(other)).and_then(|name| self.names.get(name));
            let others = others.iter().filter_map(|name| self.names.get(name));
            let others = others.filter(|field| Some(*field) != own && Some(*field) != header);
            let ranked = header.into_iter().chain(own).chain(others).take(u8::MAX as usize);
            for (rank, field) in ranked.enumerate() {
                add(field, slot, rank as u8, header.is_some() && Some(field) == own);
            }
        }
        (first_role, roles)
    }
}
