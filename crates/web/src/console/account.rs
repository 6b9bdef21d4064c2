//! `/account`: what somebody may know and change of himself: password, second factor, recovery codes, sessions.
//!
//! Invariant: what lets somebody in later is changed only by whoever has shown the second factor a moment ago.

use axum::response::Response;
use serde::Serialize;
use ward_core::Timestamp;
use ward_pages::table::{Cell, Table};
use ward_pages::{Fault, Link, Notice, Page, words};
use ward_people::powers::is_fresh;
use ward_people::{Password, Reach};
use ward_store::auth::Present;
use ward_store::people::second_factors::Shown as Proof;
use ward_store::people::sessions::{self, Which};
use ward_store::people::sign_ins::{self, Outcome};
use ward_store::people::{credentials, recovery_codes, second_factors};

use super::doors::attempt;
use super::origin;
use super::sign_in::set_up::{Codes, WRONG, proposal};
use super::visit::{Visit, escaped, sent_on};
use crate::ask::Answer;
use crate::refusal::Refusal;

/// Tries to sign in that are shown.
const TRIES: u32 = 20;

/// Recovery codes below which one is told to make new ones.
const FEW: u64 = 4;

#[derive(Serialize)]
struct Shown {
    name: String,
    email: Option<String>,
    organisation: Option<String>,
    roles: Table,
    codes: u64,
    has_password: bool,
    sessions: Vec<SessionRow>,
    others: usize,
    tries: Table,
}

#[derive(Serialize)]
struct SessionRow {
    id: String,
    device: String,
    address: String,
    begun: i64,
    seen: i64,
    here: bool,
}

/// `GET /account`
pub(crate) async fn get(visit: Visit) -> Answer {
    let (present, store, now) = (visit.present()?, visit.ask.store(), visit.ask.now);
    let mut page = visit.page("Your account");
    if let Some(text) = visit.ask.parameters.text("done").and_then(done) {
        page = page.notice(Notice::success(text));
    }
    let codes = recovery_codes::left(store, present.person).await?;
    if codes < FEW {
        let notice = Notice::new(format!(
            "You have {} left.",
            words::count(codes, ["recovery code", "recovery codes"])
        ));
        page = page.notice(notice.link(Link::new("Make new ones", "/account/recovery-codes")));
    }
    if let Some(next) = visit.ask.parameters.text("next").map(origin::next).filter(|next| *next != "/") {
        page =
            page.notice(Notice::new("You were on your way to another page.").link(Link::new("Go on", next)));
    }
    let all = sessions::own(store, present.person).await?;
    let open =
        all.iter().filter(|kept| !matches!(kept.session.state(now), ward_people::session::State::Ended));
    let sessions: Vec<_> = open
        .map(|kept| SessionRow {
            id: kept.id.to_string(),
            device: browser(&kept.device),
            address: kept.address.clone(),
            begun: kept.session.begun.micros(),
            seen: kept.session.seen.micros(),
            here: kept.id == present.session,
        })
        .collect();
    let others = sessions.iter().filter(|session| !session.here).count();
    let shown = Shown {
        name: present.name.clone(),
        email: present.email.clone(),
        organisation: present.organisation.as_ref().map(ToString::to_string),
        roles: roles(present),
        codes,
        has_password: credentials::of_person(store, present.person).await?.is_some(),
        sessions,
        others,
        tries: tries(&sign_ins::own(store, present.person, TRIES).await?),
    };
    visit.show("account/account.jinja", &page, &shown)
}

/// `POST /account/sessions`: ends sessions of one's own.
pub(crate) async fn end_sessions(visit: Visit) -> Answer {
    let (present, which) = (visit.present()?, visit.form.text("session"));
    let which = match which {
        "others" => Which::AllBut(present.session),
        id => Which::Only(id.parse().map_err(|_| Refusal::missing("session"))?),
    };
    sessions::end_own(visit.ask.store(), visit.actor()?, visit.ask.now, present.person, which).await?;
    Ok(sent_on("/account?done=ended#sessions"))
}

/// `GET /account/password`
pub(crate) async fn get_password(visit: Visit) -> Answer {
    visit.show(PASSWORD, &below(&visit, "Choose another password"), &())
}

const PASSWORD: &str = "account/password.jinja";

/// `POST /account/password`
pub(crate) async fn post_password(visit: Visit) -> Answer {
    let (present, store, now) = (visit.present()?, visit.ask.store(), visit.ask.now);
    let email = present.email.clone().unwrap_or_default();
    let (before, typed, again) =
        (visit.form.raw("before"), visit.form.raw("password"), visit.form.raw("again"));
    let page = || below(&visit, "Choose another password");
    let refused =
        |field: &str, text: String| visit.show(PASSWORD, &page().faults([Fault::new(field, text)]), &());
    let password = Password::typed(typed);
    let organisation = present.organisation.as_ref().map(ToString::to_string).unwrap_or_default();
    if let Err(weak) = password.check(&[&present.name, &email, &organisation]) {
        return refused("password", format!("Choose another password: {weak}"));
    }
    if typed != again {
        return refused("again", "Type the same password once more: they differ".to_owned());
    }
    let (doors, attempt) = (&visit.ask.shared.doors, attempt(&visit, &email));
    if doors.ask(&attempt, now).is_err() {
        return refused("before", "There were too many tries that failed. Try again later".to_owned());
    }
    let kept = credentials::of_person(store, present.person).await?;
    if !doors.verify(kept, Password::typed(before)).await?.right {
        return refused("before", "Enter the password that you have now".to_owned());
    }
    doors.succeeded(&attempt, 1);
    let kept = doors.hash(password).await?;
    credentials::choose(store, visit.actor()?, now, present.person, &kept, Some(present.session)).await?;
    Ok(sent_on("/account?done=password"))
}

/// `GET /account/second-factor`: a secret for another app.
pub(crate) async fn get_second_factor(visit: Visit) -> Answer {
    if let Some(first) = stale(&visit, "/account/second-factor")? {
        return Ok(first);
    }
    another(&visit, below(&visit, ANOTHER)).await
}

const ANOTHER: &str = "Use another app or phone";

/// `POST /account/second-factor`
pub(crate) async fn post_second_factor(visit: Visit) -> Answer {
    if let Some(first) = stale(&visit, "/account/second-factor")? {
        return Ok(first);
    }
    let (present, store, key) = (visit.present()?, visit.ask.store(), &visit.ask.state().key);
    let (by, now, digits) = (visit.actor()?, visit.ask.now, visit.form.text("digits"));
    if second_factors::confirm(store, by, now, key, present.person, Proof::JustNow, digits).await? {
        return Ok(sent_on("/account?done=second-factor"));
    }
    another(&visit, below(&visit, ANOTHER).faults([Fault::new("digits", WRONG)])).await
}

/// `GET /account/recovery-codes`
pub(crate) async fn get_codes(visit: Visit) -> Answer {
    if let Some(first) = stale(&visit, "/account/recovery-codes")? {
        return Ok(first);
    }
    visit.show("account/recovery-codes.jinja", &below(&visit, "Make new recovery codes"), &())
}

/// `POST /account/recovery-codes`
pub(crate) async fn post_codes(visit: Visit) -> Answer {
    if let Some(first) = stale(&visit, "/account/recovery-codes")? {
        return Ok(first);
    }
    let person = visit.present()?.person;
    let codes = recovery_codes::make(visit.ask.store(), visit.actor()?, visit.ask.now, person).await?;
    let codes = codes.iter().map(|code| code.expose().to_owned()).collect();
    let shown = Codes { codes, next: "/account" };
    visit.show_secret("sign-in/codes.jinja", &below(&visit, "Keep your recovery codes"), &shown)
}

async fn another(visit: &Visit, page: Page) -> Answer {
    let (present, store, key) = (visit.present()?, visit.ask.store(), &visit.ask.state().key);
    let secret = match second_factors::proposed(store, key, present.person, Proof::JustNow).await? {
        Some(secret) => secret,
        None => {
            let (by, now) = (visit.actor()?, visit.ask.now);
            second_factors::propose(store, by, now, key, present.person, Proof::JustNow).await?
        }
    };
    let email = present.email.as_deref().unwrap_or_default();
    let shown = proposal(visit, &secret, email, "/account", "/account/second-factor");
    visit.show_secret("sign-in/set-up.jinja", &page, &shown)
}

/// The way to the second factor, where it was shown too long ago.
fn stale(visit: &Visit, next: &str) -> Result<Option<Response>, Refusal> {
    let shown = visit.present()?.second_factor;
    let stale = !is_fresh(shown, visit.ask.now);
    Ok(stale.then(|| sent_on(&format!("/again?next={}", escaped(next)))))
}

fn below(visit: &Visit, title: &str) -> Page {
    visit.page(title).below([Link::new("Your account", "/account")])
}

fn done(what: &str) -> Option<&'static str> {
    Some(match what {
        "recovered" => "You are signed in with a recovery code, which is used up now.",
        "ended" => "The session has ended.",
        "password" => "Your password is changed. All your other sessions have ended.",
        "second-factor" => "Your new app is in use. The one before it opens nothing any more.",
        _ => return None,
    })
}

fn roles(present: &Present) -> Table {
    let mut table =
        Table::new("What you were given").column("Role").column("Where").column("Why it has what it has");
    for (role, reach) in &present.roles {
        let place = match reach {
            Reach::WholeSector => "the whole sector".to_owned(),
            Reach::Below(organisation) => format!("{organisation} and everything below it"),
        };
        table.push([Cell::text(role.row().title), Cell::text(place), Cell::text(role.row().why)]);
    }
    table
}

fn tries(all: &[sign_ins::SignIn]) -> Table {
    let table =
        Table::new("Newest first").column("When").column("What happened").column("From").column("Browser");
    all.iter().fold(table, |table, tried| {
        let cells = [
            time(tried.time),
            outcome(tried.outcome).to_owned(),
            tried.address.clone(),
            browser(&tried.device),
        ];
        table.row(cells.map(Cell::text))
    })
}

fn time(at: Timestamp) -> String {
    words::time(at)
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::SignedIn => "Signed in",
        Outcome::WrongPassword => "Wrong password",
        Outcome::WrongSecondFactor => "Wrong security code",
        Outcome::Disabled => "Account disabled",
        Outcome::NoAccount => "No such account",
        Outcome::TooSoon => "Too soon after other tries",
    }
}

/// A browser's name for itself, as its owner knows it: `Firefox on Windows`. What is not known is shown as it stands.
fn browser(agent: &str) -> String {
    let first = |known: &[(&str, &'static str)]| {
        known.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    // In this order: most browsers also say that they are others.
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        _ if agent.is_empty() => "not told".to_owned(),
        _ => agent.chars().take(60).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_told_by_the_name_that_its_owner_knows() {
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0";
        assert_eq!(browser(edge), "Edge on Windows");
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/604.1";
        assert_eq!(browser(phone), "Safari on iPhone");
        assert_eq!(browser("curl/8.0"), "curl/8.0");
        assert_eq!(browser(""), "not told");
    }
}
