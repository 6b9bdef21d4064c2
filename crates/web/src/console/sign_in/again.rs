//! `/again`: the second factor once more, before things of great effect; and `/sign-out`.

use ward_pages::Fault;
use ward_store::people::second_factors;
use ward_store::people::sessions::{self, Which};
use ward_store::people::sign_ins::Outcome;

use super::{Shown, WRONG_DIGITS, next, note, too_soon};
use crate::access;
use crate::ask::Answer;
use crate::console::cookies::Cookie;
use crate::console::doors::attempt;
use crate::console::visit::{Visit, sent_on, with};

const TEMPLATE: &str = "sign-in/again.jinja";
const TITLE: &str = "Show your security code once more";

/// `GET /again`
pub(crate) async fn get(visit: Visit) -> Answer {
    visit.show(TEMPLATE, &visit.page(TITLE), &Shown { next: next(&visit), email: "" })
}

/// `POST /again`
pub(crate) async fn post(visit: Visit) -> Answer {
    let (present, shown) = (visit.present()?, Shown { next: next(&visit), email: "" });
    let (page, now) = (visit.page(TITLE), visit.ask.now);
    let attempt = attempt(&visit, present.email.as_deref().unwrap_or_default());
    if let Err(wait) = visit.ask.shared.doors.ask(&attempt, now) {
        return too_soon(&visit, wait, TEMPLATE, page, "digits", &shown);
    }
    let (store, key) = (visit.ask.store(), &visit.ask.state().key);
    if !second_factors::check(store, now, key, present.person, visit.form.text("digits")).await? {
        note(&visit, Some(present.person), Outcome::WrongSecondFactor).await;
        return visit.show(TEMPLATE, &page.faults([Fault::new("digits", WRONG_DIGITS)]), &shown);
    }
    visit.ask.shared.doors.succeeded(&attempt, 1);
    let secret = sessions::step_up(store, visit.actor()?, now, present.session).await?;
    forget(&visit);
    Ok(with(sent_on(shown.next), Cookie::Session.set(secret.expose(), None, visit.ask.state().secure)))
}

/// `POST /sign-out`
pub(crate) async fn sign_out(visit: Visit) -> Answer {
    let (present, now) = (visit.present()?, visit.ask.now);
    let which = Which::Only(present.session);
    sessions::end_own(visit.ask.store(), visit.actor()?, now, present.person, which).await?;
    forget(&visit);
    Ok(with(sent_on("/sign-in?done=signed-out"), Cookie::Session.unset(visit.ask.state().secure)))
}

/// Believes nothing of the browser's secret any more.
fn forget(visit: &Visit) {
    if let Some(secret) = Cookie::Session.of(&visit.face.headers, visit.ask.state().secure) {
        access::forget(&visit.ask.shared, secret);
    }
}
