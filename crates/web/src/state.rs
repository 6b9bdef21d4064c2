//! What the interface is given by the binary: where things are kept, and what only the binary can do.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use futures::future::BoxFuture;
use serde::Serialize;
use tokio::sync::Semaphore;
use ward_core::{BatchId, Timestamp};
use ward_lake::{Lake, SqlProgram};
use ward_pages::{Brand, Console, PagesError};
use ward_people::Key;
use ward_people::password::Hasher;
use ward_people::session::Limits as SessionLimits;
use ward_store::Store;
use ward_store::dead_letters::DeadLetter;

use crate::access::Known;
use crate::console::{self, Doors, Overviews};
use crate::turns::Turns;

/// An answer that comes later.
pub type Answering<T> = BoxFuture<'static, T>;

/// Says of a text why it is not what it should be.
pub type Check = Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// Tells of a rule by its id.
pub type Telling = Arc<dyn Fn(&str) -> Option<RuleText> + Send + Sync>;

/// Everything that the interface needs.
#[derive(Clone)]
pub struct State {
    /// Relational state.
    pub store: Store,
    /// Events.
    pub lake: Lake,
    /// How a statement of SQL gets a process of its own. `None`: it runs in this one.
    pub sql: Option<SqlProgram>,
    /// Seals second factors, and signs the cookies by which browsers are known again.
    pub key: Key,
    /// How long people stay signed in.
    pub sessions: SessionLimits,
    /// What a guess at a password costs.
    pub hasher: Hasher,
    /// Name and mark of the console.
    pub brand: Brand,
    /// Where people reach the console, without a stroke at its end. `None`: wherever a request says that it went.
    pub site: Option<String>,
    /// Whether people reach the console over TLS, at this listener or at a proxy before it.
    pub secure: bool,
    /// What time it is.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// What searches may use.
    pub hunt: HuntLimits,
    /// Whether metrics, and why Ward is not ready, may be read without a token.
    pub open_metrics: bool,
    /// All figures, in the text format of Prometheus.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Whether journal and watch do their work; the store is asked by the interface itself.
    ///
    /// # Errors
    /// Why they do not, for an operator to read.
    pub ready: Arc<dyn Fn() -> Result<(), String> + Send + Sync>,
    /// Which rules are in force, and which are not.
    pub rules: Arc<dyn Fn() -> RulesReport + Send + Sync>,
    /// What the rule of this id says about itself; `None`: it is not in force (any more).
    pub rule: Telling,
    /// Whether a text is a Sigma filter.
    ///
    /// # Errors
    /// Why it is not.
    pub check_filter: Check,
    /// Puts a record that was set aside into the journal once more, and tells its new batch.
    ///
    /// # Errors
    /// Why it could not, for whoever asked to read.
    pub replay: Arc<dyn Fn(DeadLetter) -> Answering<Result<BatchId, String>> + Send + Sync>,
}

/// What searches may use.
#[derive(Debug, Clone, Copy)]
pub struct HuntLimits {
    /// Bytes of memory that one may take.
    pub memory: usize,
    /// How long one may take.
    pub time: Duration,
    /// How many run at once; more wait.
    pub at_once: usize,
}

/// Which rules are in force, and which are not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RulesReport {
    /// Rises with each reload.
    pub generation: u64,
    /// Rules over single events that are in force.
    pub rules: u64,
    /// Correlations that are in force.
    pub correlations: u64,
    /// What is not in force.
    pub refused: Vec<RefusedRule>,
}

/// A rule, for people to read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RuleText {
    /// What it detects.
    pub description: String,
    /// What else looks like it.
    pub false_positives: Vec<String>,
    /// Where more is written about it.
    pub references: Vec<String>,
    /// Who wrote it.
    pub author: String,
    /// How far it was tried.
    pub status: String,
    /// Its file and line.
    pub place: String,
    /// Its document, in YAML.
    pub source: String,
}

/// A rule that is not in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedRule {
    /// Its file, and line where it is known.
    pub place: String,
    /// Why.
    pub reason: String,
}

/// Where a request comes from: an extension of each, put there by whoever accepted the connection.
#[derive(Debug, Clone, Copy)]
pub struct Caller(pub IpAddr);

/// The state, and what the interface keeps beside it.
pub(crate) struct Shared {
    pub state: State,
    /// What pages are made with.
    pub console: Console,
    /// Who may try to sign in.
    pub doors: Doors,
    /// What the sector looks like just now.
    pub overviews: Overviews,
    /// Places of pages that follow what happens.
    pub live: Arc<Semaphore>,
    /// Who has shown a good token lately.
    pub known: Known,
    /// Whose turn it is to search.
    pub turns: Turns,
    /// How many requests there have been.
    pub requests: AtomicU64,
}

impl Shared {
    /// # Errors
    /// The templates of the console cannot be understood.
    pub fn new(state: State) -> Result<Self, PagesError> {
        let (turns, doors) = (Turns::new(state.hunt.at_once), Doors::new(state.hasher));
        let pages = Console::new(state.brand.clone())?;
        let (overviews, live) = (Overviews::default(), console::places());
        Ok(Self {
            state,
            console: pages,
            doors,
            overviews,
            live,
            known: Known::default(),
            turns,
            requests: AtomicU64::new(0),
        })
    }

    pub fn now(&self) -> Timestamp {
        (self.state.clock)()
    }
}

impl Default for HuntLimits {
    fn default() -> Self {
        Self { memory: 256 << 20, time: Duration::from_secs(60), at_once: 4 }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("hunt", &self.hunt).finish_non_exhaustive()
    }
}
