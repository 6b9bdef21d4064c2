//! What detection costs: rate, memory and loading, beside a parser that does nothing else and a peer.
//!
//! Each measurement runs in a process of its own, so that its peak memory and processor time are its own.
//! The events are the corpus's flat Windows events, written over and over to a file of half a million.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ward_detect::compiled::{Matcher, Worker};
use ward_detect::load::{LoadOptions, RuleSet, link, parse};
use ward_telemetry::input::{Decoded, Decoder, Input, Options};
use ward_telemetry::taxonomy::{Resolver, Taxonomy};

use crate::process::{peak, processor_time};

/// Events in the file.
pub const EVENTS: usize = 500_000;

/// The corpus folder that holds `sigma`, `evtx` and `json`.
///
/// # Errors
/// There is none.
pub fn corpus() -> Result<PathBuf, String> {
    let folder =
        std::env::var_os("WARD_CORPUS").map_or_else(|| "target/corpus/detection".into(), PathBuf::from);
    if folder.join("sigma").is_dir() { Ok(folder) } else { Err("no corpus: set WARD_CORPUS".to_owned()) }
}

/// Writes the file of events, unless it is there already.
///
/// # Errors
/// It cannot be written, or the corpus has no events.
pub fn events_file(corpus: &Path) -> Result<PathBuf, String> {
    let path = PathBuf::from("target/bench/windows-events.ndjson");
    let lines = distinct_events(corpus)?;
    let bytes: usize = (0..EVENTS).map(|n| lines[n % lines.len()].len() + 1).sum();
    if path.metadata().is_ok_and(|known| known.len() == bytes as u64) {
        return Ok(path);
    }
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all("target/bench")?;
        let mut file = BufWriter::new(File::create(&path)?);
        for n in 0..EVENTS {
            file.write_all(&lines[n % lines.len()])?;
            file.write_all(b"\n")?;
        }
        file.flush()
    };
    write().map_err(|e| format!("could not write {}: {e}", path.display()))?;
    Ok(path)
}

/// The corpus's flat Windows events, a record each.
///
/// # Errors
/// They cannot be read, or there are none.
pub fn distinct_events(corpus: &Path) -> Result<Vec<Vec<u8>>, String> {
    let mut lines = Vec::new();
    for path in files(&corpus.join("json"), "jsonl")? {
        let text = std::fs::read(&path).map_err(|e| format!("could not read {}: {e}", path.display()))?;
        lines.extend(text.split(|&b| b == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec));
    }
    if lines.is_empty() { Err("the corpus has no events".to_owned()) } else { Ok(lines) }
}

/// Rules loaded, and what that took.
pub struct Loaded {
    /// The rules.
    pub set: RuleSet,
    /// From the first file opened to the last rule linked.
    pub wall: Duration,
}

/// Loads the 3,141 rules on `threads` threads.
///
/// # Errors
/// A file cannot be read.
pub fn load(corpus: &Path, threads: usize) -> Result<Loaded, String> {
    let start = Instant::now();
    let paths = files(&corpus.join("sigma/rules"), "yml")?;
    let options = LoadOptions::default();
    let parts: Vec<&[PathBuf]> = paths.chunks(paths.len().div_ceil(threads).max(1)).collect();
    let parsed = std::thread::scope(|scope| {
        let read = |part: &[PathBuf]| {
            part.iter()
                .map(|path| {
                    let text =
                        std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
                    Ok(parse(&path.display().to_string(), &text, &options))
                })
                .collect::<Result<Vec<_>, String>>()
        };
        let workers: Vec<_> = parts.iter().map(|part| scope.spawn(move || read(part))).collect();
        workers.into_iter().map(|w| w.join().unwrap_or_else(|_| Err("a thread failed".to_owned()))).collect()
    });
    let parsed: Vec<Vec<_>> = Result::from_iter::<Vec<Result<Vec<_>, String>>>(parsed)?;
    let set = link(parsed.into_iter().flatten().collect());
    Ok(Loaded { set, wall: start.elapsed() })
}

/// Detects over the file of events on `threads` threads.
///
/// # Errors
/// The file or the rules cannot be read.
pub fn ward(threads: usize) -> Result<Value, String> {
    let corpus = corpus()?;
    let loaded = load(&corpus, threads)?;
    let rules = loaded.set.rules.len();
    let loading = processor_time_of_all();
    let path = events_file(&corpus)?;
    let bytes = path.metadata().map_err(|e| e.to_string())?.len();
    let setting_up = processor_time_of_all();
    let start = Instant::now();
    let (matcher, resolver) = ready(loaded.set)?;
    let file = File::open(&path).map_err(|e| e.to_string())?;
    let options = Options::default();
    let input = Input::open(Box::new(file), &options).map_err(|e| e.to_string())?;
    let input = Mutex::new(input);
    let counts = std::thread::scope(|scope| {
        let work = || Thread::new(&matcher, &resolver, &options).run(&input);
        let threads: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let own = work();
        let others = threads.into_iter().map(|t| t.join().unwrap_or_default());
        others.fold(own, |sum, one| Counts {
            events: sum.events + one.events,
            hits: sum.hits + one.hits,
            cpu: sum.cpu + one.cpu,
        })
    });
    let wall = start.elapsed();
    let cpu = counts.cpu;
    Ok(json!({
        "threads": threads, "rules": rules, "events": counts.events, "hits": counts.hits, "bytes": bytes,
        "load_wall_s": loaded.wall.as_secs_f64(), "load_cpu_s": loading.as_secs_f64(),
        "cpu_s": cpu.as_secs_f64(), "wall_s": wall.as_secs_f64(),
        "events_per_cpu_s": counts.events as f64 / cpu.as_secs_f64(),
        "events_per_wall_s": counts.events as f64 / wall.as_secs_f64(),
        "peak_bytes": peak(), "prepare_cpu_s": (setting_up - loading).as_secs_f64(),
    }))
}

#[derive(Default)]
struct Counts {
    events: u64,
    hits: u64,
    cpu: Duration,
}

struct Thread<'a> {
    matcher: &'a Arc<Matcher>,
    resolver: &'a Resolver,
    options: &'a Options,
}

impl<'a> Thread<'a> {
    fn new(matcher: &'a Arc<Matcher>, resolver: &'a Resolver, options: &'a Options) -> Self {
        Self { matcher, resolver, options }
    }

    fn run(self, input: &Mutex<Input>) -> Counts {
        let before = processor_time();
        let mut counts = Counts::default();
        let mut resolver = self.resolver.clone();
        let mut worker = Worker::new(Arc::clone(self.matcher));
        let mut decoder = Decoder::new(self.options);
        let (mut memory, mut hits) = (Vec::new(), Vec::new());
        loop {
            let next =
                input.lock().unwrap_or_else(PoisonError::into_inner).next_block(std::mem::take(&mut memory));
            let Ok(Some(mut block)) = next else { break };
            decoder.decode(&mut block, self.matcher.names(), &mut |decoded| {
                if let Decoded::Event { event, .. } = decoded {
                    hits.clear();
                    worker.matches(resolver.resolve(&event), &event, &mut hits);
                    counts.events += 1;
                    counts.hits += hits.len() as u64;
                }
            });
            memory = block.into_memory();
        }
        counts.cpu = processor_time() - before;
        counts
    }
}

/// The matcher of a rule set and the resolver that goes with it.
///
/// # Errors
/// The built-in tables do not fit the rules' field names.
pub fn ready(set: RuleSet) -> Result<(Arc<Matcher>, Resolver), String> {
    let taxonomy = Taxonomy::builtin().map_err(|e| e.to_string())?;
    let mut fields = Vec::new();
    set.rules.iter().for_each(|rule| rule.condition.each_field(&mut |field| fields.push(field)));
    let names = Arc::new(taxonomy.field_names(fields).map_err(|e| e.to_string())?);
    let resolver = taxonomy.resolver(&names).map_err(|e| e.to_string())?;
    Ok((Arc::new(Matcher::new(set.rules.into(), names)), resolver))
}

/// Files below a folder, sorted.
///
/// # Errors
/// A folder cannot be read.
pub fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            std::fs::read_dir(&folder).map_err(|e| format!("could not read {}: {e}", folder.display()))?;
        for entry in entries {
            let path = entry.map_err(|e| e.to_string())?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Processor time of this process, all threads, those that ended too.
fn processor_time_of_all() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let fields: Vec<u64> = after_name.split_whitespace().skip(1).map(|f| f.parse().unwrap_or(0)).collect();
    // fields 14 and 15 of proc(5), in hundredths of a second; two were cut off in front, one skipped
    let ticks = fields.get(10).copied().unwrap_or(0) + fields.get(11).copied().unwrap_or(0);
    Duration::from_millis(ticks * 10)
}
