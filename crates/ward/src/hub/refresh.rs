//! What changes while the hub runs: sources and tokens, exceptions, rule files.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use ward_core::Scope;
use ward_detect::Exception;
use ward_detect::load::LoadOptions;
use ward_intake::{SourceTable, Sources};
use ward_store::{Store, auth, exceptions};

use super::engine::{Engine, Exceptions, RulePlaces};
use super::figures::Figures;
use crate::clock::now;
use crate::detect::problems::chain;
use crate::error::Error;

/// Time between looks into the store: how long a revoked token may still be good.
const LOOK: Duration = Duration::from_secs(2);

/// Reads who may send.
///
/// # Errors
/// The store cannot be read.
pub async fn sources(store: &Store, sources: &Sources) -> Result<(), Error> {
    let known = auth::ingest_sources(store, now()).await?;
    let mut table = SourceTable::default();
    for source in known.iter() {
        table.add(source.clone());
    }
    for (hash, source) in known.tokens() {
        table.token(hash.0, source.clone());
    }
    for (fingerprint, source) in known.certificates() {
        table.certificate(fingerprint.0, source.clone());
    }
    sources.replace(table);
    Ok(())
}

/// Reads which exceptions are in force. One that cannot be read is told and mutes nothing.
///
/// # Errors
/// The store cannot be read.
pub async fn exceptions(store: &Store, in_force: &ArcSwap<Exceptions>) -> Result<(), Error> {
    let mut all = Exceptions::default();
    for found in exceptions::in_force(store, &Scope::whole_sector(), now()).await? {
        let id = found.exception.id;
        let origin = format!("exception {id}");
        match Exception::parse(&origin, &found.exception.exception.filter, &LoadOptions::default()) {
            Ok(exception) => all.add(id, exception, found.organisations),
            Err(reason) => tracing::error!(%id, reason, "an exception cannot be read and mutes nothing"),
        }
    }
    in_force.store(Arc::new(all));
    Ok(())
}

/// Keeps sources and exceptions as the store has them.
pub async fn keep_up(store: Store, table: Arc<Sources>, in_force: Arc<ArcSwap<Exceptions>>) {
    let mut failing = false;
    loop {
        tokio::time::sleep(LOOK).await;
        let read = match sources(&store, &table).await {
            Ok(()) => exceptions(&store, &in_force).await,
            failed => failed,
        };
        match read {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                failing = true;
                tracing::error!(error = %chain(&error), "could not read sources and exceptions; those known stay in force");
            }
            Err(_) => {}
        }
    }
}

/// Loads the rules anew when their files change, until `quit` is dropped. Rules that are refused never stop the
/// others, and when a folder cannot be read the rules before stay in force.
///
/// For a thread of its own: whoever loads a rule set keeps the memory of the one before for it, and if each were
/// loaded by another thread, each of those would keep some.
pub fn follow_rules(
    places: &RulePlaces,
    engine: &ArcSwap<Engine>,
    figures: &Figures,
    every: Duration,
    quit: &Receiver<()>,
) {
    let mut known = signature(places);
    while quit.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        let signature = signature(places);
        if signature == known {
            continue;
        }
        known = signature;
        let generation = engine.load().generation + 1;
        // A rule that brings the loader down must not keep later ones from being loaded.
        match catch_unwind(AssertUnwindSafe(|| Engine::load(places, generation, 1))) {
            Ok(Ok(new)) => {
                let new = Arc::new(new);
                tell_rules(&new, figures);
                engine.store(new);
            }
            Err(_) => tracing::error!("could not load the changed rules; those before stay in force"),
            Ok(Err(error)) => {
                tracing::error!(error = %chain(&error), "could not load the changed rules; those before stay in force");
            }
        }
    }
}

/// Tells what is in force.
pub fn tell_rules(engine: &Engine, figures: &Figures) {
    let (rules, correlations) = (engine.rules().len(), engine.correlations.len());
    figures.rules.store((rules + correlations) as u64, Relaxed);
    figures.refused.store(engine.report.refused.len() as u64, Relaxed);
    figures.generation.store(engine.generation, Relaxed);
    for problem in &engine.report.refused {
        tracing::warn!(%problem, "a rule is refused");
    }
    tracing::info!(rules, correlations, refused = engine.report.refused.len(), "rules are in force");
}

/// Size and time of each file, by path.
type Signature = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

fn signature(places: &RulePlaces) -> Signature {
    let mut found = Signature::new();
    for path in places.rules.iter().chain(&places.pipelines).chain(&places.taxonomy) {
        sign(path, 0, &mut found);
    }
    found
}

/// Folders nest no deeper in any rule collection.
const DEPTH: usize = 16;

fn sign(path: &Path, depth: usize, found: &mut Signature) {
    let Ok(data) = std::fs::metadata(path) else { return };
    if data.is_dir() && depth < DEPTH {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            sign(&entry.path(), depth + 1, found);
        }
    } else if data.is_file() {
        found.insert(path.to_owned(), (data.len(), data.modified().ok()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_new_or_removed_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let places = RulePlaces { rules: vec![folder.path().to_owned()], ..RulePlaces::default() };
        let empty = signature(&places);
        let file = folder.path().join("sub");
        std::fs::create_dir(&file).unwrap();
        let file = file.join("a.yml");
        std::fs::write(&file, "a").unwrap();
        let one = signature(&places);
        assert_ne!(one, empty);
        std::fs::write(&file, "ab").unwrap();
        assert_ne!(signature(&places), one);
        std::fs::remove_file(&file).unwrap();
        assert_eq!(signature(&places), empty);
    }
}
