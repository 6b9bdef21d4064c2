//! What Elasticsearch clients ask before they send, and the answers that let them go on.
//!
//! Nothing is kept of what they set up: templates, policies and pipelines are acknowledged when they are put
//! and not there when they are asked for.

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;

use super::{content_type, failed, said, troubled};
use crate::http::HttpState;
use crate::http::arrival::sender;

/// Answers a question, or acknowledges something set up.
pub(crate) async fn answer(State(state): State<HttpState>, request: Request) -> Response {
    let content_type = content_type(request.headers());
    let (parts, _body) = request.into_parts();
    state.door().figures.requests.add(1);
    if let Err(trouble) = sender(&state, &parts, None) {
        return troubled(trouble, content_type);
    }
    let path = parts.uri.path();
    let path = path.strip_prefix("/elastic").unwrap_or(path).trim_end_matches('/');
    match parts.method {
        Method::GET | Method::HEAD => match known(path, &state, &parts) {
            Some(body) => said(StatusCode::OK, body, content_type),
            None => failed(
                StatusCode::NOT_FOUND,
                "resource_not_found_exception",
                "nothing is kept here",
                content_type,
            ),
        },
        Method::PUT | Method::POST | Method::DELETE => {
            let index = path.trim_start_matches('/');
            let body =
                serde_json::json!({ "acknowledged": true, "shards_acknowledged": true, "index": index });
            said(StatusCode::OK, body.to_string(), content_type)
        }
        _ => failed(
            StatusCode::METHOD_NOT_ALLOWED,
            "illegal_argument_exception",
            "no such method",
            content_type,
        ),
    }
}

/// The answer to a question. `None`: there is no such thing.
fn known(path: &str, state: &HttpState, parts: &axum::http::request::Parts) -> Option<String> {
    let version = state.elastic_version();
    let health = serde_json::json!({
        "cluster_name": "ward", "status": "green", "timed_out": false, "number_of_nodes": 1,
        "number_of_data_nodes": 1, "active_primary_shards": 0, "active_shards": 0, "relocating_shards": 0,
        "initializing_shards": 0, "unassigned_shards": 0, "number_of_pending_tasks": 0,
    });
    Some(
        match path {
            "" => serde_json::json!({
                "name": "ward", "cluster_name": "ward", "cluster_uuid": "ward-000000000000000000",
                "version": {
                    "number": version, "build_flavor": "default", "build_type": "tar", "build_hash": "0000000",
                    "build_date": "2026-01-01T00:00:00.000Z", "build_snapshot": false,
                    "lucene_version": "10.0.0",
                    "minimum_wire_compatibility_version": "8.0.0",
                    "minimum_index_compatibility_version": "8.0.0",
                },
                "tagline": "You Know, for Search",
            }),
            "/_license" => serde_json::json!({ "license": {
                "status": "active", "uid": "ward", "type": "basic", "mode": "basic",
                "issue_date": "2026-01-01T00:00:00.000Z", "issue_date_in_millis": 1_767_225_600_000_i64,
                "max_nodes": 1000, "issued_to": "ward", "issuer": "ward", "start_date_in_millis": -1,
            }}),
            "/_xpack" => serde_json::json!({
                "build": { "hash": "0000000", "date": "2026-01-01T00:00:00.000Z" },
                "license": { "uid": "ward", "type": "basic", "mode": "basic", "status": "active" },
                "features": { "ilm": { "available": true, "enabled": true },
                    "security": { "available": true, "enabled": true } },
            }),
            "/_cluster/health" => health,
            "/_cat/health" => return Some("0 00:00:00 ward green 1 1 0 0 0 0 0 0 - 100.0%\n".to_owned()),
            "/_cat/indices" => return Some(String::new()),
            "/_cluster/settings" => serde_json::json!({ "persistent": {}, "transient": {} }),
            "/_nodes" | "/_nodes/http" | "/_nodes/_all/http" => {
                let host = parts.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
                let http = serde_json::json!({ "bound_address": [host], "publish_address": host });
                let node = serde_json::json!({ "name": "ward", "version": version, "roles": ["ingest"], "http": http });
                serde_json::json!({ "cluster_name": "ward", "nodes": { "ward": node } })
            }
            "/_security/_authenticate" => serde_json::json!({
                "username": "source", "roles": ["ingest"], "enabled": true,
                "authentication_realm": { "name": "ward", "type": "ward" },
            }),
            _ => return None,
        }
        .to_string(),
    )
}
