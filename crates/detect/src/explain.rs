//! Why a rule fires on an event, or does not: its condition with what held and what failed, and the
//! values that were seen.

use std::fmt;

use ward_core::ValueKind;

use crate::error::shortened;
use crate::leaf;
use crate::plain::{self, PlainEvent, Value};
use crate::rule::{Comparison, Expr, FieldTest, Pattern, Rule, Test, TextTest, TimePart};

/// A part of a condition, whether it held, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Whether it held.
    pub held: bool,
    /// What it asks, in words.
    pub asks: String,
    /// What was seen. Empty for parts that are made of others.
    pub saw: Option<String>,
    /// The parts it is made of.
    pub parts: Vec<Explanation>,
}

/// Explains a rule's condition on an event. Every part is tried, also where the outcome is clear before.
pub fn explain(rule: &Rule, event: &PlainEvent) -> Explanation {
    let condition = explain_expr(&rule.condition, event);
    let asks = format!("{} ({})", rule.title, rule.id);
    Explanation { held: condition.held, asks, saw: None, parts: vec![condition] }
}

impl fmt::Display for Explanation {
    /// One line per part, indented by depth, with a sign and a word for whether it held.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

impl Explanation {
    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let sign = if self.held { "✓ held  " } else { "✗ failed" };
        write!(f, "{:indent$}{sign} {}", "", self.asks, indent = depth * 2)?;
        if let Some(saw) = &self.saw {
            write!(f, ": {saw}")?;
        }
        writeln!(f)?;
        self.parts.iter().try_for_each(|part| part.write(f, depth + 1))
    }
}

fn explain_expr(expr: &Expr, event: &PlainEvent) -> Explanation {
    let held = plain::holds(expr, event);
    let each = |parts: &[Expr]| parts.iter().map(|part| explain_expr(part, event)).collect();
    let (asks, saw, parts) = match expr {
        Expr::Const(value) => (if *value { "always" } else { "never" }.to_owned(), None, Vec::new()),
        Expr::All(parts) => ("all of".to_owned(), None, each(parts)),
        Expr::Any(parts) if parts.is_empty() => {
            ("a placeholder that has no values".to_owned(), None, Vec::new())
        }
        Expr::Any(parts) => ("one of".to_owned(), None, each(parts)),
        Expr::Not(part) => ("not".to_owned(), None, vec![explain_expr(part, event)]),
        Expr::Named(name, part) => (name.to_string(), None, vec![explain_expr(part, event)]),
        Expr::Field(test) => (asks_of_field(test), Some(saw_of_field(test, event)), Vec::new()),
        Expr::Keyword(test) => {
            let hit = event.texts().find_map(|text| Some((hit(test, text)?, text)));
            let saw = match hit {
                Some((pattern, text)) => format!("'{pattern}' is in {}", quoted(text)),
                None => "in no text of the event".to_owned(),
            };
            (format!("anywhere in the event {}", patterns(test)), Some(saw), Vec::new())
        }
        Expr::KeywordRegex(test) => {
            let hit = event.texts().find(|text| test.regex.is_match(text));
            let saw = hit
                .map_or_else(|| "in no text of the event".to_owned(), |text| format!("in {}", quoted(text)));
            (format!("anywhere in the event matches /{}/", test.regex), Some(saw), Vec::new())
        }
    };
    Explanation { held, asks, saw, parts }
}

fn asks_of_field(test: &FieldTest) -> String {
    let question = match &test.test {
        Test::Text(test) => patterns(test),
        Test::Regex(test) => format!("matches /{}/", test.regex),
        Test::Cidr(networks) => {
            let networks: Vec<String> = networks.iter().map(ToString::to_string).collect();
            format!("is an address in {}", networks.join(" or "))
        }
        Test::Number(comparison, number) => format!("{} {number}", sign(*comparison)),
        Test::Exists(true) => "is there".to_owned(),
        Test::Exists(false) => "is not there".to_owned(),
        Test::Null => "is null or not there".to_owned(),
        Test::FieldRef(reference) => {
            let how = match (reference.open_start, reference.open_end) {
                (false, false) => "equals",
                (false, true) => "starts with",
                (true, false) => "ends with",
                (true, true) => "contains",
            };
            format!("{how} the value of {}{}", reference.other, case(reference.cased))
        }
        Test::TimePart(part, comparison, number) => {
            let part = match part {
                TimePart::Minute => "minute",
                TimePart::Hour => "hour",
                TimePart::Day => "day",
                TimePart::Week => "week",
                TimePart::Month => "month",
                TimePart::Year => "year",
            };
            format!("has {part} {} {number}", sign(*comparison))
        }
    };
    format!("{} {question}", test.field)
}

fn saw_of_field(test: &FieldTest, event: &PlainEvent) -> String {
    let values = event.values(&test.field);
    if let Test::Text(test) = &test.test {
        let hit = values.iter().filter_map(Value::text).find_map(|text| Some((hit(test, text)?, text)));
        if let Some((pattern, text)) = hit {
            return match test.patterns.len() {
                1 => format!("it is {}", quoted(text)),
                _ => format!("it is {}, which fits '{pattern}'", quoted(text)),
            };
        }
    }
    let seen = seen(values);
    match &test.test {
        Test::FieldRef(reference) => {
            format!("{seen}; {} {}", reference.other, self::seen(event.values(&reference.other)))
        }
        _ => seen,
    }
}

/// Values, in words.
fn seen(values: &[Value]) -> String {
    const SHOWN: usize = 5;
    let word = |value: &Value| match value.kind {
        ValueKind::Null => "null".to_owned(),
        ValueKind::Container => "a list or map".to_owned(),
        _ => quoted(&value.bytes),
    };
    match values {
        [] => "it is not there".to_owned(),
        _ => {
            let mut words: Vec<String> = values.iter().take(SHOWN).map(word).collect();
            if values.len() > SHOWN {
                words.push(format!("{} more", values.len() - SHOWN));
            }
            format!("it is {}", words.join(", "))
        }
    }
}

fn hit<'t>(test: &'t TextTest, text: &[u8]) -> Option<&'t Pattern> {
    test.patterns.iter().find(|pattern| leaf::pattern_matches(pattern, text, test.cased))
}

fn patterns(test: &TextTest) -> String {
    const SHOWN: usize = 8;
    let mut shown: Vec<String> = test.patterns.iter().take(SHOWN).map(|p| format!("'{p}'")).collect();
    if test.patterns.len() > SHOWN {
        shown.push(format!("{} more", test.patterns.len() - SHOWN));
    }
    format!("is {}{}", shown.join(" or "), case(test.cased))
}

fn case(cased: bool) -> &'static str {
    if cased { " (case counts)" } else { "" }
}

const fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
        Comparison::Equal => "=",
        Comparison::NotEqual => "!=",
    }
}

/// A value in quotes, on one line: control characters are escaped, long values shortened.
fn quoted(text: &[u8]) -> String {
    let shown: String = String::from_utf8_lossy(text)
        .chars()
        .take(200)
        .flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] })
        .collect();
    format!("'{}'", shortened(&shown))
}

#[cfg(test)]
mod tests {
    use ward_core::{EventBuf, FieldNames};

    use super::*;
    use crate::load;

    #[test]
    fn an_explanation_shows_what_held_what_failed_and_why() {
        let text = "title: Whoami\nid: w\nlogsource: {product: p}\ndetection:\n  tool:\n    Image|endswith: \
                    ['\\whoami.exe', '\\who.exe']\n    Port|gt: 10\n  admin:\n    User: null\n  word: [evil]\n  \
                    condition: tool and not admin or word\n";
        let set = load::load([("t.yml", text)], &load::LoadOptions::default());
        let mut names = FieldNames::default();
        let mut buf = EventBuf::default();
        buf.push(names.intern("Image").unwrap(), ValueKind::Text, b"C:\\Whoami.exe");
        buf.push(names.intern("Port").unwrap(), ValueKind::Number, b"8");
        let event = PlainEvent::new(&buf.text_event(b"line\nwith break"), &names, None);
        let explanation = explain(&set.rules[0], &event);
        assert_eq!(
            explanation.to_string(),
            "✗ failed Whoami (w)\n  ✗ failed one of\n    ✗ failed all of\n      ✗ failed tool\n        \
             ✗ failed all of\n          ✓ held   Image is '*\\whoami.exe' or '*\\who.exe': it is \
             'C:\\Whoami.exe', which fits '*\\whoami.exe'\n          ✗ failed Port > 10: it is '8'\n      \
             ✗ failed not\n        ✓ held   admin\n          ✓ held   User is null or not there: it is not \
             there\n    ✗ failed word\n      ✗ failed anywhere in the event is '*evil*': in no text of the \
             event\n"
        );
    }

    #[test]
    fn values_are_shown_on_one_line_and_shortened() {
        assert_eq!(quoted(b"a\nb\x1b"), "'a\\nb\\u{1b}'");
        assert!(quoted(&[b'x'; 1000]).ends_with("...'"));
    }
}
