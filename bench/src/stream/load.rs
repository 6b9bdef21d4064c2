//! What is sent: batches of telemetry, each of one organisation, and how often rules find something in them.

use std::path::Path;

use ward_detect::compiled::Worker;
use ward_telemetry::input::{Decoded, Decoder, Format, Options};

use super::Sector;
use super::telemetry::{Chance, Patterns, Template};
use crate::detect;

/// A body to be sent.
pub struct Body {
    /// Whose events, by number.
    pub organisation: usize,
    /// How many.
    pub events: u64,
    /// NDJSON.
    pub bytes: Vec<u8>,
    /// What single-event rules find in it.
    pub findings: u64,
}

/// One event in so many is of an attack.
pub const ATTACK: u64 = 10_000;
/// Events in a body.
pub const EVENTS: u64 = 500;

/// Templates of 700 to 1,300 bytes: those in which no rule finds anything, and those in which one does.
pub struct Templates {
    benign: Vec<Template>,
    attacks: Vec<Template>,
}

/// Counts what the single-event rules of the corpus find.
pub struct Finder {
    worker: Worker,
    resolver: ward_telemetry::taxonomy::Resolver,
    decoder: Decoder,
    names: std::sync::Arc<ward_core::FieldNames>,
}

impl Finder {
    /// With the 3,141 rules.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn new(corpus: &Path) -> Result<Self, String> {
        let (matcher, resolver) = detect::ready(detect::load(corpus, 2)?.set)?;
        let names = std::sync::Arc::clone(matcher.names());
        Ok(Self { worker: Worker::new(matcher), resolver, decoder: Decoder::new(&Options::default()), names })
    }

    /// How many findings there are in lines of JSON.
    pub fn count(&mut self, lines: &[u8]) -> u64 {
        let (mut hits, mut found) = (Vec::new(), 0);
        self.decoder.decode_lines(Format::JsonLines, lines, &self.names, &mut |decoded| {
            if let Decoded::Event { event, .. } = decoded {
                hits.clear();
                self.worker.matches(self.resolver.resolve(&event), &event, &mut hits);
                found += hits.len() as u64;
            }
        });
        found
    }
}

impl Templates {
    /// From the corpus.
    ///
    /// # Errors
    /// It cannot be read, or has none.
    pub fn new(corpus: &Path, finder: &mut Finder) -> Result<Self, String> {
        let patterns = Patterns::new()?;
        let (mut benign, mut attacks) = (Vec::new(), Vec::new());
        for line in detect::distinct_events(corpus)? {
            if (700..1300).contains(&line.len()) {
                let template = Template::new(&line, &patterns)?;
                if finder.count(&line) == 0 { benign.push(template) } else { attacks.push(template) }
            }
        }
        if benign.is_empty() || attacks.is_empty() {
            return Err("the corpus has no events of 700 to 1,300 bytes".to_owned());
        }
        Ok(Self { benign, attacks })
    }

    /// A body of an organisation.
    pub fn body(&self, sector: &Sector, organisation: usize, chance: &mut Chance) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 << 19);
        for _ in 0..EVENTS {
            let kind = if chance.below(ATTACK) == 0 { &self.attacks } else { &self.benign };
            let template = &kind[chance.below(kind.len() as u64) as usize];
            template.write(sector, organisation, chance, &mut bytes);
        }
        bytes
    }
}

/// Bodies of all organisations in turn, `megabytes` of them.
///
/// # Errors
/// The corpus cannot be read.
pub fn bodies(corpus: &Path, sector: &Sector, megabytes: usize) -> Result<Vec<Body>, String> {
    let mut finder = Finder::new(corpus)?;
    let templates = Templates::new(corpus, &mut finder)?;
    let mut chance = Chance(2026);
    let (mut bodies, mut made) = (Vec::new(), 0);
    while made < megabytes << 20 {
        let organisation = bodies.len() % sector.organisations;
        let bytes = templates.body(sector, organisation, &mut chance);
        made += bytes.len();
        let findings = finder.count(&bytes);
        bodies.push(Body { organisation, events: EVENTS, bytes, findings });
    }
    Ok(bodies)
}
