//! Rules as one class of events sees them.
//!
//! What is the same in each event of a class (its channel, its event number) is decided here, once, so
//! that a partition keeps only the rules that could still fire and asks only what is still open.

use std::collections::HashMap;

use ward_core::{EventClass, FieldNames};

use crate::leaf;
use crate::rule::{Expr, FieldTest, Test};

/// Values of the class's constants by field name.
#[derive(Debug)]
pub struct Constants<'a> {
    values: HashMap<&'a str, &'a str>,
}

impl<'a> Constants<'a> {
    /// The constants of a class.
    pub fn of(class: &'a EventClass, names: &'a FieldNames) -> Self {
        Self { values: class.constants.iter().map(|(f, value)| (names.name(*f), value.as_str())).collect() }
    }

    /// The condition with all that the constants decide taken out. Each decision is noted in `trace`:
    /// two classes whose traces are equal leave the same of a rule.
    pub fn specialise(&self, expr: &Expr, trace: &mut Vec<u8>) -> Expr {
        match expr {
            Expr::Const(_) | Expr::Keyword(_) | Expr::KeywordRegex(_) => expr.clone(),
            Expr::Named(_, inner) => self.specialise(inner, trace),
            Expr::Not(inner) => match self.specialise(inner, trace) {
                Expr::Const(value) => Expr::Const(!value),
                open => Expr::Not(Box::new(open)),
            },
            Expr::All(parts) => self.join(parts, trace, false),
            Expr::Any(parts) => self.join(parts, trace, true),
            Expr::Field(test) => match self.decide(test) {
                Some(value) => {
                    trace.push(u8::from(value));
                    Expr::Const(value)
                }
                None => expr.clone(),
            },
        }
    }

    /// `decisive` is the value of one part that settles the whole.
    fn join(&self, parts: &[Expr], trace: &mut Vec<u8>, decisive: bool) -> Expr {
        let mut open = Vec::with_capacity(parts.len());
        for part in parts {
            match self.specialise(part, trace) {
                Expr::Const(value) if value == decisive => return Expr::Const(decisive),
                Expr::Const(_) => {}
                part => open.push(part),
            }
        }
        match open.len() {
            0 => Expr::Const(!decisive),
            1 => open.remove(0),
            _ if decisive => Expr::Any(open),
            _ => Expr::All(open),
        }
    }

    fn decide(&self, test: &FieldTest) -> Option<bool> {
        let value = self.values.get(test.field.as_str())?;
        match test.test {
            Test::Exists(wanted) => Some(wanted),
            Test::Null => Some(false),
            _ => leaf::value_matches(&test.test, value.as_bytes()),
        }
    }
}
