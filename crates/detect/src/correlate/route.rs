//! From an event to the sightings it means: which correlations, with which keys and values. Stateless,
//! so that every matching thread does it for itself.

use std::sync::Arc;

use super::sighting::Carried;
use super::{CorrelateError, Fields, Reduced, Sighting, fingerprint};
use crate::correlation_rule::{CorrelationKind, CorrelationRule, RuleRef};

/// Turns matches of rules into [`Reduced`] sightings. Cheap to clone: one for each thread.
#[derive(Debug, Clone)]
pub struct Reducer {
    pub(super) routes: Arc<Routes>,
    scratch: Vec<u8>,
}

/// Sightings that did not count, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Skipped {
    /// A field to group by was missing.
    pub ungrouped: u64,
    /// The field to count, sum or average was missing or no number.
    pub unvalued: u64,
}

#[derive(Debug)]
pub(super) struct Routes {
    seed: u64,
    fields: Vec<String>,
    /// Indices into `routes`, by rule.
    by_rule: Vec<Vec<u32>>,
    routes: Vec<Vec<Step>>,
}

/// What to read for one correlation. Step 0 of a route is what the rule feeds itself; the others are
/// reached by firing.
#[derive(Debug)]
pub(super) struct Step {
    /// The step that leads here by firing.
    pub from: u32,
    pub correlation: u16,
    pub reference: u16,
    pub group: Vec<usize>,
    values: Vec<usize>,
    reads: Reads,
    definition: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Reads {
    Nothing,
    Texts,
    Number,
}

/// Marks a value that could not be read, in [`Carried`]. No finite number has these bits.
pub(super) const NO_VALUE: u64 = u64::MAX;
const MOST_WAYS: usize = 64;

impl Reducer {
    pub(super) fn new(
        correlations: &[CorrelationRule],
        definitions: &[u64],
        seed: u64,
    ) -> Result<Self, CorrelateError> {
        let mut routes = Routes { seed, fields: Vec::new(), by_rule: Vec::new(), routes: Vec::new() };
        for (index, correlation) in correlations.iter().enumerate() {
            for (reference, target) in correlation.refs.iter().enumerate() {
                if let RuleRef::Rule(rule) = *target {
                    let mut steps = Vec::new();
                    let mut place = Place { correlations, definitions, fields: &mut routes.fields };
                    place.climb(&mut steps, 0, &mut vec![(index, reference)])?;
                    if routes.by_rule.len() <= rule {
                        routes.by_rule.resize_with(rule + 1, Vec::new);
                    }
                    routes.by_rule[rule].push(routes.routes.len() as u32);
                    routes.routes.push(steps);
                }
            }
        }
        Ok(Self { routes: Arc::new(routes), scratch: Vec::new() })
    }

    /// The fields that correlations read; [`Fields::read`] is asked for them by index.
    pub fn fields(&self) -> &[String] {
        &self.routes.fields
    }

    /// Whether a match of the rule means anything to a correlation.
    pub fn feeds(&self, rule: usize) -> bool {
        self.routes.by_rule.get(rule).is_some_and(|routes| !routes.is_empty())
    }

    /// Appends what the sighting means to each correlation.
    pub fn reduce(&mut self, sighting: &Sighting, out: &mut Vec<Reduced>) -> Skipped {
        let mut skipped = Skipped::default();
        let routes = Arc::clone(&self.routes);
        for &route in routes.by_rule.get(sighting.rule).map_or(&[][..], |routes| routes) {
            let steps = &routes.routes[route as usize];
            let (key, value) = self.read(&steps[0], sighting.fields);
            if key == 0 {
                skipped.ungrouped += 1;
                continue;
            }
            if value == NO_VALUE {
                skipped.unvalued += 1;
                continue;
            }
            let carried = (steps.len() > 1).then(|| {
                let words = steps.iter().map(|step| self.read(step, sighting.fields)).collect();
                Box::new(Carried { route, step: 0, words })
            });
            out.push(Reduced {
                time: sighting.time.micros(),
                key,
                value,
                evidence: sighting.evidence,
                carried,
                correlation: steps[0].correlation,
                reference: steps[0].reference,
            });
        }
        skipped
    }

    fn read(&mut self, step: &Step, fields: &dyn Fields) -> (u64, u64) {
        let seed = self.routes.seed;
        let mut texts = |mut print: u64, numbers: &[usize]| {
            for &field in numbers {
                self.scratch.clear();
                if !fields.read(field, &mut self.scratch) {
                    return None;
                }
                print = fingerprint::extend(seed, print, &self.scratch);
            }
            Some(print.max(1))
        };
        let Some(key) = texts(step.definition, &step.group) else { return (0, NO_VALUE) };
        let value = match step.reads {
            Reads::Nothing => Some(u64::from(step.reference)),
            Reads::Texts => texts(1, &step.values),
            Reads::Number => texts(1, &step.values)
                .and_then(|_| std::str::from_utf8(&self.scratch).ok()?.trim().parse::<f64>().ok())
                .filter(|number| number.is_finite())
                .map(f64::to_bits),
        };
        (key, value.unwrap_or(NO_VALUE))
    }
}

impl Routes {
    /// The steps that firing at `step` leads to.
    pub fn above(&self, route: u32, step: u32) -> impl Iterator<Item = (u32, &Step)> {
        let steps = self.routes.get(route as usize).map_or(&[][..], |steps| steps);
        let numbered = steps.iter().enumerate().skip(1).map(|(i, s)| (i as u32, s));
        numbered.filter(move |(_, s)| s.from == step)
    }

    pub fn step(&self, route: u32, step: u32) -> Option<&Step> {
        self.routes.get(route as usize)?.get(step as usize)
    }

    /// What a route leads to, so that it is known again when rules were added or reordered.
    pub fn print(&self, route: u32) -> u64 {
        let steps = self.routes.get(route as usize).map_or(&[][..], |steps| steps);
        steps.iter().fold(0, |print, step| {
            let words = [step.definition, u64::from(step.reference), u64::from(step.from)];
            words.iter().fold(print, |print, word| fingerprint::extend(0, print, &word.to_le_bytes()))
        })
    }

    /// The route with this print, and how many steps it has.
    pub fn printed(&self, print: u64) -> Option<(u32, usize)> {
        let at = (0..self.routes.len() as u32).find(|route| self.print(*route) == print)?;
        Some((at, self.routes[at as usize].len()))
    }

    /// The route of a reference of a correlation to a rule.
    pub fn route_of(&self, correlation: u16, reference: u16) -> u32 {
        let at = |steps: &Vec<Step>| {
            steps.first().is_some_and(|s| (s.correlation, s.reference) == (correlation, reference))
        };
        self.routes.iter().position(at).map_or(u32::MAX, |route| route as u32)
    }
}

/// Where steps are made.
struct Place<'a> {
    correlations: &'a [CorrelationRule],
    definitions: &'a [u64],
    fields: &'a mut Vec<String>,
}

impl Place<'_> {
    /// Adds the step at the end of `path` and those above it. The path leads upwards from the event.
    fn climb(
        &mut self,
        steps: &mut Vec<Step>,
        from: u32,
        path: &mut Vec<(usize, usize)>,
    ) -> Result<(), CorrelateError> {
        let Some(&(index, reference)) = path.last() else { return Ok(()) };
        let rule = &self.correlations[index];
        if steps.len() >= MOST_WAYS {
            return Err(CorrelateError::TooManyWays { id: rule.id.clone(), most: MOST_WAYS });
        }
        let here = steps.len() as u32;
        let group = rule.group_by.iter().map(|name| self.field(name, path)).collect();
        let values = rule.fields.iter().map(|name| self.field(name, path)).collect();
        let reads = match rule.kind {
            CorrelationKind::ValueCount => Reads::Texts,
            kind if kind.reads_values() => Reads::Number,
            _ => Reads::Nothing,
        };
        steps.push(Step {
            from,
            correlation: index as u16,
            reference: reference as u16,
            group,
            values,
            reads,
            definition: self.definitions[index],
        });
        for (above, parent) in self.correlations.iter().enumerate() {
            for (reference, target) in parent.refs.iter().enumerate() {
                if *target == RuleRef::Correlation(index) {
                    if path.iter().any(|(passed, _)| *passed == above) {
                        return Err(CorrelateError::Circular { id: parent.id.clone() });
                    }
                    path.push((above, reference));
                    self.climb(steps, here, path)?;
                    path.pop();
                }
            }
        }
        Ok(())
    }

    /// The event field that a name of the last correlation of the path means: each correlation on the
    /// way down may rename it.
    fn field(&mut self, name: &str, path: &[(usize, usize)]) -> usize {
        let mut name = name;
        for &(index, reference) in path.iter().rev() {
            name = self.correlations[index].field_for(name, reference);
        }
        let known = self.fields.iter().position(|field| field == name);
        known.unwrap_or_else(|| {
            self.fields.push(name.to_owned());
            self.fields.len() - 1
        })
    }
}
