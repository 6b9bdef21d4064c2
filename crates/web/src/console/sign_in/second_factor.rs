//! `/sign-in/second-factor` and `/sign-in/recovery`: digits of an app, or one of the codes on paper.

use ward_core::Actor;
use ward_pages::Fault;
use ward_store::people::sign_ins::Outcome;
use ward_store::people::{recovery_codes, second_factors};

use super::{Shown, WRONG_DIGITS, email, next, note, step, too_soon, whole};
use crate::ask::Answer;
use crate::console::doors::attempt;
use crate::console::visit::{Visit, escaped, sent_on};

const DIGITS: &str = "sign-in/second-factor.jinja";
const RECOVERY: &str = "sign-in/recovery.jinja";

/// `GET /sign-in/second-factor`
pub(crate) async fn get(visit: Visit) -> Answer {
    let next = next(&visit);
    if !second_factors::has(visit.ask.store(), visit.half()?.person).await? {
        return Ok(step("/sign-in/set-up", next));
    }
    visit.show(DIGITS, &visit.page("Enter your security code"), &Shown { next, email: "" })
}

/// `POST /sign-in/second-factor`
pub(crate) async fn post(visit: Visit) -> Answer {
    let (person, shown) = (visit.half()?.person, Shown { next: next(&visit), email: "" });
    let email = email(&visit, person).await?;
    let page = visit.page("Enter your security code");
    if let Err(wait) = visit.ask.shared.doors.ask(&attempt(&visit, &email), visit.ask.now) {
        note(&visit, Some(person), Outcome::TooSoon).await;
        return too_soon(&visit, wait, DIGITS, page, "digits", &shown);
    }
    let (store, key) = (visit.ask.store(), &visit.ask.state().key);
    if second_factors::check(store, visit.ask.now, key, person, visit.form.text("digits")).await? {
        return whole(&visit, sent_on(shown.next)).await;
    }
    note(&visit, Some(person), Outcome::WrongSecondFactor).await;
    visit.show(DIGITS, &page.faults([Fault::new("digits", WRONG_DIGITS)]), &shown)
}

/// `GET /sign-in/recovery`
pub(crate) async fn get_recovery(visit: Visit) -> Answer {
    visit.show(RECOVERY, &visit.page("Use a recovery code"), &Shown { next: next(&visit), email: "" })
}

/// `POST /sign-in/recovery`
pub(crate) async fn post_recovery(visit: Visit) -> Answer {
    let (person, shown) = (visit.half()?.person, Shown { next: next(&visit), email: "" });
    let email = email(&visit, person).await?;
    let page = visit.page("Use a recovery code");
    if let Err(wait) = visit.ask.shared.doors.ask(&attempt(&visit, &email), visit.ask.now) {
        note(&visit, Some(person), Outcome::TooSoon).await;
        return too_soon(&visit, wait, RECOVERY, page, "code", &shown);
    }
    let by = Actor::person(person.to_string());
    if recovery_codes::spend(visit.ask.store(), &by, visit.ask.now, person, visit.form.text("code")).await? {
        let next = escaped(shown.next);
        return whole(&visit, sent_on(&format!("/account?done=recovered&next={next}"))).await;
    }
    note(&visit, Some(person), Outcome::WrongSecondFactor).await;
    let text =
        "Enter a recovery code that you have not used yet. It looks like ABCD-EFGH-IJKL-MNOP-QRST-UVWX";
    visit.show(RECOVERY, &page.faults([Fault::new("code", text)]), &shown)
}
