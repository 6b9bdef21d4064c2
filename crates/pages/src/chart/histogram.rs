//! How many, over time: a bar for each span.

use ward_core::Timestamp;

use super::svg::{Short, Svg};
use super::{Chart, scale};
use crate::table::{Cell, Table};
use crate::words;

/// How many of something there were in each of some spans of the same length.
#[derive(Clone, Copy)]
pub struct TimeHistogram<'a> {
    /// What it shows, such as `Alerts by hour`.
    pub title: &'a str,
    /// What is counted: one, and more than one.
    pub unit: [&'a str; 2],
    /// Where the first span begins.
    pub from: Timestamp,
    /// How long a span is, in microseconds.
    pub span: i64,
    /// How many in each.
    pub counts: &'a [u64],
    /// Where a span leads, by its beginning and end.
    pub href: Option<&'a dyn Fn(Timestamp, Timestamp) -> String>,
}

impl TimeHistogram<'_> {
    /// Draws it.
    pub fn chart(&self) -> Chart {
        let top = self.counts.iter().copied().max().unwrap_or(0);
        let mut svg = Svg::new("ward-histogram", WIDE * self.counts.len().max(1) as f64, HIGH, true);
        let mut table = Table::new(self.title).narrow().column("From").numbers(capital(self.unit[1]));
        for (nth, count) in self.counts.iter().enumerate() {
            let (from, to) = (self.start(nth), self.start(nth + 1));
            let href = self.href.map(|href| href(from, to));
            let (left, high) = (nth as f64 * WIDE, scale::height(*count, top, HIGH));
            if let Some(href) = &href {
                svg.open("a", &[("href", href), ("tabindex", &"-1")]);
            }
            svg.open("g", &[("class", &"ward-histogram__span")]);
            svg.text("title", &[], &format!("{}: {}", words::time(from), words::count(*count, self.unit)));
            // all of the height answers to the mouse
            svg.empty(
                "rect",
                &[
                    ("class", &"ward-histogram__room"),
                    ("x", &Short(left)),
                    ("width", &Short(WIDE)),
                    ("height", &Short(HIGH)),
                ],
            );
            if *count > 0 {
                svg.empty(
                    "rect",
                    &[
                        ("class", &"ward-histogram__bar"),
                        ("x", &Short(left + GAP / 2.0)),
                        ("y", &Short(HIGH - high)),
                        ("width", &Short(WIDE - GAP)),
                        ("height", &Short(high)),
                    ],
                );
            }
            svg.close();
            if href.is_some() {
                svg.close();
            }
            table.push([Cell::text(words::time(from)), Cell::number(*count).to(href)]);
        }
        Chart {
            kind: "histogram",
            title: self.title.to_owned(),
            summary: self.summary(top),
            svg: svg.finish(),
            ends: vec![words::time(self.from), words::time(self.start(self.counts.len()))],
            legend: Vec::new(),
            table,
        }
    }

    fn start(&self, nth: usize) -> Timestamp {
        let nth = i64::try_from(nth).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.from.micros().saturating_add(self.span.saturating_mul(nth)))
    }

    fn summary(&self, top: u64) -> String {
        let all = self.counts.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
        let most = self.counts.iter().position(|count| *count == top && top > 0);
        let all = words::count(all, self.unit);
        match most {
            Some(nth) => {
                format!("{all}; most from {} on: {}.", words::time(self.start(nth)), words::number(top))
            }
            None => format!("{all}."),
        }
    }
}

impl std::fmt::Debug for TimeHistogram<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TimeHistogram").field("title", &self.title).finish_non_exhaustive()
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Width of a span and height of all, in the picture's own units, and the gap between two bars.
const WIDE: f64 = 10.0;
const HIGH: f64 = 100.0;
const GAP: f64 = 2.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram<'a>(counts: &'a [u64], href: Option<&'a dyn Fn(Timestamp, Timestamp) -> String>) -> Chart {
        TimeHistogram {
            title: "Alerts by hour",
            unit: ["alert", "alerts"],
            from: Timestamp::parse("2026-03-17T12:00:00Z").unwrap(),
            span: 3_600_000_000,
            counts,
            href,
        }
        .chart()
    }

    #[test]
    fn each_span_has_a_bar_unless_it_is_empty_and_a_row_in_any_case() {
        let chart = histogram(&[5, 0, 10], None);
        assert_eq!(chart.svg().as_str().matches("ward-histogram__bar").count(), 2);
        assert!(chart.svg().as_str().contains("y=\"50\" width=\"8\" height=\"50\""), "{}", chart.svg());
        let rows: Vec<_> = chart.table().rows().iter().map(|row| (row[0].says(), row[1].says())).collect();
        assert_eq!(
            rows,
            [
                ("17 Mar 2026, 12:00 UTC", "5"),
                ("17 Mar 2026, 13:00 UTC", "0"),
                ("17 Mar 2026, 14:00 UTC", "10")
            ]
        );
        assert_eq!(chart.summary(), "15 alerts; most from 17 Mar 2026, 14:00 UTC on: 10.");
        assert_eq!(chart.ends, ["17 Mar 2026, 12:00 UTC", "17 Mar 2026, 15:00 UTC"]);
    }

    #[test]
    fn a_span_leads_to_the_same_place_from_picture_and_table() {
        let href = |from: Timestamp, to: Timestamp| format!("/hunt?from={from}&to={to}");
        let chart = histogram(&[1, 2], Some(&href));
        for row in chart.table().rows() {
            let href = row[1].leads_to().unwrap().replace('&', "&amp;");
            // slashes are escaped in attributes
            let in_picture = chart.svg().as_str().replace("&#x2f;", "/");
            assert!(
                in_picture.contains(&format!("<a href=\"{href}\" tabindex=\"-1\">")),
                "{href}: {in_picture}"
            );
        }
    }

    #[test]
    fn nothing_at_all_is_a_chart_too() {
        for counts in [&[][..], &[0, 0]] {
            let chart = histogram(counts, None);
            assert_eq!(chart.summary(), "0 alerts.");
            assert!(!chart.svg().as_str().contains("__bar"));
        }
        assert!(histogram(&[u64::MAX, u64::MAX], None).summary().starts_with("18,446,744,073,709,551,615"));
    }
}
