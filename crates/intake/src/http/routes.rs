//! The routes of all protocols, and a table of them that tests can walk.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderMap, header};
use axum::routing::{any, get, post};
use tower::{ServiceExt as _, service_fn};

use super::{HttpState, elastic, events, hec, journal_upload, otlp};
use crate::config::Protocol;

/// A route of the protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Methods, separated by spaces.
    pub methods: &'static str,
    /// Path as the router has it.
    pub path: &'static str,
    /// The protocol it belongs to.
    pub protocol: Protocol,
    /// Whether it answers without a credential.
    pub open: bool,
}

/// All routes that [`routes`] may have. Those of Elasticsearch are there again below `/elastic`.
pub const ROUTES: &[Route] = &[
    taking("POST", "/ingest/v1/events", Protocol::Events),
    taking("POST", "/services/collector", Protocol::Hec),
    taking("POST", "/services/collector/event", Protocol::Hec),
    taking("POST", "/services/collector/event/1.0", Protocol::Hec),
    taking("POST", "/services/collector/raw", Protocol::Hec),
    taking("POST", "/services/collector/raw/1.0", Protocol::Hec),
    taking("GET POST", "/services/collector/ack", Protocol::Hec),
    taking("GET POST", "/services/collector/ack/1.0", Protocol::Hec),
    Route { open: true, ..taking("GET", "/services/collector/health", Protocol::Hec) },
    Route { open: true, ..taking("GET", "/services/collector/health/1.0", Protocol::Hec) },
    taking("POST PUT", "/_bulk", Protocol::Elastic),
    taking("POST PUT", "/{index}/_bulk", Protocol::Elastic),
    asking(ROOT),
    asking("/_alias/{name}"),
    asking("/_cat/health"),
    asking("/_cat/indices"),
    asking("/_cluster/health"),
    asking("/_cluster/settings"),
    asking("/_component_template/{name}"),
    asking("/_data_stream/{name}"),
    asking("/_ilm/policy/{name}"),
    asking("/_index_template/{name}"),
    asking("/_ingest/pipeline/{name}"),
    asking("/_license"),
    asking("/_nodes"),
    asking("/_nodes/http"),
    asking("/_nodes/_all/http"),
    asking("/_plugins/_ism/policies/{name}"),
    asking("/_security/_authenticate"),
    asking("/_template/{name}"),
    asking("/_xpack"),
    asking("/{index}"),
    asking("/{index}/_alias/{name}"),
    taking("POST", "/v1/logs", Protocol::Otlp),
    Route { open: true, ..taking("POST", "/v1/metrics", Protocol::Otlp) },
    Route { open: true, ..taking("POST", "/v1/traces", Protocol::Otlp) },
    taking("POST", otlp::GRPC_PATH, Protocol::Otlp),
    taking("POST", "/upload", Protocol::JournalUpload),
];

const fn taking(methods: &'static str, path: &'static str, protocol: Protocol) -> Route {
    Route { methods, path, protocol, open: false }
}

const fn asking(path: &'static str) -> Route {
    taking("GET HEAD PUT POST DELETE", path, Protocol::Elastic)
}

/// The routes of the protocols that the listener speaks.
pub fn routes(state: HttpState) -> Router {
    made(state, |_| true)
}

/// The same beside the pages and interface of the hub. At `/` both Elasticsearch's handshake and a page may be: browsers,
/// and they alone, say that they take HTML.
pub fn beside(state: HttpState, api: Router) -> Router {
    let speaks = routes(state.clone());
    if !state.protocols().contains(&Protocol::Elastic) {
        return speaks.merge(api);
    }
    let all = made(state, |route| route.path != ROOT).merge(api);
    Router::new().fallback_service(service_fn(move |request: Request| {
        let handshake = request.uri().path() == ROOT && !takes_html(request.headers());
        if handshake { speaks.clone() } else { all.clone() }.oneshot(request)
    }))
}

const ROOT: &str = "/";

fn takes_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

fn made(state: HttpState, wanted: impl Fn(&Route) -> bool) -> Router {
    let mut router = Router::new();
    let spoken = ROUTES.iter().filter(|route| state.protocols().contains(&route.protocol));
    for route in spoken.filter(|route| wanted(route)) {
        let handler = || match (route.protocol, route.path) {
            (Protocol::Events, _) => post(events::take),
            (Protocol::Hec, path) if path.contains("/raw") => post(hec::lines),
            (Protocol::Hec, path) if path.contains("/ack") => post(hec::ack).get(hec::ack),
            (Protocol::Hec, path) if path.contains("/health") => get(hec::health),
            (Protocol::Hec, _) => post(hec::event),
            (Protocol::Elastic, path) if path.ends_with("_bulk") => post(elastic::take).put(elastic::take),
            (Protocol::Elastic, _) => any(elastic::answer),
            (Protocol::Otlp, otlp::GRPC_PATH) => post(otlp::export),
            (Protocol::Otlp, "/v1/logs") => post(otlp::logs),
            (Protocol::Otlp, _) => post(otlp::not_events),
            (Protocol::JournalUpload, _) => post(journal_upload::take),
        };
        router = router.route(route.path, handler());
        if route.protocol == Protocol::Elastic {
            router = router.route(&below_elastic(route.path), handler());
        }
    }
    // Bodies are read within the listener's own limits.
    router.layer(DefaultBodyLimit::disable()).with_state(state)
}

fn below_elastic(path: &str) -> String {
    if path == "/" { "/elastic".to_owned() } else { format!("/elastic{path}") }
}
