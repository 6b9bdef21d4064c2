//! What others take for the same events: a parser that only parses, and the one other streaming engine.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::time::Duration;

use rsigma_eval::Engine;
use rsigma_eval::event::JsonEvent;
use serde_json::{Value, json};
use ward_core::EventBuf;
use ward_telemetry::json::Scanner;

use crate::detect::{corpus, distinct_events, events_file, load, ready};
use crate::process::{peak, processor_time};

/// Reads the file of events and parses each with sonic-rs into its `Value`.
///
/// # Errors
/// The file cannot be read, or an event is refused.
pub fn sonic() -> Result<Value, String> {
    let path = events_file(&corpus()?)?;
    let before = processor_time();
    let mut file = BufReader::with_capacity(1 << 20, File::open(&path).map_err(|e| e.to_string())?);
    let (mut line, mut events, mut members) = (Vec::new(), 0, 0);
    while file.read_until(b'\n', &mut line).map_err(|e| e.to_string())? > 0 {
        let value: sonic_rs::Value = sonic_rs::from_slice(&line).map_err(|e| e.to_string())?;
        members += sonic_rs::JsonContainerTrait::as_object(&value).map_or(0, sonic_rs::Object::len);
        events += 1;
        line.clear();
    }
    Ok(rate(json!({ "members": members }), events, processor_time() - before))
}

/// Detects with `rsigma-eval`, each event given its one most specific log source beforehand.
///
/// # Errors
/// The corpus cannot be read, or the rules are refused.
pub fn rsigma(rounds: usize) -> Result<Value, String> {
    let corpus = corpus()?;
    let lines = distinct_events(&corpus)?;
    let sources = log_sources(&lines)?;
    let before = processor_time();
    let rules =
        rsigma_parser::parse_sigma_directory(&corpus.join("sigma/rules")).map_err(|e| e.to_string())?;
    let mut engine = Engine::new();
    engine.add_collection(&rules).map_err(|e| e.to_string())?;
    let loading = processor_time() - before;
    let before = processor_time();
    let mut hits = 0;
    for _ in 0..rounds {
        for (line, source) in lines.iter().zip(&sources) {
            let value: Value = serde_json::from_slice(line).map_err(|e| e.to_string())?;
            hits += engine.evaluate_with_logsource(&JsonEvent::borrow(&value), source).len();
        }
    }
    let figures = json!({ "hits": hits, "load_cpu_s": loading.as_secs_f64() });
    Ok(rate(figures, lines.len() * rounds, processor_time() - before))
}

/// The log source with a category if there is one: a router that knows one per event gives it that.
fn log_sources(lines: &[Vec<u8>]) -> Result<Vec<rsigma_parser::LogSource>, String> {
    let (matcher, mut resolver) = ready(load(&corpus()?, 2)?.set)?;
    let (mut scanner, mut buf) = (Scanner::default(), EventBuf::default());
    let mut sources = Vec::new();
    for line in lines {
        scanner.scan(line, matcher.names(), &mut buf).map_err(|e| e.to_string())?;
        let class = resolver.resolve(&buf.json_event(line));
        let specific = class
            .log_sources
            .iter()
            .max_by_key(|source| (source.category.is_some(), source.service.is_some()));
        let source = specific.cloned().unwrap_or_default();
        sources.push(rsigma_parser::LogSource {
            product: source.product,
            category: source.category,
            service: source.service,
            ..rsigma_parser::LogSource::default()
        });
    }
    Ok(sources)
}

fn rate(mut figures: Value, events: usize, cpu: Duration) -> Value {
    figures["events"] = json!(events);
    figures["cpu_s"] = json!(cpu.as_secs_f64());
    figures["events_per_cpu_s"] = json!(events as f64 / cpu.as_secs_f64());
    figures["peak_bytes"] = json!(peak());
    figures
}
