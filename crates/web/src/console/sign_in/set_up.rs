//! `/sign-in/set-up`: the first second factor of somebody, and the recovery codes that come with it.

use serde::Serialize;
use ward_core::Actor;
use ward_pages::{Fault, Markup, Page};
use ward_people::{TotpSecret, qr};
use ward_store::people::second_factors::Shown as Proof;
use ward_store::people::sign_ins::Outcome;
use ward_store::people::{recovery_codes, second_factors};

use super::{email, next, note, step, too_soon, whole};
use crate::ask::Answer;
use crate::console::doors::attempt;
use crate::console::visit::Visit;
use crate::refusal::Refusal;

const TEMPLATE: &str = "sign-in/set-up.jinja";

/// What a page with a secret for an app shows.
#[derive(Serialize)]
pub(crate) struct Proposal<'a> {
    /// The QR code.
    pub code: Option<Markup>,
    /// The secret, to be typed.
    pub letters: String,
    pub next: &'a str,
    pub action: &'a str,
}

/// What a page with recovery codes shows.
#[derive(Serialize)]
pub(crate) struct Codes<'a> {
    pub codes: Vec<String>,
    pub next: &'a str,
}

/// `GET /sign-in/set-up`
pub(crate) async fn get(visit: Visit) -> Answer {
    let (person, next) = (visit.half()?.person, next(&visit));
    if second_factors::has(visit.ask.store(), person).await? {
        return Ok(step("/sign-in/second-factor", next));
    }
    form(&visit, page(&visit)).await
}

/// `POST /sign-in/set-up`
pub(crate) async fn post(visit: Visit) -> Answer {
    let person = visit.half()?.person;
    let email = email(&visit, person).await?;
    if let Err(wait) = visit.ask.shared.doors.ask(&attempt(&visit, &email), visit.ask.now) {
        note(&visit, Some(person), Outcome::TooSoon).await;
        let (secret, next) = (secret(&visit).await?, next(&visit));
        let shown = proposal(&visit, &secret, &email, next, "/sign-in/set-up");
        return too_soon(&visit, wait, TEMPLATE, page(&visit), "digits", &shown);
    }
    let (store, key, by) = (visit.ask.store(), &visit.ask.state().key, Actor::person(person.to_string()));
    let digits = visit.form.text("digits");
    if !second_factors::confirm(store, &by, visit.ask.now, key, person, Proof::NotYet, digits).await? {
        return form(&visit, page(&visit).faults([Fault::new("digits", WRONG)])).await;
    }
    let codes = recovery_codes::make(store, &by, visit.ask.now, person).await?;
    let codes = codes.iter().map(|code| code.expose().to_owned()).collect();
    let shown = Codes { codes, next: next(&visit) };
    let answer = visit.show_secret("sign-in/codes.jinja", &visit.page("Keep your recovery codes"), &shown)?;
    whole(&visit, answer).await
}

/// What is said of digits that are not those of a secret that was just shown.
pub(crate) const WRONG: &str = "Enter the 6 digits that your app shows now. If they are not taken, check that the clock of your phone is set by \
     the network";

/// What a page shows of a secret.
pub(crate) fn proposal<'a>(
    visit: &Visit,
    secret: &TotpSecret,
    email: &str,
    next: &'a str,
    action: &'a str,
) -> Proposal<'a> {
    let uri = secret.uri(visit.ask.shared.console.brand(), email);
    let code = qr::svg(&uri, "QR code with the secret below it").map(Markup::drawn);
    Proposal { code, letters: secret.text(), next, action }
}

async fn form(visit: &Visit, page: Page) -> Answer {
    let email = email(visit, visit.half()?.person).await?;
    let secret = secret(visit).await?;
    let shown = proposal(visit, &secret, &email, next(visit), "/sign-in/set-up");
    visit.show_secret(TEMPLATE, &page, &shown)
}

/// The secret that was proposed; if there is none, a new one. So the page can be loaded again after its QR code was read.
async fn secret(visit: &Visit) -> Result<TotpSecret, Refusal> {
    let (person, store, key) = (visit.half()?.person, visit.ask.store(), &visit.ask.state().key);
    if let Some(proposed) = second_factors::proposed(store, key, person, Proof::NotYet).await? {
        return Ok(proposed);
    }
    let by = Actor::person(person.to_string());
    Ok(second_factors::propose(store, &by, visit.ask.now, key, person, Proof::NotYet).await?)
}

fn page(visit: &Visit) -> Page {
    visit.page("Set up your security codes")
}
