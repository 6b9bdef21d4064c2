//! `/record`: who did what (the ledger), and whether that record is whole. It tells of the whole sector.

use ward_ledger::Head;
use ward_pages::table::{Cell, Table};
use ward_pages::{Link, Notice, words};
use ward_people::Permission;
use ward_store::ledger;

use super::list::{A_PAGE, List};
use super::visit::Visit;
use crate::ask::Answer;
use crate::refusal::Refusal;

/// `GET /record`
pub(crate) async fn get(visit: Visit) -> Answer {
    let (ask, page) = (&visit.ask, A_PAGE as u64);
    let head = ledger::head(ask.store()).await?;
    let end =
        ask.parameters.text("until").and_then(|it| it.parse().ok()).unwrap_or(head.number).min(head.number);
    let begin = end.saturating_sub(page);
    let mut entries = ledger::entries(ask.store(), ask.scope()?, begin, A_PAGE as u32).await?;
    entries.retain(|entry| entry.number <= end);
    let mut table = Table::new("Newest first")
        .column("Number")
        .column("When")
        .column("Who")
        .column("What")
        .column("Whom or what it concerns")
        .column("More");
    for entry in entries.iter().rev() {
        let who = format!("{} {}", format!("{:?}", entry.actor.kind).to_lowercase(), entry.actor.name);
        table.push([
            Cell::text(words::number(entry.number)),
            Cell::text(words::time(entry.time)),
            Cell::text(who),
            Cell::text(&entry.action),
            Cell::text(&entry.subject),
            Cell::text(entry.detail.chars().take(300).collect::<String>()),
        ]);
    }
    let mut links = Vec::new();
    if visit.may(Permission::VerifyLedger) {
        links.push(Link::new("Check that it is whole", "/record/check"));
    }
    let list = List {
        lede: format!(
            "{}. Each is chained to the one before, so that none can be changed or taken out unseen.",
            words::count(head.number, ["entry", "entries"])
        ),
        next: (begin > 0).then(|| format!("/record?until={begin}")),
        links,
        ..List::default()
    };
    list.with(table, "Nothing was done yet.").show(&visit, &visit.page("Record").wide())
}

/// `GET /record/check`
pub(crate) async fn check(visit: Visit) -> Answer {
    if visit.ask.scope()?.organisations().is_some() {
        return Err(Refusal::missing("ledger"));
    }
    let _turn = visit.ask.turn().await?;
    let page = visit.page("Is the record whole?").below([Link::new("Record", "/record")]);
    let (notice, lede) = match ledger::verify(visit.ask.store(), &[]).await? {
        Ok(Head { number, hash }) => (
            Notice::success("Yes."),
            format!(
                "{} were read and fit each other. The last has the digest {hash}: whoever notes it down can tell \
                 later that nothing before it was changed.",
                words::count(number, ["entry", "entries"])
            ),
        ),
        Err(broken) => (
            Notice::new("No: somebody or something changed it."),
            format!("The first entry that does not fit is {}: {}.", words::number(broken.number), broken.why),
        ),
    };
    List { lede, ..List::default() }.show(&visit, &page.notice(notice))
}
