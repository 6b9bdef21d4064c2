//! `ward serve`: the hub. Listeners put batches into the journal; the watch looks at them, enters what it finds
//! into the store and the events into the lake; the keeper tidies up; the interface answers.
//!
//! Invariant: what was acknowledged is in the journal or, with all that was found in it, in store and lake.
//! Invariant: only one hub works in a folder.

mod clerk;
pub mod config;
mod correlators;
mod engine;
mod eyes;
mod figures;
mod heap;
mod heartbeats;
mod identity;
mod inbox;
mod interface;
mod keeper;
mod letters;
mod logging;
mod lowly;
mod making;
pub(crate) mod people;
mod refresh;
mod rule_text;
pub mod serve;
mod silence;
#[cfg(test)]
mod trials;
mod vital;
mod watch;

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use ward_core::BatchId;
use ward_intake::{Counters, Dependencies, Running, Sources};
use ward_journal::{BatchKey, Disk, Journal, KnownKey, Options, Position, RealDisk};
use ward_lake::{Lake, WriteOptions};
use ward_store::{Store, StoreOptions, checkpoints, segments};

use crate::clock::now;
use crate::detect::problems::chain;
use crate::error::Error;
use crate::held;
use config::HubConfig;
use correlators::Correlators;
use engine::{Engine, Exceptions, RulePlaces};
use figures::Figures;
use inbox::JournalInbox;
use watch::Post;

/// A running hub.
pub struct Hub {
    intake: Running,
    store: Store,
    post: Post,
    threads: Vec<JoinHandle<()>>,
    tasks: tokio_util::task::TaskTracker,
    stop: tokio_util::sync::CancellationToken,
    /// While it is there, changes of rules are followed.
    quit: Sender<()>,
}

impl Hub {
    /// Starts everything. What a crash left in the journal is looked at first by the watch, while listeners
    /// take new batches already.
    ///
    /// # Errors
    /// A folder, file, database or address that cannot be used.
    pub async fn start(config: &HubConfig) -> Result<Self, Error> {
        let disk = occupy(&config.journal(), LAST_BREATH).await?;
        give_back(&config.data.folder)?;
        Self::start_on(config, Arc::new(disk), Lake::new(config.lake())).await
    }

    async fn start_on(config: &HubConfig, disk: Arc<dyn Disk>, lake: Lake) -> Result<Self, Error> {
        let store = Store::open(&config.store_url(), StoreOptions::default()).await?;
        lake.make()?;
        let (journal, first) = open_journal(config, disk, &store, &lake).await?;
        let journal = Arc::new(journal);
        let workers = config.workers();
        let places = RulePlaces {
            rules: config.watch.rules.clone(),
            pipelines: config.watch.pipelines.clone(),
            taxonomy: config.watch.taxonomy.clone(),
        };
        let engine = Arc::new(Engine::load(&places, 0, workers)?);
        let figures = Arc::new(Figures::default());
        refresh::tell_rules(&engine, &figures);
        let quiet = Duration::from_secs(config.watch.late_quiet_seconds);
        let correlators = restore(&store, &engine, quiet).await?;
        let post = Post {
            journal: Arc::clone(&journal),
            engine: Arc::new(ArcSwap::new(engine)),
            exceptions: Arc::new(ArcSwap::new(Arc::new(Exceptions::default()))),
            lake: lake.clone(),
            letters: Arc::new(letters::Letters::new(&config.dead_letters)),
            write: WriteOptions {
                level: config.lake.compression_level,
                memory: config.lake.memory_megabytes << 20,
                ..WriteOptions::default()
            },
            workers,
            awaited: Arc::default(),
            stop: Arc::new(AtomicBool::new(false)),
            closed: Arc::new(AtomicBool::new(false)),
        };
        let sources = Arc::new(Sources::default());
        refresh::sources(&store, &sources).await?;
        refresh::exceptions(&store, &post.exceptions).await?;
        let (reports, clerk_reads) = sync_channel(workers * 2);
        let (again, dealer_reads) = channel();
        let mut threads = watch::start(&post, Position::START, reports, dealer_reads)?;
        let clerk = clerk::Clerk::new(
            post.clone(),
            store.clone(),
            Handle::current(),
            now,
            Arc::clone(&figures),
            correlators,
            again,
        );
        threads.push(vital::vital("watch-clerk", move || clerk.run(&clerk_reads))?);
        let counters = Arc::new(Counters::default());
        let key = people::key_of(&config.data.folder, &store).await?;
        let api = interface::routes(config, key, &store, &post, &figures, &counters)?;
        let dependencies = Dependencies {
            inbox: Arc::new(JournalInbox(Arc::clone(&journal))),
            sources: Arc::clone(&sources),
            clock: Arc::new(now),
            counters,
            api: Some(api),
        };
        let stop = tokio_util::sync::CancellationToken::new();
        let tasks = tokio_util::task::TaskTracker::new();
        tasks.spawn(stop.clone().run_until_cancelled_owned(refresh::keep_up(
            store.clone(),
            sources,
            post.exceptions.clone(),
        )));
        let (quit, asked) = channel();
        let every = Duration::from_secs(config.watch.reload_seconds.max(1));
        let (engine, shown) = (Arc::clone(&post.engine), Arc::clone(&figures));
        let follow = move || refresh::follow_rules(&places, &engine, &shown, every, &asked);
        let follow = std::thread::Builder::new().name("watch-rules".to_owned()).spawn(follow);
        threads.push(follow.map_err(Error::Thread)?);
        tasks.spawn(stop.clone().run_until_cancelled_owned(keeper::tidy(
            store.clone(),
            lake,
            Arc::clone(&journal),
            first,
            config.clone(),
            Arc::clone(&figures),
        )));
        let every = Duration::from_secs(config.lake.tidy_seconds.max(1));
        tasks.spawn(stop.clone().run_until_cancelled_owned(letters::keep(
            Arc::clone(&post.letters),
            store.clone(),
            every,
        )));
        tasks.spawn(stop.clone().run_until_cancelled_owned(people::keep(store.clone())));
        tasks.spawn(stop.clone().run_until_cancelled_owned(silence::listen(store.clone(), journal, figures)));
        let intake = ward_intake::start(&config.intake, &dependencies).await?;
        Ok(Self { intake, store, post, threads, tasks, stop, quit })
    }

    /// Lets the first administrator in, if there is none.
    pub async fn let_first_in(&self, config: &HubConfig) {
        people::let_first_in(config, &self.store, self.bound()).await;
    }

    /// Where it listens.
    pub fn bound(&self) -> &[ward_intake::Bound] {
        self.intake.bound()
    }

    /// Stops in order: no new batches, what is in the journal is looked at as far as `patience` allows, and
    /// what is not stays there for the next start.
    pub async fn stop(self, patience: Duration) {
        let Self { intake, store, post, threads, tasks, stop, quit } = self;
        if !intake.stop(Duration::from_secs(10)).await {
            tracing::warn!("some connections were broken off");
        }
        drop(quit);
        stop.cancel();
        tasks.close();
        tasks.wait().await;
        let journal = Arc::clone(&post.journal);
        let _ = tokio::task::spawn_blocking(move || journal.close()).await;
        post.closed.store(true, Ordering::Release);
        let (all_done, mut done) = tokio::sync::mpsc::channel::<()>(1);
        let join = tokio::task::spawn_blocking(move || {
            let _all_done = all_done;
            threads.into_iter().for_each(|thread| drop(thread.join()));
        });
        if tokio::time::timeout(patience, done.recv()).await.is_err() {
            tracing::warn!(
                "stopped before all of the journal was looked at; the rest is looked at after the next start"
            );
            post.stop.store(true, Ordering::Relaxed);
        }
        let _ = join.await;
        store.close().await;
    }
}

/// Takes the folder of the journal for this process. A hub that was killed a moment ago may hold it still: `patience` says
/// how long that is waited for.
async fn occupy(folder: &Path, patience: Duration) -> Result<RealDisk, Error> {
    let begun = Instant::now();
    let mut told = false;
    loop {
        match RealDisk::open(folder) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if begun.elapsed() >= patience {
                    return Err(Error::Occupied(folder.to_owned()));
                }
                if !told {
                    tracing::warn!(folder = %folder.display(), "another process works here; waiting for it to end");
                    told = true;
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            opened => return opened.map_err(|source| Error::Read { path: folder.to_owned(), source }),
        }
    }
}

/// Removes what backups that were killed left in the data folder. What cannot be removed keeps no hub from starting.
fn give_back(data: &Path) -> Result<(), Error> {
    let swept = held::sweep(data)?;
    for error in &swept.stuck {
        tracing::warn!(error = %chain(error), "could not remove what a backup that broke off left; it keeps its room");
    }
    if swept.folders > 0 {
        let (folders, bytes) = (swept.folders, swept.bytes);
        tracing::info!(
            folders,
            bytes,
            "removed what backups that broke off had left, and gave its room back"
        );
    }
    Ok(())
}

/// More numbers than a journal that was lost can have given out.
const GAP: u64 = 1 << 32;

/// How long a hub that was killed may need to be gone.
const LAST_BREATH: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The journal, and the first number that it can give a batch from now on.
async fn open_journal(
    config: &HubConfig,
    disk: Arc<dyn Disk>,
    store: &Store,
    lake: &Lake,
) -> Result<(Journal, BatchId), Error> {
    let mut options = Options::default();
    // Numbers are never used twice, whatever segments are left.
    options.floor = segments::last_done(store).await?;
    let listed = disk.list().map_err(|source| Error::Read { path: config.journal(), source })?;
    if listed.is_empty() && segments::is_one_open(store).await? {
        tracing::warn!(
            "the store knows of batches that the journal does not have; numbers go on behind a gap"
        );
        options.floor.0 += GAP;
    }
    // A file of the lake is named by its first batch. One of a batch that neither store nor journal has is of a store that
    // is not this one, or was: its number, and those of the batches in it, are never given out again.
    let in_lake = keeper::highest_file(lake, options.floor).await?;
    if let Some(highest) = in_lake.filter(|_| listed.is_empty()) {
        tracing::error!(
            highest = highest.0,
            "the lake has files of batches that the store does not know: the store is new, or older than the lake. They are \
             left where they are and no search reads them; stop the hub and put the right store back (docs/operate.md). \
             Numbers go on behind a gap"
        );
        options.floor = BatchId(highest.0.saturating_add(GAP));
    }
    let names = segments::names_since(store, clerk::names_since(now())).await?;
    options.known = names
        .into_iter()
        .map(|name| KnownKey { key: BatchKey(name.key), batch: name.batch, received: name.received })
        .collect();
    options.max_bytes = config.journal.max_megabytes << 20;
    options.reserve_bytes = config.journal.reserve_megabytes << 20;
    options.seal_bytes = config.journal.seal_megabytes.max(1) << 20;
    options.seal_after = Duration::from_secs(config.journal.seal_seconds.max(1));
    let (journal, recovery) = Journal::open(disk, options)?;
    for damage in recovery.torn.iter().chain(&recovery.damage) {
        tracing::warn!(%damage, "found damage in the journal");
    }
    // The ledger was first; what it knows to be done need not be looked at again.
    for info in journal.segments() {
        if info.sealed && segments::is_done(store, info.last).await? {
            journal.remove(info.id)?;
        }
    }
    if recovery.segments > 0 {
        tracing::info!(
            segments = recovery.segments,
            bytes = recovery.bytes,
            "going on with what is in the journal"
        );
    }
    Ok((journal, BatchId(recovery.next_batch)))
}

async fn restore(store: &Store, engine: &Arc<Engine>, late_quiet: Duration) -> Result<Correlators, Error> {
    let mut correlators = Correlators::new(Arc::clone(engine), late_quiet);
    for name in checkpoints::names(store, correlators::PREFIX).await? {
        let Some(checkpoint) = checkpoints::get(store, &name).await? else { continue };
        if let Err(reason) = correlators.restore(&checkpoint.content) {
            tracing::error!(name, reason, "could not take a correlation up again; it begins anew");
        }
    }
    Ok(correlators)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_is_waited_for_until_the_process_in_it_is_gone() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("journal");
        let dying = RealDisk::open(&folder).unwrap();
        let (occupied, ()) = tokio::join!(occupy(&folder, Duration::from_secs(60)), async {
            tokio::time::sleep(LOOK_AGAIN * 3).await;
            drop(dying);
        });
        let _living = occupied.unwrap();
        let told = occupy(&folder, LOOK_AGAIN).await.unwrap_err().to_string();
        assert!(
            told.contains(&folder.display().to_string()) && told.contains("systemctl stop ward"),
            "{told}"
        );
    }
}
