//! A detection between reading and lowering: search identifiers and parsed conditions, which pipelines
//! may change.

use rsigma_parser::{ConditionExpr, Detection, Detections};

use super::ast;
use super::condition::{Identifier, Identifiers};
use super::detection::Lowering;
use super::node::Node;
use crate::error::Error;
use crate::load::LoadOptions;
use crate::rule::Expr;

/// A detection whose search identifiers are not lowered yet.
pub(super) struct Draft<'n> {
    /// Search identifiers in the order written.
    pub contents: Vec<(String, Content<'n>)>,
    /// Conditions over them.
    pub conditions: Vec<ConditionExpr>,
}

/// Content of a search identifier.
pub(super) enum Content<'n> {
    /// As written.
    Yaml(&'n Node),
    /// As pipelines left it.
    Ast(Detection),
}

/// A detection, lowered.
pub(super) struct Lowered {
    /// The conditions.
    pub conditions: Vec<Expr>,
    /// Search identifiers that no condition uses, but those that start with an underscore.
    pub unused: Vec<String>,
    /// Placeholders without values.
    pub missing: Vec<String>,
}

impl<'n> Draft<'n> {
    /// Takes every key of a detection but the `reserved` ones for a search identifier.
    pub(super) fn new(
        detection: &'n Node,
        reserved: &[&str],
        conditions: Vec<ConditionExpr>,
    ) -> Result<Self, Error> {
        let wrong = || Error::Shape { what: "detection".to_owned(), wanted: "a map of search identifiers" };
        let entries = detection.as_map().ok_or_else(wrong)?.iter();
        let contents = entries
            .filter(|(name, _)| !reserved.contains(&name.as_str()))
            .map(|(name, content)| (name.clone(), Content::Yaml(content)));
        Ok(Self { contents: contents.collect(), conditions })
    }

    /// The detection as pipelines want it.
    pub(super) fn to_ast(&self) -> Result<Detections, Error> {
        let named = self.contents.iter().map(|(name, content)| {
            let detection = match content {
                Content::Yaml(node) => ast::detection(name, node)?,
                Content::Ast(detection) => detection.clone(),
            };
            Ok((name.clone(), detection))
        });
        Ok(Detections {
            named: named.collect::<Result<_, Error>>()?,
            conditions: self.conditions.clone(),
            condition_strings: self.conditions.iter().map(ToString::to_string).collect(),
            timeframe: None,
        })
    }

    /// Takes the detection as pipelines left it. What they added comes last.
    pub(super) fn take_ast(&mut self, detections: Detections) -> Result<(), Error> {
        if detections.conditions.len() != self.conditions.len() {
            return Err(Error::Pipeline("a pipeline took away one of the rule's conditions".to_owned()));
        }
        let place = |name: &str| self.contents.iter().position(|(n, _)| n == name).unwrap_or(usize::MAX);
        let mut named: Vec<_> =
            detections.named.into_iter().map(|(name, content)| (place(&name), name, content)).collect();
        named.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        self.contents = named.into_iter().map(|(_, name, content)| (name, Content::Ast(content))).collect();
        self.conditions = detections.conditions;
        Ok(())
    }

    /// Lowers it.
    pub(super) fn lower(&self, options: &LoadOptions) -> Result<Lowered, Error> {
        let mut lowering = Lowering::new(&options.placeholders);
        let mut list = Vec::with_capacity(self.contents.len());
        for (name, content) in &self.contents {
            let content = match content {
                Content::Yaml(node) => lowering.detection(name, node)?,
                Content::Ast(detection) => lowering.ast(name, detection)?,
            };
            list.push(Identifier { name: name.as_str().into(), content, used: false });
        }
        let mut identifiers = Identifiers::new(list);
        let conditions = self.conditions.iter().map(|c| identifiers.lower(c)).collect::<Result<_, _>>()?;
        let unused = identifiers.list.iter().filter(|i| !i.used && !i.name.starts_with('_'));
        Ok(Lowered {
            conditions,
            unused: unused.map(|i| i.name.to_string()).collect(),
            missing: lowering.missing,
        })
    }
}
