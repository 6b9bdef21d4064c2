//! `/live`: tells open pages that something changed, so that they fetch themselves anew (Server-Sent Events, WHATWG HTML).
//!
//! Nothing of what changed is in it: a page that fetches itself goes through all checks again.
//!
//! Invariant: an open page is no sign of life: a desk that was left is signed out as if nothing were open.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::IntoResponse as _;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream;
use ward_ledger::Hash;

use super::cookies::Cookie;
use super::overview;
use super::visit::Visit;
use crate::access;
use crate::ask::Answer;
use crate::refusal::Refusal;
use crate::state::Shared;

/// How often is looked for changes.
const EVERY: Duration = Duration::from_secs(3);

/// Streams at once; more are told to come back later.
const MOST: usize = 2_000;

struct Watching {
    shared: Arc<Shared>,
    secret: String,
    told: Option<Hash>,
    ended: bool,
}

/// `GET /live`
pub(crate) async fn get(visit: Visit) -> Answer {
    let shared = Arc::clone(&visit.ask.shared);
    let place = Arc::clone(&shared.live).try_acquire_owned();
    let place = place.map_err(|_| Refusal::busy("could not follow: too many pages are open", 60))?;
    let secret = Cookie::Session.of(&visit.face.headers, shared.state.secure);
    let secret = secret.ok_or_else(Refusal::unknown)?.to_owned();
    let watching = Watching { shared, secret, told: None, ended: false };
    let events = stream::unfold((watching, place), async |(mut watching, place)| {
        let event = watching.next().await?;
        Some((Ok::<_, Infallible>(event), (watching, place)))
    });
    let keep = KeepAlive::new().interval(Duration::from_secs(20));
    let mut answer = Sse::new(events).keep_alive(keep).into_response();
    answer.headers_mut().insert("x-accel-buffering", axum::http::HeaderValue::from_static("no"));
    Ok(answer)
}

/// Places of streams.
pub(crate) fn places() -> Arc<tokio::sync::Semaphore> {
    Arc::new(tokio::sync::Semaphore::new(MOST))
}

impl Watching {
    /// The next thing to tell. `None`: there is nothing more to come.
    async fn next(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        loop {
            let access = access::peek_session(&self.shared, &self.secret).await.ok().flatten();
            let Some(access) = access else {
                self.ended = true;
                return Some(Event::default().event("ended").data("signed out"));
            };
            if let Ok(overview) = overview::of(&self.shared, &access).await {
                let seen = overview.seen();
                match self.told.replace(seen) {
                    None => return Some(Event::default().event("following").data(seen.to_string())),
                    Some(told) if told != seen => {
                        return Some(Event::default().event("changed").data(seen.to_string()));
                    }
                    Some(_) => {}
                }
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}
