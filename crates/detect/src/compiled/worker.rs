//! One thread's matching of events. Nothing is written that others read while an event is matched; what
//! some events teach goes to the [notes](super::lessons) afterwards.

use std::sync::Arc;

use ward_core::{ClassId, Event, EventClass, FieldSpan, ValueKind};

use super::Matcher;
use super::cache::Answers;
use super::fold::fold_into;
use super::keywords;
use super::lessons::{Lesson, Notes};
use super::partition::{Home, Node, Partition, SlotIndex};
use super::room::Room;
use super::texts::Bit;
use super::truths::Truths;
use crate::leaf;

/// Matches events against the rules of a [`Matcher`].
#[derive(Debug)]
pub struct Worker {
    matcher: Arc<Matcher>,
    /// By class number: which of `rooms` its events are matched in.
    by_class: Vec<Option<usize>>,
    /// By partition number.
    rooms: Vec<Option<Room>>,
    state: State,
}

/// Answers to one event. Reused.
#[derive(Debug, Default)]
struct State {
    bits: Vec<u64>,
    slots: Vec<SlotState>,
    looked: Vec<u64>,
    queue: Vec<u32>,
    keywords_sought: bool,
    plain: Vec<u8>,
    low: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct SlotState {
    /// Index of its first span of the best rank.
    first: u32,
    rank: u8,
    has_text: bool,
    many: bool,
    read: bool,
    /// Reading left out what called no rule.
    incomplete: bool,
}

const ABSENT: SlotState = SlotState {
    first: u32::MAX,
    rank: u8::MAX,
    has_text: false,
    many: false,
    read: false,
    incomplete: false,
};

impl Worker {
    /// A worker that knows what the others of its matcher have learned.
    pub fn new(matcher: Arc<Matcher>) -> Self {
        Self { matcher, by_class: Vec::new(), rooms: Vec::new(), state: State::default() }
    }

    /// Appends the numbers of the rules that fire on the event to `hits`, in ascending order.
    pub fn matches(&mut self, class: &EventClass, event: &Event<'_>, hits: &mut Vec<u32>) {
        let room = match self.by_class.get(class.id.0 as usize) {
            Some(Some(room)) => *room,
            _ => self.enter(class),
        };
        let Some(Some(room)) = self.rooms.get_mut(room) else { return };
        room.events += 1;
        if room.partition.rules.is_empty() {
            return;
        }
        let start = hits.len();
        room.matching(event, &mut self.state).run(hits);
        if room.lesson.wants(room.events) {
            self.state.note(room, event);
        }
        if hits.len() - start > 1 {
            hits[start..].sort_unstable();
        }
    }

    #[cold]
    fn enter(&mut self, class: &EventClass) -> usize {
        let partition = self.matcher.partition(class);
        let id = partition.id;
        if self.rooms.len() <= id {
            self.rooms.resize_with(id + 1, || None);
        }
        self.rooms[id].get_or_insert_with(|| Room::new(partition));
        let ClassId(class) = class.id;
        if self.by_class.len() <= class as usize {
            self.by_class.resize(class as usize + 1, None);
        }
        self.by_class[class as usize] = Some(id);
        id
    }
}

impl Room {
    fn matching<'a, 'e>(&'a mut self, event: &'a Event<'e>, state: &'a mut State) -> Matching<'a, 'e> {
        let Self { partition, lesson, answers, .. } = self;
        Matching { partition, lesson, answers, event, state }
    }
}

impl State {
    fn reset(&mut self, partition: &Partition) {
        self.bits.clear();
        self.bits.resize(partition.bit_homes.len().div_ceil(64), 0);
        self.slots.clear();
        self.slots.resize(partition.slots.len(), ABSENT);
        self.looked.clear();
        self.looked.resize(partition.rules.len().div_ceil(64), 0);
        self.queue.clear();
        self.keywords_sought = false;
    }

    fn is_set(&self, bit: Bit) -> bool {
        self.bits[bit as usize / 64] >> (bit % 64) & 1 == 1
    }

    /// Notes an event that was matched, if the notes are free.
    #[cold]
    fn note(&mut self, room: &mut Room, event: &Event<'_>) {
        let partition = Arc::clone(&room.partition);
        if let Some(mut notes) = partition.lessons().notes() {
            if notes.latest.number == room.lesson.number {
                self.read_all(room, event, &mut notes);
            }
            room.report(&mut notes);
        }
    }

    /// Reads what matching left unread of the event, and counts everything.
    fn read_all(&mut self, room: &mut Room, event: &Event<'_>, notes: &mut Notes) {
        let slots = room.partition.slots.len() as SlotIndex;
        let mut matching = room.matching(event, self);
        for slot in 0..slots {
            matching.read(slot);
            if matching.state.slots[slot as usize].incomplete {
                matching.complete(slot);
            }
            matching.remember(slot, notes);
        }
        matching.seek_keywords();
        let measured = &mut notes.measured;
        measured.events += 1;
        measured.record_bytes += event.record.len() as u64;
        for (seen, state) in measured.slots.iter_mut().zip(&self.slots) {
            if let Some(span) = event.fields.get(state.first as usize) {
                seen.0 += 1;
                seen.1 += u64::from(span.end - span.start);
            }
        }
        for (bit, seen) in measured.bits.iter_mut().enumerate() {
            *seen += u32::from(self.is_set(bit as Bit));
        }
    }
}

/// Null, arrays and objects have none.
#[inline(always)]
fn has_text(span: &FieldSpan) -> bool {
    !matches!(span.kind, ValueKind::Null | ValueKind::Container)
}

struct Matching<'a, 'e> {
    partition: &'a Partition,
    lesson: &'a Lesson,
    answers: &'a mut [Answers],
    event: &'a Event<'e>,
    state: &'a mut State,
}

impl Matching<'_, '_> {
    fn run(&mut self, hits: &mut Vec<u32>) {
        self.state.reset(self.partition);
        self.route();
        let plan = &self.lesson.plan;
        for &slot in &plan.eager {
            self.read(slot);
        }
        if plan.keywords {
            self.seek_keywords();
        }
        for &rule in &plan.always {
            self.look(rule, hits);
        }
        // A rule that is looked at may read further slots, but those call no rules: the queue is final.
        let queue = std::mem::take(&mut self.state.queue);
        for &rule in &queue {
            self.look(rule, hits);
        }
        self.state.queue = queue;
    }

    /// Finds each slot's values among the event's fields: those of the best ranked field that has text, or
    /// of the best ranked one if none has.
    #[inline(always)]
    fn route(&mut self) {
        for (index, span) in self.event.fields.iter().enumerate() {
            for &(slot, rank) in self.partition.routes.of(span.field) {
                let has_text = has_text(span);
                let state = &mut self.state.slots[slot as usize];
                if state.first == u32::MAX {
                    *state = SlotState { first: index as u32, rank, has_text, ..ABSENT };
                } else if state.rank == rank {
                    state.many = true;
                    state.has_text |= has_text;
                } else if (has_text, state.rank) > (state.has_text, rank) {
                    let first = self.first_of(slot, rank).unwrap_or(index);
                    let many = first < index;
                    self.state.slots[slot as usize] =
                        SlotState { first: first as u32, rank, has_text, many, ..ABSENT };
                }
            }
        }
    }

    #[cold]
    fn first_of(&self, slot: SlotIndex, rank: u8) -> Option<usize> {
        let routes = &self.partition.routes;
        self.event.fields.iter().position(|span| routes.of(span.field).contains(&(slot, rank)))
    }

    fn look(&mut self, rule: u32, hits: &mut Vec<u32>) {
        let (number, root) = self.partition.rules[rule as usize];
        if self.holds(root) {
            hits.push(number);
        }
    }

    fn holds(&mut self, node: u32) -> bool {
        let partition = self.partition;
        match partition.nodes[node as usize] {
            Node::Const(value) => value,
            Node::All(kids) => partition.kids(kids).iter().all(|&kid| self.holds(kid)),
            Node::Any(kids) => partition.kids(kids).iter().any(|&kid| self.holds(kid)),
            Node::Not(inner) => !self.holds(inner),
            Node::Bit(bit) => self.bit(bit),
            Node::Exists(slot) => self.state.slots[slot as usize].first != u32::MAX,
            Node::Null(slot) => {
                let absent = self.state.slots[slot as usize].first == u32::MAX;
                absent || self.any_span(slot, |_, span| span.kind == ValueKind::Null)
            }
            Node::Regex(index) => {
                let (slot, regex) = &partition.regexes[index as usize];
                self.any_text(*slot, |value| regex.regex.is_match(value))
            }
            Node::KeywordRegex(index) => keywords::any_value(self.event, |value| {
                partition.keyword_regexes[index as usize].regex.is_match(value)
            }),
            Node::Time(index) => {
                let (slot, part, comparison, wanted) = partition.times[index as usize];
                self.any_text(slot, |text| {
                    leaf::time_part(text, part).is_some_and(|n| comparison.holds(n, wanted))
                })
            }
            Node::Ref(index) => {
                let (slot, other, reference) = &partition.refs[index as usize];
                let mut others = Vec::new();
                self.any_text(*other, |text| {
                    others.push(text.to_vec());
                    false
                });
                self.any_text(*slot, |text| {
                    others.iter().any(|other| leaf::ref_matches(reference, text, other))
                })
            }
        }
    }

    #[inline(always)]
    fn bit(&mut self, bit: Bit) -> bool {
        match self.partition.bit_homes[bit as usize] {
            Home::Slot(slot) => {
                self.read(slot);
                if !self.state.is_set(bit) && self.state.slots[slot as usize].incomplete {
                    return self.left_out(slot, bit);
                }
            }
            Home::Keywords => self.seek_keywords(),
        }
        self.state.is_set(bit)
    }

    /// Answers every bit of a slot that may call a rule, and most others.
    #[inline(always)]
    fn read(&mut self, slot: SlotIndex) {
        let state = &mut self.state.slots[slot as usize];
        if !state.read {
            state.read = true;
            if state.first != u32::MAX {
                self.each_value(slot, Self::read_value);
            }
        }
    }

    /// Answers a bit that reading its slot may have left out.
    #[cold]
    fn left_out(&mut self, slot: SlotIndex, bit: Bit) -> bool {
        let state = self.state.slots[slot as usize];
        let texts = self.partition.slots[slot as usize].folded.as_ref();
        if let (false, Some(texts), Some(span)) =
            (state.many, texts, self.event.fields.get(state.first as usize))
        {
            let State { plain, low, .. } = &mut *self.state;
            low.clear();
            fold_into(self.event.text_of(span, plain), low);
            if let Some(answer) = texts.has_part(bit, low) {
                return answer;
            }
        }
        self.complete(slot);
        self.state.is_set(bit)
    }

    /// Answers every bit of a slot that has been read.
    #[cold]
    fn complete(&mut self, slot: SlotIndex) {
        self.state.slots[slot as usize].incomplete = false;
        self.each_value(slot, |this, slot, span| {
            let State { bits, looked, queue, plain, low, .. } = &mut *this.state;
            let mut truths = Truths { bits, looked, queue, plan: &this.lesson.plan };
            let text = this.event.text_of(span, plain);
            this.partition.slots[slot as usize].ask_parts(text, low, &mut |bit| truths.set(bit));
        });
    }

    #[inline]
    fn each_value(&mut self, slot: SlotIndex, visit: impl Fn(&mut Self, SlotIndex, &FieldSpan)) {
        let SlotState { first, rank, many, .. } = self.state.slots[slot as usize];
        let fields = self.event.fields.get(first as usize..).unwrap_or_default();
        for (index, span) in fields.iter().enumerate() {
            let ours = index == 0 || self.partition.routes.of(span.field).contains(&(slot, rank));
            if ours && has_text(span) {
                visit(self, slot, span);
            }
            if !many {
                return;
            }
        }
    }

    fn read_value(&mut self, slot: SlotIndex, span: &FieldSpan) {
        let questions = &self.partition.slots[slot as usize];
        let State { bits, looked, queue, plain, low, slots, .. } = &mut *self.state;
        let mut truths = Truths { bits, looked, queue, plan: &self.lesson.plan };
        let raw = self.event.raw(span);
        let hints = self.lesson.hints[slot as usize].as_ref();
        let answers = &mut self.answers[slot as usize];
        let complete = match answers.get(raw) {
            Ok(known) => {
                known.bits.iter().for_each(|&bit| truths.set(bit));
                !known.incomplete
            }
            Err(None) => {
                let text = self.event.text_of(span, plain);
                questions.ask(text, low, hints, &mut |bit| truths.set(bit))
            }
            Err(Some(place)) => {
                let text = self.event.text_of(span, plain);
                let kept = answers.put(place, raw);
                let complete = questions.ask(text, low, hints, &mut |bit| {
                    kept.bits.push(bit);
                    truths.set(bit);
                });
                kept.incomplete = !complete;
                complete
            }
        };
        slots[slot as usize].incomplete |= !complete;
    }

    /// Keeps a value to choose hints by.
    fn remember(&mut self, slot: SlotIndex, notes: &mut Notes) {
        let slot = slot as usize;
        if let Some(span) = self.event.fields.get(self.state.slots[slot].first as usize)
            && notes.wants_value(self.partition, slot)
        {
            let mut value = Vec::new();
            fold_into(self.event.text_of(span, &mut self.state.plain), &mut value);
            notes.keep(slot, value);
        }
    }

    fn seek_keywords(&mut self) {
        if std::mem::replace(&mut self.state.keywords_sought, true) {
            return;
        }
        let Some(keywords) = &self.partition.keywords else { return };
        let State { bits, looked, queue, low, .. } = &mut *self.state;
        let mut truths = Truths { bits, looked, queue, plan: &self.lesson.plan };
        keywords.find(self.event, low, &mut |bit| truths.set(bit));
    }

    /// Whether some span of a slot passes.
    fn any_span(&self, slot: SlotIndex, mut passes: impl FnMut(&Self, &FieldSpan) -> bool) -> bool {
        let SlotState { first, rank, many, .. } = self.state.slots[slot as usize];
        let fields = self.event.fields.get(first as usize..).unwrap_or_default();
        let Some((span, rest)) = fields.split_first() else { return false };
        passes(self, span)
            || many
                && rest.iter().any(|span| {
                    self.partition.routes.of(span.field).contains(&(slot, rank)) && passes(self, span)
                })
    }

    /// Whether the text of some value of a slot passes.
    fn any_text(&mut self, slot: SlotIndex, mut passes: impl FnMut(&[u8]) -> bool) -> bool {
        let mut plain = std::mem::take(&mut self.state.plain);
        let passed =
            self.any_span(slot, |this, span| has_text(span) && passes(this.event.text_of(span, &mut plain)));
        self.state.plain = plain;
        passed
    }
}
