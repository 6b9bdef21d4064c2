//! Placeholders (`%name%` in a value with `expand`) to values or wildcards. Those left over stay for a
//! later step, and in the end for the reader of the rule to refuse.

use rsigma_parser::{Modifier, SigmaString, SigmaValue};

use super::super::limits::Meter;
use super::super::step::Values;
use super::super::text::{Mark, Shown, placeholders};
use super::super::tree::{Item, Node};
use super::super::yaml::Keys;
use super::Change;

/// Which placeholders are filled, and with what.
#[derive(Debug)]
pub(crate) struct Placeholders {
    pub(crate) filling: Filling,
    /// Only these names, if given.
    pub(crate) include: Option<Vec<String>>,
    /// All but these names.
    pub(crate) exclude: Vec<String>,
}

/// What placeholders are filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filling {
    /// Each of the values given for its name.
    Values,
    /// Anything.
    Wildcard,
}

impl Placeholders {
    /// The filling of this type from its keys.
    pub(super) fn parse(kind: &str, keys: &mut Keys) -> Result<Self, String> {
        let filling = if kind == "value_placeholders" { Filling::Values } else { Filling::Wildcard };
        let include = keys.texts("include")?;
        let exclude = keys.texts("exclude")?;
        if include.is_some() && exclude.is_some() {
            return Err("`include` and `exclude` exclude each other".to_owned());
        }
        Ok(Self { filling, include, exclude: exclude.unwrap_or_default() })
    }

    /// Fills the placeholders of an item.
    pub(crate) fn change(&self, item: Item, vars: Values<'_>, meter: &mut Meter) -> Result<Change, String> {
        if !item.spec.has_modifier(Modifier::Expand) {
            return Ok(Change::None(item));
        }
        let mut values = Vec::with_capacity(item.values.len());
        let (mut changed, mut left) = (false, false);
        for value in &item.values {
            let filled = match value {
                SigmaValue::String(text) => self.fill(text, &item, vars, meter)?,
                _ => Filled { values: None, left: false },
            };
            changed |= filled.values.is_some();
            left |= filled.left;
            values.extend(filled.values.unwrap_or_else(|| vec![value.clone()]));
        }
        if !changed {
            return Ok(Change::None(item));
        }
        let mut modifiers = item.spec.modifiers.clone();
        modifiers.retain(|modifier| left || *modifier != Modifier::Expand);
        Ok(Change::To(Node::Item(item.with(modifiers, values))))
    }

    fn handles(&self, name: &str) -> bool {
        self.include.as_ref().is_none_or(|names| names.iter().any(|included| included == name))
            && !self.exclude.iter().any(|excluded| excluded == name)
    }

    /// Every way to fill the placeholders of one text.
    fn fill(
        &self,
        text: &SigmaString,
        item: &Item,
        vars: Values<'_>,
        meter: &mut Meter,
    ) -> Result<Filled, String> {
        let raw = item.spec.has_modifier(Modifier::Re);
        // Modifiers other than `expand` wait: they apply to the text once filled.
        let bare = item.with(vec![Modifier::Expand], Vec::new());
        let shown = Shown::new(text, &bare.spec);
        let mut ways = vec![Shown::default()];
        let (mut changed, mut left) = (false, false);
        for (range, mark) in shown.runs() {
            let names = match mark {
                Mark::Placeholder => placeholders(&shown.text()[range.clone()]),
                _ => Vec::new(),
            };
            if names.is_empty() {
                ways.iter_mut().for_each(|way| way.push_from(&shown, range.clone()));
            }
            for place in names {
                let place = range.start + place.start..range.start + place.end;
                let name = &shown.text()[place.start + 1..place.end - 1];
                if !self.handles(name) {
                    left = true;
                    ways.iter_mut().for_each(|way| way.push_from(&shown, place.clone()));
                    continue;
                }
                changed = true;
                let fillings = self.fillings(name, raw, vars)?;
                let mut next = Vec::new();
                for way in &ways {
                    for filling in &fillings {
                        meter.spend(way.text().len() + filling.text().len())?;
                        let mut longer = way.clone();
                        longer.push_from(filling, 0..filling.text().len());
                        next.push(longer);
                    }
                }
                ways = next;
            }
        }
        let value = |way: &Shown| match raw {
            true => SigmaValue::from_raw_string(way.text()),
            false => SigmaValue::String(way.to_value()),
        };
        Ok(Filled { values: changed.then(|| ways.iter().map(value).collect()), left })
    }

    fn fillings(&self, name: &str, raw: bool, vars: Values<'_>) -> Result<Vec<Shown>, String> {
        let plain = |text: &str| {
            let mut shown = Shown::default();
            shown.push(text, Mark::Plain);
            shown
        };
        match (self.filling, vars.get(name)) {
            (Filling::Wildcard, _) if raw => Ok(vec![plain(".*")]),
            (Filling::Wildcard, _) => Ok(vec![Shown::parse("*")]),
            (Filling::Values, Some(Some(values))) if !values.is_empty() => {
                Ok(values.iter().map(|value| if raw { plain(value) } else { Shown::parse(value) }).collect())
            }
            (Filling::Values, Some(Some(_))) => {
                Err(format!("the list of values for placeholder `{name}` is empty"))
            }
            (Filling::Values, Some(None)) => {
                Err(format!("variable `{name}` is not a text, a number or a list of them"))
            }
            (Filling::Values, None) => Err(format!("no values are given for placeholder `{name}`")),
        }
    }
}

/// The values one text became, if it did, and whether a placeholder is left in them.
struct Filled {
    values: Option<Vec<SigmaValue>>,
    left: bool,
}
