//! All classes of one run, each registered once, shared by all threads.
//!
//! Invariant: no more than [`MAX_CLASSES`] are ever told apart by their constants, and no more than
//! [`MAX_GENERIC_CLASSES`] by their log sources beyond that; after both, an event gets a class of every
//! log source, so that a flood of invented values costs time but hides nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ward_core::{ClassId, EventClass, FieldId, LogSource};

/// Most classes told apart by constants.
pub const MAX_CLASSES: usize = 16_384;

/// Most classes without constants beyond those.
pub const MAX_GENERIC_CLASSES: usize = 4_096;

/// What makes a class, without its number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Content {
    pub log_sources: Vec<LogSource>,
    pub constants: Vec<(FieldId, String)>,
    pub also_read_from: Vec<(FieldId, Vec<FieldId>)>,
}

#[derive(Debug, Default)]
pub(super) struct Registry {
    known: Mutex<HashMap<Content, Arc<EventClass>>>,
}

impl Registry {
    /// The class of this content; `all` is the content of the class of every log source.
    pub fn class(&self, content: Content, all: impl FnOnce() -> Content) -> Arc<EventClass> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(class) = known.get(&content) {
            return Arc::clone(class);
        }
        if known.len() < MAX_CLASSES {
            return add(&mut known, content);
        }
        let generic = Content { constants: Vec::new(), ..content };
        if let Some(class) = known.get(&generic) {
            return Arc::clone(class);
        }
        if known.len() < MAX_CLASSES + MAX_GENERIC_CLASSES {
            return add(&mut known, generic);
        }
        let all = all();
        match known.get(&all) {
            Some(class) => Arc::clone(class),
            None => add(&mut known, all),
        }
    }

    /// How many classes there are.
    pub fn len(&self) -> usize {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

fn add(known: &mut HashMap<Content, Arc<EventClass>>, content: Content) -> Arc<EventClass> {
    let id = ClassId(known.len() as u32);
    let Content { log_sources, constants, also_read_from } = content.clone();
    let class = Arc::new(EventClass { id, log_sources, constants, also_read_from });
    known.insert(content, Arc::clone(&class));
    class
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(source: usize, constant: usize) -> Content {
        let category = Some(format!("c{source}"));
        Content {
            log_sources: vec![LogSource { category, ..LogSource::default() }],
            constants: vec![(FieldId(0), constant.to_string())],
            also_read_from: Vec::new(),
        }
    }

    #[test]
    fn invented_values_cannot_grow_it_without_end_nor_hide_a_log_source() {
        let registry = Registry::default();
        let all = || content(usize::MAX, 0);
        let first = registry.class(content(0, 0), all);
        for n in 0..MAX_CLASSES * 2 {
            registry.class(content(0, n), all);
        }
        assert_eq!(registry.len(), MAX_CLASSES + 1);
        let late = registry.class(content(0, usize::MAX), all);
        assert_eq!((late.log_sources.len(), late.constants.len()), (1, 0));
        assert_eq!(late.log_sources, first.log_sources);
        assert_eq!(registry.class(content(0, 0), all), first);
        for n in 0..MAX_GENERIC_CLASSES * 2 {
            registry.class(content(n, n), all);
        }
        assert_eq!(registry.len(), MAX_CLASSES + MAX_GENERIC_CLASSES + 1);
        assert_eq!(registry.class(content(usize::MAX - 1, 0), all).log_sources, all().log_sources);
    }
}
