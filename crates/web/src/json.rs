//! Things of the domains as JSON. The names of what is in them are part of the interface: `openapi::schemas`
//! lists them, and a test compares the two.

use serde_json::{Value, json};
use ward_core::{EventId, Organisation, OrganisationId, Scope, Source, Timestamp};
use ward_ledger::{Entry, actor_kind_name};
use ward_store::alerts::Alert;
use ward_store::dead_letters::Listed;
use ward_store::dropped_letters::Dropped;
use ward_store::exceptions::Exception;
use ward_store::findings::Stored;
use ward_store::heartbeats::{Heartbeat, Silent};
use ward_store::sources::Entered;

/// A point in time.
pub(crate) fn time(time: Timestamp) -> Value {
    time.to_string().into()
}

fn maybe_time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, time)
}

pub(crate) fn alert(alert: &Alert) -> Value {
    json!({
        "id": alert.id.to_string(),
        "organisation": alert.organisation.as_str(),
        "rule": alert.rule,
        "title": alert.title,
        "tags": alert.tags,
        "entity": { "kind": alert.entity.kind(), "name": alert.entity.name() },
        "level": alert.level.as_str(),
        "state": alert.state.name(),
        "verdict": alert.verdict.name(),
        "owner": alert.owner,
        "note": alert.note,
        "first_seen": time(alert.first_seen),
        "last_seen": time(alert.last_seen),
        "count": alert.count,
        "opened": time(alert.opened),
        "changed": time(alert.changed),
    })
}

pub(crate) fn finding(stored: &Stored) -> Value {
    let finding = &stored.finding;
    let events: Vec<String> = finding.events.iter().map(EventId::to_string).collect();
    json!({
        "id": finding.id.to_string(),
        "organisation": finding.organisation.as_str(),
        "source": finding.source.as_str(),
        "events": events,
        "rule": finding.rule.id,
        "title": finding.rule.title,
        "tags": finding.rule.tags,
        "level": finding.level.as_str(),
        "host": finding.host,
        "user": finding.user,
        "time": time(finding.time),
        "received": time(finding.received),
        "stored": time(stored.stored),
        "matched": finding.matched,
        "exception": finding.exception.map(|id| id.to_string()),
        "alert": stored.alert.map(|id| id.to_string()),
    })
}

/// An organisation. What is above it is told only to who may see that.
pub(crate) fn organisation(scope: &Scope, organisation: &Organisation) -> Value {
    let parent = organisation.parent.as_ref().filter(|parent| scope.sees(parent));
    json!({
        "id": organisation.id.as_str(),
        "parent": parent.map(OrganisationId::as_str),
        "kind": organisation.kind.name(),
        "name": organisation.name,
    })
}

/// A source. Its pause is in seconds.
pub(crate) fn source(entered: &Entered) -> Value {
    let Source { id, organisation, rate, silent_after } = &entered.source;
    json!({
        "id": id.as_str(),
        "organisation": organisation.as_str(),
        "rate": rate,
        "silent_after_seconds": silent_after.map(|micros| micros / 1_000_000),
        "enabled": entered.enabled,
        "created": time(entered.created),
    })
}

pub(crate) fn device(beat: &Heartbeat, silent: bool) -> Value {
    json!({
        "organisation": beat.organisation.as_str(),
        "source": beat.source.as_str(),
        "device": beat.device,
        "first_seen": time(beat.first_seen),
        "last_seen": time(beat.last_seen),
        "events": beat.events,
        "silent": silent,
    })
}

pub(crate) fn silent(silent: &Silent) -> Value {
    json!({
        "source": silent.source.id.as_str(),
        "organisation": silent.source.organisation.as_str(),
        "since": time(silent.since),
        "ever_heard": silent.ever,
    })
}

pub(crate) fn exception(stored: &Exception, now: Timestamp) -> Value {
    let exception = &stored.exception;
    json!({
        "id": stored.id.to_string(),
        "organisation": exception.organisation.as_str(),
        "and_below": exception.and_below,
        "filter": exception.filter,
        "reason": exception.reason,
        "owner": exception.owner,
        "created": time(stored.created),
        "expires": time(exception.expires),
        "removed": maybe_time(stored.removed),
        "in_force": stored.removed.is_none() && exception.expires > now,
        "muted": stored.muted,
    })
}

pub(crate) fn dead_letter(listed: &Listed) -> Value {
    let letter = &listed.letter;
    json!({
        "id": letter.id.to_string(),
        "organisation": letter.organisation.as_str(),
        "source": letter.source.as_str(),
        "received": time(letter.received),
        "format": letter.format,
        "reason": letter.reason,
        "detail": letter.detail,
        "bytes": listed.bytes,
        "replayed": maybe_time(listed.replayed),
    })
}

pub(crate) fn dropped_letters(dropped: &Dropped) -> Value {
    json!({
        "organisation": dropped.organisation.as_str(),
        "source": dropped.source.as_str(),
        "why": dropped.why.name(),
        "count": dropped.letters,
        "bytes": dropped.bytes,
        "latest": time(dropped.latest),
    })
}

pub(crate) fn entry(entry: &Entry) -> Value {
    let detail = serde_json::from_str(&entry.detail).unwrap_or_else(|_| Value::from(entry.detail.as_str()));
    json!({
        "number": entry.number,
        "time": time(entry.time),
        "actor": { "kind": actor_kind_name(entry.actor.kind), "name": entry.actor.name },
        "action": entry.action,
        "subject": entry.subject,
        "detail": detail,
        "previous": entry.previous.to_string(),
        "hash": entry.hash.to_string(),
    })
}
