//! `/link/...`: a one-time link, by which somebody chooses a password who has none, or has lost it.

use serde::Serialize;
use ward_pages::{Fault, Page};
use ward_people::link::Purpose;
use ward_people::session::How;
use ward_people::{Password, account};
use ward_store::StoreError;
use ward_store::people::links::{self, Shown as Looked};
use ward_store::people::persons::NewPerson;

use super::half;
use crate::ask::Answer;
use crate::console::visit::Visit;
use crate::refusal::Refusal;

const TEMPLATE: &str = "sign-in/link.jinja";

#[derive(Serialize)]
struct Shown<'a> {
    first: bool,
    resets: bool,
    name: &'a str,
    email: &'a str,
    shortest: usize,
}

/// `GET /link/{secret}`
pub(crate) async fn get(visit: Visit) -> Answer {
    let looked = look(&visit).await?;
    visit.show(TEMPLATE, &page(&visit, &looked), &shown(&looked, "", ""))
}

/// `POST /link/{secret}`
pub(crate) async fn post(visit: Visit) -> Answer {
    let looked = look(&visit).await?;
    let first = looked.purpose == Purpose::FirstAdministrator;
    let (name, email) = (visit.form.text("name"), visit.form.text("email"));
    let mut faults = Vec::new();
    if first {
        if let Err(wrong) = account::name(name) {
            faults.push(Fault::new("name", sentence("Enter your name", &wrong)));
        }
        if let Err(wrong) = account::email(email) {
            faults.push(Fault::new("email", sentence("Enter your e-mail address", &wrong)));
        }
    }
    let (typed, again) = (visit.form.raw("password"), visit.form.raw("again"));
    let password = Password::typed(typed);
    let known = [looked.name.as_deref().unwrap_or(name), looked.email.as_deref().unwrap_or(email)];
    if typed.is_empty() {
        faults.push(Fault::new("password", "Choose a password"));
    } else if let Err(weak) = password.check(&known) {
        faults.push(Fault::new("password", format!("Choose another password: {weak}")));
    } else if typed != again {
        faults.push(Fault::new("again", "Type the same password once more: they differ"));
    }
    if !faults.is_empty() {
        return visit.show(TEMPLATE, &page(&visit, &looked).faults(faults), &shown(&looked, name, email));
    }
    let kept = visit.ask.shared.doors.hash(password).await?;
    let (store, now, secret) = (visit.ask.store(), visit.ask.now, secret(&visit));
    let accepted = if first {
        let new = NewPerson {
            name: name.to_owned(),
            email: Some(email.to_owned()),
            organisation: None,
            identity: None,
        };
        links::accept_first(store, secret, now, &new, &kept).await
    } else {
        links::accept(store, secret, now, &kept).await
    };
    match accepted {
        Ok(person) => half(&visit, person, How::Link, "/").await,
        Err(StoreError::Refused(why)) => {
            let page = page(&visit, &looked).faults([Fault::new("email", why)]);
            visit.show(TEMPLATE, &page, &shown(&looked, name, email))
        }
        Err(error) => Err(error.into()),
    }
}

async fn look(visit: &Visit) -> Result<Looked, Refusal> {
    let looked = links::look(visit.ask.store(), secret(visit), visit.ask.now).await?;
    looked.ok_or_else(|| {
        Refusal::new(axum::http::StatusCode::GONE, "this link is good for nothing any more").hint(
            "it was used, replaced by a newer one, or is too old; ask whoever gave it to you for another",
        )
    })
}

fn secret(visit: &Visit) -> &str {
    visit.ask.path.first().map_or("", |(_, value)| value.as_str())
}

fn page(visit: &Visit, looked: &Looked) -> Page {
    visit.page(match looked.purpose {
        Purpose::FirstAdministrator => "Become the first administrator",
        Purpose::Invitation => "Choose your password",
        Purpose::Password | Purpose::Everything => "Choose a new password",
    })
}

fn shown<'a>(looked: &'a Looked, name: &'a str, email: &'a str) -> Shown<'a> {
    Shown {
        first: looked.purpose == Purpose::FirstAdministrator,
        resets: looked.purpose == Purpose::Everything,
        name: looked.name.as_deref().unwrap_or(name),
        email: looked.email.as_deref().unwrap_or(email),
        shortest: ward_people::password::SHORTEST,
    }
}

/// What to do, and what was wrong with what was done: the part after the colon.
fn sentence(what: &str, wrong: &account::Wrong) -> String {
    let wrong = wrong.to_string();
    wrong.split_once(": ").map_or_else(|| what.to_owned(), |(_, why)| format!("{what}: {why}"))
}
