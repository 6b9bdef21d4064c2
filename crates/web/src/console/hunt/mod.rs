//! Hunting: who else saw this, and when? A search over the events of everybody whom one may see.

pub(super) mod event;
pub(super) mod search;

use serde::Serialize;
use ward_lake::FoundRow;

use super::visit::escaped;

/// Bytes of an event that a row of a list shows.
const SNIPPET: usize = 400;

/// An event in a list, with where to go on from it.
#[derive(Serialize)]
struct RowShown {
    id: String,
    time: i64,
    organisation: String,
    source: String,
    device: Option<String>,
    user: Option<String>,
    snippet: String,
    pivots: Vec<Pivot>,
}

/// A search for what else has this.
#[derive(Serialize)]
struct Pivot {
    text: String,
    href: String,
}

fn row_shown(found: &FoundRow) -> RowShown {
    let text = String::from_utf8_lossy(&found.raw);
    RowShown {
        id: found.id.to_string(),
        time: found.time.micros(),
        organisation: found.organisation.to_string(),
        source: found.source.clone(),
        device: found.device.clone(),
        user: found.user.clone(),
        snippet: text.get(..text.floor_char_boundary(SNIPPET)).unwrap_or_default().to_owned(),
        pivots: pivots(found).into_iter().take(6).collect(),
    }
}

/// Everything that an event can be looked for by.
fn pivots(found: &FoundRow) -> Vec<Pivot> {
    let one = |name: &str, value: &str| Pivot { text: value.to_owned(), href: to(name, value) };
    let mut pivots = Vec::new();
    pivots.extend(found.device.iter().map(|device| one("device", device)));
    pivots.extend(found.user.iter().map(|user| one("user", user)));
    pivots.extend(found.addresses.iter().map(|address| one("ip", address)));
    pivots.extend(found.hashes.iter().map(|hash| one("hash", hash)));
    pivots.extend(found.domains.iter().map(|domain| one("domain", domain)));
    pivots.extend(found.urls.iter().map(|url| one("url", url)));
    pivots
}

/// A search for all that has this value, in the last 90 days.
fn to(name: &str, value: &str) -> String {
    format!("/hunt?q={}&last=90d", escaped(&format!("{name}:{}", quoted(value))))
}

/// A value as the query language takes any: in quotes, where two letters alone are special.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use ward_lake::Query;

    use super::*;

    #[test]
    fn whatever_an_event_has_can_be_looked_for() {
        assert_eq!(quoted("a*b"), "\"a*b\"");
        for value in ["pc-1", "CORP\\anna", "a \"b\"", "*", "", "x:y OR z"] {
            assert!(Query::parse(&format!("user:{}", quoted(value))).is_ok() || value.is_empty(), "{value}");
        }
    }
}
