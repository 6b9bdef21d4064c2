//! What a rule in force says about itself, read from where it was loaded when somebody looks at what it found.

use std::path::Path;

use ward_detect::about::{About, about, document};
use ward_detect::rule::Origin;
use ward_web::RuleText;

use super::engine::Engine;
use crate::own_rules::OWN_RULES;
use crate::rule_set;

/// The rule of this id. `None`: none of it is in force. Where its file is gone, what is known without it.
pub fn of(engine: &Engine, id: &str) -> Option<RuleText> {
    let rule = engine.rules().iter().find(|rule| rule.id == id).map(|rule| (&rule.origin, &rule.author));
    let correlations =
        || engine.correlations.iter().find(|it| it.id == id).map(|it| (&it.origin, &it.author));
    let (origin, author) = rule.or_else(correlations)?;
    let source = source(origin).unwrap_or_default();
    let About { description, falsepositives, references, status, .. } = about(&source);
    Some(RuleText {
        description,
        false_positives: falsepositives,
        references,
        author: author.clone().unwrap_or_default(),
        status,
        place: origin.to_string(),
        source,
    })
}

fn source(origin: &Origin) -> Option<String> {
    let own = OWN_RULES.iter().find(|(path, _)| *path == &*origin.path).map(|(_, text)| (*text).to_owned());
    let file = match own {
        Some(text) => text,
        None => rule_set::read(Path::new(&*origin.path)).ok()?,
    };
    document(&file, origin.line).map(str::to_owned)
}
