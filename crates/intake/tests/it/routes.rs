//! The table of routes is the router's.

use std::collections::HashSet;

use ward_intake::config::Protocol;
use ward_intake::{ROUTES, Reason};

use crate::kit::Hub;

#[tokio::test]
async fn every_route_is_there_and_all_but_the_open_ones_ask_who_it_is() {
    let hub = Hub::with("http", "").await;
    for route in ROUTES {
        for method in route.methods.split(' ') {
            let path = route.path.replace("{name}", "x").replace("{index}", "x");
            let journal = [("Content-Type", "application/vnd.fdo.journal")];
            let otlp = [("Content-Type", "application/x-protobuf")];
            let headers = if route.protocol == Protocol::JournalUpload { journal } else { otlp };
            let answer = hub.ask(method, &path, &headers, b"").await;
            if route.open {
                assert!(
                    answer.status == 200 || answer.header("content-type") == "application/x-protobuf",
                    "{path}"
                );
            } else if answer.header("content-type") == "application/grpc" {
                assert_eq!(answer.header("grpc-status"), "16", "{path}");
            } else {
                assert_eq!(answer.status, 401, "{method} {path}: {answer:?}");
            }
        }
    }
    let asked: usize =
        ROUTES.iter().filter(|route| !route.open).map(|route| route.methods.split(' ').count()).sum();
    assert_eq!(hub.figures().refused(Reason::NoCredential), asked as u64);
}

#[test]
fn no_route_is_named_twice() {
    let paths: HashSet<_> = ROUTES.iter().map(|route| route.path).collect();
    assert_eq!(paths.len(), ROUTES.len());
}

#[tokio::test]
async fn a_listener_speaks_only_what_it_is_told_to() {
    let hub = Hub::with("http", "protocols = [\"hec\"]").await;
    assert_eq!(hub.ask("GET", "/services/collector/health", &[], b"").await.status, 200);
    for path in ["/_bulk", "/ingest/v1/events", "/v1/logs", "/upload", "/"] {
        assert_eq!(hub.ask("POST", path, &[], b"").await.status, 404, "{path}");
    }
}
