//! A detection as the steps work on it: a tree of and, or and items that know which steps touched them.
//!
//! Invariant: a detection turned into a tree and back is the same detection.

use std::borrow::Cow;
use std::sync::Arc;

use rsigma_parser::fieldpath::{escape_brackets, unescape_brackets};
use rsigma_parser::{
    ArrayQuantifier, ConditionExpr, Detection, DetectionItem, FieldSpec, Modifier, SigmaString, SigmaValue,
};

use super::text::Shown;

/// A part of a detection.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// A question to a field, or keywords.
    Item(Item),
    /// Each must hold.
    All(Vec<Node>),
    /// One must hold.
    Any(Vec<Node>),
    /// Members of an array field.
    Array { field: String, quantifier: ArrayQuantifier, body: Box<Node> },
    /// Named parts of an array block and how they are linked.
    Block { named: Vec<(String, Node)>, condition: ConditionExpr },
}

/// A question to a field, or keywords.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Field and modifiers.
    pub(super) spec: FieldSpec,
    /// The values asked for.
    pub(super) values: Vec<SigmaValue>,
    /// Ids of the steps that changed it.
    pub(super) touched: Vec<Arc<str>>,
    /// Written as a plain list of keywords.
    keywords: bool,
}

impl Item {
    /// An item no step has touched.
    pub(super) fn new(spec: FieldSpec, values: Vec<SigmaValue>) -> Self {
        Self { spec, values, touched: Vec::new(), keywords: false }
    }

    /// The same question with other modifiers and values; `all` of one value is dropped.
    pub(super) fn with(&self, mut modifiers: Vec<Modifier>, values: Vec<SigmaValue>) -> Self {
        modifiers.retain(|modifier| *modifier != Modifier::All || values.len() > 1);
        Self {
            keywords: self.keywords && modifiers.is_empty(),
            spec: FieldSpec::new(self.spec.name.clone(), modifiers),
            values,
            touched: self.touched.clone(),
        }
    }

    /// The field's name; `None` of keywords.
    pub(super) fn name(&self) -> Option<Cow<'_, str>> {
        self.spec.name.as_deref().map(unescape_brackets)
    }

    /// Asks another field instead.
    pub(super) fn rename(&mut self, name: &str) {
        self.spec.name = Some(escape_brackets(name).into_owned());
        self.keywords = false;
    }

    /// Whether its strings are compared as text, so that a step may change them. Not so regular
    /// expressions, networks, field references, numbers that are compared, and encoded values.
    pub(super) fn is_text(&self) -> bool {
        use Modifier as M;
        let text = [M::Contains, M::StartsWith, M::EndsWith, M::All, M::WindAsh, M::Cased, M::Expand, M::Neq];
        self.spec.modifiers.iter().all(|modifier| text.contains(modifier))
    }

    /// Whether several values or fields are to be linked by and: `all` asks so, and a question that
    /// says no (`neq`, `exists: false`, null) must say it to each.
    pub(super) fn links_all(&self) -> bool {
        self.spec.has_modifier(Modifier::All) || self.is_negative()
    }

    /// Whether it holds where the field is not there.
    pub(super) fn is_negative(&self) -> bool {
        let says = |value: &SigmaValue| match value {
            SigmaValue::Bool(flag) => !flag,
            SigmaValue::String(text) => text.original.eq_ignore_ascii_case("false"),
            _ => false,
        };
        self.spec.has_modifier(Modifier::Neq)
            || (self.spec.has_modifier(Modifier::Exists) && self.values.iter().all(says))
            || (!self.values.is_empty() && self.values.iter().all(|value| *value == SigmaValue::Null))
    }

    /// A value as steps see it, if it is text.
    pub(super) fn shown(&self, value: &SigmaValue) -> Option<Shown> {
        match value {
            SigmaValue::String(text) if self.is_text() => Some(Shown::new(text, &self.spec)),
            _ => None,
        }
    }

    /// Its modifiers without those that [`Shown`] turns into wildcards.
    pub(super) fn modifiers_shown(&self) -> Vec<Modifier> {
        let folded = [Modifier::Contains, Modifier::StartsWith, Modifier::EndsWith];
        self.spec.modifiers.iter().copied().filter(|modifier| !folded.contains(modifier)).collect()
    }

    /// Fields its values refer to.
    pub(super) fn references(&self) -> impl Iterator<Item = &SigmaString> {
        let refers = self.spec.has_modifier(Modifier::FieldRef);
        self.values.iter().filter_map(move |value| match value {
            SigmaValue::String(text) if refers => Some(text),
            _ => None,
        })
    }
}

impl Node {
    /// The tree of a detection.
    pub(super) fn of(detection: &Detection) -> Self {
        let item = |item: &DetectionItem| Self::Item(Item::new(item.field.clone(), item.values.clone()));
        match detection {
            Detection::AllOf(items) => Self::All(items.iter().map(item).collect()),
            Detection::AnyOf(parts) => Self::Any(parts.iter().map(Self::of).collect()),
            Detection::And(parts) => Self::All(parts.iter().map(Self::of).collect()),
            Detection::Keywords(values) => {
                let spec = FieldSpec::new(None, Vec::new());
                Self::Item(Item { keywords: true, ..Item::new(spec, values.clone()) })
            }
            Detection::ArrayMatch { field, quantifier, body } => {
                Self::Array { field: field.clone(), quantifier: *quantifier, body: Box::new(Self::of(body)) }
            }
            Detection::Conditional { named, condition } => {
                let mut named: Vec<_> =
                    named.iter().map(|(name, part)| (name.clone(), Self::of(part))).collect();
                named.sort_by(|left, right| left.0.cmp(&right.0));
                Self::Block { named, condition: condition.clone() }
            }
        }
    }

    /// The detection of the tree.
    pub(super) fn into_detection(self) -> Detection {
        match self {
            Self::Item(Item { keywords: true, values, .. }) => Detection::Keywords(values),
            Self::Item(item) => Detection::AllOf(vec![item.into()]),
            Self::Any(parts) => Detection::AnyOf(parts.into_iter().map(Self::into_detection).collect()),
            Self::All(parts) => {
                let mut items = Vec::new();
                let mut rest = Vec::new();
                for part in parts {
                    match part {
                        Self::Item(item) if !item.keywords => items.push(DetectionItem::from(item)),
                        other => rest.push(other.into_detection()),
                    }
                }
                match (items.is_empty(), rest.len()) {
                    (_, 0) => Detection::AllOf(items),
                    (true, 1) => rest.remove(0),
                    (true, _) => Detection::And(rest),
                    (false, _) => {
                        rest.insert(0, Detection::AllOf(items));
                        Detection::And(rest)
                    }
                }
            }
            Self::Array { field, quantifier, body } => {
                Detection::ArrayMatch { field, quantifier, body: Box::new(body.into_detection()) }
            }
            Self::Block { named, condition } => Detection::Conditional {
                named: named.into_iter().map(|(name, part)| (name, part.into_detection())).collect(),
                condition,
            },
        }
    }

    /// How deep it is nested, from 1.
    pub(super) fn depth(&self) -> usize {
        let deepest = match self {
            Self::Item(_) => 0,
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::depth).max().unwrap_or(0),
            Self::Array { body, .. } => body.depth(),
            Self::Block { named, .. } => named.iter().map(|(_, part)| part.depth()).max().unwrap_or(0),
        };
        deepest + 1
    }

    /// Whether some item is so.
    pub(super) fn any_item(&self, test: &mut impl FnMut(&Item) -> bool) -> bool {
        match self {
            Self::Item(item) => test(item),
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.any_item(test)),
            Self::Array { body, .. } => body.any_item(test),
            Self::Block { named, .. } => named.iter().any(|(_, part)| part.any_item(test)),
        }
    }

    /// Gives the array fields the names that `rename` has for them.
    pub(super) fn rename_arrays<E>(
        &mut self,
        rename: &mut impl FnMut(&str) -> Result<String, E>,
    ) -> Result<(), E> {
        match self {
            Self::Item(_) => Ok(()),
            Self::All(parts) | Self::Any(parts) => {
                parts.iter_mut().try_for_each(|part| part.rename_arrays(rename))
            }
            Self::Array { field, body, .. } => {
                *field = rename(field)?;
                body.rename_arrays(rename)
            }
            Self::Block { named, .. } => {
                named.iter_mut().try_for_each(|(_, part)| part.rename_arrays(rename))
            }
        }
    }

    /// Puts what `replace` makes of each item in its place. A part all of whose items go, goes too:
    /// `None`, so that it neither holds nor fails but asks nothing.
    pub(super) fn rewrite<E>(
        self,
        replace: &mut impl FnMut(Item) -> Result<Option<Node>, E>,
    ) -> Result<Option<Node>, E> {
        let mut each = |parts: Vec<Node>| -> Result<Option<Vec<Node>>, E> {
            let was_empty = parts.is_empty();
            let mut kept = Vec::with_capacity(parts.len());
            for part in parts {
                kept.extend(part.rewrite(replace)?);
            }
            Ok((was_empty || !kept.is_empty()).then_some(kept))
        };
        Ok(match self {
            Self::Item(item) => replace(item)?,
            Self::All(parts) => each(parts)?.map(Self::All),
            Self::Any(parts) => each(parts)?.map(Self::Any),
            Self::Array { field, quantifier, body } => {
                body.rewrite(replace)?.map(|body| Self::Array { field, quantifier, body: Box::new(body) })
            }
            Self::Block { named, condition } => {
                let mut kept = Vec::with_capacity(named.len());
                for (name, part) in named {
                    kept.push((name, part.rewrite(replace)?.unwrap_or(Self::All(Vec::new()))));
                }
                Some(Self::Block { named: kept, condition })
            }
        })
    }
}

impl From<Item> for DetectionItem {
    fn from(item: Item) -> Self {
        Self { field: item.spec, values: item.values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detection_survives_the_tree() {
        let text = "
title: t
sigma-version: 3
logsource: {}
detection:
    plain: {A: 1, B|contains: [x, 'y*']}
    list: [{A: 1}, {B: 2, C: null}]
    words: [one, 'two']
    mixed: {A: 1, 'connections[any]': {ip: 1}}
    blocks: {'connections[all]': {one: {x: 1}, condition: one}}
    nothing: {}
    condition: 1 of them
";
        let rule = rsigma_parser::parse_sigma_yaml(text).unwrap().rules.remove(0);
        assert_eq!(rule.detection.named.len(), 6);
        for detection in rule.detection.named.values() {
            assert_eq!(Node::of(detection).into_detection(), *detection);
        }
    }
}
