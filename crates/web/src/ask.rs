//! A request as the functions of the domains see it: known, let in, and read.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ward_core::{OrganisationId, Scope, Timestamp};
use ward_lake::{Cancel, LakeFile, Limits, TimeRange};
use ward_people::Permission;
use ward_store::auth::Access;
use ward_store::lake_files::{self, FileFilter};
use ward_store::{Store, organisations};

use crate::catalogue;
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use crate::state::{Shared, State};
use crate::turns::{Running, Turn, reach};

/// What a request is answered with.
pub(crate) type Answer = Result<Response, Refusal>;

/// A request, and all that may be used to answer it.
pub(crate) struct Ask {
    pub shared: Arc<Shared>,
    /// Who asks. `None`: an open route that was asked without a token.
    pub access: Option<Arc<Access>>,
    /// What the route lets do. `None`: nothing in particular.
    pub permission: Option<Permission>,
    pub now: Timestamp,
    /// The request's number.
    pub number: Arc<str>,
    pub path: Vec<(String, String)>,
    pub parameters: Parameters,
    pub body: Bytes,
}

/// How long a search waits for its turn.
const TURN: std::time::Duration = std::time::Duration::from_secs(10);
/// Seconds after which whoever got no turn may try again.
const AGAIN: u32 = 5;

impl Ask {
    pub fn state(&self) -> &State {
        &self.shared.state
    }

    pub fn store(&self) -> &Store {
        &self.shared.state.store
    }

    pub fn access(&self) -> Result<&Access, Refusal> {
        self.access.as_deref().ok_or_else(Refusal::unknown)
    }

    /// Where whoever asks may do what the route lets do.
    pub fn scope(&self) -> Result<&Scope, Refusal> {
        let access = self.access()?;
        Ok(self.permission.map_or_else(|| access.powers.reach(), |permission| access.scope(permission)))
    }

    /// The part of the path of this name, as what it names. What is no such name does not exist.
    pub fn named<T>(&self, what: &'static str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, Refusal> {
        let text = self.path.first().map_or("", |(_, value)| value.as_str());
        read(text).ok_or_else(|| Refusal::missing(what))
    }

    /// The body, as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Refusal::unclear("could not read the body").hint(format!("it is JSON, but {error}"))
        })
    }

    /// How many things a page has.
    pub fn limit(&self) -> u32 {
        self.parameters.number("limit", 50)
    }

    /// The organisations that `organisation` names, with all below them. `None`: none is named.
    ///
    /// # Errors
    /// 404: there is no such organisation, or it may not be seen.
    pub async fn organisations(
        &self,
        named: impl Iterator<Item = OrganisationId>,
    ) -> Result<Option<BTreeSet<OrganisationId>>, Refusal> {
        let (scope, mut all) = (self.scope()?, None);
        for organisation in named {
            let below = organisations::descendants(self.store(), scope, &organisation).await?;
            all.get_or_insert_with(BTreeSet::new).extend(below);
        }
        Ok(all)
    }

    /// What is left of the scope when only the organisations that `organisation` names are asked for.
    pub async fn narrowed(&self) -> Result<Scope, Refusal> {
        let wanted = self.organisations(self.parameters.codes("organisation")).await?;
        let scope = self.scope()?;
        Ok(wanted.map_or_else(|| scope.clone(), |wanted| scope.narrowed(wanted)))
    }

    /// The times that `from`, `to` and `last` name.
    pub fn range(&self) -> Result<TimeRange, Refusal> {
        let (from, to) = (self.parameters.time("from"), self.parameters.time("to"));
        range(self.now, from, to, self.parameters.span("last"))
    }

    /// The files of the lake that may have events of these organisations and times.
    pub async fn files(&self, scope: &Scope, range: TimeRange) -> Result<Vec<LakeFile>, Refusal> {
        let filter = FileFilter { from: range.from, until: range.to, organisations: None };
        Ok(catalogue::files(lake_files::files(self.store(), scope, &filter).await?))
    }

    /// What a search may use.
    pub fn limits(&self, rows: usize) -> Limits {
        let hunt = self.state().hunt;
        let cancel = Cancel::default();
        Limits { memory: hunt.memory, time: hunt.time, rows, cancel, ..Limits::default() }
    }

    /// Waits until another search may run.
    ///
    /// # Errors
    /// 503: too many others do.
    pub async fn turn(&self) -> Result<Turn, Refusal> {
        let (turns, reach) = (&self.shared.turns, reach(self.access()?, self.scope()?));
        turns.take(&reach, TURN).await.ok_or_else(|| {
            let Running { all, most, own, own_most } = turns.running(&reach);
            let message = format!(
                "could not begin within {} seconds: {all} of at most {most} searches are running, {own} of them (at most \
                 {own_most}) by tokens with your reach",
                TURN.as_secs()
            );
            Refusal::busy(message, AGAIN).hint(format!(
                "try again in {AGAIN} seconds, or end a search of your own; `[hunt] at_once` says how many may run"
            ))
        })
    }
}

/// The times that are asked about.
///
/// # Errors
/// 400: they contradict each other.
pub(crate) fn range(
    now: Timestamp,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    last: Option<i64>,
) -> Result<TimeRange, Refusal> {
    if from.is_some() && last.is_some() {
        return Err(Refusal::unclear("could not take 'from' and 'last' together"));
    }
    let began = |last: i64| Timestamp::from_micros(to.unwrap_or(now).micros().saturating_sub(last));
    let range = TimeRange { from: from.or(last.map(began)), to };
    match (range.from, range.to) {
        (Some(from), Some(to)) if from >= to => Err(Refusal::unclear("could not go back in time")
            .hint("'from' is the first moment that is asked about, 'to' the first after it")),
        _ => Ok(range),
    }
}

/// An answer in JSON.
pub(crate) fn shown(value: &Value) -> Answer {
    shown_as(StatusCode::OK, value)
}

/// An answer in JSON, with its status.
pub(crate) fn shown_as(status: StatusCode, value: &Value) -> Answer {
    Ok((status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn the_last_days_are_counted_back_from_now_or_from_the_end_that_is_named() {
        let now = at("2026-11-26T10:00:00Z");
        let day = Some(86_400_000_000);
        let last = range(now, None, None, day).unwrap();
        assert_eq!(last, TimeRange { from: Some(at("2026-11-25T10:00:00Z")), to: None });
        let to = Some(at("2026-11-20"));
        assert_eq!(range(now, None, to, day).unwrap(), TimeRange { from: Some(at("2026-11-19")), to });
        assert_eq!(range(now, None, None, None).unwrap(), TimeRange::ALL);
    }

    #[test]
    fn times_that_contradict_each_other_are_refused() {
        let now = at("2026-11-26T10:00:00Z");
        let (early, late) = (Some(at("2026-11-20")), Some(at("2026-11-21")));
        assert_eq!(range(now, late, early, None).unwrap_err().status(), 400);
        assert_eq!(range(now, early, early, None).unwrap_err().status(), 400);
        assert_eq!(range(now, early, late, Some(1)).unwrap_err().status(), 400);
    }
}
