//! A PostgreSQL server that does not answer: where it should be, and why it is not reached.
//!
//! Invariant: no password is told.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use crate::StoreError;

/// Whether the URL of a server can be understood.
///
/// # Errors
/// It cannot.
pub(crate) fn check(url: &str) -> Result<(), StoreError> {
    url.parse::<PgConnectOptions>().map(drop).map_err(StoreError::doing("understand its URL"))
}

/// What to tell when no connection could be made: the place, and the cause, which a pool does not tell when it has tried
/// for as long as it may.
pub(crate) fn away(url: &str, error: sqlx::Error) -> StoreError {
    let options: PgConnectOptions = match url.parse() {
        Ok(options) => options,
        Err(error) => return StoreError::doing("understand its URL")(error),
    };
    let source = match error {
        sqlx::Error::PoolTimedOut => tried(&options).err().map_or(sqlx::Error::PoolTimedOut, sqlx::Error::Io),
        other => other,
    };
    StoreError::Away { place: place(&options), source }
}

/// Where it should be: host, port and database.
fn place(options: &PgConnectOptions) -> String {
    let server = match options.get_socket() {
        Some(socket) => format!("{} (port {})", socket.display(), options.get_port()),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    match options.get_database() {
        Some(name) => format!("{server}, database {name}"),
        None => server,
    }
}

/// Whether anybody listens there.
fn tried(options: &PgConnectOptions) -> io::Result<()> {
    if let Some(socket) = options.get_socket() {
        return UnixStream::connect(socket.join(format!(".s.PGSQL.{}", options.get_port()))).map(drop);
    }
    let mut last = io::Error::from(io::ErrorKind::HostUnreachable);
    for address in (options.get_host(), options.get_port()).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn who_does_not_answer_is_told_with_place_and_cause_and_without_the_password() {
        let url = "postgres://ward:hunter2@127.0.0.1:1/events";
        let error = away(url, sqlx::Error::PoolTimedOut);
        assert_eq!(
            error.to_string(),
            "the database at 127.0.0.1:1, database events could not be connected to"
        );
        let cause = error.source().unwrap().to_string();
        assert!(cause.contains("refused"), "{cause}");
        let socket = "postgres://ward@localhost/postgres?host=/no/such/folder&port=5433";
        let error = away(socket, sqlx::Error::PoolTimedOut);
        assert!(error.to_string().contains("/no/such/folder (port 5433)"), "{error}");
        assert!(error.source().unwrap().to_string().contains("No such file"), "{error:?}");
    }

    #[test]
    fn what_the_server_says_is_kept() {
        let error = away("postgres://ward@db.example/ward", sqlx::Error::Protocol("not now".to_owned()));
        assert_eq!(
            error.to_string(),
            "the database at db.example:5432, database ward could not be connected to"
        );
        assert!(error.source().unwrap().to_string().contains("not now"));
    }
}
