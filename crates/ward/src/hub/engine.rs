//! The rules in force, compiled, with everything a worker needs to ask them.
//!
//! Invariant: an engine never changes; a new one takes its place as a whole, between two frames.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use ward_core::{FieldId, FieldNames, OrganisationId};
use ward_detect::compiled::Matcher;
use ward_detect::correlate::{CorrelateError, Correlator, Limits, Reducer};
use ward_detect::{CorrelationRule, Exception, LoadReport, Rule, RuleSet};
use ward_store::ExceptionId;
use ward_telemetry::taxonomy::{Resolver, Taxonomy};

use crate::detect::args::SigmaArgs;
use crate::error::Error;
use crate::rule_set;

/// Rules and tables, ready for any number of workers.
#[derive(Debug)]
pub struct Engine {
    /// Which one it is: later ones have higher numbers.
    pub generation: u64,
    /// The rules.
    pub matcher: Arc<Matcher>,
    /// The correlations over them.
    pub correlations: Vec<CorrelationRule>,
    /// What was refused of them, and why.
    pub report: LoadReport,
    /// By rule: the fields whose values a finding shows.
    pub shown: Vec<Vec<FieldId>>,
    /// The fields that correlations read, by their numbers there.
    pub correlated: Vec<Option<FieldId>>,
    resolver: Resolver,
    /// Correlators without state: of what happens now at one organisation, and of what one source delivers late.
    empty: [Correlator; 2],
}

/// Where rules and tables are.
#[derive(Debug, Clone, Default)]
pub struct RulePlaces {
    /// Files and folders of rules. Empty: those that come with Ward.
    pub rules: Vec<PathBuf>,
    /// Processing pipelines.
    pub pipelines: Vec<PathBuf>,
    /// Further tables of log sources and field names.
    pub taxonomy: Vec<PathBuf>,
}

/// What organisations want to be passed over, by organisation.
#[derive(Debug, Default)]
pub struct Exceptions {
    by_organisation: HashMap<OrganisationId, Vec<Arc<(ExceptionId, Exception)>>>,
}

impl Engine {
    /// Loads rules and tables.
    ///
    /// # Errors
    /// A file that cannot be read or is no such table. Rules that are refused are no error: the report names
    /// them.
    pub fn load(places: &RulePlaces, generation: u64, threads: usize) -> Result<Self, Error> {
        let sigma = SigmaArgs { pipelines: places.pipelines.clone(), placeholders: None };
        let set = rule_set::load(&places.rules, &sigma, threads)?;
        let mut taxonomy = Taxonomy::builtin()?;
        for path in &places.taxonomy {
            taxonomy.extend(&path.to_string_lossy(), &rule_set::read(path)?)?;
        }
        Self::of(set, &taxonomy, generation)
    }

    fn of(set: RuleSet, taxonomy: &Taxonomy, generation: u64) -> Result<Self, Error> {
        let empty = |limits| Correlator::new(&set.correlations, &set.rules, limits);
        let made = |error: CorrelateError| Error::Correlate(Box::new(error));
        let empty = [empty(limits()).map_err(made)?, empty(late_limits()).map_err(made)?];
        let reducer = empty[0].reducer();
        let mut fields: Vec<&str> = reducer.fields().iter().map(String::as_str).collect();
        for rule in &set.rules {
            rule.condition.each_field(&mut |field| fields.push(field));
        }
        fields.extend(taxonomy.observable_fields());
        let names: Arc<FieldNames> = Arc::new(taxonomy.field_names(fields)?);
        let resolver = taxonomy.resolver(&names)?;
        let correlated = reducer.fields().iter().map(|name| names.get(name)).collect();
        let shown = set.rules.iter().map(|rule| shown(rule, &names)).collect();
        let matcher = Arc::new(Matcher::new(set.rules.into(), names));
        let RuleSet { correlations, report, .. } = RuleSet { rules: Vec::new(), ..set };
        Ok(Self { generation, matcher, correlations, report, shown, correlated, resolver, empty })
    }

    /// The rules.
    pub fn rules(&self) -> &[Rule] {
        self.matcher.rules()
    }

    /// A resolver for one worker.
    pub fn resolver(&self) -> Resolver {
        self.resolver.clone()
    }

    /// What makes sightings, for one worker.
    pub fn reducer(&self) -> Reducer {
        self.empty[0].reducer()
    }

    /// The correlations without any state: of what happens now, or of what is delivered late. Others of them are
    /// to be made [`alike`](Correlator::alike).
    pub fn correlator(&self, is_late: bool) -> &Correlator {
        &self.empty[usize::from(is_late)]
    }
}

impl Exceptions {
    /// Lets an exception hold for these organisations.
    pub fn add(
        &mut self,
        id: ExceptionId,
        exception: Exception,
        organisations: impl IntoIterator<Item = OrganisationId>,
    ) {
        let entry = Arc::new((id, exception));
        for organisation in organisations {
            self.by_organisation.entry(organisation).or_default().push(Arc::clone(&entry));
        }
    }

    /// Those of one organisation.
    pub fn of(&self, organisation: &OrganisationId) -> &[Arc<(ExceptionId, Exception)>] {
        self.by_organisation.get(organisation).map_or(&[], |all| all)
    }
}

/// What correlations may use of events that a source delivers late: files come in any order, so none of them
/// is too late, and the windows that wait for more are decided when nothing more comes.
fn late_limits() -> Limits {
    Limits { lateness: YEAR, keys: 1 << 20, sightings: 1 << 20, ..limits() }
}

/// What correlations of what happens now at one organisation may use, if the others leave it that much.
fn limits() -> Limits {
    Limits { lateness: LATENESS, keys: 2 << 20, sightings: 4 << 20, trail: 1 << 16, ..Limits::default() }
}

/// The longest lateness that a correlator takes, in microseconds.
const YEAR: i64 = 366 * 86_400 * 1_000_000;

/// How far an event's time may lie behind its arrival to be correlated with what happens now: 15 minutes.
pub const LATENESS: i64 = 15 * 60 * 1_000_000;

fn shown(rule: &Rule, names: &FieldNames) -> Vec<FieldId> {
    let mut fields = Vec::new();
    rule.condition.each_field(&mut |name| {
        if let Some(field) = names.get(name).filter(|field| !fields.contains(field)) {
            fields.push(field);
        }
    });
    fields
}
