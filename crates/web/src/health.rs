//! Whether Ward lives, whether it is ready, and its figures.

use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use serde_json::{Value, json};
use ward_people::Permission;
use ward_store::auth::Access;

use crate::ask::{Answer, Ask, shown, shown_as};

/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /healthz`
pub(crate) async fn alive(_ask: Ask) -> Answer {
    shown(&json!({ "alive": true }))
}

/// `GET /readyz`. Why it is not ready is told to whom figures are.
pub(crate) async fn ready(ask: Ask) -> Answer {
    let mut reasons: Vec<String> = (ask.state().ready)().err().into_iter().collect();
    match tokio::time::timeout(PATIENCE, ask.store().ping()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(%error, "the store does not answer");
            reasons.push("the store does not answer".to_owned());
        }
        Err(_) => reasons.push(format!("the store did not answer within {} seconds", PATIENCE.as_secs())),
    }
    let ready = reasons.is_empty();
    let mut answer = json!({ "ready": ready });
    let sees_all = |access: &Access| access.scope(Permission::SeeOverview).organisations().is_none();
    if ask.state().open_metrics || ask.access.as_deref().is_some_and(sees_all) {
        answer["reasons"] = Value::from(reasons);
    }
    shown_as(if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &answer)
}

/// `GET /metrics`
pub(crate) async fn metrics(ask: Ask) -> Answer {
    let text = (ask.state().metrics)();
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}
