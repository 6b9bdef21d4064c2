//! `regex`: texts to regular expressions, for rules that must compare letters exactly, or to say what
//! a wildcard matches. Anchored, because a regular expression here may match anywhere in a value.

use rsigma_parser::{Modifier, SigmaValue};

use super::super::limits::Meter;
use super::super::text::{Mark, Shown};
use super::super::tree::{Item, Node};
use super::Change;

/// How the expression treats letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// Each letter in both cases, as in `[aA]`.
    Brackets,
    /// By the flag to ignore case.
    Flag,
    /// As they are.
    Plain,
}

/// Turns the texts of an item into regular expressions; values that are no text, and empty ones, stay
/// as they are beside them. An item that already counts letters as written (`cased`) keeps doing so,
/// and one with `windash` stays, as no single expression says what it says.
pub(super) fn change(item: Item, method: Method, meter: &mut Meter) -> Result<Change, String> {
    if !item.is_text() || item.spec.has_modifier(Modifier::WindAsh) {
        return Ok(Change::None(item));
    }
    let method = if item.spec.has_modifier(Modifier::Cased) { Method::Plain } else { method };
    let mut kept = Vec::new();
    let mut texts = Vec::new();
    for value in &item.values {
        match item.shown(value) {
            Some(shown) if !shown.text().is_empty() => {
                let regex = expression(&shown, method)?;
                meter.spend(regex.len())?;
                texts.push(SigmaValue::from_raw_string(&regex));
            }
            _ => kept.push(value.clone()),
        }
    }
    if texts.is_empty() {
        return Ok(Change::None(item));
    }
    let mut modifiers = item.modifiers_shown();
    modifiers.retain(|modifier| !matches!(modifier, Modifier::Cased | Modifier::Expand));
    modifiers.extend([Modifier::Re, Modifier::DotAll]);
    modifiers.extend((method == Method::Flag).then_some(Modifier::IgnoreCase));
    let all = item.links_all();
    let as_regex = Node::Item(item.with(modifiers, texts));
    if kept.is_empty() {
        return Ok(Change::To(as_regex));
    }
    let parts = vec![as_regex, Node::Item(item.with(item.spec.modifiers.clone(), kept))];
    Ok(Change::To(if all { Node::All(parts) } else { Node::Any(parts) }))
}

fn expression(shown: &Shown, method: Method) -> Result<String, String> {
    let mut out = String::from("^");
    for (range, mark) in shown.runs() {
        let text = &shown.text()[range];
        match mark {
            Mark::Wild => out.extend(text.chars().map(|c| if c == '*' { ".*" } else { "." })),
            Mark::Placeholder => return Err(format!("placeholder {text} has no value yet")),
            Mark::Plain if method == Method::Brackets => text.chars().for_each(|c| bracket(c, &mut out)),
            Mark::Plain => out.push_str(&regex::escape(text)),
        }
    }
    out.push('$');
    // What may stand anywhere needs no anchor, and is found faster without.
    let open_start = out.strip_prefix("^.*").map(str::to_owned);
    let out = open_start.unwrap_or(out);
    Ok(out.strip_suffix(".*$").map(str::to_owned).unwrap_or(out))
}

/// A letter in both cases; one whose other case is more than a letter as it is.
fn bracket(c: char, out: &mut String) {
    let one =
        |mut letters: Box<dyn Iterator<Item = char>>| letters.next().filter(|_| letters.next().is_none());
    match (one(Box::new(c.to_lowercase())), one(Box::new(c.to_uppercase()))) {
        (Some(lower), Some(upper)) if lower != upper => out.extend(['[', lower, upper, ']']),
        _ => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expression_matches_what_the_text_did() {
        for (text, method, expected) in [
            ("a.b", Method::Plain, r"^a\.b$"),
            ("*a?b*", Method::Flag, "a.b"),
            (r"\*x*", Method::Plain, r"^\*x"),
            ("aß1", Method::Brackets, "^[aA]ß1$"),
            ("*", Method::Plain, "$"),
            (r"*\\*", Method::Plain, r"\\"),
            (r"x.\*", Method::Plain, r"^x\.\*$"),
        ] {
            let regex = expression(&Shown::parse(text), method).unwrap();
            assert_eq!(regex, expected, "{text}");
            assert!(regex::Regex::new(&regex).is_ok());
        }
    }
}
