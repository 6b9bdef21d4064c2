//! URLs in prose: where they end, and what they mean where they are defanged.

/// A URL in a text.
#[derive(Debug)]
pub(super) struct Url {
    /// What it means.
    pub value: String,
    /// One past its last byte.
    pub end: usize,
}

/// The URL to which the colon belongs, if it does to one. Its scheme does not begin before `from`.
pub(super) fn at_colon(text: &str, from: usize, colon: usize) -> Option<Url> {
    let bytes = text.as_bytes();
    let rest = bytes.get(colon..)?;
    if !matches!(rest, [b':', b'/', b'/', ..] | [b':', b']', b'/', b'/', ..]) {
        return None;
    }
    let opened = colon > from && bytes.get(colon - 1) == Some(&b'[');
    let (scheme_end, body) = match rest {
        [b':', b']', ..] if opened => (colon - 1, colon + 4),
        [b':', b']', ..] => return None,
        [_, _, _, b']', ..] if opened => (colon - 1, colon + 4),
        _ => (colon, colon + 3),
    };
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'+';
    let run = bytes.get(from..scheme_end)?.iter().rev().take_while(is_part).count();
    let run = bytes.get(scheme_end - run..scheme_end)?;
    let letters = run.get(run.iter().position(u8::is_ascii_alphabetic)?..)?;
    let start = scheme_end - letters.len();
    // One letter is a drive.
    if letters.len() < 2 {
        return None;
    }
    let in_quotes = text.get(..start)?.ends_with('\'');
    let inside = body_of(text.get(body..)?, in_quotes)?;
    Some(Url { value: meaning(text.get(start..scheme_end)?, inside), end: body + inside.len() })
}

/// What follows `://`, up to where the URL ends.
pub(super) fn body_of(rest: &str, in_quotes: bool) -> Option<&str> {
    if !rest.starts_with(|c: char| c.is_alphanumeric() || c == '[') {
        return None;
    }
    let end_of = |text: &str| text.find(|c| ends(c, in_quotes));
    // In a list without spaces, the next begins behind a comma.
    let (first, is_last) = rest.find("://").map_or((rest, true), |next| (rest.split_at(next).0, false));
    let body = match (end_of(first), in_list(first)) {
        (Some(end), _) => first.get(..end)?,
        (None, Some(alone)) if !is_last => alone,
        (None, _) => rest.get(..end_of(rest).unwrap_or(rest.len()))?,
    };
    let body = trimmed(body);
    body.contains(char::is_alphanumeric).then_some(body)
}

/// Whether no URL has such a character (RFC 3986), or a sentence around one has.
fn ends(c: char, in_quotes: bool) -> bool {
    match c {
        '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' => true,
        '\'' => in_quotes,
        c if c.is_ascii() => c.is_ascii_control() || c == ' ',
        c => !c.is_alphanumeric(),
    }
}

/// What stands before the comma and the scheme at the end, if they are there.
fn in_list(text: &str) -> Option<&str> {
    text.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '+').strip_suffix([',', ';'])
}

/// Without what ends the sentence or closes the brackets around it.
fn trimmed(mut body: &str) -> &str {
    let count = |wanted: char| body.matches(wanted).count();
    let mut round = count(')').saturating_sub(count('('));
    let mut square = count(']').saturating_sub(count('['));
    loop {
        let unopened = match body.as_bytes().last() {
            Some(b'.' | b',' | b';' | b':' | b'!' | b'?' | b'\'' | b'*') => None,
            Some(b')') if round > 0 => Some(&mut round),
            Some(b']') if square > 0 => Some(&mut square),
            _ => return body,
        };
        unopened.into_iter().for_each(|count| *count -= 1);
        body = body.get(..body.len() - 1).unwrap_or_default();
    }
}

/// The URL, with what defangs it undone.
pub(super) fn meaning(scheme: &str, body: &str) -> String {
    let scheme = match scheme {
        _ if scheme.eq_ignore_ascii_case("hxxp") => "http",
        _ if scheme.eq_ignore_ascii_case("hxxps") => "https",
        _ => scheme,
    };
    // Square brackets around a dot have no other meaning in a URL; round ones may have, behind the host.
    let host_end = body.find(['/', '?', '#']).unwrap_or(body.len());
    let (host, path) = body.split_at(host_end);
    let host = host.replace("(.)", ".");
    format!("{scheme}://{host}{path}").replace("[.]", ".").replace("[:]", ":")
}
