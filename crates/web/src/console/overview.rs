//! What the sector, or somebody's part of it, looks like just now: the figures of the start page, and what tells live
//! pages that something changed.
//!
//! Invariant: however many look, each scope is looked up once in [`FRESH`].

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use ward_core::{OrganisationId, Scope, Severity, Timestamp};
use ward_ledger::Hash;
use ward_people::Permission;
use ward_store::alerts::{self, State};
use ward_store::auth::Access;
use ward_store::heartbeats::{self, Hearing};
use ward_store::{dead_letters, exceptions, organisations};

use crate::refusal::Refusal;
use crate::state::Shared;

/// Microseconds for which figures are shown again.
const FRESH: i64 = 3_000_000;

/// Microseconds for which it is believed which organisation belongs to which care board.
const BOARDS: i64 = 60_000_000;

/// Scopes whose figures are remembered.
const MOST: usize = 512;

/// Microseconds before its end at which an exception is told of.
const SOON: i64 = 7 * 86_400 * 1_000_000;

/// Hours that the histogram shows.
pub(super) const HOURS: i64 = 24;
pub(super) const HOUR: i64 = 3_600 * 1_000_000;

/// The figures. What whoever looks may not see is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Overview {
    /// How many alerts there are of each state and level.
    pub alerts: BTreeMap<(State, Severity), u64>,
    /// Open ones by care board.
    pub boards: BTreeMap<OrganisationId, u64>,
    /// Open ones that belong to no care board.
    pub elsewhere: u64,
    /// How many were opened in each hour up to now, oldest first.
    pub hours: Vec<u64>,
    /// When the first of these hours began.
    pub hours_from: Timestamp,
    /// Sources that should have sent something.
    pub silent: Option<u64>,
    /// Records that could not be decoded.
    pub letters: Option<u64>,
    /// Exceptions that end soon.
    pub ending: Option<u64>,
    /// When this was so.
    pub time: Timestamp,
}

/// Figures that are remembered, by whoever sees the same.
#[derive(Debug, Default)]
pub(crate) struct Overviews {
    all: Mutex<HashMap<Hash, Arc<Place>>>,
}

#[derive(Debug, Default)]
struct Place {
    kept: tokio::sync::Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    overview: Option<Arc<Overview>>,
    boards: Option<(Timestamp, Arc<BTreeMap<OrganisationId, OrganisationId>>)>,
}

impl Overview {
    /// How many alerts are in this state, of at least this level.
    pub fn count(&self, state: State, at_least: Severity) -> u64 {
        let wanted = self.alerts.iter().filter(|((of, level), _)| *of == state && *level >= at_least);
        wanted.map(|(_, count)| count).sum()
    }

    /// All of it but the time, in short: what is the same looks the same.
    pub fn seen(&self) -> Hash {
        let still = Self { time: Timestamp::from_micros(0), ..self.clone() };
        Hash::of(format!("{still:?}").as_bytes())
    }

    /// How many alerts are in this state and of this level.
    pub fn exactly(&self, state: State, level: Severity) -> u64 {
        self.alerts.get(&(state, level)).copied().unwrap_or(0)
    }
}

/// The figures for whoever has this access.
pub(super) async fn of(shared: &Shared, access: &Access) -> Result<Arc<Overview>, Refusal> {
    let place = shared.overviews.place(key(access));
    let mut kept = place.kept.lock().await;
    let now = shared.now();
    let age = |time: Timestamp| now.micros().saturating_sub(time.micros());
    if let Some(overview) = kept.overview.as_ref().filter(|it| (0..FRESH).contains(&age(it.time))) {
        return Ok(Arc::clone(overview));
    }
    let scope = figures_scope(access);
    let boards = match kept.boards.as_ref().filter(|(time, _)| (0..BOARDS).contains(&age(*time))) {
        Some((_, boards)) => Arc::clone(boards),
        None => {
            let boards = organisations::care_boards(&shared.state.store, scope).await?;
            let boards = Arc::new(boards.into_iter().collect::<BTreeMap<_, _>>());
            kept.boards = Some((now, Arc::clone(&boards)));
            boards
        }
    };
    let overview = Arc::new(look(shared, access, now, &boards).await?);
    kept.overview = Some(Arc::clone(&overview));
    Ok(overview)
}

/// Where figures of alerts come from: figures are for more people than alerts are.
pub(super) fn figures_scope(access: &Access) -> &Scope {
    let permission =
        if access.may(Permission::SeeAlerts) { Permission::SeeAlerts } else { Permission::SeeOverview };
    access.scope(permission)
}

async fn look(
    shared: &Shared,
    access: &Access,
    now: Timestamp,
    boards: &BTreeMap<OrganisationId, OrganisationId>,
) -> Result<Overview, Refusal> {
    let (store, scope) = (&shared.state.store, figures_scope(access));
    let may = |permission: Permission| access.may(permission).then(|| access.scope(permission));
    let tallies = alerts::tallies(store, scope).await?;
    let mut by_kind: BTreeMap<(State, Severity), u64> = BTreeMap::new();
    let (mut by_board, mut elsewhere): (BTreeMap<OrganisationId, u64>, u64) = (BTreeMap::new(), 0);
    for board in boards.values() {
        by_board.entry(board.clone()).or_default();
    }
    for tally in tallies {
        *by_kind.entry((tally.state, tally.level)).or_default() += tally.count;
        if tally.state != State::Closed {
            match boards.get(&tally.organisation) {
                Some(board) => *by_board.entry(board.clone()).or_default() += tally.count,
                None => elsewhere += tally.count,
            }
        }
    }
    // Whole hours, and the one that runs.
    let end = now.micros().div_euclid(HOUR).saturating_add(1).saturating_mul(HOUR);
    let from = Timestamp::from_micros(end.saturating_sub(HOURS * HOUR));
    let opened = alerts::opened(store, scope, from, Timestamp::from_micros(end), HOUR).await?;
    let mut hours = vec![0; HOURS as usize];
    for (time, _, count) in opened {
        let at = usize::try_from((time.micros() - from.micros()) / HOUR).ok();
        if let Some(hour) = at.and_then(|at| hours.get_mut(at)) {
            *hour += count;
        }
    }
    let silent = match may(Permission::SeeSources) {
        Some(scope) => Some(heartbeats::silent(store, scope, Hearing::ever(now)).await?.len() as u64),
        None => None,
    };
    let letters = match may(Permission::SeeLetters) {
        Some(scope) => Some(dead_letters::counts(store, scope).await?.iter().map(|(_, count)| count).sum()),
        None => None,
    };
    let ending = match may(Permission::SeeExceptions) {
        Some(scope) => {
            let in_force = exceptions::in_force(store, scope, now).await?;
            let soon = now.micros().saturating_add(SOON);
            Some(in_force.iter().filter(|it| it.exception.exception.expires.micros() < soon).count() as u64)
        }
        None => None,
    };
    Ok(Overview {
        alerts: by_kind,
        boards: by_board,
        elsewhere,
        hours,
        hours_from: from,
        silent,
        letters,
        ending,
        time: now,
    })
}

/// The same for all who see the same.
fn key(access: &Access) -> Hash {
    let mut text = String::new();
    for permission in Permission::ALL.into_iter().filter(|permission| access.may(*permission)) {
        text.push_str(permission.name());
        match access.scope(permission).organisations() {
            None => text.push('*'),
            Some(organisations) => organisations.iter().for_each(|code| {
                text.push(' ');
                text.push_str(code.as_str());
            }),
        }
        text.push('\n');
    }
    Hash::of(text.as_bytes())
}

impl Overviews {
    fn place(&self, key: Hash) -> Arc<Place> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(&key) {
            all.retain(|_, place| Arc::strong_count(place) > 1);
        }
        Arc::clone(all.entry(key).or_default())
    }
}
