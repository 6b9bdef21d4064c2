//! The telemetry of a made-up sector: real events as templates, what differs from event to event drawn anew.
//!
//! Templates are the corpus's flat Windows events of 700 to 1,300 bytes. Names of hosts and users, times,
//! identifiers, handles and addresses are drawn for each event, the same in all places of it, so that neither
//! compression nor the filters of the lake have an easier life than with real telemetry.

use std::collections::HashMap;
use std::ops::Range;

use regex::Regex;

use super::Sector;

/// An event with places to fill in.
pub struct Template {
    pieces: Vec<Piece>,
    kinds: Vec<Kind>,
}

enum Piece {
    Text(Vec<u8>),
    /// Which drawn value stands here.
    Slot(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Guid,
    /// Seconds and milliseconds with this between date and time.
    Time(char),
    Hex(usize),
    Address,
    Host,
    User,
}

impl Template {
    /// The template of an event in JSON.
    ///
    /// # Errors
    /// It is no object.
    pub fn new(line: &[u8], patterns: &Patterns) -> Result<Self, String> {
        let text = std::str::from_utf8(line).map_err(|e| e.to_string())?;
        let event: HashMap<String, serde_json::Value> =
            serde_json::from_str(text).map_err(|e| e.to_string())?;
        let mut found: Vec<(Range<usize>, Kind)> = Vec::new();
        for (pattern, kind) in &patterns.0 {
            found
                .extend(pattern.find_iter(text).map(|place| (place.range(), kind_of(*kind, place.as_str()))));
        }
        for (kind, names) in [
            (Kind::Host, ["Hostname", "Computer", "host"]),
            (Kind::User, ["SubjectUserName", "AccountName", "TargetUserName"]),
        ] {
            for name in names.iter().filter_map(|name| event.get(*name)?.as_str()).filter(|n| n.len() > 4) {
                found.extend(text.match_indices(name).map(|(at, _)| (at..at + name.len(), kind)));
            }
        }
        found.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let (mut pieces, mut kinds, mut slots) = (Vec::new(), Vec::new(), HashMap::new());
        let mut done = 0;
        for (range, kind) in found {
            if range.start < done {
                continue;
            }
            pieces.push(Piece::Text(text.as_bytes()[done..range.start].to_vec()));
            let slot = *slots.entry(text[range.clone()].to_lowercase()).or_insert_with(|| {
                kinds.push(kind);
                kinds.len() - 1
            });
            pieces.push(Piece::Slot(slot));
            done = range.end;
        }
        pieces.push(Piece::Text(text.as_bytes()[done..].to_vec()));
        Ok(Self { pieces, kinds })
    }

    /// Writes an event of a device of the sector, and a line feed.
    pub fn write(&self, sector: &Sector, organisation: usize, chance: &mut Chance, out: &mut Vec<u8>) {
        let values: Vec<String> =
            self.kinds.iter().map(|kind| value(*kind, sector, organisation, chance)).collect();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text),
                Piece::Slot(slot) => out.extend_from_slice(values[*slot].as_bytes()),
            }
        }
        out.push(b'\n');
    }
}

fn kind_of(kind: Kind, found: &str) -> Kind {
    match kind {
        Kind::Hex(_) => Kind::Hex(found.len() - 2),
        kind => kind,
    }
}

fn value(kind: Kind, sector: &Sector, organisation: usize, chance: &mut Chance) -> String {
    match kind {
        Kind::Guid => {
            let (high, low) = (chance.next(), chance.next());
            format!(
                "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
                high >> 32,
                high >> 16 & 0xffff,
                high & 0xffff,
                low >> 48,
                low & 0xffff_ffff_ffff
            )
        }
        Kind::Time(between) => {
            let time = ward_core::Timestamp::from_micros(sector.start + (chance.below(60_000_000) as i64));
            let text = time.to_string();
            let (date, clock) = (text.get(..10).unwrap_or_default(), text.get(11..19).unwrap_or_default());
            format!("{date}{between}{clock}.{:03}", chance.below(1000))
        }
        Kind::Hex(digits) => format!("0x{:x}", chance.next() >> (64 - 4 * digits)),
        Kind::Address => {
            format!("10.{}.{}.{}", organisation % 256, chance.below(64), 1 + chance.below(254))
        }
        Kind::Host => format!("PC-{organisation:03}-{:05}.nhs.example", chance.below(sector.devices as u64)),
        Kind::User => format!("user{organisation:03}{:04}", chance.below(2000)),
    }
}

/// How the changing parts of an event are known.
pub struct Patterns(Vec<(Regex, Kind)>);

impl Patterns {
    /// All of them.
    ///
    /// # Errors
    /// One is no regular expression.
    pub fn new() -> Result<Self, String> {
        let known = [
            (r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}", Kind::Guid),
            (r"\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,7})?", Kind::Time(' ')),
            (r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?", Kind::Time('T')),
            (r"\b0[xX][0-9A-Fa-f]{3,6}\b", Kind::Hex(0)),
            (r"\b(10|172|192)\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", Kind::Address),
        ];
        let pattern = |(text, kind)| Ok((Regex::new(text).map_err(|e: regex::Error| e.to_string())?, kind));
        known.into_iter().map(pattern).collect::<Result<_, _>>().map(Self)
    }
}

/// Repeatable chance (splitmix64).
pub struct Chance(pub u64);

impl Chance {
    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_drawn_anew_and_the_same_within_an_event() {
        let line = br#"{"Hostname":"WORKSTATION5","Message":"On WORKSTATION5 {39e4a257-f1b3-5f8b-a700-000000000700}","ProcessGuid":"{39e4a257-f1b3-5f8b-a700-000000000700}","EventID":1,"AccessMask":"0x10"}"#;
        let template = Template::new(line, &Patterns::new().unwrap()).unwrap();
        let sector = Sector { start: 0, organisations: 2, devices: 100_000 };
        let mut out = Vec::new();
        let mut chance = Chance(1);
        (0..2).for_each(|_| template.write(&sector, 1, &mut chance, &mut out));
        let events: Vec<serde_json::Value> = out
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        let text = |at: usize, name: &str| events[at][name].as_str().unwrap().to_owned();
        assert_ne!(text(0, "Hostname"), text(1, "Hostname"));
        assert_ne!(text(0, "ProcessGuid"), text(1, "ProcessGuid"));
        assert!(text(0, "Message").contains(&text(0, "Hostname")));
        assert!(text(0, "Message").contains(&text(0, "ProcessGuid")));
        assert_eq!(text(0, "AccessMask"), "0x10", "short masks mean something");
    }
}
