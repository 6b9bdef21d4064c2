//! Findings as columns: level, time, host, record and title in the first line, then what did not fit.
//!
//! Lines stay within the screen's width; a title too long for its column goes on below it, so nothing
//! is lost. The source is told once, above the first of its findings.

use ward_core::Severity;

use super::super::finding::{Evidence, Finding, clock_text};
use crate::terminal::{Screen, safe, shortened, wrap, wrap_path};

/// Writes the names of the columns.
pub fn head(screen: &Screen, out: &mut Vec<u8>) {
    let columns = Columns::of(screen);
    let line = columns.line("level", "time (UTC)", "host", "record", "rule");
    out.extend_from_slice(screen.heading(&line).as_bytes());
    out.push(b'\n');
}

/// Writes one finding.
pub fn finding(finding: &Finding<'_>, screen: &Screen, out: &mut Vec<u8>) {
    let columns = Columns::of(screen);
    let level = finding.rule.level;
    let word = level_word(level);
    let time = finding.time.map_or_else(|| "no time".to_owned(), clock_text);
    let host = safe(finding.host.unwrap_or("-"));
    let host = host.split('.').next().filter(|h| h.parse::<u8>().is_err()).unwrap_or(&host);
    let title = safe(finding.rule.title);
    let record = finding.place.record.to_string();
    let titles = wrap(&title, columns.title.saturating_sub(record.len().saturating_sub(RECORD)));
    let mut titles = titles.iter();
    let first = titles.next().map_or("", String::as_str);
    let line = columns.line(word, &time, &shortened(host, columns.host), &record, first);
    let (head, rest) = line.split_at(word.len());
    out.extend_from_slice(screen.paint(level, head).as_bytes());
    out.extend_from_slice(rest.as_bytes());
    out.push(b'\n');
    for more in titles {
        indent(columns.before_title(), more, out);
    }
    if let Evidence::Correlated(together) = finding.evidence {
        let group: Vec<_> = together.group.iter().map(|(n, v)| format!("{}={}", safe(n), safe(v))).collect();
        let by = if group.is_empty() { String::new() } else { format!(" by {}", group.join(", ")) };
        let span = format!("{} to {}", clock_text(together.first), clock_text(together.last));
        let text = format!("{}{by}: {} events, {span}", together.kind, together.count);
        for line in wrap(&text, columns.title) {
            indent(columns.before_title(), &line, out);
        }
    }
}

/// The line that stands above the findings of a source.
pub fn source(source: &str, screen: &Screen, out: &mut Vec<u8>) {
    for line in wrap_path(&safe(source), screen.width) {
        out.extend_from_slice(screen.heading(&line).as_bytes());
        out.push(b'\n');
    }
}

/// A level in a word of at most eight letters.
pub fn level_word(level: Severity) -> &'static str {
    match level {
        Severity::Informational => "info",
        other => other.as_str(),
    }
}

fn indent(by: usize, text: &str, out: &mut Vec<u8>) {
    out.resize(out.len() + by, b' ');
    out.extend_from_slice(text.as_bytes());
    out.push(b'\n');
}

/// Widths of the columns that are not the same on every screen.
struct Columns {
    host: usize,
    title: usize,
}

const LEVEL: usize = 8;
const TIME: usize = 19;
const RECORD: usize = 7;
/// Spaces between columns.
const GAPS: usize = 4;

impl Columns {
    fn of(screen: &Screen) -> Self {
        let host = if screen.width < 100 { 10 } else { 15 };
        Self { host, title: screen.width.saturating_sub(LEVEL + TIME + RECORD + GAPS + host).max(8) }
    }

    fn before_title(&self) -> usize {
        LEVEL + TIME + RECORD + GAPS + self.host
    }

    fn line(&self, level: &str, time: &str, host: &str, record: &str, title: &str) -> String {
        let host_width = self.host;
        let line = format!("{level:LEVEL$} {time:TIME$} {host:host_width$} {record:>RECORD$} {title}");
        line.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::Together;
    use super::super::sample;
    use super::*;
    use ward_core::Timestamp;

    const PLAIN: Screen = Screen { width: 80, color: false, is_terminal: false };

    fn shown(found: &Finding<'_>, screen: &Screen) -> String {
        let mut out = Vec::new();
        head(screen, &mut out);
        finding(found, screen, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_finding_fits_eighty_columns_and_loses_nothing_of_its_title() {
        let mut found = sample::finding(Evidence::Json(b"{}"), &[]);
        assert_eq!(
            shown(&found, &PLAIN),
            "level    time (UTC)          host        record rule\n\
             high     2020-10-26 11:58:27 PACS01        4711 Shadow copies deleted by\n\
             \x20                                               vssadmin\n"
        );
        found.rule.title = "A very long title with averylongwordthatgoesonandonandonandonandonandon in it";
        found.host = Some("a-host-with-a-very-long-name\x1b[2J");
        for width in [60, 80, 120, 200] {
            let text = shown(&found, &Screen { width, ..PLAIN });
            assert!(text.lines().all(|line| line.chars().count() <= width), "{width}\n{text}");
            assert!(!text.contains('\x1b'));
        }
    }

    #[test]
    fn an_address_is_not_cut_at_its_first_dot() {
        let mut found = sample::finding(Evidence::Json(b"{}"), &[]);
        found.host = Some("10.1.2.3");
        assert!(shown(&found, &PLAIN).contains(" 10.1.2.3 "));
    }

    #[test]
    fn a_correlation_says_what_it_counted() {
        let group = [("user".to_owned(), "jo\nanna".to_owned())];
        let time = Timestamp::parse("2020-10-26T11:58:27Z").unwrap();
        let together = Together {
            kind: "event_count",
            group: &group,
            count: 12,
            value: 12.0,
            first: time,
            last: time,
            places: Vec::new(),
        };
        let found = sample::finding(Evidence::Correlated(&together), &[]);
        let text = shown(&found, &Screen { width: 160, ..PLAIN });
        assert!(
            text.contains("event_count by user=jo\u{fffd}anna: 12 events, 2020-10-26 11:58:27 to"),
            "{text}"
        );
    }
}
