//! How something went, in the height of a line of text.

use std::fmt::Write;

use super::Chart;
use super::svg::{Short, Svg};
use crate::table::{Cell, Table};
use crate::words;

/// Values in their order, each with the name of its time.
#[derive(Debug, Clone, Copy)]
pub struct Sparkline<'a> {
    /// What it shows, such as `Events a second, last hour`.
    pub title: &'a str,
    /// What is counted: one, and more than one.
    pub unit: [&'a str; 2],
    /// Name and value of each point.
    pub points: &'a [(String, u64)],
}

impl Sparkline<'_> {
    /// Draws it.
    pub fn chart(&self) -> Chart {
        let values = || self.points.iter().map(|(_, value)| *value);
        let (low, high) = (values().min().unwrap_or(0), values().max().unwrap_or(0));
        let mut svg = Svg::new("ward-sparkline", WIDE, HIGH, true);
        let step = WIDE / (self.points.len().max(2) - 1) as f64;
        let level = |value: u64| match high - low {
            0 => HIGH / 2.0,
            range => HIGH - MARGIN - (value - low) as f64 / range as f64 * (HIGH - 2.0 * MARGIN),
        };
        let mut line = String::new();
        for (nth, value) in values().enumerate() {
            // Writing to a string does not fail.
            let _ = write!(line, "{},{} ", Short(nth as f64 * step), Short(level(value)));
        }
        if self.points.len() == 1 {
            let _ = write!(line, "{},{}", Short(WIDE), Short(level(low)));
        }
        if !line.is_empty() {
            svg.empty("polyline", &[("class", &"ward-sparkline__line"), ("points", &line.trim_end())]);
        }
        let mut table = Table::new(self.title).narrow().column("When").numbers("Value");
        for (name, value) in self.points {
            table.push([Cell::text(name), Cell::number(*value)]);
        }
        Chart {
            kind: "sparkline",
            title: self.title.to_owned(),
            summary: self.summary(low, high),
            svg: svg.finish(),
            ends: Vec::new(),
            legend: Vec::new(),
            table,
        }
    }

    fn summary(&self, low: u64, high: u64) -> String {
        let Some((_, last)) = self.points.last() else { return "No values yet.".to_owned() };
        let last = words::count(*last, self.unit);
        format!("Now {last}, before that {} to {}.", words::number(low), words::number(high))
    }
}

/// Size in the picture's own units, and the room that the line leaves above and below.
const WIDE: f64 = 100.0;
const HIGH: f64 = 24.0;
const MARGIN: f64 = 2.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(values: &[u64]) -> Chart {
        let points: Vec<_> =
            values.iter().enumerate().map(|(nth, value)| (format!("{nth}"), *value)).collect();
        Sparkline { title: "Events a second", unit: ["event", "events"], points: &points }.chart()
    }

    #[test]
    fn the_line_goes_from_edge_to_edge_and_from_lowest_to_highest() {
        let chart = drawn(&[10, 30, 20]);
        assert!(chart.svg().as_str().contains("points=\"0,22 50,2 100,12\""), "{}", chart.svg());
        assert_eq!(chart.summary(), "Now 20 events, before that 10 to 30.");
        assert_eq!(chart.table().rows().len(), 3);
    }

    #[test]
    fn one_value_or_always_the_same_is_a_level_line_and_none_is_none() {
        assert!(drawn(&[7]).svg().as_str().contains("points=\"0,12 100,12\""));
        assert!(drawn(&[7, 7]).svg().as_str().contains("points=\"0,12 100,12\""));
        let none = drawn(&[]);
        assert!(!none.svg().as_str().contains("polyline"));
        assert_eq!(none.summary(), "No values yet.");
        assert!(!drawn(&[0, u64::MAX]).svg().as_str().contains("NaN"));
    }
}
