//! One transformation of a pipeline with the conditions under which it applies.

use std::collections::BTreeMap;
use std::sync::Arc;

use yaml_serde::Value;

use super::error::{PipelineError, Place, Refusal};
use super::gate::Gate;
use super::item_condition::{FieldCondition, ItemCondition};
use super::limits::{self, Loading, Meter};
use super::rule_condition::RuleCondition;
use super::state::State;
use super::subject::Subject;
use super::transform::Transformation;
use super::tree::Item;
use super::yaml::Keys;

/// Values of placeholders by name. `None`: the pipeline gives something that is not a value.
pub(super) type Vars = BTreeMap<String, Option<Vec<String>>>;

/// Values of placeholders as the caller gives them for a rule.
pub(super) type Given = BTreeMap<String, Vec<String>>;

/// All values of placeholders that steps may use.
#[derive(Clone, Copy)]
pub(super) struct Values<'v> {
    pub(super) vars: &'v Vars,
    pub(super) given: &'v Given,
}

impl<'v> Values<'v> {
    /// The values of a placeholder, first those the caller gives.
    pub(super) fn get(self, name: &str) -> Option<Option<&'v [String]>> {
        let given = self.given.get(name).map(|values| Some(values.as_slice()));
        given.or_else(|| self.vars.get(name).map(Option::as_deref))
    }
}

/// A transformation and when it applies.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) place: Place,
    gates: Gates,
    action: Action,
}

/// Its conditions: on the rule, on a detection item, on a field name.
#[derive(Debug)]
struct Gates {
    rule: Gate<RuleCondition>,
    item: Gate<ItemCondition>,
    field: Gate<FieldCondition>,
}

#[derive(Debug)]
enum Action {
    Transform(Transformation),
    /// Steps that apply where this one does.
    Nest(Vec<Step>),
}

impl Step {
    /// Reads the step that stands at `place`; what has no effect is told in `notes`.
    pub(super) fn parse(
        value: Value,
        mut place: Place,
        loading: &Loading,
        notes: &mut Vec<String>,
    ) -> Result<Self, PipelineError> {
        let parsed = Self::parse_keys(value, &mut place, loading);
        let (gates, action) = match parsed {
            Ok(parts) => parts,
            Err(reason) => return Err(PipelineError::Step { place: Box::new(place), reason }),
        };
        let (action, uses_items) = match action {
            Parsed::Transform(transformation) => {
                let uses_items = transformation.uses_items();
                (Action::Transform(transformation), uses_items)
            }
            Parsed::Nest(values) => {
                let mut steps = Vec::with_capacity(values.len());
                for (index, value) in values.into_iter().enumerate() {
                    let mut number = place.number.clone();
                    number.push(index + 1);
                    let inner = Place { number, id: None, kind: String::new(), ..place.clone() };
                    steps.push(Self::parse(value, inner, loading, notes)?);
                }
                (Action::Nest(steps), false)
            }
        };
        let asks_items = !gates.item.is_open() || !gates.field.is_open();
        if asks_items && !uses_items {
            notes.push(format!(
                "{place}: its detection item and field name conditions have no effect, as it changes the rule as a whole"
            ));
        }
        Ok(Self { place, gates, action })
    }

    fn parse_keys(value: Value, place: &mut Place, loading: &Loading) -> Result<(Gates, Parsed), String> {
        loading.step()?;
        let mut keys = Keys::of(value, "a transformation")?;
        place.id = keys.text("id")?.map(Arc::from);
        place.kind = keys.need_text("type")?;
        let rule = Gate::parse(&mut keys, "rule", RuleCondition::parse)?;
        let item =
            Gate::parse(&mut keys, "detection_item", |kind, keys| ItemCondition::parse(kind, keys, loading))?;
        let field =
            Gate::parse(&mut keys, "field_name", |kind, keys| FieldCondition::parse(kind, keys, loading))?;
        let action = match place.kind.as_str() {
            "nest" if place.number.len() >= limits::NESTING => {
                return Err(format!("it is nested deeper than {}", limits::NESTING));
            }
            "nest" => match keys.need("items")? {
                Value::Sequence(items) => Parsed::Nest(items),
                _ => return Err("`items` must be a list".to_owned()),
            },
            kind => Parsed::Transform(Transformation::parse(kind, &mut keys, loading)?),
        };
        keys.finish()?;
        Ok((Gates { rule, item, field }, action))
    }

    /// Applies it to the subject if its rule conditions hold.
    pub(super) fn apply(&self, subject: &mut Subject<'_>, values: Values<'_>) -> Result<(), Refusal> {
        if !self.gates.rule.holds(|condition| condition.holds(subject)) {
            return Ok(());
        }
        match &self.action {
            Action::Nest(steps) => {
                for step in steps {
                    step.apply(subject, values)?;
                }
            }
            Action::Transform(transformation) => {
                subject.meter = Meter::new();
                transformation
                    .apply(self, subject, values)
                    .map_err(|reason| Refusal { place: Some(self.place.clone()), reason })?;
            }
        }
        subject.state.applied.extend(self.place.id.clone());
        Ok(())
    }

    /// Whether the conditions on items and field names let this item pass.
    pub(super) fn lets_item(&self, item: &Item, state: &State) -> bool {
        self.gates.item.holds(|condition| condition.holds(item, state))
            && self.gates.field.holds(|condition| condition.holds_of_item(item, state))
    }

    /// Whether the conditions on field names let this name pass; `None` stands for keywords.
    pub(super) fn lets_name(&self, name: Option<&str>, state: &State) -> bool {
        self.gates.field.holds(|condition| condition.holds_of_name(name, state))
    }
}

/// An action as far as it can be read without its place.
enum Parsed {
    Transform(Transformation),
    Nest(Vec<Value>),
}
