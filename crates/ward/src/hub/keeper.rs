//! The keeper: puts small files of the lake together and removes old ones.
//!
//! Invariant: the store knows first: a file is unlinked only after the catalogue does not list it any more,
//! and not before searches that began with it must have ended; and a merged file is reserved before it is made.
//! Invariant: what a crash left is deleted only where the store says that its events are elsewhere. What is kept for
//! want of that is told.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use ward_core::{Actor, BatchId, OrganisationId, Scope, Timestamp};
use ward_journal::Journal;
use ward_lake::{Day, Lake, LakeError, LakeFile, Retention, WriteOptions, path_of, place_of};
use ward_store::lake_files;
use ward_store::{Store, segments};
use ward_web::catalogue;

use super::config::HubConfig;
use super::figures::Figures;
use super::lowly::lowly;
use crate::clock::now;
use crate::detect::problems::chain;
use crate::error::Error;

/// Files of one organisation and day, that came on one day, from which on they are put together.
const MANY: usize = 8;
/// The same, of those that came today: more come.
const MANY_TODAY: usize = 32;
/// Largest file that is put together with others, in bytes.
const SMALL: u64 = 64 << 20;
/// Most files put together at once.
const AT_ONCE: usize = 256;
/// How long a file that is not listed any more is kept for searches that began before, in microseconds.
const GRACE: i64 = 5 * 60 * 1_000_000;
/// How long a round puts files together before the next looks again for what must go.
const MERGING: Duration = Duration::from_secs(60);
/// What the names of merged files begin with.
const MERGED: &str = "merged-";

/// What tells the time.
type Clock<'a> = dyn Fn() -> Timestamp + Sync + 'a;

/// Tidies the lake now and then, for ever. `first`: the first number that this run of the hub can give a batch.
pub async fn tidy(
    store: Store,
    lake: Lake,
    journal: Arc<Journal>,
    first: BatchId,
    config: HubConfig,
    figures: Arc<Figures>,
) {
    let every = Duration::from_secs(config.lake.tidy_seconds.max(1));
    let retention = retention(&config);
    let mut swept = false;
    loop {
        tokio::time::sleep(every).await;
        if !swept && journal.segments().iter().all(|info| info.first >= first) {
            match sweep(&store, &lake, first).await {
                Ok(strays) => {
                    swept = true;
                    figures.stray_files.store(strays.files, Relaxed);
                    figures.stray_bytes.store(strays.bytes, Relaxed);
                }
                Err(error) => {
                    tracing::error!(error = %chain(&error), "could not sweep up what a crash left; trying again later");
                }
            }
        }
        let level = config.lake.compression_level;
        if let Err(error) = round(&store, &lake, level, &retention, &now).await {
            tracing::error!(error = %chain(&error), "could not tidy the lake; trying again later");
        }
    }
}

/// Finished files that no catalogue knows, of segments that are not known to be done: they stay, since they may be
/// all there is of their events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Strays {
    /// How many.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// Deletes what earlier runs of the hub left half done, once the journal holds nothing of theirs any more: those
/// that gave batches numbers below `first`. Gives what it did not dare to delete, and tells of it.
///
/// # Errors
/// Store or lake cannot be used.
pub async fn sweep(store: &Store, lake: &Lake, first: BatchId) -> Result<Strays, Error> {
    let on_disk = lake.clone();
    let of_earlier = move |segment: &str, _: bool| match number(segment) {
        Some(number) => number < first,
        None => segment.starts_with(MERGED),
    };
    let left = blocking(move || on_disk.leftovers(of_earlier)).await?;
    let (mut nobodys, mut strays) = (Vec::new(), Vec::new());
    for path in lake_files::unknown(store, &left).await? {
        // A finished file of a segment that is not known to be done may be all there is of its events. So may a
        // merged one that was reserved in another store than this one: one that was put back from a dump.
        match place_of(&path).map(|(_, _, segment)| number(segment)) {
            Ok(Some(number)) if !segments::is_done(store, number).await? => strays.push(path),
            Ok(None) => strays.push(path),
            Ok(Some(_)) | Err(_) => nobodys.push(path),
        }
    }
    if !nobodys.is_empty() {
        tracing::info!(files = nobodys.len(), "sweeping up what an earlier run left half done");
        delete(lake, nobodys).await?;
    }
    let Some(path) = strays.first().cloned() else { return Ok(Strays::default()) };
    let (on_disk, files) = (lake.clone(), strays.len() as u64);
    let bytes = blocking(move || {
        // One that is gone meanwhile has none.
        let bytes = |path| std::fs::metadata(on_disk.root().join(path)).map_or(0, |file| file.len());
        Ok(strays.iter().map(bytes).sum())
    });
    let strays = Strays { files, bytes: bytes.await? };
    tracing::warn!(
        files,
        strays.bytes,
        path,
        "no catalogue knows these files of the lake, nor their segments; they may be all there is of their events and are left where they are, and no search reads them"
    );
    Ok(strays)
}

/// Deletes files where waiting for the disk holds nobody up.
async fn delete(lake: &Lake, paths: Vec<String>) -> Result<(), Error> {
    let lake = lake.clone();
    blocking(move || lake.delete(paths.iter().map(String::as_str))).await
}

/// Waits for work that waits for the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LakeError> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done?),
        Err(broken) => Err(Error::Thread(std::io::Error::other(broken))),
    }
}

/// The highest number of a batch, above this one, that names a finished file of the lake. `None`: there is none.
///
/// # Errors
/// The lake cannot be read.
pub async fn highest_file(lake: &Lake, above: BatchId) -> Result<Option<BatchId>, Error> {
    let on_disk = lake.clone();
    let is_above = move |segment: &str, done: bool| done && number(segment).is_some_and(|it| it > above);
    let paths = blocking(move || on_disk.leftovers(is_above));
    Ok(paths.await?.iter().filter_map(|path| number(place_of(path).ok()?.2)).max())
}

/// The first batch of the segment of the journal that files of this name come from. `None`: they are merged.
fn number(segment: &str) -> Option<BatchId> {
    segment.split('-').next()?.parse().ok().map(BatchId)
}

/// One round of tidying, which may take minutes: `clock` tells what time it is at each step. What it holds in memory is
/// one day of one organisation at a time.
///
/// # Errors
/// Store or lake cannot be used.
pub async fn round(
    store: &Store,
    lake: &Lake,
    level: i32,
    retention: &Retention,
    clock: &Clock<'_>,
) -> Result<(), Error> {
    let (by, now) = (Actor::ward("keeper"), clock());
    let (all, today) = (Scope::whole_sector(), catalogue::number(Day::of(now)));
    // First of all what gives room: the rest may find none.
    unlink(store, lake, &by, now).await?;
    for (organisation, came) in lake_files::earliest(store, &all).await? {
        let Some(until) = retention.over_before(&organisation, now) else { continue };
        if came >= until {
            continue;
        }
        let paths = lake_files::came_before(store, &all, &organisation, until).await?;
        tracing::info!(%organisation, files = paths.len(), "removing events older than they are kept");
        lake_files::retire_files(store, &by, clock(), &paths).await?;
    }
    let mut days = lake_files::days(store, &all, SMALL).await?;
    // Where not all have their turn within a round, others come first in the next.
    if let Ok(first) = usize::try_from(now.seconds())
        && !days.is_empty()
    {
        let turn = first % days.len();
        days.rotate_left(turn);
    }
    let begun = Instant::now();
    for of in &days {
        let many = if of.came == today { MANY_TODAY } else { MANY };
        if of.small < many as u64 {
            continue;
        }
        for made in 0.. {
            if begun.elapsed() >= MERGING {
                return Ok(());
            }
            let small = lake_files::smallest(store, &all, of, SMALL, AT_ONCE).await?;
            let Some(files) = together(catalogue::files(small), many) else { break };
            // Like no segment's name, and never used again.
            let name = format!("{MERGED}{}-{made}", now.micros());
            if !merge(store, lake, (&by, clock), level, files, name).await? {
                break;
            }
        }
    }
    Ok(())
}

/// Puts files together under this name. `false`: they stay as they are, which was told.
async fn merge(
    store: &Store,
    lake: &Lake,
    (by, clock): (&Actor, &Clock<'_>),
    level: i32,
    files: Vec<LakeFile>,
    name: String,
) -> Result<bool, Error> {
    let Some((organisation, day)) = files.first().map(|file| (file.organisation.clone(), file.day)) else {
        return Ok(false);
    };
    lake_files::reserve(store, by, clock(), &path_of(&organisation, day, &name)?, &organisation).await?;
    let old: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
    let lake = lake.clone();
    let made = lowly("keeper", move || {
        lake.compact(&files, &name, &WriteOptions { level, ..WriteOptions::default() })
    });
    let Some(made) = made.await else { return Ok(false) };
    match made {
        Ok(made) => {
            // Searches could begin with the old ones up to now.
            lake_files::replace_files(store, by, clock(), &old, &[catalogue::entry(&made)]).await?;
            tracing::debug!(files = old.len(), "put files of the lake together");
            Ok(true)
        }
        // One bad file is no reason to leave those of all others as they are.
        Err(error) => {
            let error = chain(&error);
            tracing::error!(%organisation, %day, error, "could not put files of the lake together");
            Ok(false)
        }
    }
}

/// Which of a day's small files, smallest first, to put together: all of them if they become a large one, else
/// many of much the same size, so that no event is copied again with each few that come.
fn together(mut files: Vec<LakeFile>, many: usize) -> Option<Vec<LakeFile>> {
    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    if files.len() < many || bytes >= SMALL {
        return (files.len() >= many).then_some(files);
    }
    for first in 0..=files.len() - many {
        let (mut sum, smallest) = (0, files.get(first).map_or(0, |file| file.bytes));
        let alike = files.iter().skip(first).enumerate().take_while(|(nth, file)| {
            // The next is at most as large as those before it together, or twice the first.
            let alike = *nth == 0 || file.bytes <= sum.max(2 * smallest);
            sum += file.bytes;
            alike
        });
        let alike = alike.count();
        if alike >= many {
            return Some(files.drain(first..first + alike).collect());
        }
    }
    None
}

async fn unlink(store: &Store, lake: &Lake, by: &Actor, now: Timestamp) -> Result<(), Error> {
    let until = Timestamp::from_micros(now.micros() - GRACE);
    let gone = lake_files::to_unlink(store, until).await?;
    if !gone.is_empty() {
        delete(lake, gone.clone()).await?;
        lake_files::unlinked(store, by, now, &gone).await?;
    }
    Ok(())
}

fn retention(config: &HubConfig) -> Retention {
    let days = config.lake.retention.iter();
    let own = days.filter_map(|(code, days)| Some((OrganisationId::new(code).ok()?, Some(*days))));
    Retention { days: Some(config.lake.retention_days), of: own.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: u64, name: usize) -> LakeFile {
        let day: Day = "2026-11-26".parse().unwrap();
        LakeFile {
            path: format!("organisation=RR8/day={day}/{name}.parquet"),
            organisation: OrganisationId::new("RR8").unwrap(),
            day,
            rows: 1,
            bytes,
            min_time: day.start(),
            max_time: day.start(),
            digest: 0,
            index: Vec::new(),
        }
    }

    /// Sizes of what is put together.
    fn sizes(sizes: &[u64], many: usize) -> Option<Vec<u64>> {
        let files = sizes.iter().enumerate().map(|(nth, size)| file(*size, nth)).collect();
        together(files, many).map(|files| files.iter().map(|file| file.bytes).collect())
    }

    #[test]
    fn many_files_of_much_the_same_size_are_put_together() {
        assert_eq!(sizes(&[1, 1, 1], 4), None, "few");
        assert_eq!(sizes(&[1, 1, 1, 1], 4), Some(vec![1; 4]));
        assert_eq!(sizes(&[1, 1, 1, 1, 100], 4), Some(vec![1; 4]), "the large one is not copied again");
        assert_eq!(sizes(&[1, 1, 9, 9, 9, 9], 4), Some(vec![9; 4]), "those between are not in the way");
        assert_eq!(sizes(&[1, 10, 100, 1_000], 4), None, "none is like another");
        assert_eq!(sizes(&[100, 101, 103, 107], 4), Some(vec![100, 101, 103, 107]), "no two are the same");
        assert_eq!(sizes(&[], 4), None);
        assert_eq!(
            sizes(&[1, 2, SMALL / 2, SMALL / 2], 4),
            Some(vec![1, 2, SMALL / 2, SMALL / 2]),
            "a large one"
        );
        assert_eq!(sizes(&[SMALL / 2, SMALL / 2], 4), None, "few");
    }

    #[test]
    fn an_event_is_copied_a_few_times_at_most_however_many_files_come() {
        let (mut files, mut copied): (Vec<u64>, u64) = (Vec::new(), 0);
        let come = 8_640; // one each ten seconds of a day
        for _ in 0..come {
            files.insert(0, 1);
            files.sort_unstable();
            if let Some(together) = sizes(&files, MANY_TODAY) {
                let sum: u64 = together.iter().sum();
                let at = files.windows(together.len()).position(|window| window == together).unwrap();
                files.splice(at..at + together.len(), [sum]);
                copied += sum;
            }
            assert!(files.len() < 3 * MANY_TODAY, "{} files", files.len());
        }
        assert!(copied < 8 * come, "each was copied {} times", copied / come);
    }
}
