//! The interface, wired to what runs.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use ward_intake::Counters;
use ward_store::Store;

use super::config::HubConfig;
use super::figures::Figures;
use super::watch::Post;

/// The routes of the interface.
pub fn routes(
    _config: &HubConfig,
    _store: &Store,
    post: &Post,
    figures: &Arc<Figures>,
    counters: &Arc<Counters>,
) -> Router {
    let (journal, figures, counters) = (Arc::clone(&post.journal), Arc::clone(figures), Arc::clone(counters));
    let metrics = move || {
        let text = figures.text(&journal, &counters);
        async move { text }
    };
    Router::new().route("/metrics", get(metrics)).route("/healthz", get(|| async { "ok\n" }))
}
