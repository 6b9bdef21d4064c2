//! `/set-aside`: records that could not be decoded (dead letters): why, from whom, what they hold, and another try.

use serde::Serialize;
use ward_core::{EventId, SourceId};
use ward_pages::table::{Cell, Table};
use ward_pages::{Link, Notice, words};
use ward_people::Permission;
use ward_store::dead_letters::{self, DeadLetterFilter};
use ward_store::dropped_letters;

use super::list::{A_PAGE, List, next};
use super::visit::{Visit, escaped, sent_on};
use crate::ask::Answer;
use crate::cursor;
use crate::refusal::Refusal;

const LIST: &str = "dead_letters";
const WHAT: &str = "record";
/// Bytes of a record that are shown.
const LONGEST: usize = 64 << 10;

/// `GET /set-aside`
pub(crate) async fn list(visit: Visit) -> Answer {
    let ask = &visit.ask;
    let after = cursor::read(LIST, ask.parameters.text("cursor"), |place| place.parse::<EventId>().ok())?;
    let scope = ask.narrowed().await?;
    let text = |name: &str| ask.parameters.text(name).unwrap_or_default();
    let source = ask.parameters.text("source").map(SourceId::new).transpose();
    let source = source.map_err(|_| Refusal::missing("source"))?;
    let reason = ask.parameters.text("reason").map(str::to_owned);
    let filter = DeadLetterFilter { reason, source, waiting: false };
    let mut reasons = Table::new("By reason").column("Why").numbers("Records");
    let counts = dead_letters::counts(ask.store(), &scope).await?;
    for (reason, count) in &counts {
        let href = format!("/set-aside?reason={}", escaped(reason));
        reasons.push([Cell::text(reason), Cell::number(*count).to(Some(href))]);
    }
    let mut dropped = Table::new("Given up, since there was no room or they were too old")
        .column("Source")
        .column("Why")
        .numbers("Records");
    for it in dropped_letters::dropped(ask.store(), &scope, None).await? {
        dropped.push([Cell::text(it.source.as_str()), Cell::text(it.why.name()), Cell::number(it.letters)]);
    }
    let letters = dead_letters::list(ask.store(), &scope, &filter, after, A_PAGE as u32).await?;
    let mut table =
        Table::new("Records").column("When").column("Why").column("Source").column("What").numbers("Bytes");
    for listed in &letters {
        let letter = &listed.letter;
        table.push([
            Cell::text(words::time(letter.received)).to(Some(format!("/set-aside/{}", letter.id))),
            Cell::text(&letter.reason),
            Cell::text(letter.source.as_str()),
            Cell::text(&letter.detail),
            Cell::number(listed.bytes),
        ]);
    }
    let all: u64 = counts.iter().map(|(_, count)| count).sum();
    let last = letters.last().filter(|_| letters.len() >= A_PAGE);
    let kept = [("reason", text("reason")), ("source", text("source"))];
    let mut page = visit.page("Set aside").wide();
    if text("done") == "discarded" {
        page = page.notice(Notice::success("The records are thrown away."));
    }
    let list = List {
        lede: format!(
            "{} could not be read as events. {} kept as they came, and can be tried again.",
            words::count(all, ["record", "records"]),
            if all == 1 { "It is" } else { "They are" }
        ),
        next: last.map(|last| next("/set-aside", &kept, &cursor::shown(LIST, &last.letter.id.to_string()))),
        links: if kept.iter().any(|(_, value)| !value.is_empty()) {
            vec![Link::new("All of them", "/set-aside")]
        } else {
            Vec::new()
        },
        ..List::default()
    };
    list.with(reasons, "Nothing is set aside.")
        .with(dropped, "None was given up.")
        .with(table, "")
        .show(&visit, &page)
}

#[derive(Serialize)]
struct Shown {
    id: String,
    received: i64,
    organisation: String,
    source: String,
    format: String,
    reason: String,
    detail: String,
    bytes: u64,
    text: String,
    is_text: bool,
    cut: bool,
    may_replay: bool,
}

/// `GET /set-aside/{id}`
pub(crate) async fn get(visit: Visit) -> Answer {
    let id: EventId = visit.ask.named(WHAT, |id| id.parse().ok())?;
    // It may be as large as a batch.
    let _turn = visit.ask.turn().await?;
    let letter = dead_letters::get(visit.ask.store(), visit.ask.scope()?, id).await?;
    let shown_bytes = letter.content.get(..LONGEST.min(letter.content.len())).unwrap_or_default();
    let is_text = std::str::from_utf8(&letter.content).is_ok();
    let shown = Shown {
        id: id.to_string(),
        received: letter.received.micros(),
        organisation: letter.organisation.to_string(),
        source: letter.source.to_string(),
        format: letter.format.clone(),
        reason: letter.reason.clone(),
        detail: letter.detail.clone(),
        bytes: letter.content.len() as u64,
        text: if is_text { String::from_utf8_lossy(shown_bytes).into_owned() } else { dump(shown_bytes) },
        is_text,
        cut: letter.content.len() > LONGEST,
        may_replay: visit.may(Permission::ReplayLetters),
    };
    let mut page =
        visit.page("A record that could not be read").below([Link::new("Set aside", "/set-aside")]);
    if visit.ask.parameters.text("done") == Some("replayed") {
        page = page.notice(Notice::success(
            "It is tried again. If it still cannot be read, it is set aside anew under another number.",
        ));
    }
    visit.show("letters/letter.jinja", &page, &shown)
}

/// `POST /set-aside/{id}/replay`
pub(crate) async fn replay(visit: Visit) -> Answer {
    let id: EventId = visit.ask.named(WHAT, |id| id.parse().ok())?;
    let (store, scope) = (visit.ask.store(), visit.ask.scope()?);
    let letter = dead_letters::get(store, scope, id).await?;
    let again = (visit.ask.state().replay)(letter).await;
    again.map_err(|why| Refusal::busy("could not try it again", 10).hint(why))?;
    dead_letters::mark_replayed(store, visit.actor()?, visit.ask.now, scope, &[id]).await?;
    Ok(sent_on(&format!("/set-aside/{id}?done=replayed")))
}

/// Sixteen bytes a line, as numbers and as letters.
fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (nth, line) in bytes.chunks(16).take(512).enumerate() {
        let numbers: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let letters: String =
            line.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' }).collect();
        text.push_str(&format!("{:06x}  {:<47}  {letters}\n", nth * 16, numbers.join(" ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_shown_as_numbers() {
        assert_eq!(dump(b"\xff\x00A"), format!("000000  {:<47}  ..A\n", "ff 00 41"));
    }
}
