//! Linux audit records as `auditd` writes them (linux-audit documentation, "Audit Event Fields"):
//! `type=SYSCALL msg=audit(1364481363.243:24287): arch=c000003e syscall=2 comm="cat" ...`.
//!
//! Names: the keys as they stand, with `timestamp` (seconds since 1970) and `serial` from `msg=audit(..)`.
//! Pairs inside a quoted `msg='...'` are fields too, as are the upper-case ones of the enriched format.
//! Values that the kernel wrote in hexadecimal because they hold spaces or quotes are decoded
//! (`proctitle`, the arguments of `EXECVE`, file names); NULs between arguments become spaces.

use super::fields::Fields;
use std::borrow::Cow;

/// Takes a record apart.
///
/// # Errors
/// It has no `type=` with a `msg=audit(`.
pub fn decode_line(line: &str, fields: &mut Fields<'_>) -> Result<(), &'static str> {
    let kind = kind_of(line).ok_or("it does not start with 'type=... msg=audit('")?;
    put_pairs(line, kind, fields);
    Ok(())
}

/// Whether a text is an audit record.
pub(super) fn fits(text: &str) -> bool {
    kind_of(text).is_some()
}

fn kind_of(line: &str) -> Option<&str> {
    let line = match line.strip_prefix("node=") {
        Some(node) => node.split_once(' ')?.1,
        None => line,
    };
    let (kind, rest) = line.strip_prefix("type=")?.split_once(' ')?;
    rest.starts_with("msg=audit(").then_some(kind)
}

fn put_pairs(text: &str, kind: &str, fields: &mut Fields<'_>) {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(SPACE);
        let Some((key, after)) = rest.split_once('=') else { return };
        // Words that belong to no pair may stand before the key.
        let key = key.rsplit(SPACE).next().unwrap_or(key);
        let (value, quote, after) = value(after);
        rest = after;
        if key == "msg" && quote.is_none() && value.starts_with("audit(") {
            put_stamp(value, fields);
            continue;
        }
        let decoded = match quote {
            None if may_be_hex(kind, key) => from_hex(value).map_or(value.into(), Cow::Owned),
            _ => Cow::Borrowed(value),
        };
        fields.put(key, &decoded);
        if quote == Some('\'') {
            put_pairs(value, kind, fields);
        }
    }
}

const SPACE: [char; 3] = [' ', '\t', '\u{1d}'];

fn value(text: &str) -> (&str, Option<char>, &str) {
    if let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let inside = text.get(1..).unwrap_or_default();
        let (value, rest) = inside.split_once(quote).unwrap_or((inside, ""));
        return (value, Some(quote), rest);
    }
    let (value, rest) = text.split_at(text.find(SPACE).unwrap_or(text.len()));
    (value, None, rest)
}

/// `audit(1364481363.243:24287):`
fn put_stamp(value: &str, fields: &mut Fields<'_>) {
    let inside = value.trim_start_matches("audit(").trim_end_matches([':', ')']);
    if let Some((time, serial)) = inside.split_once(':') {
        fields.put("timestamp", time);
        fields.put("serial", serial);
    }
}

/// Whether the kernel may have written the value of a key in hexadecimal.
fn may_be_hex(kind: &str, key: &str) -> bool {
    match key {
        "proctitle" | "comm" | "exe" | "name" | "cwd" | "path" | "cmd" | "key" | "data" | "dir" | "acct"
        | "file" | "watch" | "ocomm" | "sw" | "root_dir" => true,
        _ => {
            kind == "EXECVE"
                && key.strip_prefix('a').is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()))
        }
    }
}

fn from_hex(text: &str) -> Option<String> {
    if text.is_empty() || !text.len().is_multiple_of(2) {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() / 2);
    for pair in text.as_bytes().chunks_exact(2) {
        let [high, low] = pair else { return None };
        let (high, low) = (char::from(*high).to_digit(16)?, char::from(*low).to_digit(16)?);
        out.push(match (high << 4 | low) as u8 {
            0 => b' ',
            byte => byte,
        });
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_decoded_only_where_the_kernel_writes_it() {
        assert_eq!(from_hex("636174002F6574632F706173737764").as_deref(), Some("cat /etc/passwd"));
        assert_eq!(from_hex("cat"), None);
        assert!(may_be_hex("EXECVE", "a0") && may_be_hex("EXECVE", "a1[0]") && !may_be_hex("SYSCALL", "a0"));
        assert!(!may_be_hex("EXECVE", "argc") && !may_be_hex("SYSCALL", "pid"));
    }
}
