//! Saved views: what somebody looks at again and again, under a name of his own.
//!
//! Invariant: a view is its owner's alone; of another's, as of one that does not exist, there is none.
//! Invariant: a view saves what is asked for, not what may be seen: that is decided whenever it is opened.

use serde_json::json;
use sqlx::any::AnyRow;
use ward_core::{Actor, Timestamp};

use crate::ids::{PersonId, ViewId};
use crate::sql::{Columns, sql, values};
use crate::{Store, StoreError};

const WHAT: &str = "saved view";

/// Longest name, in letters.
pub const LONGEST_NAME: usize = 80;
/// Longest query, in bytes.
pub const LONGEST_QUERY: usize = 4_096;
/// Most views that somebody saves of a page.
pub const MOST: u64 = 50;

/// A view as it was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its id.
    pub id: ViewId,
    /// The page of the console that it is one of.
    pub page: String,
    /// What its owner calls it.
    pub name: String,
    /// What is asked for, as the page's address has it.
    pub query: String,
    /// When it was saved.
    pub made: Timestamp,
}

/// Saves a view of a page; one of the same name is replaced, and keeps its id.
///
/// # Errors
/// Name or query is none, there are [`MOST`] others, or there is no such person.
pub async fn save(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    person: PersonId,
    page: &str,
    name: &str,
    query: &str,
) -> Result<ViewId, StoreError> {
    let refused = |why: String| StoreError::Refused(format!("a view could not be saved: {why}"));
    let name = name.trim();
    if !(1..=LONGEST_NAME).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(refused(format!("its name has 1 to {LONGEST_NAME} letters, and no control characters")));
    }
    if query.len() > LONGEST_QUERY {
        return Err(refused(format!("what it asks for has more than {LONGEST_QUERY} bytes")));
    }
    let mut change = store.change(by, now).await?;
    if change.row(sql("SELECT id FROM persons WHERE id = $1", values![person])).await?.is_none() {
        return Err(StoreError::NotFound("person"));
    }
    let same = sql(
        "SELECT id FROM saved_views WHERE person = $1 AND page = $2 AND name = $3",
        values![person, page, name],
    );
    let id = if let Some(row) = change.row(same).await? {
        row.id(0, "id of a saved view")?
    } else {
        let others = "SELECT COUNT(*) FROM saved_views WHERE person = $1 AND page = $2";
        let others = change.row(sql(others, values![person, page])).await?;
        if others.ok_or(StoreError::Damaged("number"))?.count(0)? >= MOST {
            return Err(refused(format!("there are {MOST} already: remove one first")));
        }
        change.name("view", &person.to_string(), ViewId)
    };
    let upsert = sql(
        "INSERT INTO saved_views (id, person, page, name, query, made) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (id) DO UPDATE SET query = excluded.query, made = excluded.made",
        values![id, person, page, name, query, now],
    );
    change.execute(upsert).await?;
    let detail = json!({ "person": person.to_string(), "page": page });
    change.commit("view.save", &id.to_string(), detail).await?;
    Ok(id)
}

/// Removes a view of one's own.
///
/// # Errors
/// One has no such view.
pub async fn remove(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    person: PersonId,
    id: ViewId,
) -> Result<(), StoreError> {
    let mut change = store.change(by, now).await?;
    let delete = sql("DELETE FROM saved_views WHERE id = $1 AND person = $2", values![id, person]);
    if change.execute(delete).await? == 0 {
        return Err(StoreError::NotFound(WHAT));
    }
    change.commit("view.remove", &id.to_string(), json!({ "person": person.to_string() })).await
}

/// What somebody has saved of a page, by name.
///
/// # Errors
/// The database fails.
pub async fn list(store: &Store, person: PersonId, page: &str) -> Result<Vec<View>, StoreError> {
    let select = sql(
        "SELECT id, page, name, query, made FROM saved_views WHERE person = $1 AND page = $2 ORDER BY name",
        values![person, page],
    );
    store.rows(select).await?.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<View, StoreError> {
    Ok(View {
        id: row.id(0, "id of a saved view")?,
        page: row.text(1)?,
        name: row.text(2)?,
        query: row.text(3)?,
        made: row.time(4)?,
    })
}
