//! Access logs in the common and combined log format (Apache `mod_log_config`, nginx
//! `ngx_http_log_module`), with or without the virtual host in front:
//! `host ident user [time] "method target version" status bytes "referer" "user agent"`.
//!
//! Names: those the W3C extended log format uses for the same things, which rules for web servers ask
//! for: `c-ip`, `cs-username`, `cs-method`, `cs-uri` (the whole target), `cs-uri-stem`, `cs-uri-query`,
//! `cs-version`, `sc-status`, `sc-bytes`, `cs-referer`, `cs-user-agent`, `cs-host` (the virtual host);
//! and `timestamp` as written, such as `10/Oct/2000:13:55:36 -0700`. `-` is no value.

use super::fields::Fields;
use std::borrow::Cow;

/// Takes a line apart.
///
/// # Errors
/// It has no `[time]` and quoted request after the client's address.
pub fn decode_line(line: &str, fields: &mut Fields<'_>) -> Result<(), &'static str> {
    let line = Line::of(line).ok_or("it is not: address, names, [time], \"request\"")?;
    let mut put = |key: &str, value: &str| {
        if value != "-" {
            fields.put(key, value);
        }
    };
    put("cs-host", line.host);
    put("c-ip", line.client);
    put("cs-username", line.user);
    put("timestamp", line.time);
    let request = unescaped(line.request);
    let mut words = request.split(' ');
    if let (Some(method), Some(target)) = (words.next(), words.next()) {
        put("cs-method", method);
        put("cs-uri", target);
        let (stem, query) = target.split_once('?').unwrap_or((target, "-"));
        put("cs-uri-stem", stem);
        put("cs-uri-query", query);
        put("cs-version", words.next().unwrap_or("-"));
    } else {
        put("cs-uri", &request);
    }
    let mut numbers = line.rest.split_ascii_whitespace();
    put("sc-status", numbers.next().unwrap_or("-"));
    put("sc-bytes", numbers.next().unwrap_or("-"));
    let mut quoted = line.rest;
    for key in ["cs-referer", "cs-user-agent"] {
        let Some((value, after)) = quoted.split_once('"').and_then(|(_, q)| until_quote(q)) else { break };
        put(key, &unescaped(value));
        quoted = after;
    }
    Ok(())
}

/// Whether a text is such a line.
pub(super) fn fits(text: &str) -> bool {
    Line::of(text).is_some()
}

struct Line<'a> {
    host: &'a str,
    client: &'a str,
    user: &'a str,
    time: &'a str,
    request: &'a str,
    rest: &'a str,
}

impl<'a> Line<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (names, rest) = text.split_once(" [")?;
        let (time, rest) = rest.split_once("] \"")?;
        let (request, rest) = until_quote(rest)?;
        let (date, _) = time.split_once(':')?;
        if date.split('/').count() != 3 {
            return None;
        }
        let names: Vec<&str> = names.splitn(4, ' ').collect();
        let (host, client, user) = match *names.as_slice() {
            [client, _, user] => ("-", client, user),
            [host, client, _, user] => (host, client, user),
            _ => return None,
        };
        Some(Self { host, client, user, time, request, rest })
    }
}

/// The text up to the next quote that is not escaped, and what follows it.
fn until_quote(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    loop {
        let bytes = text.as_bytes().get(from..)?;
        let at = from + memchr::memchr2(b'"', b'\\', bytes)?;
        if text.as_bytes().get(at) == Some(&b'"') {
            return Some((text.get(..at)?, text.get(at + 1..)?));
        }
        from = at + 2;
    }
}

/// Undoes `\"`, `\\` and `\xhh`; any other backslash stands for itself.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let (undone, used) = match (byte, bytes.get(at + 1)) {
            (b'\\', Some(&next @ (b'"' | b'\\'))) => (next, 2),
            (b'\\', Some(b'x')) => {
                let code = text.get(at + 2..at + 4).and_then(|hex| u8::from_str_radix(hex, 16).ok());
                code.map_or((byte, 1), |code| (code, 4))
            }
            _ => (byte, 1),
        };
        out.push(undone);
        at += used;
    }
    String::from_utf8_lossy(&out).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_the_shape_fit() {
        assert!(fits(r#"1.2.3.4 - frank [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 1"#));
        assert!(fits(r#"example.org:443 ::1 - - [10/Oct/2000:13:55:36 -0700] "" 400 0"#));
        assert!(!fits(r#"Oct 11 host app [x] "y""#));
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(unescaped(r#"\x22a\"b\\c\d\x"#), r#""a"b\c\d\x"#);
    }
}
