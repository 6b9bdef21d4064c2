//! Exceptions: Sigma filters that hold for one organisation, asked only of events that a rule fired on.
//!
//! A filter in a rule folder is laid over the rules when they are loaded. What is normal at one organisation
//! must not blind the others, so a filter given by an organisation stays beside the rules and is asked of
//! that organisation's matches.

use crate::load::{self, LoadOptions, Problem};
use crate::plain::{self, PlainEvent};
use crate::rule::Rule;

/// One filter document, ready to be asked.
#[derive(Debug, Clone)]
pub struct Exception {
    filter: load::Filter,
}

impl Exception {
    /// Reads the text of one Sigma filter (Sigma filters specification 2.1).
    ///
    /// # Errors
    /// What was refused, in words; also when the text is something else than exactly one filter.
    pub fn parse(origin: &str, text: &str, options: &LoadOptions) -> Result<Self, String> {
        let (filters, report) = load::parse(origin, text, options).into_filters();
        let told =
            |problems: &[Problem]| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        if let [_, ..] = &report.refused[..] {
            return Err(told(&report.refused));
        }
        if let [_, ..] = &report.partial[..] {
            return Err(told(&report.partial));
        }
        match <[load::Filter; 1]>::try_from(filters) {
            Ok([filter]) => Ok(Self { filter }),
            Err(others) => {
                Err(format!("{origin}: holds {} filters where one is wanted, and nothing else", others.len()))
            }
        }
    }

    /// Whether a match of `rule` on this event is to be passed over: the filter is meant for the rule, and its
    /// condition does not hold.
    pub fn mutes(&self, rule: &Rule, event: &PlainEvent) -> bool {
        self.filter.condition_for(rule).is_some_and(|condition| !plain::holds(&condition, event))
    }

    /// Whether the filter is meant for this rule.
    pub fn is_for(&self, rule: &Rule) -> bool {
        self.filter.is_for(rule)
    }
}

#[cfg(test)]
mod tests {
    use ward_core::{EventBuf, FieldNames, ValueKind};

    use super::*;

    const RULE: &str = "title: Whoami\nid: 11111111-1111-1111-1111-111111111111\nlogsource: {product: windows}\n\
                        detection: {s: {Image: whoami}, condition: s}\n";
    const FILTER: &str = "title: Admins may\nlogsource: {product: windows}\nfilter:\n  rules: \
                          [11111111-1111-1111-1111-111111111111]\n  admins: {User: admin}\n  condition: not admins\n";

    fn exception(text: &str) -> Result<Exception, String> {
        Exception::parse("exception 1", text, &LoadOptions::default())
    }

    fn event(user: &str) -> PlainEvent {
        let mut names = FieldNames::default();
        let mut buf = EventBuf::default();
        for (name, value) in [("Image", "whoami"), ("User", user)] {
            buf.push(names.intern(name).unwrap(), ValueKind::Text, value.as_bytes());
        }
        PlainEvent::new(&buf.text_event(b""), &names, None)
    }

    fn rule(text: &str) -> Rule {
        load::load([("r.yml", text)], &LoadOptions::default()).rules.remove(0)
    }

    #[test]
    fn only_what_the_filter_excludes_is_muted_and_only_for_its_rules() {
        let (filter, whoami) = (exception(FILTER).unwrap(), rule(RULE));
        assert!(filter.mutes(&whoami, &event("admin")));
        assert!(!filter.mutes(&whoami, &event("mallory")));
        let other = rule(&RULE.replace("1111-", "2222-"));
        assert!(filter.is_for(&whoami) && !filter.is_for(&other) && !filter.mutes(&other, &event("admin")));
        let linux = rule(&RULE.replace("windows", "linux"));
        assert!(!filter.mutes(&linux, &event("admin")));
    }

    #[test]
    fn what_is_no_filter_is_refused_with_the_reason() {
        assert!(exception(RULE).unwrap_err().contains("0 filters"));
        assert!(exception(&format!("{FILTER}---\n{FILTER}")).unwrap_err().contains("2 filters"));
        assert!(exception("title: x\nfilter: {rules: any}\n").unwrap_err().contains("condition"));
        assert!(exception(": [").is_err());
    }
}
