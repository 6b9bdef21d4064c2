//! The columns a responder asks for first: when, on which host, by whom, which record.

use ward_core::{Event, FieldId, FieldNames, FieldSpan, Timestamp};

use super::clock;
use super::file::File;
use super::slot::is_scalar;

/// Where each column is read from.
#[derive(Debug, Default)]
pub(super) struct Columns {
    time: Vec<(FieldId, Option<FieldId>)>,
    time_ranks: Ranks,
    host: Ranks,
    user: Ranks,
    record_id: Ranks,
}

impl Columns {
    pub fn new(files: &[File], names: &FieldNames) -> Self {
        let mut time = Vec::new();
        for name in files.iter().rev().flat_map(|f| &f.columns.time) {
            let (date, clock) = two_fields(name);
            let clock = clock.map(|clock| names.get(clock));
            if let (Some(date), false) = (names.get(date), clock == Some(None)) {
                time.push((date, clock.flatten()));
            }
        }
        let ranks = |pick: fn(&super::file::Columns) -> &Vec<String>| {
            Ranks::new(
                files.iter().rev().flat_map(|f| pick(&f.columns)).filter_map(|name| names.get(name)),
                names.len(),
            )
        };
        Self {
            time_ranks: Ranks::new(time.iter().map(|(field, _)| *field), names.len()),
            time,
            host: ranks(|c| &c.host),
            user: ranks(|c| &c.user),
            record_id: ranks(|c| &c.record_id),
        }
    }

    /// When it happened: the best column that can be read as a time.
    pub fn time(&self, event: &Event<'_>, year: Option<i16>) -> Option<Timestamp> {
        let mut scratch = Vec::new();
        let mut least = 0;
        while let Some((rank, span)) = self.time_ranks.best(event, least) {
            let (_, clock) = self.time.get(rank as usize)?;
            let mut text = String::from_utf8_lossy(event.text_of(span, &mut scratch));
            if let Some(clock) = clock.and_then(|field| event.first(field)) {
                text = format!("{} {}", text.trim_matches('"'), clock.trim_matches('"')).into();
            }
            if let Some(time) = clock::read(&text, year) {
                return Some(time);
            }
            least = rank + 1;
        }
        None
    }

    pub fn host(&self, event: &Event<'_>) -> Option<String> {
        self.host.text(event)
    }

    pub fn user(&self, event: &Event<'_>) -> Option<String> {
        self.user.text(event)
    }

    pub fn record_id(&self, event: &Event<'_>) -> Option<String> {
        self.record_id.text(event)
    }
}

/// The names of a time column: one field, or a date and a time of day joined by `+`.
pub(super) fn two_fields(name: &str) -> (&str, Option<&str>) {
    match name.split_once('+') {
        Some((date, clock)) => (date, Some(clock)),
        None => (name, None),
    }
}

/// Rank of each field in a list of candidates; [`NONE`] if it is not in it.
#[derive(Debug, Default)]
struct Ranks(Box<[u8]>);

const NONE: u8 = u8::MAX;

impl Ranks {
    fn new(candidates: impl Iterator<Item = FieldId>, fields: usize) -> Self {
        let mut ranks = vec![NONE; fields].into_boxed_slice();
        for (rank, field) in candidates.take(NONE as usize).enumerate() {
            if let Some(place) = ranks.get_mut(field.0 as usize).filter(|place| **place == NONE) {
                *place = rank as u8;
            }
        }
        Self(ranks)
    }

    /// The first value of the best candidate of rank `least` or more that the event has.
    fn best<'a>(&self, event: &Event<'a>, least: u8) -> Option<(u8, &'a FieldSpan)> {
        let mut best: Option<(u8, &FieldSpan)> = None;
        for span in event.fields {
            let rank = self.0.get(span.field.0 as usize).copied().unwrap_or(NONE);
            if rank != NONE
                && rank >= least
                && best.is_none_or(|(known, _)| rank < known)
                && is_scalar(span)
                && span.start != span.end
            {
                best = Some((rank, span));
            }
        }
        best
    }

    /// The best candidate's text; `-` is how Windows and web servers write nothing.
    fn text(&self, event: &Event<'_>) -> Option<String> {
        let mut scratch = Vec::new();
        let mut least = 0;
        while let Some((rank, span)) = self.best(event, least) {
            let text = event.text_of(span, &mut scratch);
            if text != b"-" {
                return Some(String::from_utf8_lossy(text).into_owned());
            }
            least = rank + 1;
        }
        None
    }
}
