//! Documents as the syntax tree that pipelines work on, and back. Only where there are pipelines: what
//! none can change is lowered straight from the document.

use std::collections::HashMap;

use rsigma_parser::fieldpath::{escape_brackets, unescape_brackets};
use rsigma_parser::value::TimespanUnit;
use rsigma_parser::{
    CorrelationCondition, CorrelationRule, CorrelationType, Detection, DetectionItem, Detections, FieldAlias,
    FieldSpec, FilterRule, FilterRuleTarget, LogSource, Modifier, SigmaRule, SigmaString, SigmaValue,
    Timespan, WindowMode,
};
use yaml_serde::Value;

use super::correlation::{ParsedCorrelation, Reference};
use super::metadata::Metadata;
use super::modifiers::Chain;
use super::node::Node;
use crate::correlation_rule::CorrelationKind;
use crate::error::Error;

/// Keys of a document that are not attributes of one's own making.
const STANDARD: [&str; 24] = [
    "author",
    "correlation",
    "custom_attributes",
    "date",
    "description",
    "detection",
    "falsepositives",
    "fields",
    "filter",
    "generate",
    "id",
    "level",
    "license",
    "logsource",
    "modified",
    "name",
    "references",
    "related",
    "scope",
    "sigma-version",
    "status",
    "tags",
    "taxonomy",
    "title",
];

/// A document and its detection as a rule.
pub(super) fn rule(document: &Node, title: &str, detection: Detections) -> SigmaRule {
    let text = |key| text(document, key);
    let texts = |key| texts(document, key);
    SigmaRule {
        title: title.to_owned(),
        logsource: log_source(document),
        detection,
        sigma_version: None,
        id: text("id"),
        name: text("name"),
        related: Vec::new(),
        taxonomy: text("taxonomy"),
        status: text("status").and_then(|status| status.parse().ok()),
        description: text("description"),
        license: text("license"),
        author: text("author"),
        references: texts("references"),
        date: text("date"),
        modified: text("modified"),
        fields: texts("fields"),
        falsepositives: texts("falsepositives"),
        level: text("level").and_then(|level| level.parse().ok()),
        tags: texts("tags"),
        scope: texts("scope"),
        custom_attributes: custom_attributes(document),
    }
}

/// A document and its detection as a filter.
pub(super) fn filter(document: &Node, title: &str, detection: Detections) -> FilterRule {
    let rule = rule(document, title, detection);
    FilterRule {
        title: rule.title,
        sigma_version: None,
        id: rule.id,
        name: rule.name,
        taxonomy: rule.taxonomy,
        status: rule.status,
        description: rule.description,
        author: rule.author,
        date: rule.date,
        modified: rule.modified,
        related: Vec::new(),
        license: rule.license,
        references: rule.references,
        tags: rule.tags,
        fields: rule.fields,
        falsepositives: rule.falsepositives,
        level: rule.level,
        scope: rule.scope,
        logsource: document.get("logsource").map(|_| rule.logsource),
        rules: FilterRuleTarget::Any,
        detection: rule.detection,
        custom_attributes: rule.custom_attributes,
    }
}

/// A correlation, with the field names that pipelines may change.
pub(super) fn correlation(parsed: &ParsedCorrelation) -> CorrelationRule {
    let Metadata { id, name, title, level, tags, author, .. } = &parsed.metadata;
    let names = parsed.refs.iter().map(|reference| match reference {
        Reference::Named(name, _) => name.clone(),
        Reference::Local(index) => index.to_string(),
    });
    let alias = |(alias, fields): &(String, Vec<(String, String)>)| FieldAlias {
        alias: alias.clone(),
        mapping: fields.iter().cloned().collect(),
    };
    let seconds = parsed.timespan.unsigned_abs() / 1_000_000;
    CorrelationRule {
        title: title.clone(),
        sigma_version: None,
        id: Some(id.clone()),
        name: name.clone(),
        status: None,
        description: None,
        author: author.clone(),
        date: None,
        modified: None,
        related: Vec::new(),
        references: Vec::new(),
        taxonomy: None,
        license: None,
        tags: tags.clone(),
        fields: Vec::new(),
        falsepositives: Vec::new(),
        level: level.and_then(|level| level.as_str().parse().ok()),
        scope: Vec::new(),
        correlation_type: kind(parsed.kind),
        rules: names.collect(),
        group_by: parsed.group_by.clone(),
        timespan: Timespan {
            count: seconds,
            unit: TimespanUnit::Second,
            seconds,
            original: format!("{seconds}s"),
        },
        window: WindowMode::Sliding,
        gap: None,
        // Thresholds are kept aside: pipelines leave them alone, and this tree has only whole ones.
        condition: CorrelationCondition::Threshold {
            predicates: Vec::new(),
            field: (!parsed.fields.is_empty()).then(|| parsed.fields.clone()),
            percentile: None,
        },
        aliases: parsed.aliases.iter().map(alias).collect(),
        generate: parsed.generate,
        custom_attributes: HashMap::new(),
    }
}

/// Takes the field names as pipelines left them.
pub(super) fn take_correlation(parsed: &mut ParsedCorrelation, rule: CorrelationRule) {
    parsed.group_by = rule.group_by;
    parsed.aliases = rule.aliases.into_iter().map(|a| (a.alias, a.mapping.into_iter().collect())).collect();
    if let CorrelationCondition::Threshold { field, .. } = rule.condition {
        parsed.fields = field.unwrap_or_default();
    }
}

/// The content of a search identifier.
pub(super) fn detection(name: &str, content: &Node) -> Result<Detection, Error> {
    let wrong = || Error::Shape { what: name.to_owned(), wanted: "a map or a list that is not empty" };
    let is_plain = |node: &Node| !matches!(node, Node::Map(_) | Node::List(_));
    match content {
        Node::Map(items) if !items.is_empty() => {
            Ok(Detection::AllOf(items.iter().map(|(key, value)| item(key, value)).collect::<Result<_, _>>()?))
        }
        Node::List(items) if !items.is_empty() && items.iter().all(is_plain) => Ok(Detection::Keywords(
            items.iter().map(|item| value(item, false)).collect::<Option<_>>().ok_or_else(wrong)?,
        )),
        Node::List(items) if !items.is_empty() => {
            Ok(Detection::AnyOf(items.iter().map(|item| detection(name, item)).collect::<Result<_, _>>()?))
        }
        Node::Map(_) | Node::List(_) | Node::Null => Err(wrong()),
        plain => Ok(Detection::Keywords(vec![value(plain, false).ok_or_else(wrong)?])),
    }
}

fn item(key: &str, values: &Node) -> Result<DetectionItem, Error> {
    Chain::parse(key)?; // names what is wrong with the key, in our words
    let (field, modifiers) = key.split_once('|').unwrap_or((key, ""));
    let modifiers: Vec<Modifier> = modifiers.split('|').filter_map(|name| name.parse().ok()).collect();
    let raw = modifiers.contains(&Modifier::Re);
    let mut flat = Vec::new();
    values.flatten(&mut flat);
    let values = flat.into_iter().map(|node| {
        let wrong = || Error::Value {
            key: key.to_owned(),
            value: "a map".to_owned(),
            why: "cannot be compared with".to_owned(),
        };
        value(node, raw).ok_or_else(wrong)
    });
    let field = (!field.is_empty()).then(|| escape_brackets(field).into_owned());
    Ok(DetectionItem { field: FieldSpec::new(field, modifiers), values: values.collect::<Result<_, _>>()? })
}

/// An item back: its key as written, and its values. A pipeline may have given it a name that no key can
/// have.
pub(super) fn key_and_values(item: &DetectionItem) -> Result<(String, Node), Error> {
    let field = item.field.name.as_deref().map(unescape_brackets);
    if let Some(name) = field.as_ref().filter(|name| name.is_empty() || name.contains('|')) {
        return Err(Error::Pipeline(format!("a pipeline calls a field '{name}', which cannot be its name")));
    }
    let mut key = field.unwrap_or_default().into_owned();
    for modifier in &item.field.modifiers {
        // Every modifier may be written as it is called in the syntax tree, in lower case.
        key.push('|');
        key.push_str(&format!("{modifier:?}").to_lowercase());
    }
    Ok((key, Node::List(item.values.iter().map(node).collect())))
}

/// A value back.
pub(super) fn node(value: &SigmaValue) -> Node {
    match value {
        SigmaValue::String(text) => Node::Text(text.original.clone()),
        SigmaValue::Integer(number) => Node::Number(number.to_string()),
        SigmaValue::Float(number) => Node::Number(number.to_string()),
        SigmaValue::Bool(flag) => Node::Bool(*flag),
        SigmaValue::Null => Node::Null,
    }
}

fn value(node: &Node, raw: bool) -> Option<SigmaValue> {
    Some(match node {
        Node::Null => SigmaValue::Null,
        Node::Bool(flag) => SigmaValue::Bool(*flag),
        Node::Number(text) => {
            let number = text.parse().map(SigmaValue::Integer);
            let number = number.or_else(|_| text.parse().map(SigmaValue::Float));
            // What is too long for either stays as written.
            number
                .ok()
                .filter(|n| n.to_string() == *text)
                .unwrap_or_else(|| SigmaValue::from_raw_string(text))
        }
        Node::Text(text) if raw => SigmaValue::from_raw_string(text),
        Node::Text(text) => SigmaValue::String(SigmaString::new(text)),
        Node::List(_) | Node::Map(_) => return None,
    })
}

fn log_source(document: &Node) -> LogSource {
    let Some(entries) = document.get("logsource").and_then(Node::as_map) else { return LogSource::default() };
    let mut source = LogSource::default();
    for (key, value) in entries {
        let Some(value) = value.scalar().map(|text| text.trim().to_owned()) else { continue };
        match key.as_str() {
            "product" => source.product = Some(value),
            "category" => source.category = Some(value),
            "service" => source.service = Some(value),
            "definition" => source.definition = Some(value),
            _ => drop(source.custom.insert(key.clone(), value)),
        }
    }
    source
}

/// A log source of ours as one of the syntax tree.
pub(super) fn to_log_source(source: &ward_core::LogSource) -> LogSource {
    LogSource {
        product: source.product.clone(),
        category: source.category.clone(),
        service: source.service.clone(),
        ..LogSource::default()
    }
}

/// A log source of the syntax tree as one of ours.
pub(super) fn from_log_source(source: LogSource) -> ward_core::LogSource {
    ward_core::LogSource { product: source.product, category: source.category, service: source.service }
}

const fn kind(kind: CorrelationKind) -> CorrelationType {
    match kind {
        CorrelationKind::EventCount => CorrelationType::EventCount,
        CorrelationKind::ValueCount => CorrelationType::ValueCount,
        CorrelationKind::Temporal => CorrelationType::Temporal,
        CorrelationKind::TemporalOrdered => CorrelationType::TemporalOrdered,
        CorrelationKind::ValueSum => CorrelationType::ValueSum,
        CorrelationKind::ValueAvg => CorrelationType::ValueAvg,
        CorrelationKind::ValuePercentile => CorrelationType::ValuePercentile,
        CorrelationKind::ValueMedian => CorrelationType::ValueMedian,
    }
}

fn custom_attributes(document: &Node) -> HashMap<String, Value> {
    let entries = |node: Option<&Node>| node.and_then(Node::as_map).unwrap_or_default().to_vec();
    let own = entries(Some(document)).into_iter().filter(|(key, _)| !STANDARD.contains(&key.as_str()));
    let given = entries(document.get("custom_attributes"));
    own.chain(given).map(|(key, node)| (key, to_value(&node))).collect()
}

fn to_value(node: &Node) -> Value {
    match node {
        Node::Null => Value::Null,
        Node::Bool(flag) => Value::Bool(*flag),
        Node::Number(text) => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(number), _) => Value::Number(number.into()),
            (_, Ok(number)) => Value::Number(number.into()),
            _ => Value::String(text.clone()),
        },
        Node::Text(text) => Value::String(text.clone()),
        Node::List(items) => Value::Sequence(items.iter().map(to_value).collect()),
        Node::Map(entries) => Value::Mapping(
            entries.iter().map(|(key, node)| (Value::String(key.clone()), to_value(node))).collect(),
        ),
    }
}

fn text(document: &Node, key: &str) -> Option<String> {
    document.get(key).and_then(Node::scalar).map(str::to_owned)
}

fn texts(document: &Node, key: &str) -> Vec<String> {
    let list = document.get(key).and_then(Node::scalars).unwrap_or_default();
    list.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_survive_the_syntax_tree() {
        for (key, values) in [
            ("Image|endswith|windash|all", "['\\a*', 'b\\*', '']"),
            ("a[0].b", "[1, 1.5, true, ~, 1e300, .inf]"),
            ("x|re|ignorecase|multiline|dotall", "['^\\\\a[*]$']"),
            ("t|wide|base64offset|contains|cased|neq", "[x]"),
            ("n|hour|gte", "[5]"),
            ("f|fieldref|startswith", "[g]"),
            ("|all", "[x, y]"),
        ] {
            let values = Node::read(values).unwrap();
            let (key_back, values_back) = key_and_values(&item(key, &values).unwrap()).unwrap();
            assert_eq!(Chain::parse(&key_back).unwrap().kind, Chain::parse(key).unwrap().kind, "{key}");
            assert_eq!(Chain::parse(&key_back).unwrap().steps, Chain::parse(key).unwrap().steps, "{key}");
            assert_eq!(values_back, values, "{key}");
        }
    }
}
