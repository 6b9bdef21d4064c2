//! The database itself: which kind it is, its connections, and how it is opened.
//!
//! One connection writes, several read. On SQLite that is all it can do well (WAL: readers never wait for
//! the writer); on PostgreSQL it keeps the order of the ledger without waiting inside the database.
//! Invariant: what `commit` answered survives a power cut (`synchronous = FULL`; `synchronous_commit` is not off).
//! Invariant: nothing waits without end: for a lock, for a peer that is gone, or for a server that does not answer.
//! Invariant: a connection for reading cannot write; the database itself refuses.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions, AnyRow, install_default_drivers};
use sqlx::{Any, AnyPool, Connection, Executor, Pool, Transaction};

use crate::sql::Sql;
use crate::{StoreError, file, migrate, server};

/// Ward's relational state. Cheap to clone: all clones share the connections.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    kind: Kind,
    url: String,
    writer: AnyPool,
    readers: AnyPool,
}

/// The URL can hold a password: it is not shown.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// How a store is opened.
#[derive(Debug, Clone, Copy)]
pub struct StoreOptions {
    /// Connections that read. Default 4.
    pub readers: u32,
    /// How long a write waits for another process, and anything for a connection. Default 10 seconds.
    pub wait: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { readers: 4, wait: Duration::from_secs(10) }
    }
}

/// What a statement can need to know of the database below: as little as possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// SQLite, in this process.
    Sqlite,
    /// PostgreSQL, 15 or newer.
    Postgres,
}

impl Store {
    /// Opens the database of this URL, `sqlite:PATH` or `postgres://...`, makes it when it is a file that does
    /// not exist, and brings its schema up to date. In an SQLite URL `%`, `?` and `#` of a path are written
    /// with percent signs, as [`Store::url_of`] does.
    ///
    /// # Errors
    /// It is no database, cannot be reached, or has been used by a newer Ward.
    pub async fn open(url: &str, options: StoreOptions) -> Result<Self, StoreError> {
        let store = Self::connect(url, options)?;
        store.reach().await?;
        migrate::migrate(&store, migrate::ALL).await?;
        Ok(store)
    }

    /// Opens a database that is there, as it is: nothing is made or brought up to date, and only what this program knows of
    /// its schema can be read. `None`: there is no such file.
    ///
    /// # Errors
    /// It is no database, or cannot be reached.
    pub async fn look(url: &str, options: StoreOptions) -> Result<Option<Self>, StoreError> {
        let kind = Kind::of(url)?;
        let file = (kind == Kind::Sqlite).then(|| file::path_of(url)).flatten();
        if file.is_some_and(|path| !Path::new(&path).exists()) {
            return Ok(None);
        }
        let store = Self::pools(kind, url, options, false)?;
        store.reach().await?;
        Ok(Some(store))
    }

    /// Whether a text is the URL of a database, without looking for it.
    ///
    /// # Errors
    /// It is none, or has parts that mean nothing. A password is not repeated.
    pub fn check_url(url: &str) -> Result<(), StoreError> {
        match Kind::of(url)? {
            Kind::Sqlite if file::path_of(url).is_none_or(|path| path.is_empty()) => {
                Err(StoreError::Unsupported("its URL names no file"))
            }
            Kind::Sqlite => Ok(()),
            Kind::Postgres => server::check(url),
        }
    }

    /// The URL of an SQLite file.
    pub fn url_of(path: &Path) -> String {
        file::url_of(path)
    }

    /// Which database it is.
    pub fn kind(&self) -> Kind {
        self.inner.kind
    }

    /// Whether the database answers, for a check of readiness.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.rows(Sql::new("SELECT 1")).await.map(drop)
    }

    /// Waits for what is being written, then closes all connections.
    pub async fn close(&self) {
        self.inner.writer.close().await;
        self.inner.readers.close().await;
    }

    pub(crate) fn connect(url: &str, options: StoreOptions) -> Result<Self, StoreError> {
        let kind = Kind::of(url)?;
        let mut is_new = false;
        if kind == Kind::Sqlite {
            let path = file::path_of(url).ok_or_else(|| StoreError::NoDatabase("sqlite".to_owned()))?;
            let path = Path::new(&path);
            if !url.contains('?') {
                file::make_private(path)?;
            }
            is_new = file::is_empty(path);
        }
        Self::pools(kind, url, options, is_new)
    }

    fn pools(kind: Kind, url: &str, options: StoreOptions, is_new: bool) -> Result<Self, StoreError> {
        install_default_drivers();
        let inner = Inner {
            kind,
            writer: pool(kind, url, 1, options.wait, kind.set_up_writer(options.wait, is_new))?,
            readers: pool(kind, url, options.readers.max(1), options.wait, kind.set_up_reader(options.wait))?,
            url: url.to_owned(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Makes the first connection to a server, so that it is told what keeps it from being made.
    async fn reach(&self) -> Result<(), StoreError> {
        if self.kind() == Kind::Postgres {
            let connection = self.inner.readers.acquire().await;
            drop(connection.map_err(|error| server::away(self.url(), error))?);
        }
        Ok(())
    }

    pub(crate) fn url(&self) -> &str {
        &self.inner.url
    }

    /// Takes the connection that writes, and with it every other writer's turn.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        let start = match self.inner.kind {
            Kind::Sqlite => "BEGIN IMMEDIATE",
            Kind::Postgres => "BEGIN",
        };
        self.inner.writer.begin_with(start).await.map_err(StoreError::doing("start a change"))
    }

    /// Runs a statement by itself, outside of any change, on the connection that writes.
    pub(crate) async fn alone(&self, sql: Sql) -> Result<(), StoreError> {
        // All of its rows: one that tidies goes on for as long as it is asked for the next.
        let all = sql.query().fetch_all(&self.inner.writer).await;
        all.map(drop).map_err(StoreError::doing("tidy up"))
    }

    /// Reads all rows of a statement.
    pub(crate) async fn rows(&self, sql: Sql) -> Result<Vec<AnyRow>, StoreError> {
        in_time(sql.query().fetch_all(&self.inner.readers)).await.map_err(StoreError::doing("read"))
    }

    /// Reads the first row of a statement.
    pub(crate) async fn row(&self, sql: Sql) -> Result<Option<AnyRow>, StoreError> {
        in_time(sql.query().fetch_optional(&self.inner.readers)).await.map_err(StoreError::doing("read"))
    }
}

impl Kind {
    fn of(url: &str) -> Result<Self, StoreError> {
        let scheme = url.split(':').next().unwrap_or_default();
        match scheme {
            "sqlite" if !url.contains(":memory:") => Ok(Self::Sqlite),
            "postgres" | "postgresql" => Ok(Self::Postgres),
            _ => Err(StoreError::NoDatabase(scheme.chars().take(20).collect())),
        }
    }

    /// A table of one column, `value`, with the texts of the JSON array that placeholder `at` stands for: the
    /// databases have no common words for it.
    pub(crate) fn members(self, at: usize) -> String {
        match self {
            Self::Sqlite => format!("SELECT value FROM json_each(${at})"),
            Self::Postgres => format!("SELECT jsonb_array_elements_text(${at}::jsonb) AS value"),
        }
    }

    /// A column in a condition that is to choose no index. SQLite, which keeps no statistics of ours, would gather
    /// by it and sort; the `+` changes nothing else. PostgreSQL knows better by itself.
    pub(crate) fn aside(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("+{column}"),
            Self::Postgres => column.to_owned(),
        }
    }

    /// What to put before a statement to be told how it would be run, and the column of the answer.
    pub(crate) fn explanation(self) -> (&'static str, usize) {
        match self {
            Self::Sqlite => ("EXPLAIN QUERY PLAN ", 3),
            Self::Postgres => ("EXPLAIN ", 0),
        }
    }

    /// A new database can give room back to the disk; that is decided before anything is in it.
    fn set_up_writer(self, wait: Duration, is_new: bool) -> String {
        match self {
            Self::Sqlite => format!(
                "PRAGMA busy_timeout = {}; {}PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                 PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768",
                wait.as_millis(),
                if is_new { "PRAGMA auto_vacuum = INCREMENTAL; " } else { "" },
            ),
            // The lock of a hub whose machine is gone is given up by the server, not by the next hub's patience.
            Self::Postgres => format!(
                "SET client_min_messages = warning; SET lock_timeout = {wait}; \
                 SET idle_in_transaction_session_timeout = {wait}; SET tcp_keepalives_idle = 10; \
                 SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 30000; \
                 SELECT set_config('synchronous_commit', 'on', false) \
                 WHERE current_setting('synchronous_commit') = 'off'",
                wait = wait.as_millis()
            ),
        }
    }

    fn set_up_reader(self, wait: Duration) -> String {
        match self {
            Self::Sqlite => format!(
                "PRAGMA busy_timeout = {}; PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; \
                 PRAGMA cache_size = -8192",
                wait.as_millis()
            ),
            Self::Postgres => "SET default_transaction_read_only = on".to_owned(),
        }
    }
}

/// The answer of a database, unless it takes far longer than any: a server that vanished never answers.
pub(crate) async fn in_time<T>(work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    let answered = tokio::time::timeout(LONGEST, work).await;
    answered.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
}

/// The longest statement that there is: dropping a day of files, listing a large catalogue.
const LONGEST: Duration = Duration::from_secs(5 * 60);

fn pool(kind: Kind, url: &str, size: u32, wait: Duration, set_up: String) -> Result<Pool<Any>, StoreError> {
    let options: AnyConnectOptions = url.parse().map_err(StoreError::doing("understand its URL"))?;
    let set_up: Arc<str> = set_up.into();
    Ok(AnyPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(wait)
        // A file does not go away; a server may have been restarted.
        .test_before_acquire(kind == Kind::Postgres)
        // Where a change cannot be made last, as on a full disk, SQLite has taken it back by itself. The driver
        // cannot do so again, takes the transaction for open, and would never begin another.
        .before_acquire(|connection, _| {
            let is_free = !connection.is_in_transaction();
            Box::pin(async move { Ok(is_free) })
        })
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(move |connection, _| {
            let set_up = Arc::clone(&set_up);
            Box::pin(
                async move { connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(set_up))).await.map(drop) },
            )
        })
        .connect_lazy_with(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_told_by_its_url_and_a_password_in_it_is_not_repeated() {
        assert_eq!(Kind::of("sqlite:/var/lib/ward/ward.db").unwrap(), Kind::Sqlite);
        assert_eq!(Kind::of("postgres://ward@db/ward").unwrap(), Kind::Postgres);
        assert_eq!(Kind::of("postgresql://ward@db/ward").unwrap(), Kind::Postgres);
        let error = Kind::of("mysql://root:hunter2@db/ward").unwrap_err().to_string();
        assert_eq!(error, "'mysql' is no database: it starts with neither 'sqlite:' nor 'postgres://'");
        assert!(Kind::of("sqlite::memory:").is_err(), "each connection would have its own");
    }

    #[test]
    fn a_url_is_checked_without_looking_for_the_database() {
        for good in ["sqlite:/no/such/ward.db", "postgres://ward:p@nowhere.example:5433/ward?sslmode=require"]
        {
            assert!(Store::check_url(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "ward.db",
            "mysql://root:hunter2@db/ward",
            "sqlite:",
            "postgres://w:hunter2@db/ward?sslmode=so",
        ] {
            let error = Store::check_url(bad).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{bad}: {error:?}");
        }
    }
}
