//! Where an event comes from, in the words of a Sigma rule's `logsource`.

use std::fmt;

/// A Sigma log source (Sigma specification 2.1, `logsource`). In a rule, an absent part means "any"; on
/// an event, an absent part means "not known".
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogSource {
    /// Product, such as `windows`.
    pub product: Option<String>,
    /// Category, such as `process_creation`.
    pub category: Option<String>,
    /// Service, such as `security`.
    pub service: Option<String>,
}

impl LogSource {
    /// Whether a rule with this log source applies to an event that comes from `event`: each part the
    /// rule names must be there and equal (ASCII case is ignored).
    pub fn covers(&self, event: &Self) -> bool {
        part_covers(&self.product, &event.product)
            && part_covers(&self.category, &event.category)
            && part_covers(&self.service, &event.service)
    }
}

fn part_covers(rule: &Option<String>, event: &Option<String>) -> bool {
    match (rule, event) {
        (None, _) => true,
        (Some(rule), Some(event)) => rule.eq_ignore_ascii_case(event),
        (Some(_), None) => false,
    }
}

impl fmt::Display for LogSource {
    /// `product/category/service`, with `*` for an absent part.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |p: &Option<String>| p.clone().unwrap_or_else(|| "*".to_owned());
        write!(f, "{}/{}/{}", part(&self.product), part(&self.category), part(&self.service))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(product: &str, category: &str, service: &str) -> LogSource {
        let part = |s: &str| (!s.is_empty()).then(|| s.to_owned());
        LogSource { product: part(product), category: part(category), service: part(service) }
    }

    #[test]
    fn a_rule_applies_where_each_part_it_names_is_known_and_equal() {
        let event = source("windows", "process_creation", "sysmon");
        assert!(source("windows", "", "").covers(&event));
        assert!(source("", "process_creation", "").covers(&event));
        assert!(source("Windows", "process_creation", "sysmon").covers(&event));
        assert!(!source("linux", "process_creation", "").covers(&event));
        assert!(!source("windows", "process_creation", "").covers(&source("windows", "", "security")));
    }
}
