//! Listens for sources that have fallen silent.

use std::time::Duration;

use serde_json::{Map, json};
use ward_core::{Actor, Scope, Severity};
use ward_store::findings::{self, Finding, RuleName};
use ward_store::{FindingId, Store, heartbeats};

use super::identity;
use crate::clock::now;
use crate::detect::problems::chain;
use crate::error::Error;

/// Time between looks.
const LISTEN: Duration = Duration::from_secs(15);

/// Looks for silent sources now and then, for ever.
pub async fn listen(store: Store) {
    loop {
        tokio::time::sleep(LISTEN).await;
        if let Err(error) = tell_silence(&store).await {
            tracing::error!(error = %chain(&error), "could not look for silent sources");
        }
    }
}

/// Makes a finding of each source that has just fallen silent; the same silence is told once.
async fn tell_silence(store: &Store) -> Result<(), Error> {
    let now = now();
    let silent = heartbeats::silent(store, &Scope::whole_sector(), now).await?;
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
