//! From a firing to the finding, and to the correlations it feeds.

use ward_core::Timestamp;

use super::grown::Body;
use super::keys::{Fired, absolute};
use super::route::NO_VALUE;
use super::sighting::Carried;
use super::times::Fire;
use super::{Correlated, Correlator, Fields, Reduced};

/// The sighting that made a correlation fire.
#[derive(Clone, Copy)]
pub(super) struct Cause<'a> {
    pub key: u64,
    pub evidence: u64,
    pub reference: u16,
    pub carried: Option<&'a Carried>,
    /// Its fields, if they are at hand.
    pub fields: Option<&'a dyn Fields>,
}

impl Correlator {
    /// Tells that a correlation fired. `exact`: its time, if known better than to the tick.
    pub(super) fn emit(
        &mut self,
        index: usize,
        fired: Fired,
        exact: Option<i64>,
        cause: Cause,
        out: &mut Vec<Correlated>,
    ) {
        let Some(plan) = self.plans.get(index) else { return };
        let micros = |tick: i64| tick.saturating_mul(plan.unit);
        let time = exact.unwrap_or(micros(fired.end));
        let source = match cause.carried {
            Some(carried) => (carried.route, carried.step),
            None => (self.reducer.routes.route_of(index as u16, cause.reference), 0),
        };
        self.stats.fired += 1;
        if plan.reports {
            let mut found = Correlated {
                correlation: index,
                time: Timestamp::from_micros(time),
                group: Vec::new(),
                key: cause.key,
                count: fired.count,
                value: fired.value,
                evidence: fired.evidence,
                first: Timestamp::from_micros(micros(fired.first)),
                last: Timestamp::from_micros(micros(fired.last)),
                source,
            };
            if let Some(fields) = cause.fields {
                self.name_group(&mut found, fields);
            }
            out.push(found);
        }
        if let Some(carried) = cause.carried {
            // A window settled early for want of room may end in the future.
            let time = time.min(self.watermark.unwrap_or(time));
            self.feed_above(carried, time, cause, out);
        }
    }

    fn feed_above(&mut self, carried: &Carried, time: i64, cause: Cause, out: &mut Vec<Correlated>) {
        let routes = std::sync::Arc::clone(&self.reducer.routes);
        for (number, step) in routes.above(carried.route, carried.step) {
            let (key, value) = carried.words.get(number as usize).copied().unwrap_or((0, NO_VALUE));
            self.stats.sightings += 1;
            if key == 0 {
                self.stats.ungrouped += 1;
                continue;
            }
            if value == NO_VALUE {
                self.stats.unvalued += 1;
                continue;
            }
            let sighting = Reduced {
                time,
                key,
                value,
                evidence: cause.evidence,
                carried: Some(Box::new(Carried { step: number, ..carried.clone() })),
                correlation: step.correlation,
                reference: step.reference,
            };
            self.feed(sighting, cause.fields, out);
        }
    }

    /// Tells of windows of a key that were decided at their end.
    pub(super) fn emit_closed(&mut self, index: u16, key: u64, fires: Vec<Fire>, out: &mut Vec<Correlated>) {
        let Some(plan) = self.plans.get(usize::from(index)) else { return };
        let Some((zero, state)) = self.keys.state_of(plan, key) else { return };
        let Body::Open(open) = &state.body else { return };
        let (evidence, (reference, carried)) = (state.evidence.clone(), open.source.clone());
        let cause = Cause {
            key,
            evidence: evidence.last().copied().unwrap_or(0),
            reference,
            carried: carried.as_deref(),
            fields: None,
        };
        for fire in fires {
            let fired = absolute(zero, fire, evidence.clone());
            self.emit(usize::from(index), fired, None, cause, out);
        }
    }
}
