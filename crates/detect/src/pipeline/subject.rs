//! A rule, correlation or filter while the steps run over it: what it says of itself, borrowed, and
//! what steps may change, owned. Nothing is written back unless every step let it pass.

use std::collections::HashMap;

use rsigma_parser::{
    ConditionExpr, CorrelationCondition, CorrelationRule, Detections, FilterRule, Level, LogSource,
    SelectorPattern, SigmaRule, Status,
};
use yaml_serde::Value;

use super::limits::{self, Meter};
use super::state::State;
use super::tree::{Item, Node};

/// What kind of document it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Rule,
    Correlation,
    Filter,
}

/// A document while the steps run over it.
pub(super) struct Subject<'r> {
    pub(super) kind: Kind,
    pub(super) attributes: HashMap<&'static str, Attribute<'r>>,
    /// Its log source; of a correlation those of the rules it refers to.
    pub(super) log_sources: Vec<LogSource>,
    pub(super) fields: Vec<String>,
    pub(super) custom: HashMap<String, Value>,
    pub(super) named: Vec<(String, Node)>,
    pub(super) conditions: Vec<ConditionExpr>,
    /// Group-by, aliases and condition of a correlation.
    pub(super) correlation: Option<Names>,
    pub(super) state: State,
    pub(super) meter: Meter,
}

/// The field names of a correlation.
pub(super) struct Names {
    pub(super) group_by: Vec<String>,
    pub(super) aliases: Vec<rsigma_parser::FieldAlias>,
    pub(super) condition: CorrelationCondition,
}

/// What a document says of itself, by kind.
#[derive(Debug, Clone, Copy)]
pub(super) enum Attribute<'r> {
    Text(&'r str),
    Date(&'r str),
    List(&'r [String]),
    Level(Level),
    Status(Status),
}

/// The attributes all three kinds have.
macro_rules! attributes {
    ($rule:expr) => {{
        let rule = $rule;
        let mut all = HashMap::from([
            ("title", Attribute::Text(&rule.title)),
            ("references", Attribute::List(&rule.references)),
            ("falsepositives", Attribute::List(&rule.falsepositives)),
            ("scope", Attribute::List(&rule.scope)),
            ("tags", Attribute::List(&rule.tags)),
        ]);
        let texts = [
            ("id", &rule.id),
            ("name", &rule.name),
            ("taxonomy", &rule.taxonomy),
            ("description", &rule.description),
            ("license", &rule.license),
            ("author", &rule.author),
        ];
        let dates = [("date", &rule.date), ("modified", &rule.modified)];
        all.extend(texts.iter().filter_map(|(name, text)| Some((*name, Attribute::Text(text.as_deref()?)))));
        all.extend(dates.iter().filter_map(|(name, text)| Some((*name, Attribute::Date(text.as_deref()?)))));
        all.extend(rule.level.map(|level| ("level", Attribute::Level(level))));
        all.extend(rule.status.map(|status| ("status", Attribute::Status(status))));
        all
    }};
}

impl<'r> Subject<'r> {
    /// A detection rule.
    pub(super) fn rule(rule: &'r SigmaRule) -> Self {
        let empty = Self::empty(Kind::Rule, attributes!(rule), &rule.fields, &rule.custom_attributes);
        Self { log_sources: vec![rule.logsource.clone()], ..empty.with(&rule.detection) }
    }

    /// A correlation over rules with these log sources.
    pub(super) fn correlation(rule: &'r CorrelationRule, log_sources: &[LogSource]) -> Self {
        let names = Names {
            group_by: rule.group_by.clone(),
            aliases: rule.aliases.clone(),
            condition: rule.condition.clone(),
        };
        let empty = Self::empty(Kind::Correlation, attributes!(rule), &rule.fields, &rule.custom_attributes);
        Self { log_sources: log_sources.to_vec(), correlation: Some(names), ..empty }
    }

    /// A filter for rules with this log source.
    pub(super) fn filter(rule: &'r FilterRule, log_source: Option<&LogSource>) -> Self {
        let empty = Self::empty(Kind::Filter, attributes!(rule), &rule.fields, &rule.custom_attributes);
        Self { log_sources: log_source.into_iter().cloned().collect(), ..empty.with(&rule.detection) }
    }

    fn empty(
        kind: Kind,
        attributes: HashMap<&'static str, Attribute<'r>>,
        fields: &[String],
        custom: &HashMap<String, Value>,
    ) -> Self {
        Self {
            kind,
            attributes,
            log_sources: Vec::new(),
            fields: fields.to_vec(),
            custom: custom.clone(),
            named: Vec::new(),
            conditions: Vec::new(),
            correlation: None,
            state: State::default(),
            meter: Meter::new(),
        }
    }

    fn with(self, detection: &Detections) -> Self {
        let mut named: Vec<_> =
            detection.named.iter().map(|(name, part)| (name.clone(), Node::of(part))).collect();
        named.sort_by(|left, right| left.0.cmp(&right.0));
        Self { named, conditions: detection.conditions.clone(), ..self }
    }

    /// Puts what `replace` makes of each item in its place. A search identifier of which nothing is
    /// left goes, and so does what the condition asks of it.
    pub(super) fn rewrite(
        &mut self,
        mut replace: impl FnMut(Item, &mut State, &mut Meter) -> Result<Option<Node>, String>,
    ) -> Result<(), String> {
        let mut gone = Vec::new();
        for (name, node) in std::mem::take(&mut self.named) {
            match node.rewrite(&mut |item| replace(item, &mut self.state, &mut self.meter))? {
                // Each step adds a level or two, so what the limit lets pass is never much deeper.
                Some(node) if node.depth() > limits::DETECTION_DEPTH => {
                    return Err(format!("the rule would be nested deeper than {}", limits::DETECTION_DEPTH));
                }
                Some(node) => self.named.push((name, node)),
                None => gone.push(name),
            }
        }
        if gone.is_empty() {
            return Ok(());
        }
        let left: Vec<&str> = self.named.iter().map(|(name, _)| name.as_str()).collect();
        let conditions = std::mem::take(&mut self.conditions);
        self.conditions = conditions.into_iter().filter_map(|expr| without(expr, &gone, &left)).collect();
        match self.conditions.is_empty() {
            true => Err("nothing is left of the rule's condition".to_owned()),
            false => Ok(()),
        }
    }

    /// The detections as the syntax tree has them.
    pub(super) fn detections(
        named: Vec<(String, Node)>,
        conditions: Vec<ConditionExpr>,
        old: &Detections,
    ) -> Detections {
        let condition_strings = match conditions == old.conditions {
            true => old.condition_strings.clone(),
            false => conditions.iter().map(ToString::to_string).collect(),
        };
        Detections {
            named: named.into_iter().map(|(name, node)| (name, node.into_detection())).collect(),
            conditions,
            condition_strings,
            timeframe: old.timeframe.clone(),
        }
    }
}

/// The condition without what it asks of identifiers that are gone; `None` if that was all.
fn without(expr: ConditionExpr, gone: &[String], left: &[&str]) -> Option<ConditionExpr> {
    let each = |parts: Vec<ConditionExpr>| -> Vec<ConditionExpr> {
        parts.into_iter().filter_map(|part| without(part, gone, left)).collect()
    };
    let some =
        |mut parts: Vec<ConditionExpr>, many: fn(Vec<ConditionExpr>) -> ConditionExpr| match parts.len() {
            0 => None,
            1 => Some(parts.remove(0)),
            _ => Some(many(parts)),
        };
    match expr {
        ConditionExpr::And(parts) => some(each(parts), ConditionExpr::And),
        ConditionExpr::Or(parts) => some(each(parts), ConditionExpr::Or),
        ConditionExpr::Not(inner) => {
            without(*inner, gone, left).map(|inner| ConditionExpr::Not(Box::new(inner)))
        }
        ConditionExpr::Identifier(name) => (!gone.contains(&name)).then_some(ConditionExpr::Identifier(name)),
        ConditionExpr::Selector { quantifier, pattern } => {
            let selects = |name: &str| SelectorPattern::matches_detection_name(&pattern, name);
            let emptied = gone.iter().any(|name| selects(name)) && !left.iter().any(|name| selects(name));
            (!emptied).then_some(ConditionExpr::Selector { quantifier, pattern })
        }
    }
}
