//! What a correlation tells of the events that led to it: kept beside the correlator, which knows events by
//! numbers only.

use ward_core::{Event, EventClass, FieldId};
use ward_detect::correlate::Fields;

/// What a finding would tell of an event.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Values of the fields that correlations read, by their numbers.
    pub values: Box<[(u16, Box<str>)]>,
    /// Where it happened.
    pub host: Option<Box<str>>,
}

impl Told {
    /// Bytes that it takes in memory, about.
    pub fn size(&self) -> usize {
        let texts: usize = self.values.iter().map(|(_, text)| 24 + text.len()).sum();
        64 + texts + self.host.as_ref().map_or(0, |host| host.len())
    }
}

impl Fields for Told {
    fn read(&self, field: usize, text: &mut Vec<u8>) -> bool {
        let value = self.values.iter().find(|(known, _)| usize::from(*known) == field);
        value.map(|(_, value)| text.extend_from_slice(value.as_bytes())).is_some()
    }
}

/// An event, read as rules read it: a field under its own name first, then under others of its class.
pub struct EventFields<'a> {
    /// The event.
    pub event: &'a Event<'a>,
    /// What kind of event it is.
    pub class: &'a EventClass,
    /// The fields that correlations read. `None`: nothing is known by this name.
    pub fields: &'a [Option<FieldId>],
}

impl EventFields<'_> {
    /// What a finding would tell of the event.
    pub fn told(&self, host: Option<&str>) -> Told {
        let mut text = Vec::new();
        let values = (0..self.fields.len()).filter_map(|field| {
            text.clear();
            let read = self.read(field, &mut text);
            read.then(|| (field as u16, String::from_utf8_lossy(&text).into()))
        });
        Told { values: values.collect(), host: host.map(Into::into) }
    }
}

impl Fields for EventFields<'_> {
    fn read(&self, field: usize, text: &mut Vec<u8>) -> bool {
        let Some(own) = self.fields.get(field).copied().flatten() else { return false };
        let others = self.class.also_read_from.iter().filter(|(f, _)| *f == own).flat_map(|(_, from)| from);
        let value = std::iter::once(&own).chain(others).find_map(|field| self.event.first(*field));
        let constant =
            || self.class.constants.iter().find(|(f, _)| *f == own).map(|(_, value)| value.clone());
        value.or_else(constant).map(|value| text.extend_from_slice(value.as_bytes())).is_some()
    }
}
