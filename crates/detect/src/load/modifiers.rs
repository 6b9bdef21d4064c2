//! A detection's key, `Field|modifier|modifier`, to what it asks for. Chains that make no sense are refused
//! here, each with its reason.

use rsigma_parser::Modifier;

use super::pcre::Flags;
use super::value::ByteOrder;
use crate::error::Error;
use crate::rule::{Comparison, TimePart};

/// A key, understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chain<'a> {
    /// The key as written.
    pub key: &'a str,
    /// The field; `None` asks the whole event (keywords).
    pub field: Option<&'a str>,
    /// What is done to each value, in order.
    pub steps: Vec<Step>,
    /// What values are compared as.
    pub kind: Kind,
    /// Every value must match, not one.
    pub all: bool,
    /// The whole must not match.
    pub negated: bool,
    /// Case counts.
    pub cased: bool,
    /// Values have placeholders.
    pub expand: bool,
}

/// What is done to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Open(Sides),
    Utf16(ByteOrder),
    Base64,
    Base64Offset,
    Windash,
}

/// Where a value may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sides {
    pub start: bool,
    pub end: bool,
}

/// What a value is compared as.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Text,
    Regex(Flags),
    Cidr,
    Number(Comparison),
    Exists,
    FieldRef(Sides),
    Time(TimePart, Comparison),
}

impl<'a> Chain<'a> {
    /// Understands a key, or says why it cannot.
    pub(super) fn parse(key: &'a str) -> Result<Self, Error> {
        let mut parts = key.split('|');
        let field = parts.next().filter(|name| !name.is_empty());
        let mut found = Found::default();
        for name in parts {
            let Ok(modifier) = name.parse::<Modifier>() else {
                return Err(Error::UnknownModifier { modifier: name.to_owned(), key: key.to_owned() });
            };
            found.add(name, modifier).map_err(|why| Error::Modifiers { key: key.to_owned(), why })?;
        }
        let chain = found.chain(key, field);
        chain.map_err(|why| Error::Modifiers { key: key.to_owned(), why })
    }

    /// Whether a step says where in the field's value the text must be.
    pub(super) fn is_anchored(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Open(_)))
    }
}

/// What has been seen of a chain so far, each with the name it was written by.
#[derive(Default)]
struct Found<'a> {
    steps: Vec<(&'a str, Step)>,
    sides: Option<(&'a str, Sides)>,
    operator: Option<(&'a str, Kind)>,
    part: Option<(&'a str, TimePart)>,
    flags: Flags,
    flag: Option<&'a str>,
    all: bool,
    negated: bool,
    cased: bool,
    expand: bool,
}

impl<'a> Found<'a> {
    fn add(&mut self, name: &'a str, modifier: Modifier) -> Result<(), String> {
        let both = Sides { start: true, end: true };
        match modifier {
            Modifier::Contains => self.add_sides(name, both)?,
            Modifier::StartsWith => self.add_sides(name, Sides { start: false, end: true })?,
            Modifier::EndsWith => self.add_sides(name, Sides { start: true, end: false })?,
            Modifier::All => self.all = true,
            Modifier::Neq => self.negated = true,
            Modifier::Cased => self.cased = true,
            Modifier::Expand => self.expand = true,
            Modifier::Base64 => self.steps.push((name, Step::Base64)),
            Modifier::Base64Offset => self.steps.push((name, Step::Base64Offset)),
            Modifier::Wide => self.add_utf16(name, ByteOrder::Little)?,
            Modifier::Utf16be => self.add_utf16(name, ByteOrder::Big)?,
            Modifier::Utf16 => self.add_utf16(name, ByteOrder::Marked)?,
            Modifier::WindAsh => self.steps.push((name, Step::Windash)),
            Modifier::Re => self.add_operator(name, Kind::Regex(Flags::default()))?,
            Modifier::Cidr => self.add_operator(name, Kind::Cidr)?,
            Modifier::Exists => self.add_operator(name, Kind::Exists)?,
            Modifier::FieldRef => self.add_operator(name, Kind::FieldRef(Sides::default()))?,
            Modifier::Gt => self.add_operator(name, Kind::Number(Comparison::Greater))?,
            Modifier::Gte => self.add_operator(name, Kind::Number(Comparison::GreaterOrEqual))?,
            Modifier::Lt => self.add_operator(name, Kind::Number(Comparison::Less))?,
            Modifier::Lte => self.add_operator(name, Kind::Number(Comparison::LessOrEqual))?,
            Modifier::IgnoreCase => (self.flags.ignore_case, self.flag) = (true, Some(name)),
            Modifier::Multiline => (self.flags.multi_line, self.flag) = (true, Some(name)),
            Modifier::DotAll => (self.flags.dot_all, self.flag) = (true, Some(name)),
            Modifier::Minute => self.add_part(name, TimePart::Minute)?,
            Modifier::Hour => self.add_part(name, TimePart::Hour)?,
            Modifier::Day => self.add_part(name, TimePart::Day)?,
            Modifier::Week => self.add_part(name, TimePart::Week)?,
            Modifier::Month => self.add_part(name, TimePart::Month)?,
            Modifier::Year => self.add_part(name, TimePart::Year)?,
        }
        Ok(())
    }

    fn add_sides(&mut self, name: &'a str, sides: Sides) -> Result<(), String> {
        if let Some((before, _)) = self.sides.replace((name, sides)) {
            return Err(format!("'{before}' and '{name}' both say where in the field the value is"));
        }
        self.steps.push((name, Step::Open(sides)));
        Ok(())
    }

    fn add_utf16(&mut self, name: &'a str, order: ByteOrder) -> Result<(), String> {
        if let Some((before, _)) = self.steps.iter().find(|(_, step)| matches!(step, Step::Utf16(_))) {
            return Err(format!("'{before}' and '{name}' both encode as UTF-16"));
        }
        self.steps.push((name, Step::Utf16(order)));
        Ok(())
    }

    fn add_operator(&mut self, name: &'a str, kind: Kind) -> Result<(), String> {
        match self.operator.replace((name, kind)) {
            Some((before, _)) => Err(format!("'{before}' and '{name}' both say how to compare")),
            None => Ok(()),
        }
    }

    fn add_part(&mut self, name: &'a str, part: TimePart) -> Result<(), String> {
        match self.part.replace((name, part)) {
            Some((before, _)) => Err(format!("'{before}' and '{name}' both name a part of the time")),
            None => Ok(()),
        }
    }

    fn chain(self, key: &'a str, field: Option<&'a str>) -> Result<Chain<'a>, String> {
        let (operator, kind) = match (self.operator, self.part) {
            (None, None) => (None, Kind::Text),
            (Some((name, Kind::Number(comparison))), Some((_, part))) => {
                (Some(name), Kind::Time(part, comparison))
            }
            (None, Some((name, part))) => (Some(name), Kind::Time(part, Comparison::Equal)),
            (Some((name, _)), Some((part, _))) => {
                return Err(format!("'{part}' is a number, which '{name}' does not compare"));
            }
            (Some((name, Kind::Regex(_))), None) => (Some(name), Kind::Regex(self.flags)),
            (Some((name, Kind::FieldRef(_))), None) => {
                (Some(name), Kind::FieldRef(self.sides.map_or(Sides::default(), |(_, sides)| sides)))
            }
            (Some((name, kind)), None) => (Some(name), kind),
        };
        let is_ref = matches!(kind, Kind::FieldRef(_));
        if let (Some(operator), Some((step, _))) =
            (operator, self.steps.iter().find(|(_, step)| !(is_ref && matches!(step, Step::Open(_)))))
        {
            return Err(format!("'{step}' changes text, which '{operator}' does not compare"));
        }
        let operator = operator.unwrap_or_default();
        if let Some(flag) = self.flag.filter(|_| !matches!(kind, Kind::Regex(_))) {
            return Err(format!("'{flag}' is a flag of 're'"));
        }
        if self.cased && !matches!(kind, Kind::Text | Kind::FieldRef(_)) {
            return Err(format!("'cased' has no meaning for '{operator}'"));
        }
        if self.expand && !matches!(kind, Kind::Text | Kind::Regex(_)) {
            return Err(format!("'expand' has no meaning for '{operator}'"));
        }
        if kind == Kind::Exists && (self.all || self.negated) {
            return Err("'exists' stands alone, with the value true or false".to_owned());
        }
        if field.is_none() && !matches!(kind, Kind::Text | Kind::Regex(_)) {
            return Err(format!("'{operator}' needs a field"));
        }
        let steps = if is_ref { Vec::new() } else { self.steps.iter().map(|(_, step)| *step).collect() };
        Ok(Chain {
            key,
            field,
            steps,
            kind,
            all: self.all,
            negated: self.negated,
            cased: self.cased,
            expand: self.expand,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sensible_chains_are_understood() {
        let chain = Chain::parse("CommandLine|wide|base64offset|contains|all").unwrap();
        let both = Sides { start: true, end: true };
        assert_eq!(chain.field, Some("CommandLine"));
        assert_eq!(chain.steps, [Step::Utf16(ByteOrder::Little), Step::Base64Offset, Step::Open(both)]);
        assert!(chain.all && chain.is_anchored());
        assert_eq!(
            Chain::parse("t|hour|gte").unwrap().kind,
            Kind::Time(TimePart::Hour, Comparison::GreaterOrEqual)
        );
        assert_eq!(Chain::parse("t|lt|week").unwrap().kind, Kind::Time(TimePart::Week, Comparison::Less));
        let starts = Sides { start: false, end: true };
        assert_eq!(Chain::parse("a|fieldref|startswith|cased|neq").unwrap().kind, Kind::FieldRef(starts));
        let flags = Flags { ignore_case: true, dot_all: true, multi_line: false };
        assert_eq!(Chain::parse("a|re|i|s|expand").unwrap().kind, Kind::Regex(flags));
        assert_eq!(Chain::parse("|all").unwrap().field, None);
        assert_eq!(Chain::parse("Field Name").unwrap().field, Some("Field Name"));
    }

    #[test]
    fn senseless_chains_are_refused_with_their_reason() {
        for (key, why) in [
            ("a|contians", "unknown modifier 'contians' in 'a|contians'"),
            ("a|re|contains", "'contains' changes text, which 're' does not compare"),
            ("a|cidr|base64", "'base64' changes text, which 'cidr' does not compare"),
            ("a|gt|lt", "'gt' and 'lt' both say how to compare"),
            ("a|contains|startswith", "both say where in the field"),
            ("a|wide|utf16be", "both encode as UTF-16"),
            ("a|i", "'i' is a flag of 're'"),
            ("a|re|cased", "'cased' has no meaning for 're'"),
            ("a|cidr|expand", "'expand' has no meaning for 'cidr'"),
            ("a|exists|neq", "'exists' stands alone"),
            ("a|hour|minute", "both name a part of the time"),
            ("a|hour|re", "'hour' is a number, which 're' does not compare"),
            ("a|fieldref|windash", "'windash' changes text"),
            ("|exists", "'exists' needs a field"),
            ("|hour", "'hour' needs a field"),
        ] {
            let error = Chain::parse(key).unwrap_err().to_string();
            assert!(error.contains(why), "{key}: {error}");
        }
    }
}
