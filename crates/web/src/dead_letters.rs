//! Records that could not be decoded: listed, looked at, tried again or thrown away.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use ward_core::{EventId, SourceId};
use ward_store::dead_letters::{self, DeadLetterFilter, Listed};
use ward_store::dropped_letters;

use crate::ask::{Answer, Ask, shown};
use crate::refusal::Refusal;
use crate::{cursor, json};

const LIST: &str = "dead_letters";
const WHAT: &str = "dead letter";
/// Bytes of a letter that are shown as text beside their base64.
const LONGEST_TEXT: usize = 1 << 20;

/// `GET /api/v1/deadletters`
pub(crate) async fn list(ask: Ask) -> Answer {
    let after = cursor::read(LIST, ask.parameters.text("cursor"), |place| place.parse::<EventId>().ok())?;
    let scope = ask.narrowed().await?;
    let Some(filter) = filter(&ask) else { return page(&[], None) };
    let listed = dead_letters::list(ask.store(), &scope, &filter, after, ask.limit()).await?;
    let last = listed.last().filter(|_| listed.len() >= ask.limit() as usize);
    page(&listed, last.map(|last| cursor::shown(LIST, &last.letter.id.to_string())))
}

/// `GET /api/v1/deadletters/counts`
pub(crate) async fn counts(ask: Ask) -> Answer {
    let scope = ask.narrowed().await?;
    let counts = dead_letters::counts(ask.store(), &scope).await?;
    let counts = counts.into_iter().map(|(reason, count)| json!({ "reason": reason, "count": count }));
    let dropped = dropped_letters::dropped(ask.store(), &scope, None).await?;
    shown(&json!({
        "counts": counts.collect::<Vec<Value>>(),
        "dropped": dropped.iter().map(json::dropped_letters).collect::<Vec<Value>>(),
    }))
}

/// `GET /api/v1/deadletters/{id}`
pub(crate) async fn get(ask: Ask) -> Answer {
    let id = ask.named(WHAT, |id| id.parse().ok())?;
    // It may be as large as a batch.
    let _turn = ask.turn().await?;
    let mut letter = dead_letters::get(ask.store(), ask.scope()?, id).await?;
    let content = std::mem::take(&mut letter.content);
    let bytes = content.len() as u64;
    let mut shown_letter = json::dead_letter(&Listed { letter, bytes, replayed: None });
    if let Value::Object(fields) = &mut shown_letter {
        // Only lists know when it was last tried again.
        fields.remove("replayed");
    }
    shown_letter["content_base64"] = STANDARD.encode(&content).into();
    let text = std::str::from_utf8(&content).ok().filter(|text| text.len() <= LONGEST_TEXT);
    shown_letter["text"] = text.map_or(Value::Null, Value::from);
    shown(&json!({ "dead_letter": shown_letter }))
}

/// `POST /api/v1/deadletters/{id}/replay`
pub(crate) async fn replay(ask: Ask) -> Answer {
    let id = ask.named(WHAT, |id| id.parse().ok())?;
    let (actor, scope) = (&ask.access()?.actor, ask.scope()?);
    let letter = dead_letters::get(ask.store(), scope, id).await?;
    let batch = (ask.state().replay)(letter)
        .await
        .map_err(|why| Refusal::busy("could not put it into the journal again", 10).hint(why))?;
    dead_letters::mark_replayed(ask.store(), actor, ask.now, scope, &[id]).await?;
    shown(&json!({ "batch": batch.0 }))
}

/// `DELETE /api/v1/deadletters`
pub(crate) async fn discard(ask: Ask) -> Answer {
    let access = ask.access()?;
    if ask.parameters.text("reason").is_none() && ask.parameters.text("source").is_none() {
        return Err(Refusal::unclear("could not throw everything away").hint("name a reason or a source"));
    }
    let scope = ask.narrowed().await?;
    let discarded = match filter(&ask) {
        Some(filter) => dead_letters::discard(ask.store(), &access.actor, ask.now, &scope, &filter).await?,
        None => 0,
    };
    shown(&json!({ "discarded": discarded }))
}

/// Which are asked for. `None`: of a source that cannot exist.
fn filter(ask: &Ask) -> Option<DeadLetterFilter> {
    let source = ask.parameters.text("source").map(SourceId::new).transpose().ok()?;
    let reason = ask.parameters.text("reason").map(str::to_owned);
    Some(DeadLetterFilter { reason, source, waiting: ask.parameters.flag("waiting") })
}

fn page(listed: &[Listed], next: Option<String>) -> Answer {
    let letters: Vec<Value> = listed.iter().map(json::dead_letter).collect();
    shown(&json!({ "dead_letters": letters, "next": next }))
}
