//! The built-in tables against hand-written events of each family.

use ward_core::{EventBuf, EventClass, FieldNames, LogSource};

use super::{Resolver, Taxonomy, file};
use crate::json::Scanner;

/// A resolver over the built-in tables, as for rules that read these fields.
struct Bench {
    names: FieldNames,
    resolver: Resolver,
}

impl Bench {
    fn new(rule_fields: &[&str]) -> Self {
        Self::of(&Taxonomy::builtin().unwrap(), rule_fields)
    }

    fn of(taxonomy: &Taxonomy, rule_fields: &[&str]) -> Self {
        let names = taxonomy.field_names(rule_fields.iter().copied()).unwrap();
        let resolver = taxonomy.resolver(&names).unwrap();
        Self { names, resolver }
    }

    fn class(&mut self, record: &str) -> EventClass {
        let mut buf = EventBuf::default();
        Scanner::default().scan(record.as_bytes(), &self.names, &mut buf).unwrap();
        (**self.resolver.resolve(&buf.json_event(record.as_bytes()))).clone()
    }

    fn sources(&mut self, record: &str) -> Vec<String> {
        self.class(record).log_sources.iter().map(ToString::to_string).collect()
    }

    fn constant(&mut self, record: &str, field: &str) -> Option<String> {
        let id = self.names.get(field)?;
        self.class(record).constants.into_iter().find(|(f, _)| *f == id).map(|(_, text)| text)
    }

    /// The value a rule reads for `field`: from its own name, else from the class's alternatives.
    fn reads(&mut self, record: &str, field: &str) -> Option<String> {
        let id = self.names.get(field)?;
        let class = self.class(record);
        let mut buf = EventBuf::default();
        Scanner::default().scan(record.as_bytes(), &self.names, &mut buf).unwrap();
        let event = buf.json_event(record.as_bytes());
        let others = class.also_read_from.iter().find(|(f, _)| *f == id);
        let mut candidates = std::iter::once(&id).chain(others.into_iter().flat_map(|(_, from)| from));
        candidates.find_map(|field| event.first(*field))
    }
}

fn rule(text: &str) -> LogSource {
    file::log_source(text).unwrap()
}

#[test]
fn the_built_in_tables_are_read() {
    Bench::new(&[]);
}
