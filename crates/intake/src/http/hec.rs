//! Splunk HTTP Event Collector, as shippers know it.
//!
//! - `/services/collector`, `/services/collector/event[/1.0]`: envelopes, see [`envelope`].
//! - `/services/collector/raw[/1.0]`: lines, see [`raw`].
//! - `/services/collector/ack[/1.0]`: whether a request is on disk, see `channels`. Since the answer comes
//!   after that, it always is.
//! - `/services/collector/health[/1.0]`: answers without a credential.
//!
//! Tokens come as `Authorization: Splunk t`, and also as `Bearer` or `Basic`; as `?token=` only where the
//! listener allows it. Content types are not looked at. Errors have Splunk's codes and texts; a source over
//! its rate gets 429 with code 9, "Server is busy".

mod answer;
pub(crate) mod channels;
pub mod envelope;
pub mod raw;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use ward_telemetry::input::Format;

use self::answer::{Said, success, troubled};
use super::HttpState;
use super::arrival::{Arrival, arrive_from, sender};
use super::events::json;
use super::trouble::Trouble;
use crate::counters::Reason;

/// Takes envelopes.
pub(crate) async fn event(State(state): State<HttpState>, request: Request) -> Response {
    let arrival = match arrive(&state, request).await {
        Ok(arrival) => arrival,
        Err(trouble) => return troubled(trouble),
    };
    if arrival.body.trim_ascii().is_empty() {
        return Said::NoData.answer();
    }
    let result = envelope::records(&arrival.body);
    match result {
        Ok(records) => keep(&state, arrival, Format::JsonLines, records.payload, records.events).await,
        Err(wrong) => {
            let set_aside = state.door().set_aside(&arrival.sender, Reason::Hec, arrival.body).await;
            set_aside.map_or_else(|refusal| troubled(refusal.into()), |()| wrong.answer())
        }
    }
}

/// Takes lines.
pub(crate) async fn lines(State(state): State<HttpState>, request: Request) -> Response {
    let mut arrival = match arrive(&state, request).await {
        Ok(arrival) => arrival,
        Err(trouble) => return troubled(trouble),
    };
    if arrival.body.trim_ascii().is_empty() {
        return Said::NoData.answer();
    }
    let body = std::mem::take(&mut arrival.body);
    let most = state.door().limits.records_bytes();
    let records = raw::records(body, arrival.parts.uri.query().unwrap_or_default(), most);
    let Some((format, payload, events)) = records else {
        state.door().figures.refuse(Reason::TooLarge, 1);
        return troubled(Trouble::RecordsTooLarge(most));
    };
    keep(&state, arrival, format, payload, events).await
}

/// Tells which requests of a channel are on disk.
pub(crate) async fn ack(State(state): State<HttpState>, request: Request) -> Response {
    let arrival = match arrive(&state, request).await {
        Ok(arrival) => arrival,
        Err(trouble) => return troubled(trouble),
    };
    let Some(channel) = channel(&arrival.parts) else { return Said::NoChannel.answer() };
    match state.channels().acks(arrival.sender.id(), &channel, &arrival.body) {
        Some(acks) => json(StatusCode::OK, acks),
        None => Said::InvalidData.answer(),
    }
}

/// Tells that it is there.
pub(crate) async fn health() -> Response {
    Said::Healthy.answer()
}

async fn keep(
    state: &HttpState,
    arrival: Arrival,
    format: Format,
    payload: Vec<u8>,
    events: u64,
) -> Response {
    let channel = channel(&arrival.parts);
    let delivered = state.door().deliver(&arrival.sender, format.as_str(), payload, events, None).await;
    match delivered {
        Ok(_) => success(channel.map(|channel| state.channels().next(arrival.sender.id(), &channel))),
        Err(not) => troubled(not.into()),
    }
}

async fn arrive(state: &HttpState, request: Request) -> Result<Arrival, Trouble> {
    let (parts, body) = request.into_parts();
    let token = query(&parts, "token");
    if token.is_some() && !state.token_in_query() {
        state.door().figures.refuse(Reason::TokenInQuery, 1);
        return Err(Trouble::TokenInQuery);
    }
    let sender = sender(state, &parts, token.as_deref())?;
    arrive_from(state, sender, parts, body).await
}

/// The channel of a request: any text, by header or URL.
fn channel(parts: &Parts) -> Option<String> {
    let header = parts.headers.get("x-splunk-request-channel").and_then(|value| value.to_str().ok());
    header.map(str::to_owned).or_else(|| query(parts, "channel")).filter(|channel| !channel.is_empty())
}

fn query(parts: &Parts, key: &str) -> Option<String> {
    raw::parameters(parts.uri.query()?).find(|(name, _)| name == key).map(|(_, value)| value)
}
