//! The compiled matcher: the same answers as [`crate::plain`], at the rate of a nation.
//!
//! Each class of events has a [`Partition`]: the rules that may apply to it, with everything that its
//! constants decide already decided. It is compiled when the first event of the class comes, once for all
//! threads; classes that leave the same of the same rules share one. A [`Worker`] per thread matches.
//!
//! Invariant: a partition never answers otherwise than the plain evaluator would.

mod cache;
mod fold;
mod hints;
mod keywords;
mod lessons;
mod partition;
mod parts;
mod plan;
mod prefilter;
mod room;
mod specialise;
mod texts;
mod truths;
mod worker;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub use partition::Partition;
use specialise::Constants;
use ward_core::{ClassId, EventClass, FieldId, FieldNames, LogSource};
pub use worker::Worker;

use crate::rule::{Expr, Rule};

/// Rules made ready to be matched against events of any class.
#[derive(Debug)]
pub struct Matcher {
    rules: Arc<[Rule]>,
    names: Arc<FieldNames>,
    by_source: Vec<(LogSource, Vec<u32>)>,
    partitions: Mutex<Partitions>,
}

#[derive(Debug, Default)]
struct Partitions {
    by_class: HashMap<ClassId, Arc<Cell>>,
    by_content: HashMap<Content, Arc<Cell>>,
}

/// Place of a partition that one thread compiles while others wait for it.
#[derive(Debug)]
struct Cell {
    id: usize,
    partition: OnceLock<Arc<Partition>>,
}

/// What makes two classes need the same partition.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Content {
    rules: Vec<u32>,
    decided: Vec<FieldId>,
    trace: Vec<u8>,
    also_read_from: Vec<(FieldId, Vec<FieldId>)>,
}

impl Matcher {
    /// Takes the rules; `names` must know every field they read.
    pub fn new(rules: Arc<[Rule]>, names: Arc<FieldNames>) -> Self {
        let mut by_source: HashMap<&LogSource, Vec<u32>> = HashMap::new();
        for (number, rule) in rules.iter().enumerate() {
            by_source.entry(&rule.log_source).or_default().push(number as u32);
        }
        let by_source = by_source.into_iter().map(|(source, rules)| (source.clone(), rules)).collect();
        Self { rules, names, by_source, partitions: Mutex::default() }
    }

    /// The rules, in the order that their numbers count.
    pub fn rules(&self) -> &Arc<[Rule]> {
        &self.rules
    }

    /// The field names that events must be decoded with.
    pub fn names(&self) -> &Arc<FieldNames> {
        &self.names
    }

    /// Whether some rule's log source covers the class.
    pub fn covers(&self, class: &EventClass) -> bool {
        self.by_source.iter().any(|(source, _)| applies(source, class))
    }

    /// The rules of a class, compiled at the first call.
    pub fn partition(&self, class: &EventClass) -> Arc<Partition> {
        let known = self.lock().by_class.get(&class.id).and_then(|cell| cell.partition.get().cloned());
        if let Some(partition) = known {
            return partition;
        }
        let mut conditions: Vec<(u32, Expr)> = Vec::new();
        let mut trace = Vec::new();
        let constants = Constants::of(class, &self.names);
        for number in self.applying(class) {
            let mark = trace.len();
            match constants.specialise(&self.rules[number as usize].condition, &mut trace) {
                Expr::Const(false) => trace.truncate(mark),
                condition => conditions.push((number, condition)),
            }
        }
        let content = Content {
            rules: conditions.iter().map(|(number, _)| *number).collect(),
            decided: class.constants.iter().map(|(field, _)| *field).collect(),
            trace,
            also_read_from: class.also_read_from.clone(),
        };
        let cell = {
            let mut partitions = self.lock();
            let id = partitions.by_content.len();
            let cell = partitions.by_content.entry(content);
            let cell = Arc::clone(cell.or_insert_with(|| Arc::new(Cell { id, partition: OnceLock::new() })));
            partitions.by_class.insert(class.id, Arc::clone(&cell));
            cell
        };
        let compile = || Arc::new(Partition::compile(cell.id, &conditions, class, &self.names));
        Arc::clone(cell.partition.get_or_init(compile))
    }

    /// Numbers of the rules whose log source covers the class, ascending.
    fn applying(&self, class: &EventClass) -> Vec<u32> {
        let sources = self.by_source.iter().filter(|(source, _)| applies(source, class));
        let mut numbers: Vec<u32> = sources.flat_map(|(_, rules)| rules).copied().collect();
        numbers.sort_unstable();
        numbers
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Partitions> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn applies(source: &LogSource, class: &EventClass) -> bool {
    *source == LogSource::default() || class.log_sources.iter().any(|event| source.covers(event))
}
