//! Lanes as the store keeps them from one start to the next.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use ward_core::{EventId, OrganisationId, SourceId, Timestamp};

use super::{Changed, Correlators, LaneKey, MOST_TOLD, State, name};
use crate::told::Told;

/// A lane as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    organisation: String,
    late: Option<String>,
    heard: String,
    source: String,
    received: i64,
    /// The fields that `told` has numbers of.
    #[serde(default)]
    fields: Vec<String>,
    told: Vec<(u64, KeptTold)>,
    state: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptTold {
    values: Vec<(u16, String)>,
    host: Option<String>,
}

impl Correlators {
    /// The lanes that changed since they were stored last.
    pub fn changed(&self) -> Vec<Changed> {
        let changed = self.lanes.iter().filter(|(_, state)| state.changed);
        let kept = changed.filter_map(|(key, state)| {
            let bytes = serde_json::to_vec(&state.keep(key)).ok()?;
            Some(Changed { name: name(key), key: key.clone(), heard: state.heard.batch, state: bytes })
        });
        kept.collect()
    }

    /// Takes a lane up again. What cannot be read is told and begins anew.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        let kept: Kept = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let key = LaneKey {
            organisation: OrganisationId::new(&kept.organisation).map_err(|error| error.to_string())?,
            late: kept.late.as_deref().map(SourceId::new).transpose().map_err(|error| error.to_string())?,
        };
        let heard: EventId = kept.heard.parse().map_err(|()| format!("'{}' is no event", kept.heard))?;
        let state = from_base64(&kept.state)?;
        let empty = self.engine.correlator(key.late.is_some());
        let (correlator, dropped) = empty.restore_alike(&state).map_err(|error| error.to_string())?;
        self.dropped += dropped.len() as u64;
        let source = SourceId::new(&kept.source).map_err(|error| error.to_string())?;
        // Where rules have changed since, the numbers mean other fields.
        let same_fields = correlator.reducer().fields() == kept.fields;
        let mut lane = State::new(correlator, source);
        (lane.heard, lane.received) = (heard, Timestamp::from_micros(kept.received));
        for (handle, told) in kept.told.into_iter().take(MOST_TOLD).filter(|_| same_fields) {
            lane.remember(handle, told.into_told());
        }
        self.lanes.insert(key, lane);
        Ok(())
    }
}

impl State {
    fn keep(&self, key: &LaneKey) -> Kept {
        let told = self.order.iter().filter_map(|handle| {
            let told = self.told.get(handle)?;
            let values = told.values.iter().map(|(field, value)| (*field, value.to_string())).collect();
            let host = told.host.as_deref().map(str::to_owned);
            Some((*handle, KeptTold { values, host }))
        });
        Kept {
            organisation: key.organisation.to_string(),
            late: key.late.as_ref().map(ToString::to_string),
            heard: self.heard.to_string(),
            source: self.source.to_string(),
            received: self.received.micros(),
            fields: self.correlator.reducer().fields().to_vec(),
            told: told.collect(),
            state: BASE64.encode(self.correlator.checkpoint()),
        }
    }
}

impl KeptTold {
    fn into_told(self) -> Told {
        Told {
            values: self.values.into_iter().map(|(field, value)| (field, value.into())).collect(),
            host: self.host.map(Into::into),
        }
    }
}

fn from_base64(text: &str) -> Result<Vec<u8>, String> {
    BASE64.decode(text).map_err(|error| error.to_string())
}
