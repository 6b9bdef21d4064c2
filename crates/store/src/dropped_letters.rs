//! Dead letters that are dropped: those that are too old, and of a source of which there are too many the oldest.
//!
//! Invariant: what one source sends never makes letters of another go.
//! Invariant: what went is told by the ledger, and added up by source, in the change in which it went.
//! No content is read here: an index has all that is asked for.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::any::AnyRow;
use ward_core::{Actor, OrganisationId, Scope, SourceId, Timestamp};

use crate::change::Change;
use crate::reach::within;
use crate::sql::{Columns, Sql, rows_a_statement, values};
use crate::{Store, StoreError};

/// Bytes that a letter counts beside its content, for what is stored with it: many small ones take room, too.
pub const APART: u64 = 512;
/// Letters that go in one change.
const AT_ONCE: i64 = 5_000;
/// Bytes from which on no more go in one change.
const BYTES_AT_ONCE: u64 = 64 << 20;
/// Where there are too many, this part of what is kept is made free, so that not each new letter costs a change.
const SPARE: u64 = 10;

/// Why letters are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Why {
    /// They came too long ago.
    Age,
    /// There were too many of their source.
    Quota,
}

/// Which letters of a source may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Those that came then or later.
    Since(Timestamp),
    /// The newest, as long as they take no more room than so many bytes.
    Room(u64),
}

/// What there is of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The source.
    pub source: SourceId,
    /// How many letters.
    pub letters: u64,
    /// Bytes of their contents.
    pub bytes: u64,
    /// When the oldest of them came.
    pub oldest: Timestamp,
}

/// What was dropped of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Whose letters.
    pub organisation: OrganisationId,
    /// The source.
    pub source: SourceId,
    /// Why.
    pub why: Why,
    /// How many.
    pub letters: u64,
    /// Bytes of their contents.
    pub bytes: u64,
    /// When, at last.
    pub latest: Timestamp,
}

/// What is kept, by source; only of one, if one is named.
///
/// # Errors
/// The database fails.
pub async fn kept(store: &Store, scope: &Scope, source: Option<&SourceId>) -> Result<Vec<Kept>, StoreError> {
    let mut select = Sql::new(
        "SELECT source, COUNT(*), CAST(SUM(bytes) AS BIGINT), MIN(received) FROM dead_letters WHERE 1 = 1",
    );
    if let Some(source) = source {
        select.push(" AND source = ").bind(source);
    }
    within(&mut select, store.kind(), &store.kind().aside("organisation"), scope);
    select.push(" GROUP BY source ORDER BY source");
    let kept = |row: &AnyRow| {
        Ok(Kept {
            source: row.source(0)?,
            letters: row.count(1)?,
            bytes: row.count(2)?,
            oldest: row.time(3)?,
        })
    };
    store.rows(select).await?.iter().map(kept).collect()
}

/// Drops letters of a source that may not stay, as far as they may be seen: the oldest first, as many as go into one
/// change. Tells what went, by organisation; nothing: all that is left may stay.
///
/// # Errors
/// The database fails; then none went.
pub async fn drop_oldest(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    scope: &Scope,
    source: &SourceId,
    bound: Bound,
) -> Result<Vec<Dropped>, StoreError> {
    let of_source = |text: &str| {
        let mut sql = Sql::new(text);
        sql.push(" FROM dead_letters WHERE source = ").bind(source);
        within(&mut sql, store.kind(), &store.kind().aside("organisation"), scope);
        sql
    };
    let mut change = store.change(by, now).await?;
    let mut select = of_source("SELECT received, batch, place, bytes, organisation");
    let free = match bound {
        Bound::Since(since) => {
            select.push(" AND received < ").bind(since);
            u64::MAX
        }
        Bound::Room(most) => {
            let sum = of_source("SELECT COUNT(*), CAST(COALESCE(SUM(bytes), 0) AS BIGINT)");
            let row = change.row(sum).await?.ok_or(StoreError::Damaged("number"))?;
            let taken = room(row.count(0)?, row.count(1)?);
            if taken <= most {
                return Ok(Vec::new());
            }
            taken - (most - most / SPARE)
        }
    };
    select.push(" ORDER BY received, batch, place LIMIT ").bind(AT_ONCE);
    let rows = change.rows(select).await?;
    let sizes = rows.iter().map(|row| row.count(3)).collect::<Result<Vec<_>, _>>()?;
    let going = rows.get(..how_many(&sizes, free)).unwrap_or_default();
    let Some(last) = going.last() else { return Ok(Vec::new()) };
    let mut delete = of_source("DELETE");
    delete.push(" AND (received, batch, place) <= ").tuple(values![last.int(0)?, last.int(1)?, last.int(2)?]);
    change.execute(delete).await?;
    let dropped = added_up(going, source, bound.why(), now)?;
    let (letters, bytes) = dropped
        .iter()
        .fold((0, 0), |(letters, bytes), dropped| (letters + dropped.letters, bytes + dropped.bytes));
    note(&mut change, &dropped).await?;
    let detail = json!({
        "count": letters, "bytes": bytes, "source": source.as_str(), "why": bound.why().name(),
    });
    change.commit("dead_letter.drop", &format!("{letters} records"), detail).await?;
    Ok(dropped)
}

/// What was dropped since a source was entered, by organisation and source; only of one, if one is named.
///
/// # Errors
/// The database fails.
pub async fn dropped(
    store: &Store,
    scope: &Scope,
    source: Option<&SourceId>,
) -> Result<Vec<Dropped>, StoreError> {
    let mut select =
        Sql::new("SELECT organisation, source, why, letters, bytes, latest FROM dropped_letters WHERE 1 = 1");
    if let Some(source) = source {
        select.push(" AND source = ").bind(source);
    }
    within(&mut select, store.kind(), "organisation", scope);
    select.push(" ORDER BY organisation, source, why");
    let dropped = |row: &AnyRow| {
        Ok(Dropped {
            organisation: row.organisation(0)?,
            source: row.source(1)?,
            why: Why::named(&row.text(2)?).ok_or(StoreError::Damaged("reason of a drop"))?,
            letters: row.count(3)?,
            bytes: row.count(4)?,
            latest: row.time(5)?,
        })
    };
    store.rows(select).await?.iter().map(dropped).collect()
}

/// Bytes of the database that so many letters with so many bytes take, roughly: what a [`Bound::Room`] bounds.
pub fn room(letters: u64, bytes: u64) -> u64 {
    bytes.saturating_add(letters.saturating_mul(APART))
}

/// How many of letters of these sizes go, from the first on, to make so much room, or as much as one change makes.
fn how_many(sizes: &[u64], free: u64) -> usize {
    let (mut made, mut bytes) = (0, 0_u64);
    let more = sizes.iter().take_while(|size| {
        let goes = made < free && bytes < BYTES_AT_ONCE;
        made += room(1, **size);
        bytes += **size;
        goes
    });
    more.count()
}

/// Rows of `received, batch, place, bytes, organisation`, by organisation.
fn added_up(
    rows: &[AnyRow],
    source: &SourceId,
    why: Why,
    latest: Timestamp,
) -> Result<Vec<Dropped>, StoreError> {
    let mut sums: BTreeMap<OrganisationId, (u64, u64)> = BTreeMap::new();
    for row in rows {
        let (letters, bytes) = sums.entry(row.organisation(4)?).or_default();
        *letters += 1;
        *bytes += row.count(3)?;
    }
    let dropped = |(organisation, (letters, bytes))| Dropped {
        organisation,
        source: source.clone(),
        why,
        letters,
        bytes,
        latest,
    };
    Ok(sums.into_iter().map(dropped).collect())
}

/// Adds to what was dropped before.
async fn note(change: &mut Change<'_>, dropped: &[Dropped]) -> Result<(), StoreError> {
    for chunk in dropped.chunks(rows_a_statement(6)) {
        let mut upsert = Sql::new(
            "INSERT INTO dropped_letters (organisation, source, why, letters, bytes, latest) VALUES ",
        );
        upsert.tuples(chunk.iter().map(|each| {
            values![&each.organisation, &each.source, each.why.name(), each.letters, each.bytes, each.latest]
        }));
        upsert.push(
            " ON CONFLICT (organisation, source, why) DO UPDATE SET \
             letters = dropped_letters.letters + excluded.letters, \
             bytes = dropped_letters.bytes + excluded.bytes, latest = excluded.latest",
        );
        change.execute(upsert).await?;
    }
    Ok(())
}

impl Why {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Age, Self::Quota];

    /// As a short code.
    pub fn name(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Quota => "quota",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.name() == name)
    }
}

impl Bound {
    fn why(self) -> Why {
        match self {
            Self::Since(_) => Why::Age,
            Self::Room(_) => Why::Quota,
        }
    }
}

impl Kept {
    /// Bytes of the database that it takes, roughly.
    pub fn room(&self) -> u64 {
        room(self.letters, self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_go_as_must_and_not_all_at_once() {
        assert_eq!(how_many(&[100, 100, 100], 0), 0);
        assert_eq!(how_many(&[100, 100, 100], 1), 1);
        assert_eq!(how_many(&[100, 100, 100], 100 + APART), 1);
        assert_eq!(how_many(&[100, 100, 100], 101 + APART), 2);
        assert_eq!(how_many(&[100, 100, 100], u64::MAX), 3);
        assert_eq!(how_many(&[BYTES_AT_ONCE - 1, 1, 100], u64::MAX), 2, "the next change takes the third");
        assert_eq!(how_many(&[BYTES_AT_ONCE * 2, 100], u64::MAX), 1, "a large one goes, too");
    }
}
