//! The interface, wired to what runs.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::map_request;
use ward_core::Batch;
use ward_detect::Exception;
use ward_detect::load::LoadOptions;
use ward_intake::http::Peer;
use ward_intake::{Counters, Inbox};
use ward_people::Key;
use ward_people::password::Hasher;
use ward_store::Store;
use ward_store::dead_letters::DeadLetter;
use ward_web::{Caller, HuntLimits, RefusedRule, RulesReport, State};

use super::config::HubConfig;
use super::engine::Engine;
use super::figures::Figures;
use super::inbox::JournalInbox;
use super::watch::Post;
use super::{people, rule_text};
use crate::clock::now;
use crate::error::Error;

/// The routes of the interface.
pub fn routes(
    config: &HubConfig,
    key: Key,
    store: &Store,
    post: &Post,
    figures: &Arc<Figures>,
    counters: &Arc<Counters>,
) -> Result<Router, Error> {
    let (journal, figures, counters) = (Arc::clone(&post.journal), Arc::clone(figures), Arc::clone(counters));
    let letters = Arc::clone(&post.letters);
    let (watched, failing) = (Arc::clone(&journal), Arc::clone(&figures));
    let telling = Arc::clone(&post.engine);
    let (inbox, engine) = (JournalInbox(Arc::clone(&journal)), Arc::clone(&post.engine));
    let routes = ward_web::routes(State {
        store: store.clone(),
        lake: post.lake.clone(),
        sql: crate::sql_process::program(),
        key,
        sessions: config.console.limits(),
        hasher: Hasher::default(),
        brand: config.console.brand()?,
        site: config.console.url.as_ref().map(|url| url.trim_end_matches('/').to_owned()),
        secure: people::console(config, &[]).is_some_and(|url| url.starts_with("https://")),
        clock: Arc::new(now),
        hunt: HuntLimits {
            memory: config.hunt.memory_megabytes << 20,
            time: Duration::from_secs(config.hunt.seconds),
            at_once: config.hunt.at_once,
        },
        open_metrics: config.api.open_metrics,
        metrics: Arc::new(move || figures.text(&journal, &counters) + &letters.text() + &super::heap::text()),
        ready: Arc::new(move || match watched.usage().refusing {
            Some(why) => Err(format!("the journal refuses batches: {why}")),
            None if failing.store_failing.load(Relaxed) => Err("the store cannot be written".to_owned()),
            None => Ok(()),
        }),
        rules: Arc::new(move || report(&engine.load())),
        rule: Arc::new(move |id| rule_text::of(&telling.load(), id)),
        check_filter: Arc::new(|text| Exception::parse("filter", text, &LoadOptions::default()).map(drop)),
        replay: Arc::new(move |letter| {
            let taken = inbox.offer(again(letter), None);
            Box::pin(async move { taken.await.map_err(|refusal| refusal.to_string()) })
        }),
    });
    Ok(routes.map_err(Error::Pages)?.layer(map_request(told_where)))
}

/// Tells the interface where a request comes from.
async fn told_where(mut request: Request) -> Request {
    if let Some(peer) = request.extensions().get::<Peer>() {
        let caller = Caller(peer.address);
        request.extensions_mut().insert(caller);
    }
    request
}

fn report(engine: &Engine) -> RulesReport {
    let refused = engine.report.refused.iter().map(|problem| RefusedRule {
        place: format!("{}:{}", problem.path, problem.line),
        reason: problem.reason.to_string(),
    });
    RulesReport {
        generation: engine.generation,
        rules: engine.rules().len() as u64,
        correlations: engine.correlations.len() as u64,
        refused: refused.collect(),
    }
}

/// The record as a batch of its own, as if it had just come.
fn again(letter: DeadLetter) -> Batch {
    Batch {
        organisation: letter.organisation,
        source: letter.source,
        received: now(),
        format: letter.format,
        payload: letter.content,
    }
}
