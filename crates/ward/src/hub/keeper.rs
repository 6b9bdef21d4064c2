//! The keeper: puts small files of the lake together, removes old ones, and listens for sources that have
//! fallen silent.
//!
//! Invariant: the store knows first: a file is unlinked only after the catalogue does not list it any more,
//! and not before searches that began with it must have ended; and a merged file is reserved before it is made.
//! Invariant: what a crash left is deleted only where the store says that its events are elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, json};
use ward_core::{Actor, BatchId, OrganisationId, Scope, Severity, Timestamp};
use ward_journal::Journal;
use ward_lake::{Day, Lake, LakeFile, Retention, WriteOptions, path_of, place_of};
use ward_store::findings::{self, Finding, RuleName};
use ward_store::lake_files::{self, FileFilter};
use ward_store::{FindingId, Store, heartbeats, segments};
use ward_web::catalogue;

use super::config::HubConfig;
use super::identity;
use crate::clock::now;
use crate::detect::problems::chain;
use crate::error::Error;

/// Files of one organisation and day from which on they are put together.
const MANY: usize = 8;
/// Largest file that is put together with others, in bytes.
const SMALL: u64 = 64 << 20;
/// Most files put together at once.
const AT_ONCE: usize = 64;
/// How long a file that is not listed any more is kept for searches that began before, in microseconds.
const GRACE: i64 = 5 * 60 * 1_000_000;
/// What the names of merged files begin with.
const MERGED: &str = "merged-";
/// Time between looks for silent sources.
const LISTEN: Duration = Duration::from_secs(15);

/// Tidies the lake now and then, for ever. `first`: the first number that this run of the hub can give a batch.
pub async fn tidy(store: Store, lake: Lake, journal: Arc<Journal>, first: BatchId, config: HubConfig) {
    let every = Duration::from_secs(config.lake.tidy_seconds.max(1));
    let retention = retention(&config);
    let mut swept = false;
    loop {
        tokio::time::sleep(every).await;
        if !swept && journal.segments().iter().all(|info| info.first >= first) {
            match sweep(&store, &lake, first).await {
                Ok(()) => swept = true,
                Err(error) => {
                    tracing::error!(error = %chain(&error), "could not sweep up what a crash left; trying again later");
                }
            }
        }
        let level = config.lake.compression_level;
        if let Err(error) = round(&store, &lake, level, &retention, now()).await {
            tracing::error!(error = %chain(&error), "could not tidy the lake; trying again later");
        }
    }
}

/// Looks for silent sources now and then, for ever.
pub async fn listen_for_silence(store: Store) {
    loop {
        tokio::time::sleep(LISTEN).await;
        if let Err(error) = tell_silence(&store).await {
            tracing::error!(error = %chain(&error), "could not look for silent sources");
        }
    }
}

/// Deletes what earlier runs of the hub left half done, once the journal holds nothing of theirs any more: those
/// that gave batches numbers below `first`.
///
/// # Errors
/// Store or lake cannot be used.
pub async fn sweep(store: &Store, lake: &Lake, first: BatchId) -> Result<(), Error> {
    let on_disk = lake.clone();
    let of_earlier = move |segment: &str, finished: bool| match number(segment) {
        Some(number) => number < first,
        None => !finished && segment.starts_with(MERGED),
    };
    let Ok(left) = tokio::task::spawn_blocking(move || on_disk.leftovers(of_earlier)).await else {
        return Ok(());
    };
    let mut nobodys = Vec::new();
    for path in lake_files::unknown(store, &left?).await? {
        // A finished file of a segment that is not known to be done may be all there is of its events.
        let is_over = match place_of(&path).ok().and_then(|(_, _, segment)| number(segment)) {
            Some(number) => segments::is_done(store, number).await?,
            None => true,
        };
        if is_over {
            nobodys.push(path);
        }
    }
    if !nobodys.is_empty() {
        tracing::info!(files = nobodys.len(), "sweeping up what an earlier run left half done");
        lake.delete(nobodys.iter().map(String::as_str))?;
    }
    Ok(())
}

/// The first batch of the segment of the journal that files of this name come from. `None`: they are merged.
fn number(segment: &str) -> Option<BatchId> {
    segment.split_once('-')?.0.parse().ok().map(BatchId)
}

/// One round of tidying.
///
/// # Errors
/// Store or lake cannot be used.
pub async fn round(
    store: &Store,
    lake: &Lake,
    level: i32,
    retention: &Retention,
    now: Timestamp,
) -> Result<(), Error> {
    let by = Actor::ward("keeper");
    // First of all what gives room: the rest may find none.
    unlink(store, lake, &by, now).await?;
    let all = lake_files::files(store, &Scope::whole_sector(), &FileFilter::default()).await?;
    let all = catalogue::files(all);
    let expired: Vec<String> =
        ward_lake::expired(&all, retention, Day::of(now)).map(|file| file.path.clone()).collect();
    if !expired.is_empty() {
        tracing::info!(files = expired.len(), "removing events that are older than they are kept");
        lake_files::retire_files(store, &by, now, &expired).await?;
    }
    let kept = all.into_iter().filter(|file| !expired.contains(&file.path));
    for (number, ((organisation, day), files)) in together(kept).into_iter().enumerate() {
        // Like no segment's name, and never used again.
        let name = format!("{MERGED}{}-{number}", now.micros());
        lake_files::reserve(store, &by, now, &path_of(&organisation, day, &name)?, &organisation).await?;
        let old: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
        let lake = lake.clone();
        let made = tokio::task::spawn_blocking(move || {
            lake.compact(&files, &name, &WriteOptions { level, ..WriteOptions::default() })
        });
        let Ok(made) = made.await else { continue };
        match made {
            Ok(made) => {
                lake_files::replace_files(store, &by, now, &old, &[catalogue::entry(&made)]).await?;
                tracing::debug!(files = old.len(), "put files of the lake together");
            }
            // One bad file is no reason to leave those of all others as they are.
            Err(error) => {
                let error = chain(&error);
                tracing::error!(%organisation, %day, error, "could not put files of the lake together");
            }
        }
    }
    Ok(())
}

/// Small files of the same organisation and day, where there are many.
fn together(files: impl Iterator<Item = LakeFile>) -> BTreeMap<(OrganisationId, Day), Vec<LakeFile>> {
    let mut groups: BTreeMap<(OrganisationId, Day), Vec<LakeFile>> = BTreeMap::new();
    for file in files.filter(|file| file.bytes <= SMALL) {
        groups.entry((file.organisation.clone(), file.day)).or_default().push(file);
    }
    groups.retain(|_, files| files.len() >= MANY);
    for files in groups.values_mut() {
        files.sort_by_key(|file| file.bytes);
        files.truncate(AT_ONCE);
    }
    groups
}

async fn unlink(store: &Store, lake: &Lake, by: &Actor, now: Timestamp) -> Result<(), Error> {
    let until = Timestamp::from_micros(now.micros() - GRACE);
    let gone = lake_files::to_unlink(store, until).await?;
    if !gone.is_empty() {
        lake.delete(gone.iter().map(String::as_str))?;
        lake_files::unlinked(store, by, now, &gone).await?;
    }
    Ok(())
}

fn retention(config: &HubConfig) -> Retention {
    let days = config.lake.retention.iter();
    let own = days.filter_map(|(code, days)| Some((OrganisationId::new(code).ok()?, Some(*days))));
    Retention { days: Some(config.lake.retention_days), of: own.collect() }
}

/// Makes a finding of each source that has just fallen silent; the same silence is told once.
async fn tell_silence(store: &Store) -> Result<(), Error> {
    let now = now();
    let silent = heartbeats::silent(store, &Scope::whole_sector(), now).await?;
    let found: Vec<Finding> = silent
        .into_iter()
        .map(|silent| {
            let (id, organisation) = (silent.source.id, silent.source.organisation);
            let mut matched = Map::new();
            matched.insert("source".into(), json!(id.as_str()));
            matched.insert("last_seen".into(), json!(silent.ever.then(|| silent.since.to_string())));
            Finding {
                id: FindingId(identity::silence(&organisation, id.as_str(), silent.since.micros())),
                organisation,
                source: id,
                events: Vec::new(),
                rule: RuleName {
                    id: heartbeats::SILENT_RULE.to_owned(),
                    title: "A source of telemetry has fallen silent".to_owned(),
                    tags: vec!["attack.defense-evasion".to_owned(), "attack.t1562".to_owned()],
                },
                level: Severity::Medium,
                host: None,
                user: None,
                time: now,
                received: now,
                matched,
                exception: None,
            }
        })
        .collect();
    findings::record(store, &Actor::ward("keeper"), now, &found).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(organisation: &str, day: &str, bytes: u64, name: usize) -> LakeFile {
        let day: Day = day.parse().unwrap();
        LakeFile {
            path: format!("organisation={organisation}/day={day}/{name}.parquet"),
            organisation: OrganisationId::new(organisation).unwrap(),
            day,
            rows: 1,
            bytes,
            min_time: day.start(),
            max_time: day.start(),
            digest: 0,
            index: Vec::new(),
        }
    }

    #[test]
    fn only_many_small_files_of_one_organisation_and_day_are_put_together() {
        let mut files: Vec<LakeFile> = (0..MANY).map(|n| file("RR8", "2026-11-26", 1_000, n)).collect();
        files.extend((0..MANY - 1).map(|n| file("RCB", "2026-11-26", 1_000, n)));
        files.extend((0..MANY).map(|n| file("RR8", "2026-11-25", SMALL + 1, n)));
        let groups = together(files.into_iter());
        let sizes: Vec<_> = groups.iter().map(|((code, _), files)| (code.as_str(), files.len())).collect();
        assert_eq!(sizes, [("RR8", MANY)]);
    }
}
