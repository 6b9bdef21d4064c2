//! Who is asking.
//!
//! Invariant: an answer of the store is believed for at most [`BELIEVED`]: a token that was revoked is good no
//! longer than that. Secrets are kept as their digests only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, header};
use ward_core::Timestamp;
use ward_ledger::Hash;
use ward_people::{Decision, Permission};
use ward_store::auth::{self, Access, Shown};
use ward_store::people::sessions;
use ward_store::tokens;

use crate::refusal::Refusal;
use crate::state::Shared;

/// Microseconds for which an answer of the store is believed.
pub(crate) const BELIEVED: i64 = 2_000_000;

/// Microseconds between two notes that a token is in use.
const NOTED: i64 = 60_000_000;

/// Most tokens that are remembered; what is tried in vain counts too.
const MOST: usize = 4_096;

/// Longest secret that is looked up.
const LONGEST: usize = 512;

/// Who has shown which token lately.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<HashMap<Hash, Seen>>);

#[derive(Debug, Clone)]
struct Seen {
    access: Option<Arc<Access>>,
    asked: Timestamp,
    noted: Option<Timestamp>,
}

/// The access that a request's token gives.
///
/// # Errors
/// 401: it has none that is good. 500: the store fails.
pub(crate) async fn of(shared: &Shared, headers: &HeaderMap) -> Result<Arc<Access>, Refusal> {
    let secret = bearer(headers).ok_or_else(Refusal::unknown)?;
    let digest = Hash::of(secret.as_bytes());
    let now = shared.now();
    let access = match shared.known.get(&digest, now) {
        Some(known) => known,
        None => {
            let access = auth::authenticate(&shared.state.store, secret, now).await?.map(Arc::new);
            shared.known.put(digest, access.clone(), now);
            access
        }
    };
    let access = access.ok_or_else(Refusal::unknown)?;
    note_use(shared, digest, &access, now);
    Ok(access)
}

/// The access that the session of this secret gives. `None`: none. Asking is a sign of life of whoever has it.
///
/// # Errors
/// 500: the store fails.
pub(crate) async fn of_session(shared: &Shared, secret: &str) -> Result<Option<Arc<Access>>, Refusal> {
    let access = peek_session(shared, secret).await?;
    if let Some(access) = &access {
        note_use(shared, Hash::of(secret.as_bytes()), access, shared.now());
    }
    Ok(access)
}

/// The same without a sign of life: for what a page does by itself.
///
/// # Errors
/// 500: the store fails.
pub(crate) async fn peek_session(shared: &Shared, secret: &str) -> Result<Option<Arc<Access>>, Refusal> {
    let digest = Hash::of(secret.as_bytes());
    let now = shared.now();
    if let Some(known) = shared.known.get(&digest, now) {
        return Ok(known);
    }
    let access = auth::authenticate_session(&shared.state.store, secret, now).await?.map(Arc::new);
    shared.known.put(digest, access.clone(), now);
    Ok(access)
}

/// Asks the store again when this secret is shown next.
pub(crate) fn forget(shared: &Shared, secret: &str) {
    let mut all = shared.known.0.lock().unwrap_or_else(PoisonError::into_inner);
    all.remove(&Hash::of(secret.as_bytes()));
}

/// Notes now and then that a token or session is in use.
fn note_use(shared: &Shared, digest: Hash, access: &Arc<Access>, now: Timestamp) {
    if shared.known.is_to_be_noted(&digest, now) {
        let (store, access) = (shared.state.store.clone(), Arc::clone(access));
        tokio::spawn(async move {
            let noted = match &access.shown {
                Shown::Token { id, .. } => tokens::note_use(&store, &[(id.clone(), now)]).await,
                Shown::Session(present) => sessions::note_seen(&store, &[(present.session, now)]).await,
            };
            if let Err(error) = noted {
                tracing::warn!(%error, "could not note that a token or session is in use");
            }
        });
    }
}

/// Whether this may be done now.
///
/// # Errors
/// 403: it may not, or the second factor must be shown first.
pub(crate) fn let_do(access: &Access, permission: Permission, now: Timestamp) -> Result<(), Refusal> {
    match access.decide(permission, now) {
        Decision::Yes => Ok(()),
        Decision::ShowSecondFactor => Err(Refusal::second_factor()),
        Decision::No => Err(Refusal::forbidden(permission, &access.shown)),
    }
}

/// The secret of an `Authorization: Bearer` header (RFC 6750, section 2.1), if there is exactly one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(only), None) = (all.next(), all.next()) else { return None };
    let (scheme, secret) = only.to_str().ok()?.split_once(' ')?;
    let secret = secret.trim();
    let fits = scheme.eq_ignore_ascii_case("bearer") && !secret.is_empty() && secret.len() <= LONGEST;
    fits.then_some(secret)
}

impl Known {
    /// What the store said of this token, if that was a moment ago. A clock that went back makes it forget.
    fn get(&self, digest: &Hash, now: Timestamp) -> Option<Option<Arc<Access>>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = all.get(digest)?;
        let age = now.micros().saturating_sub(seen.asked.micros());
        (0..BELIEVED).contains(&age).then(|| seen.access.clone())
    }

    fn put(&self, digest: Hash, access: Option<Arc<Access>>, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.retain(|_, seen| seen.access.is_some());
        }
        if all.len() >= MOST {
            all.clear();
        }
        let noted = all.get(&digest).and_then(|seen| seen.noted);
        all.insert(digest, Seen { access, asked: now, noted });
    }

    /// Whether it is time to note that the token is in use; the answer counts as noting it.
    fn is_to_be_noted(&self, digest: &Hash, now: Timestamp) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(seen) = all.get_mut(digest) else { return false };
        let due = seen.noted.is_none_or(|noted| now.micros().saturating_sub(noted.micros()) >= NOTED);
        if due {
            seen.noted = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn with(values: &[&str]) -> HeaderMap {
        let values =
            values.iter().map(|value| (header::AUTHORIZATION, HeaderValue::from_str(value).unwrap()));
        let mut headers = HeaderMap::new();
        for (name, value) in values {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn a_token_is_taken_from_one_bearer_header_and_from_nothing_else() {
        assert_eq!(bearer(&with(&["Bearer abc"])), Some("abc"));
        assert_eq!(bearer(&with(&["bearer  abc "])), Some("abc"));
        for wrong in
            [&["Basic abc"] as &[&str], &["Bearer"], &["Bearer "], &["abc"], &[], &["Bearer a", "Bearer b"]]
        {
            assert_eq!(bearer(&with(wrong)), None, "{wrong:?}");
        }
        assert_eq!(bearer(&with(&[&format!("Bearer {}", "x".repeat(LONGEST + 1))])), None);
    }

    #[test]
    fn what_the_store_said_is_believed_for_two_seconds() {
        let (known, digest) = (Known::default(), Hash::of(b"a"));
        let at = Timestamp::from_micros;
        known.put(digest, None, at(10_000_000));
        assert!(known.get(&digest, at(11_999_999)).is_some());
        assert!(known.get(&digest, at(12_000_000)).is_none());
        assert!(known.get(&digest, at(9_000_000)).is_none(), "the clock went back");
    }

    #[test]
    fn use_is_noted_once_a_minute_also_when_the_store_is_asked_in_between() {
        let (known, digest) = (Known::default(), Hash::of(b"a"));
        let at = Timestamp::from_micros;
        known.put(digest, None, at(0));
        assert!(known.is_to_be_noted(&digest, at(0)));
        known.put(digest, None, at(5_000_000));
        assert!(!known.is_to_be_noted(&digest, at(59_000_000)));
        assert!(known.is_to_be_noted(&digest, at(60_000_000)));
    }

    #[test]
    fn guesses_do_not_fill_the_memory() {
        let known = Known::default();
        for guess in 0..3 * MOST {
            known.put(Hash::of(&guess.to_le_bytes()), None, Timestamp::from_micros(0));
        }
        assert!(known.0.lock().unwrap().len() <= MOST);
    }
}
