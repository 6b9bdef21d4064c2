//! The ledger: read, and checked. It tells of all organisations, so that it is there only for the whole sector.

use serde_json::{Value, json};
use ward_ledger::Head;
use ward_store::ledger;

use crate::ask::{Answer, Ask, shown};
use crate::refusal::Refusal;
use crate::{cursor, json};

const LIST: &str = "ledger";

/// `GET /api/v1/ledger`
pub(crate) async fn list(ask: Ask) -> Answer {
    let after = cursor::read(LIST, ask.parameters.text("cursor"), |place| place.parse().ok())?.unwrap_or(0);
    let entries = ledger::entries(ask.store(), ask.scope()?, after, ask.limit()).await?;
    let last = entries.last().filter(|_| entries.len() >= ask.limit() as usize);
    shown(&json!({
        "entries": entries.iter().map(json::entry).collect::<Vec<Value>>(),
        "next": last.map(|last| cursor::shown(LIST, &last.number.to_string())),
    }))
}

/// `GET /api/v1/ledger/verify`
pub(crate) async fn verify(ask: Ask) -> Answer {
    if ask.scope()?.organisations().is_some() {
        return Err(Refusal::missing("ledger"));
    }
    let _turn = ask.turn().await?;
    shown(&match ledger::verify(ask.store(), &[]).await? {
        Ok(Head { number, hash }) => json!({ "whole": true, "entries": number, "hash": hash.to_string() }),
        Err(broken) => json!({ "whole": false, "first_bad": broken.number, "why": broken.why.to_string() }),
    })
}
