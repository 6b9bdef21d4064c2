//! Words with dots in them: addresses, domain names, and all that only looks so.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use super::super::observables::{ObservableKind, Observables, is_domain};
use super::is_name;

/// Adds what a word is, as what stands around it tells.
pub(super) fn read(word: &str, before: &str, after: &str, found: &mut Observables) {
    // Most dots end a sentence.
    if memchr::memchr(b'.', word.as_bytes()).is_some_and(|dot| dot + 1 == word.len()) {
        return;
    }
    let word = without_code(word, before);
    let defanged = memchr::memchr2(b'[', b'(', word.as_bytes()).is_some();
    let plain: Cow<'_, str> =
        if defanged { word.replace("[.]", ".").replace("(.)", ".").into() } else { word.into() };
    let name = bare(&plain);
    if name.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-')) {
        // A range has two.
        if name.split('-').all(is_address) && !follows_version(before) {
            name.split('-').for_each(|address| found.read(ObservableKind::Address, address));
        }
        return;
    }
    let ended = plain.ends_with(name);
    let around = Around { before, after: if ended { after } else { "" } };
    if let Some(domain) = domain(name, defanged, &around) {
        found.add(ObservableKind::Domain, &domain);
    }
}

/// Without what stands around a name and is no part of it.
fn bare(word: &str) -> &str {
    let is_clean = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    if is_clean(word.as_bytes().first()) && is_clean(word.as_bytes().last()) {
        return word;
    }
    word.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '_')
        .trim_end_matches(|c: char| !c.is_alphanumeric())
}

/// Without the digits of `%2F`, which stand before names in encoded URLs.
fn without_code<'w>(word: &'w str, before: &str) -> &'w str {
    match word.as_bytes() {
        [a, b, ..] if before.ends_with('%') && a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
            word.get(2..).unwrap_or_default()
        }
        _ => word,
    }
}

/// Whether it is an address that something can have: browsers call themselves `Chrome/120.0.0.0`.
fn is_address(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok_and(|address| !matches!(address.octets(), [_, 0, 0, 0]))
}

/// Whether the word before says that four numbers are a version.
fn follows_version(before: &str) -> bool {
    let tail = before.as_bytes();
    let tail = tail.get(tail.len().saturating_sub(LOOKED_BACK)..).unwrap_or_default();
    let between = |byte: &u8| b" \t:=/\"'(".contains(byte);
    let end = tail.iter().rposition(|byte| !between(byte)).map_or(0, |last| last + 1);
    let tail = tail.get(..end).unwrap_or_default();
    let start = tail.iter().rposition(|byte| !byte.is_ascii_alphanumeric()).map_or(0, |last| last + 1);
    let word = tail.get(start..).unwrap_or_default();
    let ends_so = word.len().checked_sub(VERSION.len()).and_then(|at| word.get(at..));
    ends_so.is_some_and(|end| end.eq_ignore_ascii_case(VERSION))
        || VERSION_WORDS.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

/// Bytes before a number in which the word stands that says what it is.
const LOOKED_BACK: usize = 32;
const VERSION: &[u8] = b"version";
const VERSION_WORDS: [&str; 12] = [
    "build", "chrome", "edg", "firefox", "firmware", "opr", "rev", "revision", "safari", "v", "ver",
    "versions",
];

/// What stands around a name.
struct Around<'t> {
    before: &'t str,
    after: &'t str,
}

impl Around<'_> {
    /// Whether it is a piece of a path, of code, the key of a value or whose mail it is.
    fn is_no_host(&self) -> bool {
        let is_piece = match self.before.as_bytes().last() {
            Some(b'$') => true,
            Some(b'/' | b'\\') => !self.is_share(),
            _ => false,
        };
        is_piece
            || match self.after.as_bytes() {
                [b'@' | b'=', ..] | [b'"' | b'\'', b':', ..] => true,
                // A call, unless an address follows in brackets.
                [b'(', next, ..] => !next.is_ascii_digit(),
                [b'('] => true,
                _ => false,
            }
    }

    /// Whether it follows the two slashes of a share or of a URL without a scheme.
    fn is_share(&self) -> bool {
        let Some(slash @ ('/' | '\\')) = self.before.chars().next_back() else { return false };
        let rest = self.before.trim_end_matches(slash);
        let follows_name = rest.as_bytes().last().is_some_and(|byte| is_name(*byte) || *byte == b':');
        self.before.len() - rest.len() >= 2 && !follows_name
    }

    /// Whether it is where mail goes to.
    fn is_of_mail(&self) -> bool {
        self.before.strip_suffix('@').is_some_and(|user| user.ends_with(|c: char| c.is_alphanumeric()))
    }
}

/// The name in lower case, if it is that of a host.
fn domain<'n>(name: &'n str, defanged: bool, around: &Around<'_>) -> Option<Cow<'n, str>> {
    let (_, last) = name.rsplit_once('.')?;
    if !may_end_a_domain(last) {
        return None;
    }
    let is_lower = name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    let lower: Cow<'_, str> = if is_lower { name.into() } else { name.to_lowercase().into() };
    // First, since most names of files are told by it.
    let ending = Ending::of(&lower)?;
    if around.is_no_host() || !is_domain(name) {
        return None;
    }
    if !name.is_ascii() && !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_')) {
        return None;
    }
    let told = defanged || lower.starts_with("www.") || around.is_share() || around.is_of_mail();
    // `System.Net` and `the end.In the`: who writes the ending of a host in capitals writes all of it so.
    let is_prose = last.contains(char::is_uppercase) && name.contains(char::is_lowercase);
    let is_host = match ending {
        _ if told => true,
        _ if is_prose => false,
        Ending::Sure => true,
        Ending::Doubtful => is_registered(&lower),
        Ending::OfMore => lower.split('.').count() > 2,
    };
    is_host.then_some(lower)
}

/// Whether such an ending may be public at all.
fn may_end_a_domain(last: &str) -> bool {
    let is_encoded = last.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
    last.len() > 1 && (is_encoded || last.bytes().all(|byte| byte.is_ascii_alphabetic() || byte >= 0x80))
}

/// What the last part of a name says. None: no host is called so.
enum Ending {
    Sure,
    /// Files or fields are called so, too.
    Doubtful,
    /// Files of two parts are called so; what has more is mostly a host.
    OfMore,
}

impl Ending {
    /// Of a name in lower case.
    fn of(name: &str) -> Option<Self> {
        let last = name.rsplit('.').next().unwrap_or_default();
        let is_public = psl::suffix(name.as_bytes()).is_some_and(|end| end.is_known());
        if is_public && DOUBTFUL.contains(&last) {
            Some(Self::Doubtful)
        } else if OF_MORE.contains(&last) {
            Some(Self::OfMore)
        } else {
            (is_public || PRIVATE.contains(&last)).then_some(Self::Sure)
        }
    }
}

/// Whether the name is one below `co.id` or `gov.pl`, as no file is called.
fn is_registered(name: &str) -> bool {
    let mut labels = name.rsplit('.');
    let country = labels.next().is_some_and(|last| last.len() == 2);
    let second = labels.next().is_some_and(|second| SECOND.contains(&second));
    country && second && labels.next().is_some()
}

/// Endings that the list of public ones does not have, and that mean nothing else: RFC 2606, RFC 7686, and what
/// was set apart for private use.
const PRIVATE: [&str; 3] = ["example", "internal", "onion"];

/// Countries whose letters files have at their end, and what houses call themselves.
const OF_MORE: [&str; 12] =
    ["ac", "bz", "cc", "corp", "home", "intra", "la", "lan", "local", "pl", "rs", "tf"];

/// Endings of domains that are more often those of files, or what programs call a part of something.
const DOUBTFUL: [&str; 23] = [
    "cab",
    "call",
    "cat",
    "dot",
    "id",
    "inc",
    "map",
    "md",
    "mov",
    "name",
    "open",
    "pm",
    "post",
    "properties",
    "ps",
    "pub",
    "py",
    "run",
    "save",
    "sh",
    "so",
    "target",
    "zip",
];

/// What stands before the ending of a country.
const SECOND: [&str; 9] = ["ac", "co", "com", "edu", "go", "gov", "net", "or", "org"];
