//! A condition's text to an [`Expr`] over the rule's search identifiers.

use std::sync::Arc;

use rsigma_parser::{ConditionExpr, Quantifier, SelectorPattern};

use super::detection::{all, any};
use super::value::Text;
use crate::error::{Error, shortened};
use crate::leaf;
use crate::rule::{Expr, Test};

/// Bytes that a condition may have.
const MAX_LENGTH: usize = 8 << 10;
/// Brackets that may be open at once.
const MAX_DEPTH: usize = 32;
/// Combinations that `N of` may stand for.
const MAX_COMBINATIONS: usize = 1_000;
/// Patterns and tests that a rule's condition may come to when each search identifier stands where it is named.
const MAX_SIZE: usize = 200_000;

/// A search identifier with its content, and whether a condition uses it.
pub(super) struct Identifier {
    pub name: Arc<str>,
    pub content: Expr,
    pub used: bool,
}

/// The search identifiers of a rule, in the order written.
pub(super) struct Identifiers {
    pub list: Vec<Identifier>,
    size: usize,
}

impl Identifiers {
    pub(super) fn new(list: Vec<Identifier>) -> Self {
        Self { list, size: 0 }
    }

    /// Lowers one condition.
    pub(super) fn lower(&mut self, expr: &ConditionExpr) -> Result<Expr, Error> {
        let mut each =
            |parts: &[ConditionExpr]| parts.iter().map(|p| self.lower(p)).collect::<Result<Vec<_>, _>>();
        Ok(match expr {
            ConditionExpr::And(parts) => all(each(parts)?),
            ConditionExpr::Or(parts) => any(each(parts)?),
            ConditionExpr::Not(part) => Expr::Not(Box::new(self.lower(part)?)),
            ConditionExpr::Identifier(name) => {
                let at = self.list.iter().position(|i| *i.name == **name);
                self.named(at.ok_or_else(|| Error::UnknownIdentifier(name.clone()))?)?
            }
            ConditionExpr::Selector { quantifier, pattern } => self.selector(quantifier, pattern)?,
        })
    }

    fn selector(&mut self, quantifier: &Quantifier, pattern: &SelectorPattern) -> Result<Expr, Error> {
        let fits = selected(pattern);
        let chosen: Vec<usize> = (0..self.list.len()).filter(|&i| fits(&self.list[i].name)).collect();
        if chosen.is_empty() {
            return Err(Error::NothingSelected(format!("{quantifier} of {pattern}")));
        }
        let count = match quantifier {
            Quantifier::Any => 1,
            Quantifier::All => chosen.len(),
            Quantifier::Count(count) => usize::try_from(*count).unwrap_or(usize::MAX),
        };
        if count == 0 || count > chosen.len() {
            let condition = format!("{quantifier} of {pattern}");
            let why = format!("asks for {count} of {} search identifiers", chosen.len());
            return Err(Error::Condition { condition, why });
        }
        let sets = combinations(&chosen, count).ok_or_else(|| Error::Limit {
            what: format!("the number of combinations of '{quantifier} of {pattern}'"),
            limit: MAX_COMBINATIONS,
        })?;
        let mut each =
            |set: &Vec<usize>| Ok(all(set.iter().map(|&i| self.named(i)).collect::<Result<_, Error>>()?));
        Ok(any(sets.iter().map(&mut each).collect::<Result<_, Error>>()?))
    }

    fn named(&mut self, index: usize) -> Result<Expr, Error> {
        let identifier = &mut self.list[index];
        identifier.used = true;
        self.size += size(&identifier.content);
        if self.size > MAX_SIZE {
            return Err(Error::Limit { what: "the size of the condition".to_owned(), limit: MAX_SIZE });
        }
        Ok(Expr::Named(identifier.name.clone(), Box::new(identifier.content.clone())))
    }
}

/// Parses a condition, with limits that the parser itself does not have.
pub(super) fn parse(text: &str) -> Result<ConditionExpr, Error> {
    let wrong = |why: String| Error::Condition { condition: shortened(text), why };
    if text.len() > MAX_LENGTH {
        return Err(Error::Limit { what: "the length of the condition".to_owned(), limit: MAX_LENGTH });
    }
    if deepest(text) > MAX_DEPTH {
        return Err(wrong(format!("has more than {MAX_DEPTH} brackets or 'not' in each other")));
    }
    rsigma_parser::parse_condition(&text.replace('\r', " ")).map_err(|e| match e.location() {
        Some(place) => wrong(format!("cannot be understood at its column {}", place.col)),
        None => wrong(format!("cannot be understood: {e}")),
    })
}

/// Which names a selector chooses. Names that start with an underscore are never chosen by `them`.
pub(super) fn selected(pattern: &SelectorPattern) -> impl Fn(&str) -> bool {
    let pattern = match pattern {
        SelectorPattern::Them => None,
        SelectorPattern::Pattern(pattern) => Some(Text::parse(pattern).pattern().unwrap_or_default()),
    };
    move |name: &str| match &pattern {
        None => !name.starts_with('_'),
        Some(pattern) => leaf::pattern_matches(pattern, name.as_bytes(), true),
    }
}

/// The most brackets open at once, or `not`s in a row.
fn deepest(text: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for letter in text.bytes() {
        match letter {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    let mut row = 0;
    for word in text.split([' ', '\t', '\r', '\n', '(', ')']).filter(|word| !word.is_empty()) {
        row = if word == "not" { row + 1 } else { 0 };
        deepest = deepest.max(row);
    }
    deepest
}

/// Every way to choose `count` of `from`; `None` if there are too many.
fn combinations(from: &[usize], count: usize) -> Option<Vec<Vec<usize>>> {
    if count == 1 {
        return Some(from.iter().map(|&item| vec![item]).collect());
    }
    let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
    for (position, &item) in from.iter().enumerate() {
        let left = from.len() - position - 1;
        let mut next = Vec::new();
        for set in sets {
            if set.len() < count {
                let mut with = set.clone();
                with.push(item);
                next.push(with);
            }
            if set.len() + left >= count {
                next.push(set);
            }
        }
        if next.len() > MAX_COMBINATIONS {
            return None;
        }
        sets = next;
    }
    Some(sets)
}

fn size(expr: &Expr) -> usize {
    match expr {
        Expr::All(parts) | Expr::Any(parts) => 1 + parts.iter().map(size).sum::<usize>(),
        Expr::Not(part) | Expr::Named(_, part) => 1 + size(part),
        Expr::Keyword(text) => text.patterns.len(),
        Expr::Field(field) => match &field.test {
            Test::Text(text) => text.patterns.len(),
            _ => 1,
        },
        Expr::Const(_) | Expr::KeywordRegex(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identifiers(names: &[&str]) -> Identifiers {
        let identifier =
            |name: &&str| Identifier { name: (*name).into(), content: Expr::Const(true), used: false };
        Identifiers::new(names.iter().map(identifier).collect())
    }

    /// The condition over `a`, `b`, ... written back with its search identifiers only.
    fn lowered(names: &[&str], condition: &str) -> String {
        fn show(expr: &Expr) -> String {
            let list = |parts: &[Expr], by: &str| {
                format!("({})", parts.iter().map(show).collect::<Vec<_>>().join(by))
            };
            match expr {
                Expr::All(parts) => list(parts, " and "),
                Expr::Any(parts) => list(parts, " or "),
                Expr::Not(part) => format!("not {}", show(part)),
                Expr::Named(name, _) => name.to_string(),
                other => format!("{other:?}"),
            }
        }
        parse(condition)
            .and_then(|c| identifiers(names).lower(&c))
            .map_or_else(|e| e.to_string(), |e| show(&e))
    }

    #[test]
    fn conditions_are_lowered_with_sigmas_precedence() {
        let names = ["sel_a", "sel_b", "filter", "_hidden"];
        for (condition, meaning) in [
            ("sel_a or sel_b and not filter", "(sel_a or (sel_b and not filter))"),
            ("1 of sel_*", "(sel_a or sel_b)"),
            ("all of sel_* and not filter", "((sel_a and sel_b) and not filter)"),
            ("1 of them", "(sel_a or sel_b or filter)"),
            ("any of *_*", "(sel_a or sel_b or _hidden)"),
            ("2 of them", "((sel_a and sel_b) or (sel_a and filter) or (sel_b and filter))"),
            ("_hidden", "_hidden"),
            ("not 1 of filter*", "not filter"),
            ("not not sel_a", "not not sel_a"),
        ] {
            assert_eq!(lowered(&names, condition), meaning, "{condition}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (condition, why) in [
            ("sel_a and nothing", "names 'nothing'"),
            ("1 of filter*", "'1 of filter*' fits no search identifier"),
            ("5 of them", "asks for 5 of 2"),
            ("0 of them", "asks for 0 of 2"),
            ("sel_a and", "cannot be understood at its column"),
            ("sel_a | count() > 5", "cannot be understood"),
            ("", "cannot be understood"),
        ] {
            let error = lowered(&["sel_a", "sel_b"], condition);
            assert!(error.contains(why), "{condition}: {error}");
        }
    }

    #[test]
    fn hostile_conditions_are_refused_before_they_cost_anything() {
        let names: Vec<String> = (0..40).map(|i| format!("s{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(lowered(&names, "20 of them").contains("limit"));
        assert!(lowered(&["a"], &format!("{}a{}", "(".repeat(2000), ")".repeat(2000))).contains("brackets"));
        assert!(lowered(&["a"], &format!("{}a", "not ".repeat(1000))).contains("in each other"));
        assert!(lowered(&["a"], &"a or ".repeat(10_000)).contains("length"));
        let mut large = identifiers(&["a"]);
        large.list[0].content = Expr::Any(vec![Expr::Const(true); 10_000]);
        assert!(matches!(
            large.lower(&parse(&format!("a{}", " or a".repeat(50))).unwrap()),
            Err(Error::Limit { .. })
        ));
    }
}
