//! Which rules are in force.

use crate::ask::{Answer, Ask, shown};
use crate::refusal::Refusal;

/// `GET /api/v1/rules`
pub(crate) async fn report(ask: Ask) -> Answer {
    let report = (ask.state().rules)();
    shown(&serde_json::to_value(report).map_err(|error| Refusal::failed(&error))?)
}
