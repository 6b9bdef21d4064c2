//! Findings as comma-separated values (RFC 4180), under a header line.
//!
//! A cell that a spreadsheet would run as a formula gets an apostrophe in front: what events say is
//! written by whoever attacks. [Hidden characters](crate::hidden), line breaks among them, are written as
//! `\\uXXXX`, as JSON has them, so a finding is one line; tabs stay.

use super::super::finding::{Evidence, Finding};
use super::json;
use crate::hidden::{escaped_text, is_hidden};

/// Writes the names of the columns.
pub fn head(out: &mut Vec<u8>) {
    out.extend_from_slice(
        b"time,rule.level,rule.id,rule.title,rule.tags,rule.author,host,user,source,record,event\n",
    );
}

/// Writes one finding.
pub fn finding(finding: &Finding<'_>, out: &mut Vec<u8>) {
    let rule = &finding.rule;
    cell(&finding.time.map(|time| time.to_string()).unwrap_or_default(), out);
    for text in
        [rule.level.as_str(), rule.id, rule.title, &rule.tags.join(" "), rule.author.unwrap_or_default()]
    {
        out.push(b',');
        cell(text, out);
    }
    for text in [finding.host.unwrap_or_default(), finding.user.unwrap_or_default(), finding.place.source] {
        out.push(b',');
        cell(text, out);
    }
    out.extend_from_slice(format!(",{},", finding.place.record).as_bytes());
    let mut event = Vec::new();
    match finding.evidence {
        Evidence::Text(text) => event.extend_from_slice(text),
        _ => json::event(&finding.evidence, &mut event),
    }
    cell(&String::from_utf8_lossy(&event), out);
    out.push(b'\n');
}

fn cell(text: &str, out: &mut Vec<u8>) {
    let formula = is_formula(text);
    let text = escaped_text(text);
    if !formula && !text.contains(['"', ',']) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    if formula {
        out.push(b'\'');
    }
    out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}

/// Whether a spreadsheet may take it for a formula: it looks behind white space, and takes full-width and
/// small signs as what they are in East Asian text. A dash alone is standard input.
fn is_formula(text: &str) -> bool {
    let behind_space = text.trim_start_matches(|c: char| c.is_whitespace() || is_hidden(c));
    text != "-" && (text.starts_with(['\t', '\r', '\n']) || behind_space.starts_with(FORMULA_SIGNS))
}

const FORMULA_SIGNS: [char; 12] = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫'];

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn line(found: &Finding<'_>) -> String {
        let mut out = Vec::new();
        finding(found, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let tags = sample::tags();
        assert_eq!(
            line(&sample::finding(Evidence::Json(br#"{"a": "b,c"}"#), &tags)),
            "2020-10-26T11:58:27.997Z,high,8de1cbe8-d6f5-496d-8237-5f44a721c7a0,\
             Shadow copies deleted by vssadmin,attack.impact attack.t1490 attack.t1059.001,A. Nurse,\
             PACS01.trust.example,TRUST\\svc_pacs,logs/pacs01.evtx,4711,\"{\"\"a\"\": \"\"b,c\"\"}\"\n"
        );
    }

    #[test]
    fn no_cell_is_a_formula() {
        let mut found = sample::finding(Evidence::Text(b"=cmd|' /C calc'!A0"), &[]);
        found.host = Some("@SUM(1+1)");
        let line = line(&found);
        assert!(line.contains(",\"'@SUM(1+1)\","), "{line}");
        assert!(line.ends_with(",\"'=cmd|' /C calc'!A0\"\n"), "{line}");
    }

    #[test]
    fn no_cell_is_a_formula_behind_white_space_or_in_full_width() {
        let cell = |text: &str| {
            let mut out = Vec::new();
            cell(text, &mut out);
            String::from_utf8(out).unwrap()
        };
        for text in ["\tx", "\t=1", " =1", "\u{a0}+1", "＝1", "＋1", "－1", "＠SUM(1)", "﹦1"] {
            assert_eq!(cell(text), format!("\"'{text}\""));
        }
        assert_eq!(cell("\n=1"), "\"'\\u000a=1\"");
        assert_eq!(cell("\rx"), "\"'\\u000dx\"");
        assert_eq!(cell("\u{feff}=1"), "\"'\\ufeff=1\"");
        for text in ["-", "a=1", "日本 ＝", ""] {
            assert_eq!(cell(text), text);
        }
    }

    #[test]
    fn a_finding_is_one_line_without_hidden_characters() {
        let mut found = sample::finding(Evidence::Text("one\r\ntwo\u{9b}2J".as_bytes()), &[]);
        found.host = Some("PACS\u{202e}10\u{200b}");
        let line = line(&found);
        assert!(!line.trim_end().contains(is_hidden), "{line:?}");
        assert!(line.contains(",PACS\\u202e10\\u200b,"), "{line}");
        assert!(line.ends_with(",one\\u000d\\u000atwo\\u009b2J\n"), "{line}");
    }
}
