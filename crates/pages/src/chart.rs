//! Charts, drawn on the server as SVG, each with its numbers as a table.
//!
//! The picture is for the eye and the mouse; whoever has neither has the same in the table, links too. So the
//! picture is hidden from screen readers and no stop of the tab key, and nothing is only in it.
//!
//! Invariant: no `style` attribute, no script: what a picture looks like is in `ward.css`, by class.
//! Invariant: nobody's data is left out without saying so: a place without data is drawn as such, and what is
//! not on the map is in the table.

pub mod boards;
mod histogram;
mod scale;
mod sparkline;
mod svg;
mod tiles;

use serde::Serialize;

pub use histogram::TimeHistogram;
pub use sparkline::Sparkline;
pub use tiles::{Tile, TileMap};

use crate::markup::Markup;
use crate::table::Table;

/// A chart, as the macros of `charts.jinja` draw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chart {
    /// Which kind, as a class of the style sheet.
    kind: &'static str,
    /// What it shows, such as `Alerts by hour`.
    title: String,
    /// The most important of it in one sentence.
    summary: String,
    /// The picture.
    svg: Markup,
    /// What is at its left and right end.
    ends: Vec<String>,
    /// What its colours mean: class and text.
    legend: Vec<(String, String)>,
    /// The same as numbers.
    table: Table,
}

impl Chart {
    /// The most important of it in one sentence.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// The picture.
    pub fn svg(&self) -> &Markup {
        &self.svg
    }

    /// The same as numbers.
    pub fn table(&self) -> &Table {
        &self.table
    }
}
