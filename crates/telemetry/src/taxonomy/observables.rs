//! The observables of an event: addresses, hashes, domains and URLs, found and put into one form, so that
//! "who else saw this?" is a comparison of equal texts.
//!
//! Which fields hold which kind, and which hold prose that may tell of all, is a table (`[observables]` of a
//! taxonomy file). Only fields that were asked for with [`super::Taxonomy::observable_fields`] are looked at.
//!
//! Invariant: an observable is in lower case, without the brackets, ports or names around it, and told once
//! for each event.
//! Invariant: at most [`MAX_EACH`] of a kind, of at most [`MAX_BYTES`] each, are told of one event; the record
//! itself keeps the rest.

use std::net::{IpAddr, Ipv6Addr};
use std::ops::Range;

use ward_core::{Event, FieldNames};

use super::file::File;
use super::free_text;
use super::slot::is_scalar;

/// Most observables of one kind of one event.
pub const MAX_EACH: usize = 64;
/// Longest observable in bytes.
pub const MAX_BYTES: usize = 2048;

/// Kinds of observables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObservableKind {
    /// An IPv4 or IPv6 address, written as RFC 5952 wants it.
    Address,
    /// MD5, SHA-1, SHA-2 of a file, or an import hash: hexadecimal.
    Hash,
    /// A domain name, without the last dot.
    Domain,
    /// A URL with its scheme.
    Url,
}

/// What was found in one event. Reused from event to event.
#[derive(Debug, Default)]
pub struct Observables {
    text: String,
    places: [Vec<Range<usize>>; 4],
    value: Vec<u8>,
}

impl ObservableKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Address, Self::Hash, Self::Domain, Self::Url];
}

impl Observables {
    /// Those of one kind, in the order they stand in the event.
    pub fn of(&self, kind: ObservableKind) -> impl Iterator<Item = &str> {
        self.places[kind as usize].iter().map(|place| self.text.get(place.clone()).unwrap_or_default())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.iter().all(Vec::is_empty)
    }

    fn clear(&mut self) {
        self.text.clear();
        self.places.iter_mut().for_each(Vec::clear);
    }

    /// Adds one that is in its form already.
    pub(super) fn add(&mut self, kind: ObservableKind, value: &str) {
        let known = self.places[kind as usize].len();
        if value.len() > MAX_BYTES || known >= MAX_EACH || self.of(kind).any(|known| known == value) {
            return;
        }
        let start = self.text.len();
        self.text.push_str(value);
        self.places[kind as usize].push(start..self.text.len());
    }

    pub(super) fn read(&mut self, kind: ObservableKind, value: &str) {
        match kind {
            ObservableKind::Address => {
                let parts = value.split([',', ';', ' ']).filter(|part| !part.is_empty()).take(MAX_EACH);
                parts.filter_map(address).for_each(|found| self.add(kind, &found));
            }
            ObservableKind::Hash => {
                let parts = value.split([',', ';', ' ', '|']).take(MAX_EACH);
                parts.filter_map(hash).for_each(|found| self.add(kind, &found));
            }
            ObservableKind::Domain => match address(value) {
                Some(found) => self.add(ObservableKind::Address, &found),
                None => domain(value).into_iter().for_each(|found| self.add(kind, &found)),
            },
            ObservableKind::Url => {
                let Some((scheme, rest)) = value.split_once("://") else { return };
                if scheme.is_empty()
                    || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
                {
                    return;
                }
                self.add(kind, &value.to_lowercase());
                let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
                let host = host.rsplit('@').next().unwrap_or_default();
                self.read(ObservableKind::Domain, without_port(host));
            }
        }
    }
}

/// Which kind each field is of, by its number.
#[derive(Debug, Default)]
pub(super) struct Kinds(Box<[u8]>);

const NONE: u8 = u8::MAX;
/// The field holds prose.
const TEXT: u8 = u8::MAX - 1;

impl Kinds {
    pub fn new(files: &[File], names: &FieldNames) -> Self {
        let mut kinds = vec![NONE; names.len()].into_boxed_slice();
        for file in files.iter().rev() {
            let lists = ObservableKind::ALL.map(|kind| (kind as u8, file.observables.of(kind)));
            for (kind, list) in lists.into_iter().chain([(TEXT, &file.observables.texts[..])]) {
                for field in list.iter().filter_map(|name| names.get(name)) {
                    if let Some(place) = kinds.get_mut(field.0 as usize).filter(|place| **place == NONE) {
                        *place = kind;
                    }
                }
            }
        }
        Self(kinds)
    }

    pub fn find(&self, event: &Event<'_>, found: &mut Observables) {
        found.clear();
        let mut scratch = std::mem::take(&mut found.value);
        for span in event.fields {
            let kind = self.0.get(span.field.0 as usize).copied().unwrap_or(NONE);
            // Anything shorter is how sources write "none".
            if kind == NONE || !is_scalar(span) || span.end - span.start < 2 {
                continue;
            }
            let Ok(text) = std::str::from_utf8(event.text_of(span, &mut scratch)) else { continue };
            match ObservableKind::ALL.get(usize::from(kind)) {
                Some(kind) => found.read(*kind, text),
                None => free_text::find(text, found),
            }
        }
        found.value = scratch;
    }
}

/// The address in `10.0.0.1`, `10.0.0.1:443`, `[2001:db8::1]:443`, `::ffff:10.0.0.1`, `fe80::1%eth0`.
fn address(text: &str) -> Option<String> {
    let first = *text.as_bytes().first()?;
    if !(first.is_ascii_hexdigit() || first == b':' || first == b'[') || text.len() > 64 {
        return None;
    }
    let inside = text.strip_prefix('[').and_then(|rest| rest.split(']').next());
    let bare = inside.unwrap_or(text).split(['%', '/']).next()?;
    let address: IpAddr = match bare.parse() {
        Ok(address) => address,
        Err(_) => bare.rsplit_once(':')?.0.parse::<std::net::Ipv4Addr>().ok()?.into(),
    };
    let address = match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4),
        v4 => v4,
    };
    let is_nothing =
        address.is_unspecified() || address == IpAddr::V6(Ipv6Addr::LOCALHOST) || address.is_loopback();
    (!is_nothing).then(|| address.to_string())
}

/// The digest in `SHA256=ABC…`, `sha256:abc…` or by itself.
fn hash(text: &str) -> Option<String> {
    let digest = text.rsplit(['=', ':']).next()?.trim();
    let is_digest = matches!(digest.len(), 32 | 40 | 56 | 64 | 96 | 128)
        && digest.bytes().all(|b| b.is_ascii_hexdigit())
        && digest.bytes().any(|b| b != b'0');
    is_digest.then(|| digest.to_ascii_lowercase())
}

/// A name with a dot in it, as DNS knows names (RFC 1035, with the underscore that services use).
fn domain(text: &str) -> Option<String> {
    let name = text.trim().trim_end_matches('.');
    is_domain(name).then(|| name.to_lowercase())
}

/// Whether it is written as a domain name is.
pub(super) fn is_domain(name: &str) -> bool {
    name.len() <= 253
        && name.contains('.')
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b >= 0x80)
        })
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: ObservableKind, value: &str) -> Vec<String> {
        let mut found = Observables::default();
        found.read(kind, value);
        ObservableKind::ALL
            .into_iter()
            .flat_map(|kind| found.of(kind).map(str::to_owned).collect::<Vec<_>>())
            .collect()
    }

    #[test]
    fn addresses_are_found_however_they_are_wrapped() {
        for (written, found) in [
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3:443", "10.1.2.3"),
            ("[2001:DB8::1]:443", "2001:db8::1"),
            ("::ffff:10.1.2.3", "10.1.2.3"),
            ("fe80::1%12", "fe80::1"),
        ] {
            assert_eq!(read(ObservableKind::Address, written), [found], "{written}");
        }
        assert_eq!(read(ObservableKind::Address, "::ffff:1.2.3.4;5.6.7.8;"), ["1.2.3.4", "5.6.7.8"]);
        for nothing in ["-", "LOCAL", "127.0.0.1", "::1", "0.0.0.0", "10.0.0", "12:30"] {
            assert_eq!(read(ObservableKind::Address, nothing), [""; 0], "{nothing}");
        }
    }

    #[test]
    fn hashes_lose_their_names_and_case() {
        let md5 = "D41D8CD98F00B204E9800998ECF8427E";
        let both = format!("MD5={md5},SHA1=DA39A3EE5E6B4B0D3255BFEF95601890AFD80709");
        assert_eq!(
            read(ObservableKind::Hash, &both),
            ["d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709"]
        );
        for nothing in [&"0".repeat(32), "abc", &"g".repeat(64), "IMPHASH="] {
            assert_eq!(read(ObservableKind::Hash, nothing), [""; 0], "{nothing}");
        }
    }

    #[test]
    fn a_url_also_tells_its_host() {
        let url = "HTTPS://user@Evil.Example:8443/Drop?x=1";
        assert_eq!(read(ObservableKind::Url, url), ["evil.example", &url.to_lowercase()]);
        assert_eq!(read(ObservableKind::Url, "http://10.9.8.7/a"), ["10.9.8.7", "http://10.9.8.7/a"]);
        assert_eq!(read(ObservableKind::Url, "/relative?u=http"), [""; 0]);
    }

    #[test]
    fn domains_are_names_with_a_dot() {
        assert_eq!(read(ObservableKind::Domain, "WWW.NHS.example."), ["www.nhs.example"]);
        for nothing in ["localhost", "a b.example", "..", "-", &"a.".repeat(200)] {
            assert_eq!(read(ObservableKind::Domain, nothing), [""; 0], "{nothing}");
        }
    }

    #[test]
    fn what_is_there_twice_is_told_once_and_no_event_tells_too_much() {
        assert_eq!(read(ObservableKind::Domain, "a.example").len(), 1);
        let many: Vec<String> = (0..200).map(|n| format!("10.0.0.{n}")).collect();
        assert_eq!(read(ObservableKind::Address, &many.join(",")).len(), MAX_EACH);
        assert_eq!(read(ObservableKind::Address, "10.0.0.9,10.0.0.9").len(), 1);
    }
}
