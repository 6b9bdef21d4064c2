//! Observables in prose: addresses, digests, URLs and domain names in a message, a command line or a script.
//!
//! A text is looked through once for dots and colons, from one to the next, and once for runs of hexadecimal
//! digits, a byte in 32; only what stands around one of these is read. Defanged text (`hxxp://`, `evil[.]example`)
//! is read as what it means.
//!
//! Invariant: what can be known to be something else is left out: clocks, versions, file names, paths, calls,
//! digits of GUIDs and traces. What cannot be known counts: to have seen too much costs a line in an answer, to
//! have missed it costs the answer.
//! Invariant: work is linear in the text, of which at most [`LOOKED_THROUGH`] bytes are looked at.

mod name;
#[cfg(test)]
mod tests;
mod url;

use std::net::Ipv6Addr;

use memchr::{memchr_iter, memchr2, memmem};

use super::observables::{ObservableKind, Observables};

/// Bytes of a text that are looked through, up to the last word that ends in them.
pub const LOOKED_THROUGH: usize = 16 << 10;

/// Adds what a text tells of.
pub(super) fn find(text: &str, found: &mut Observables) {
    let text = beginning(text);
    let mut scan = Scan { text, from: 0 };
    let mut next = 0;
    while let Some(at) = sign(text.as_bytes(), next) {
        next = match text.as_bytes().get(at) {
            Some(b'.') => scan.dot(at, found),
            _ => scan.colon(at, found),
        };
    }
    digests(text, found);
}

/// As much of a text as is looked through.
fn beginning(text: &str) -> &str {
    if text.len() <= LOOKED_THROUGH {
        return text;
    }
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\"'<>,;|".contains(byte);
    let end = text.as_bytes().iter().take(LOOKED_THROUGH).rposition(ends);
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

fn sign(bytes: &[u8], from: usize) -> Option<usize> {
    Some(from + memchr2(b'.', b':', bytes.get(from..)?)?)
}

/// What a name may be made of; which of it a host may have is looked at later.
fn is_name(byte: u8) -> bool {
    NAME[byte as usize]
}

/// A table, since nearly every byte around a dot is asked for.
static NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    loop {
        table[byte as usize] =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') || byte >= 0x80;
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};

/// Whether a dot is written so that nobody clicks on it.
fn is_defanged_dot(bytes: &[u8]) -> bool {
    matches!(bytes, b"[.]" | b"(.)")
}

struct Scan<'t> {
    text: &'t str,
    /// Where the last thing that was told ends: nothing reaches back over it.
    from: usize,
}

impl Scan<'_> {
    /// Reads the name around a dot. Gives the place to go on at.
    fn dot(&mut self, at: usize, found: &mut Observables) -> usize {
        let (start, end) = self.name_around(at);
        self.from = end;
        let (before, rest) = self.text.split_at_checked(start).unwrap_or_default();
        let (word, after) = rest.split_at_checked(end - start).unwrap_or_default();
        name::read(word, before, after, found);
        end
    }

    fn name_around(&self, dot: usize) -> (usize, usize) {
        let bytes = self.text.as_bytes();
        let defanged = dot > self.from && bytes.get(dot - 1..dot + 2).is_some_and(is_defanged_dot);
        let (mut start, mut end) = if defanged { (dot - 1, dot + 2) } else { (dot, dot + 1) };
        loop {
            let left = bytes.get(self.from..start).unwrap_or_default();
            start -= left.iter().rev().take_while(|byte| is_name(**byte)).count();
            match bytes.get(self.from..start) {
                Some([.., a, b, c]) if is_defanged_dot(&[*a, *b, *c]) => start -= 3,
                _ => break,
            }
        }
        loop {
            let right = bytes.get(end..).unwrap_or_default();
            end += right.iter().take_while(|byte| is_name(**byte)).count();
            match bytes.get(end..) {
                Some([a, b, c, ..]) if is_defanged_dot(&[*a, *b, *c]) => end += 3,
                _ => break,
            }
        }
        (start, end)
    }

    /// Reads the URL or IPv6 address of a colon. Gives the place to go on at.
    fn colon(&mut self, at: usize, found: &mut Observables) -> usize {
        if let Some(url) = url::at_colon(self.text, self.from, at) {
            found.read(ObservableKind::Url, &url.value);
            self.from = url.end;
            return url.end;
        }
        let run = self.text.as_bytes().get(at..).unwrap_or_default();
        let run = run.iter().take_while(|byte| byte.is_ascii_hexdigit() || **byte == b':').count();
        if let Some(end) = self.address(at, run, found) {
            self.from = end;
            return end;
        }
        // Nothing that is longer is an address, wherever it begins.
        at + run.saturating_sub(LONGEST_ADDRESS).max(1)
    }

    /// Reads the IPv6 address of a colon that is followed by digits and colons, so many with it. Gives its end.
    fn address(&self, at: usize, run: usize, found: &mut Observables) -> Option<usize> {
        if !(2..=LONGEST_ADDRESS).contains(&run) {
            return None;
        }
        let bytes = self.text.as_bytes();
        let is_digit = |byte: &u8| byte.is_ascii_hexdigit();
        let colons = bytes.get(at..at + run)?;
        // Most are those of clocks.
        if memmem::find(colons, b"::").is_none() && memchr_iter(b':', colons).count() < COLONS {
            return None;
        }
        let group = bytes.get(self.from..at)?.iter().rev().take(GROUP + 1).take_while(|byte| is_digit(byte));
        let start = at - group.count();
        let is_part = |byte: &&u8| is_digit(byte) || matches!(byte, b':' | b'.');
        let rest = bytes.get(at..)?.iter().take(LONGEST_ADDRESS + 1).take_while(is_part).count();
        let (before, after) = (self.text.get(..start)?, self.text.get(at + rest..)?);
        let address = ipv6(self.text.get(start..at + rest)?, before, after)?;
        found.read(ObservableKind::Address, address);
        Some(start + address.len())
    }
}

/// Digits of a group of an IPv6 address.
const GROUP: usize = 4;
/// Colons of an address that is written in full, before the IPv4 address that may end it.
const COLONS: usize = 6;
/// Bytes of the longest address, and of what may stand at the end of a sentence.
const LONGEST_ADDRESS: usize = 48;

/// The address in digits, colons and dots, if it is one in a range that is given out. Others are clocks, hardware
/// addresses and names with `::` in them.
fn ipv6<'t>(digits: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let goes_on = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    if before.bytes().next_back().is_some_and(goes_on) || digits.len() > LONGEST_ADDRESS {
        return None;
    }
    let whole = digits.trim_end_matches('.');
    let bare = match whole.strip_suffix(':') {
        Some(bare) if !bare.ends_with(':') => bare,
        _ => whole,
    };
    if bare.len() == digits.len() && after.bytes().next().is_some_and(goes_on) {
        return None;
    }
    let address: Ipv6Addr = bare.parse().ok()?;
    let [first, second, ..] = address.segments();
    let given_out = matches!(first, 0x2000..=0x3fff | 0xfc00..=0xfdff | 0xfe80..=0xfebf | 0xff00..)
        || (first, second) == (0x64, 0xff9b)
        || address.to_ipv4_mapped().is_some();
    given_out.then_some(bare)
}

/// Adds the digests in a text. A run of digits that is as long as the shortest of them has a place in every 32.
fn digests(text: &str, found: &mut Observables) {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    // No run begins before it that was not looked at.
    let mut clear = 0;
    let mut at = SHORTEST_DIGEST - 1;
    while at < bytes.len() {
        let mut end = at;
        if is_digit(at) {
            let mut start = at;
            while start > clear && is_digit(start - 1) {
                start -= 1;
            }
            while is_digit(end) {
                end += 1;
            }
            digest(text, start, end, found);
        }
        clear = end + 1;
        at = end + SHORTEST_DIGEST;
    }
}

/// Adds a run of hexadecimal digits, if it is a digest: the digits of a trace or span have a dash on each side.
fn digest(text: &str, start: usize, end: usize, found: &mut Observables) {
    let is_dash = |at: Option<usize>| at.and_then(|at| text.as_bytes().get(at)) == Some(&b'-');
    if end - start >= SHORTEST_DIGEST && !(is_dash(start.checked_sub(1)) && is_dash(Some(end))) {
        found.read(ObservableKind::Hash, text.get(start..end).unwrap_or_default());
    }
}

/// Digits of MD5.
const SHORTEST_DIGEST: usize = 32;
