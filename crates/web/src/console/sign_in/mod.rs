//! Signing in: password, second factor, and what is there for whoever has lost one of them.
//!
//! 1. `/sign-in`: e-mail address and password, or `/link/...` in place of them. Then there is half a session.
//! 2. `/sign-in/second-factor` or `/sign-in/recovery`; for whoever has no second factor yet `/sign-in/set-up`.
//! 3. `/again` before things of great effect; `/sign-out`.
//!
//! Invariant: whether there is an account is told by no answer before the password was right, nor by how long one takes.
//! Invariant: each step that shows more of who one is gives the browser another secret (session fixation).

pub(super) mod again;
pub(super) mod link;
pub(super) mod password;
pub(super) mod second_factor;
pub(super) mod set_up;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use ward_core::{Actor, Timestamp};
use ward_pages::{Fault, Page};
use ward_people::account;
use ward_people::device::REMEMBERED;
use ward_people::session::How;
use ward_people::throttle::Wait;
use ward_store::PersonId;
use ward_store::people::credentials;
use ward_store::people::sessions::{self, NewSession};
use ward_store::people::sign_ins::{self, Outcome, SignIn};

use super::cookies::Cookie;
use super::doors::{attempt, device_cookie, place};
use super::origin;
use super::visit::{Visit, escaped, sent_on, with};
use crate::ask::Answer;
use crate::refusal::Refusal;

/// What the forms show besides faults.
#[derive(Serialize)]
struct Shown<'a> {
    next: &'a str,
    email: &'a str,
}

/// What is said of digits of an app that were not taken.
const WRONG_DIGITS: &str =
    "Enter the 6 digits that your app shows now. Each code works once, for half a minute";

/// Where to go on to when one is in.
fn next(visit: &Visit) -> &str {
    let asked = visit.ask.parameters.text("next").unwrap_or_else(|| visit.form.text("next"));
    origin::next(asked)
}

/// `/sign-in/...` with where to go on to.
fn step(path: &str, next: &str) -> Response {
    sent_on(&format!("{path}?next={}", escaped(next)))
}

/// Begins half a session of somebody who has shown his password, and leads to the second factor.
async fn half(visit: &Visit, person: PersonId, how: How, next: &str) -> Answer {
    let new = session(visit, person, how, false);
    let by = Actor::person(person.to_string());
    let (_, secret) = sessions::begin(visit.ask.store(), &by, visit.ask.now, &new).await?;
    let has = ward_store::people::second_factors::has(visit.ask.store(), person).await?;
    let path = if has { "/sign-in/second-factor" } else { "/sign-in/set-up" };
    Ok(with(step(path, next), Cookie::Session.set(secret.expose(), None, visit.ask.state().secure)))
}

/// Begins the session of somebody who has shown a second factor, in place of his half one. The answer is given both
/// cookies.
async fn whole(visit: &Visit, answer: Response) -> Answer {
    let half = visit.half()?;
    let (person, secure) = (half.person, visit.ask.state().secure);
    let mut new = session(visit, person, half.how, true);
    new.replaces = Some(half.id);
    let by = Actor::person(person.to_string());
    let (_, secret) = sessions::begin(visit.ask.store(), &by, visit.ask.now, &new).await?;
    note(visit, Some(person), Outcome::SignedIn).await;
    let answer = with(answer, Cookie::Session.set(secret.expose(), None, secure));
    let email = email(visit, person).await?;
    // What was tried on the way in does not count against him: the password, and what ended it.
    let tries = if half.how == How::Password { 2 } else { 1 };
    visit.ask.shared.doors.succeeded(&attempt(visit, &email), tries);
    let device = device_cookie(visit, &account::account(&email))?;
    Ok(with(answer, Cookie::Device.set(&device, Some(REMEMBERED), secure)))
}

fn session(visit: &Visit, person: PersonId, how: How, second_factor: bool) -> NewSession {
    NewSession {
        person,
        how,
        second_factor,
        limits: visit.ask.state().sessions,
        device: visit.device(),
        address: place(visit.caller),
        replaces: None,
    }
}

/// What somebody signs in with, of whom a password was shown.
async fn email(visit: &Visit, person: PersonId) -> Result<String, Refusal> {
    Ok(credentials::email_of(visit.ask.store(), person).await?.unwrap_or_default())
}

/// Notes how a try went. That it could not be noted keeps nobody out.
async fn note(visit: &Visit, person: Option<PersonId>, outcome: Outcome) {
    let tried =
        SignIn { time: visit.ask.now, person, outcome, device: visit.device(), address: place(visit.caller) };
    if let Err(error) = sign_ins::note(visit.ask.store(), &[tried]).await {
        tracing::warn!(%error, "could not note a try to sign in");
    }
}

/// The same form again, since it is too soon after other tries.
fn too_soon(
    visit: &Visit,
    wait: Wait,
    template: &str,
    page: Page,
    field: &str,
    shown: &impl Serialize,
) -> Answer {
    let seconds = seconds_until(wait.until, visit.ask.now);
    let text = format!(
        "There were too many tries that failed. Try again in {}, or ask your administrator for a link to sign in with",
        length(seconds)
    );
    let page = page.faults([Fault::new(field, text)]);
    let mut answer = visit.face.show(StatusCode::TOO_MANY_REQUESTS, template, &page, shown)?;
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    Ok(answer)
}

fn seconds_until(until: Timestamp, now: Timestamp) -> u64 {
    let micros = until.micros().saturating_sub(now.micros()).max(1);
    u64::try_from(micros).unwrap_or(1).div_ceil(1_000_000)
}

/// As people say it.
fn length(seconds: u64) -> String {
    match seconds {
        1 => "1 second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_as_people_say_it_and_never_too_short() {
        let at = Timestamp::from_micros;
        for (micros, told) in
            [(1, "1 second"), (1_000_001, "2 seconds"), (90_000_000, "90 seconds"), (91_000_000, "2 minutes")]
        {
            assert_eq!(length(seconds_until(at(micros), at(0))), told);
        }
        assert_eq!(seconds_until(at(0), at(5)), 1);
    }
}
