//! Listens for sources that have fallen silent.
//!
//! Invariant: a silence is told only of a time in which the source could have been heard: after the start of this
//! hub, while its journal took batches, and as far as these have been looked at.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, json};
use ward_core::{Actor, Scope, Severity, Timestamp};
use ward_journal::Journal;
use ward_store::findings::{self, Finding, RuleName};
use ward_store::heartbeats::{self, Hearing};
use ward_store::{FindingId, Store};

use super::figures::Figures;
use super::identity;
use crate::clock::now;
use crate::detect::problems::chain;
use crate::error::Error;

/// Time between looks.
const LISTEN: Duration = Duration::from_secs(15);

/// Looks for silent sources now and then, for ever.
pub async fn listen(store: Store, journal: Arc<Journal>, figures: Arc<Figures>) {
    let mut since = now();
    loop {
        tokio::time::sleep(LISTEN).await;
        let now = now();
        // Who is refused may send all the time.
        if journal.usage().refusing.is_some() {
            since = now;
            continue;
        }
        let Some(until) = figures.heard_until() else { continue };
        let hearing = Hearing { since, until: until.min(now) };
        if let Err(error) = tell_silence(&store, hearing, now).await {
            tracing::error!(error = %chain(&error), "could not look for silent sources");
        }
    }
}

/// Makes a finding of each source that has just fallen silent; the same silence is told once.
async fn tell_silence(store: &Store, hearing: Hearing, now: Timestamp) -> Result<(), Error> {
    let silent = heartbeats::silent(store, &Scope::whole_sector(), hearing).await?;
    let found: Vec<Finding> = silent
        .into_iter()
        .map(|silent| {
            let (id, organisation) = (silent.source.id, silent.source.organisation);
            let mut matched = Map::new();
            matched.insert("source".into(), json!(id.as_str()));
            matched.insert("last_seen".into(), json!(silent.ever.then(|| silent.since.to_string())));
            Finding {
                id: FindingId(identity::silence(&organisation, id.as_str(), silent.since.micros())),
                organisation,
                source: id,
                events: Vec::new(),
                rule: RuleName {
                    id: heartbeats::SILENT_RULE.to_owned(),
                    title: "A source of telemetry has fallen silent".to_owned(),
                    tags: vec!["attack.defense-evasion".to_owned(), "attack.t1562".to_owned()],
                },
                level: Severity::Medium,
                host: None,
                user: None,
                time: now,
                received: now,
                matched,
                exception: None,
            }
        })
        .collect();
    findings::record(store, &Actor::ward("keeper"), now, &found).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use ward_core::{OrganisationId, Source, SourceId};
    use ward_store::{StoreOptions, sources};

    use super::*;
    use crate::hub::trials::{configure, enter_senders, folder};

    #[tokio::test]
    async fn a_silence_is_told_once_and_only_of_a_time_in_which_the_source_could_be_heard() {
        let folder = folder();
        let config = configure(folder.path(), 1);
        enter_senders(&config).await;
        let store = Store::open(&config.store_url(), StoreOptions::default()).await.unwrap();
        let minute = sources::SHORTEST_SILENCE;
        let (organisation, id) = (OrganisationId::new("RXX").unwrap(), SourceId::new("rxx").unwrap());
        let silent_after = Some(5 * minute);
        let source = Source { id: id.clone(), organisation: organisation.clone(), rate: None, silent_after };
        let begun = now();
        let at = |minutes: i64| Timestamp::from_micros(begun.micros() + minutes * minute);
        sources::put(&store, &Actor::operator("test".to_owned()), begun, &source).await.unwrap();
        let whole = heartbeats::Heartbeat {
            organisation,
            source: id,
            device: heartbeats::WHOLE_SOURCE.to_owned(),
            first_seen: begun,
            last_seen: begun,
            events: 0,
        };
        heartbeats::record(&store, begun, &[whole]).await.unwrap();
        // The hub is down from then on, until an hour later.
        for (since, until, told) in [
            (at(60), at(60), 0), // it has just started
            (at(60), at(2), 0),  // it looks at what came before it was down
            (at(60), at(65), 0),
            (at(60), at(66), 1),
            (at(60), at(90), 1),   // the same silence
            (at(100), at(100), 1), // started again
            (at(100), at(120), 1),
        ] {
            tell_silence(&store, Hearing { since, until }, at(120)).await.unwrap();
            let found = findings::list(&store, &Scope::whole_sector(), None, 10).await.unwrap();
            assert_eq!(found.len(), told, "{since} to {until}");
        }
    }
}
