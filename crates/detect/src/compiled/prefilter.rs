//! What text a regular expression cannot match without.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::fold::folded;

/// Literals in lower case of which one must be part of every value (in lower case) that `pattern`
/// matches. `None`: no such literals of at least three bytes are known.
pub fn required_literals(pattern: &str) -> Option<Vec<String>> {
    let hir = regex_syntax::ParserBuilder::new().utf8(false).build().parse(pattern).ok()?;
    let found = required(&hir)?;
    found.iter().all(|literal| literal.len() >= 3).then_some(found)
}

/// More alternatives than this are no filter.
const MOST: usize = 64;

fn required(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        HirKind::Alternation(choices) => {
            let mut all = Vec::new();
            for choice in choices {
                all.extend(required(choice)?);
                if all.len() > MOST {
                    return None;
                }
            }
            Some(all)
        }
        HirKind::Concat(parts) => {
            let mut best: Option<Vec<String>> = None;
            let mut run = String::new();
            let mut offer = |candidate: Vec<String>| {
                let shortest = |set: &[String]| set.iter().map(String::len).min().unwrap_or(0);
                if best.as_ref().is_none_or(|b| shortest(&candidate) > shortest(b)) {
                    best = Some(candidate);
                }
            };
            for part in parts {
                if let Some(text) = single(part) {
                    run.push_str(&text);
                    continue;
                }
                offer(vec![std::mem::take(&mut run)]);
                if let Some(inside) = required(part) {
                    offer(inside);
                }
            }
            offer(vec![run]);
            best
        }
        _ => single(hir).map(|text| vec![text]),
    }
}

/// The one text that the expression matches, case aside.
fn single(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).ok().map(folded),
        HirKind::Class(Class::Unicode(class)) => {
            let mut letters = class
                .iter()
                .flat_map(|range| range.start()..=range.end())
                .take(4)
                .map(|c| folded(&c.to_string()));
            let first = letters.next()?;
            letters.all(|letter| letter == first).then_some(first)
        }
        HirKind::Class(Class::Bytes(class)) => {
            let mut letters = class.iter().flat_map(|range| range.start()..=range.end()).take(4);
            let first = letters.next().filter(u8::is_ascii)?.to_ascii_lowercase();
            letters.all(|byte| byte.to_ascii_lowercase() == first).then(|| char::from(first).to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_required_only_where_no_way_round_them_exists() {
        let of = |pattern: &str| required_literals(pattern).map(|found| found.join(","));
        assert_eq!(of(r"(?i)cmd\.exe\s+/c").as_deref(), Some("cmd.exe"));
        assert_eq!(of(r"(foo|barbar)\d+x").as_deref(), Some("foo,barbar"));
        assert_eq!(of(r"a?b*").as_deref(), None);
        assert_eq!(of(r"(power){2,}shell").as_deref(), Some("power"));
        assert_eq!(of(r"x|long literal"), None);
        assert_eq!(of(r"(?i)mimikatz").as_deref(), Some("mimikatz"));
        assert_eq!(of(r"(?i)sas").as_deref(), None); // the long s is a letter of its own
    }
}
