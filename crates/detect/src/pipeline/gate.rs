//! When a step applies: conditions linked by and, by or, or by an expression that names them.

use yaml_serde::Value;

use super::limits::EXPRESSION_DEPTH;
use super::yaml::{self, Keys};

/// Conditions of one kind and how they are linked. Without conditions it is open.
#[derive(Debug)]
pub(super) struct Gate<C> {
    conditions: Vec<C>,
    link: Link,
    negated: bool,
}

#[derive(Debug)]
enum Link {
    All,
    Any,
    Expression(Expression),
}

/// An expression over conditions by their number.
#[derive(Debug)]
enum Expression {
    Condition(usize),
    Not(Box<Expression>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
}

impl<C> Gate<C> {
    /// Reads `{prefix}_conditions` and the keys that link them. `parse` reads a condition's keys but
    /// its type, which it is told.
    pub(super) fn parse(
        keys: &mut Keys,
        prefix: &str,
        parse: impl Fn(&str, &mut Keys) -> Result<C, String>,
    ) -> Result<Self, String> {
        let group = format!("{prefix}_conditions");
        let mut names = Vec::new();
        let mut conditions = Vec::new();
        let mut read = |name: String, value: Value| -> Result<(), String> {
            let at = |reason: String| format!("{group} {name}: {reason}");
            let mut keys = Keys::of(value, "a condition").map_err(at)?;
            let kind = keys.need_text("type").map_err(at)?;
            let condition = parse(&kind, &mut keys).map_err(|reason| at(format!("{kind}: {reason}")))?;
            keys.finish().map_err(|reason| at(format!("{kind}: {reason}")))?;
            conditions.push(condition);
            names.push(name);
            Ok(())
        };
        let named = match keys.take(&group) {
            None | Some(Value::Null) => false,
            Some(Value::Sequence(list)) => {
                for (index, value) in list.into_iter().enumerate() {
                    read((index + 1).to_string(), value)?;
                }
                false
            }
            Some(Value::Mapping(mapping)) => {
                for (name, value) in mapping {
                    read(yaml::scalar(&name).ok_or("a condition's name must be a text")?, value)?;
                }
                true
            }
            Some(other) => {
                return Err(format!("`{group}` must be a list or a mapping, not {}", yaml::kind(&other)));
            }
        };
        let op_key = format!("{prefix}_cond_op");
        let op = keys.text(&op_key)?;
        let expr_key = format!("{prefix}_cond_expr");
        let long_key = format!("{prefix}_cond_expression");
        let expression = keys.text(&expr_key)?.or(keys.text(&long_key)?);
        let link = match (op.as_deref(), expression) {
            (None | Some("and" | "all"), None) => Link::All,
            // Published pipelines write `any` where the documentation says `or`.
            (Some("or" | "any"), None) => Link::Any,
            (Some(other), None) => {
                return Err(format!("`{op_key}` must be one of and, or, not `{other}`"));
            }
            (None, Some(text)) if named => Link::Expression(
                parse_expression(&text, &names).map_err(|reason| format!("`{expr_key}`: {reason}"))?,
            ),
            (None, Some(_)) => return Err(format!("`{expr_key}` needs `{group}` to be a mapping of names")),
            (Some(_), Some(_)) => return Err(format!("`{op_key}` and `{expr_key}` exclude each other")),
        };
        let negated = keys.flag(&format!("{prefix}_cond_not"))?;
        Ok(Self { conditions, link, negated })
    }

    /// Whether it has no conditions.
    pub(super) fn is_open(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Whether its conditions let pass, each asked by `test`.
    pub(super) fn holds(&self, test: impl Fn(&C) -> bool) -> bool {
        if self.is_open() {
            return true;
        }
        let linked = match &self.link {
            Link::All => self.conditions.iter().all(&test),
            Link::Any => self.conditions.iter().any(&test),
            Link::Expression(expression) => {
                expression.holds(&|index| self.conditions.get(index).is_some_and(&test))
            }
        };
        linked != self.negated
    }
}

impl Expression {
    fn holds(&self, test: &impl Fn(usize) -> bool) -> bool {
        match self {
            Self::Condition(index) => test(*index),
            Self::Not(inner) => !inner.holds(test),
            Self::All(parts) => parts.iter().all(|part| part.holds(test)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(test)),
        }
    }
}

/// Reads `not`, `and`, `or` (binding in this order) and parentheses over the names. Each name must be
/// used, else a condition would silently count for nothing.
fn parse_expression(text: &str, names: &[String]) -> Result<Expression, String> {
    let mut reader = Reader { rest: text, names, used: vec![false; names.len()] };
    let expression = reader.any(0)?;
    if let Some(word) = reader.peek() {
        return Err(format!("`{word}` where the expression should end"));
    }
    match reader.used.iter().position(|used| !used) {
        Some(index) => Err(format!("condition `{}` is not used in it", names[index])),
        None => Ok(expression),
    }
}

struct Reader<'t> {
    rest: &'t str,
    names: &'t [String],
    used: Vec<bool>,
}

impl<'t> Reader<'t> {
    /// The next name, keyword or sign.
    fn peek(&mut self) -> Option<&'t str> {
        self.rest = self.rest.trim_start();
        let first = self.rest.chars().next()?;
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        let end = match is_name(first) {
            true => self.rest.find(|c| !is_name(c)).unwrap_or(self.rest.len()),
            false => first.len_utf8(),
        };
        Some(&self.rest[..end])
    }

    fn accept(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        if found {
            self.rest = &self.rest[word.len()..];
        }
        found
    }

    fn any(&mut self, depth: usize) -> Result<Expression, String> {
        let mut parts = vec![self.all(depth)?];
        while self.accept("or") {
            parts.push(self.all(depth)?);
        }
        Ok(one_or(parts, Expression::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Expression, String> {
        let mut parts = vec![self.one(depth)?];
        while self.accept("and") {
            parts.push(self.one(depth)?);
        }
        Ok(one_or(parts, Expression::All))
    }

    fn one(&mut self, depth: usize) -> Result<Expression, String> {
        if depth > EXPRESSION_DEPTH {
            return Err(format!("it is nested deeper than {EXPRESSION_DEPTH}"));
        }
        if self.accept("not") {
            return Ok(Expression::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.accept("(") {
            let inner = self.any(depth + 1)?;
            return match self.accept(")") {
                true => Ok(inner),
                false => Err("a `)` is missing".to_owned()),
            };
        }
        let word = self.peek().ok_or("it ends where a condition should be")?;
        let index = self.names.iter().position(|name| name == word);
        let index = index.ok_or_else(|| format!("no condition is named `{word}`"))?;
        self.accept(word);
        self.used[index] = true;
        Ok(Expression::Condition(index))
    }
}

fn one_or(mut parts: Vec<Expression>, many: impl Fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.len() {
        1 => parts.remove(0),
        _ => many(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth(text: &str, values: &[bool]) -> Result<bool, String> {
        let names: Vec<String> = ["a", "b", "c"][..values.len()].iter().map(|&name| name.into()).collect();
        parse_expression(text, &names).map(|expression| expression.holds(&|index| values[index]))
    }

    #[test]
    fn not_binds_before_and_before_or() {
        assert_eq!(truth("a or b and not c", &[true, false, true]), Ok(true));
        assert_eq!(truth("(a or b) and not c", &[true, false, true]), Ok(false));
        assert_eq!(truth("not not a", &[true]), Ok(true));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(truth("a and d", &[true]), Err("no condition is named `d`".into()));
        assert_eq!(truth("a", &[true, true]), Err("condition `b` is not used in it".into()));
        assert_eq!(truth("(a", &[true]), Err("a `)` is missing".into()));
        assert_eq!(truth("a a", &[true]), Err("`a` where the expression should end".into()));
        assert_eq!(truth("a and", &[true]), Err("it ends where a condition should be".into()));
        let deep = "not ".repeat(100_000) + "a";
        assert_eq!(truth(&deep, &[true]), Err("it is nested deeper than 64".into()));
    }
}
