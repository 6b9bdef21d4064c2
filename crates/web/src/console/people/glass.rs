//! `/glass`: reaching an organisation that one was not given, for a while and with a reason; and who has done so.

use serde::Serialize;
use ward_core::{OrganisationId, Timestamp};
use ward_pages::{Fault, Notice, Page};
use ward_people::Permission;
use ward_store::StoreError;
use ward_store::people::KEPT;
use ward_store::people::glass::{self, Broken, NewGlass};

use crate::ask::Answer;
use crate::console::visit::{Visit, sent_on};

const TEMPLATE: &str = "people/glass.jinja";

#[derive(Serialize)]
struct Shown<'a> {
    broken: Vec<BrokenShown>,
    may_break: bool,
    organisation: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct BrokenShown {
    id: String,
    name: String,
    organisation: String,
    reason: String,
    begun: i64,
    ends: i64,
    open: bool,
}

/// `GET /glass`
pub(crate) async fn get(visit: Visit) -> Answer {
    let mut page = visit.page("Break-glass access");
    page = match visit.ask.parameters.text("done") {
        Some("broken") => {
            page.notice(Notice::success("You reach the organisation now. It is told why and until when."))
        }
        Some("mended") => page.notice(Notice::success("It is over.")),
        _ => page,
    };
    show(&visit, page).await
}

/// `POST /glass`
pub(crate) async fn post(visit: Visit) -> Answer {
    let (store, now) = (visit.ask.store(), visit.ask.now);
    let refused = |field: &str, text: String| {
        let page = visit.page("Break-glass access").faults([Fault::new(field, text)]);
        show(&visit, page)
    };
    let Ok(organisation) = OrganisationId::new(visit.form.text("organisation")) else {
        return refused("organisation", "Enter the code of the organisation, such as RR8".to_owned()).await;
    };
    let hours: i64 = visit.form.text("hours").parse().unwrap_or(1);
    let ends = Timestamp::from_micros(now.micros().saturating_add(hours.clamp(1, 4) * 3_600_000_000));
    let new = NewGlass {
        person: visit.present()?.person,
        organisation,
        reason: visit.form.text("reason").to_owned(),
        ends,
    };
    match glass::break_it(store, visit.actor()?, now, &visit.ask.access()?.powers, &new).await {
        Ok(_) => Ok(sent_on("/glass?done=broken")),
        Err(StoreError::Refused(why)) => {
            let why = why.split_once(": ").map_or(why.as_str(), |(_, why)| why).to_owned();
            refused("reason", format!("Say why: {why}")).await
        }
        Err(StoreError::NotFound(_)) => {
            refused("organisation", "Enter the code of an organisation that there is".to_owned()).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /glass/{id}/end`
pub(crate) async fn end(visit: Visit) -> Answer {
    let id = visit.ask.named("break-glass access", |id| id.parse().ok())?;
    let scope = visit.ask.access()?.scope(Permission::SeeBreakGlass);
    glass::mend(visit.ask.store(), visit.actor()?, visit.ask.now, scope, id).await?;
    Ok(sent_on("/glass?done=mended"))
}

async fn show(visit: &Visit, page: Page) -> Answer {
    let (ask, access) = (&visit.ask, visit.ask.access()?);
    let since = Timestamp::from_micros(ask.now.micros().saturating_sub(KEPT));
    let scope = access.scope(Permission::SeeBreakGlass);
    let mut broken = glass::list(ask.store(), scope, since).await?;
    for own in &visit.present()?.glass {
        if !broken.iter().any(|known| known.id == own.id) {
            broken.insert(0, own.clone());
        }
    }
    let shown = Shown {
        broken: broken.iter().map(|it| broken_shown(it, ask.now)).collect(),
        may_break: access.may(Permission::BreakGlass),
        organisation: visit.form.text("organisation"),
        reason: visit.form.text("reason"),
    };
    visit.show(TEMPLATE, &page, &shown)
}

fn broken_shown(it: &Broken, now: Timestamp) -> BrokenShown {
    BrokenShown {
        id: it.id.to_string(),
        name: it.name.clone(),
        organisation: it.glass.organisation.to_string(),
        reason: it.glass.reason.clone(),
        begun: it.begun.micros(),
        ends: it.ended.unwrap_or(it.glass.ends).micros(),
        open: it.is_open(now),
    }
}
