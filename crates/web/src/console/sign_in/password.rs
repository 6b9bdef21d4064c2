//! `/sign-in`: e-mail address and password.

use ward_pages::{Fault, Notice, Page};
use ward_people::Password;
use ward_people::session::How;
use ward_store::people::credentials;
use ward_store::people::sign_ins::Outcome;

use super::{Shown, half, next, note, too_soon};
use crate::ask::Answer;
use crate::console::doors::attempt;
use crate::console::visit::{Visit, sent_on};

const TEMPLATE: &str = "sign-in/password.jinja";

/// Longest address that is looked up.
const LONGEST_EMAIL: usize = 254;

/// Longest password that is hashed, in bytes.
const LONGEST_PASSWORD: usize = 1_024;

/// `GET /sign-in`
pub(crate) async fn get(visit: Visit) -> Answer {
    if visit.ask.access.is_some() {
        return Ok(sent_on(next(&visit)));
    }
    let mut page = page(&visit);
    if visit.ask.parameters.text("done") == Some("signed-out") {
        page = page.notice(Notice::success("You are signed out."));
    } else if visit.ask.parameters.text("next").is_some_and(|next| next != "/") {
        page = page.notice(Notice::new("Sign in to go on to the page that you asked for."));
    }
    visit.show(TEMPLATE, &page, &Shown { next: next(&visit), email: "" })
}

/// `POST /sign-in`
pub(crate) async fn post(visit: Visit) -> Answer {
    let (email, typed) = (visit.form.text("email"), visit.form.raw("password"));
    let shown = Shown { next: next(&visit), email };
    let mut faults = Vec::new();
    if email.is_empty() || email.len() > LONGEST_EMAIL {
        faults.push(Fault::new("email", "Enter your e-mail address"));
    }
    if typed.is_empty() || typed.len() > LONGEST_PASSWORD {
        faults.push(Fault::new("password", "Enter your password"));
    }
    if !faults.is_empty() {
        return visit.show(TEMPLATE, &page(&visit).faults(faults), &shown);
    }
    let (now, doors) = (visit.ask.now, &visit.ask.shared.doors);
    let attempt = attempt(&visit, email);
    let known = credentials::of_login(visit.ask.store(), email).await?;
    let person = known.as_ref().map(|known| known.person);
    if let Err(wait) = doors.ask(&attempt, now) {
        note(&visit, person, Outcome::TooSoon).await;
        return too_soon(&visit, wait, TEMPLATE, page(&visit), "password", &shown);
    }
    let kept = known.as_ref().and_then(|known| known.kept.clone());
    let password = Password::typed(typed);
    let verified = doors.verify(kept.clone(), password.clone()).await?;
    let outcome = match &known {
        None => Outcome::NoAccount,
        Some(_) if !verified.right => Outcome::WrongPassword,
        Some(known) if !known.enabled => Outcome::Disabled,
        Some(known) => {
            if let Some(before) = kept.filter(|_| verified.rehash) {
                let after = doors.hash(password).await?;
                credentials::rehash(visit.ask.store(), now, known.person, &before, &after).await?;
            }
            return half(&visit, known.person, How::Password, shown.next).await;
        }
    };
    note(&visit, person, outcome).await;
    let text = "Check your e-mail address and your password: together they are not right";
    visit.show(TEMPLATE, &page(&visit).faults([Fault::new("password", text)]), &shown)
}

fn page(visit: &Visit) -> Page {
    visit.page("Sign in")
}
