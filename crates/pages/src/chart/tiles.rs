//! The care boards as a grid of tiles, each with its number.

use super::boards::{CARE_BOARDS, COLUMNS, CareBoard, ROWS};
use super::svg::{Short, Svg};
use super::{Chart, scale};
use crate::table::{Cell, Table};
use crate::words;

/// A number for each care board that there is one for.
#[derive(Debug, Clone, Copy)]
pub struct TileMap<'a> {
    /// What it shows, such as `Open alerts by care board`.
    pub title: &'a str,
    /// What is counted: one, and more than one.
    pub unit: [&'a str; 2],
    /// The numbers.
    pub tiles: &'a [Tile],
}

/// The number of one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// Code of a care board in the ODS. What is none is in the table only, and said to be.
    pub code: String,
    /// What it is called where it is no care board.
    pub name: String,
    /// The number.
    pub count: u64,
    /// Where it leads.
    pub href: Option<String>,
}

impl TileMap<'_> {
    /// Draws it.
    pub fn chart(&self) -> Chart {
        let top = self.tiles.iter().map(|tile| tile.count).max().unwrap_or(0);
        let levels = scale::levels(top);
        let size = |tiles: u8| f64::from(tiles) * SIDE;
        let mut svg = Svg::new("ward-tiles", size(COLUMNS), size(ROWS), false);
        let mut table = Table::new(self.title).narrow().column("Care board").numbers("Number");
        let (mut silent, mut known) = (0, 0);
        for board in &CARE_BOARDS {
            let tile = self.tiles.iter().find(|tile| tile.code == board.code);
            self.draw(&mut svg, board, tile, &levels);
            match tile {
                Some(tile) => {
                    known += 1;
                    table.push([Cell::text(board.name), Cell::number(tile.count).to(tile.href.clone())]);
                }
                None => {
                    silent += 1;
                    table.push([Cell::text(board.name), Cell::text("no data")]);
                }
            }
        }
        let mut elsewhere = 0;
        for tile in self.tiles.iter().filter(|tile| !CARE_BOARDS.iter().any(|board| board.code == tile.code))
        {
            elsewhere += 1;
            let name = if tile.name.is_empty() { &tile.code } else { &tile.name };
            table.push([
                Cell::text(format!("{name} (not on the map)")),
                Cell::number(tile.count).to(tile.href.clone()),
            ]);
        }
        Chart {
            kind: "tiles",
            title: self.title.to_owned(),
            summary: self.summary(known, silent, elsewhere),
            svg: svg.finish(),
            ends: Vec::new(),
            legend: legend(&levels, silent),
            table,
        }
    }

    fn draw(&self, svg: &mut Svg, board: &CareBoard, tile: Option<&Tile>, levels: &[u64]) {
        let class = tile.map_or("none".to_owned(), |tile| scale::level(tile.count, levels).to_string());
        let href = tile.and_then(|tile| tile.href.as_deref());
        let (told, shown) = match tile {
            Some(tile) => (words::count(tile.count, self.unit), short(tile.count)),
            None => ("no data".to_owned(), "\u{2013}".to_owned()),
        };
        let (left, above) = (f64::from(board.column) * SIDE, f64::from(board.row) * SIDE);
        if let Some(href) = href {
            svg.open("a", &[("href", &href), ("tabindex", &"-1")]);
        }
        svg.open("g", &[("class", &format_args!("ward-tile ward-tile--{class}"))]);
        svg.text("title", &[], &format!("{}: {told}", board.name));
        let inner = SIDE - GAP;
        svg.empty(
            "rect",
            &[
                ("x", &Short(left + GAP / 2.0)),
                ("y", &Short(above + GAP / 2.0)),
                ("width", &Short(inner)),
                ("height", &Short(inner)),
            ],
        );
        let middle = Short(left + SIDE / 2.0);
        svg.text(
            "text",
            &[("class", &"ward-tile__mark"), ("x", &middle), ("y", &Short(above + 19.0))],
            board.mark,
        );
        svg.text(
            "text",
            &[("class", &"ward-tile__number"), ("x", &middle), ("y", &Short(above + 37.0))],
            &shown,
        );
        svg.close();
        if href.is_some() {
            svg.close();
        }
    }

    fn summary(&self, known: u64, silent: u64, elsewhere: u64) -> String {
        let all = self.tiles.iter().fold(0_u64, |sum, tile| sum.saturating_add(tile.count));
        let places = words::count(known, ["care board", "care boards"]);
        let mut text = format!("{} at {places}", words::count(all, self.unit));
        if elsewhere > 0 {
            text.push_str(&format!(" and {elsewhere} elsewhere"));
        }
        if silent > 0 {
            text.push_str(&format!("; no data of {silent}"));
        }
        text + "."
    }
}

/// What the colours mean.
fn legend(levels: &[u64], silent: u64) -> Vec<(String, String)> {
    let mut legend = vec![("ward-tile--0".to_owned(), "0".to_owned())];
    let mut least = 1;
    for (nth, most) in levels.iter().enumerate() {
        let (from, to) = (words::number(least), words::number(*most));
        let text = if least == *most { from } else { format!("{from} to {to}") };
        legend.push((format!("ward-tile--{}", nth + 1), text));
        least = most + 1;
    }
    if silent > 0 {
        legend.push(("ward-tile--none".to_owned(), "no data".to_owned()));
    }
    legend
}

/// A number that fits a tile: 999, 12k, 3M. The table has all its digits.
fn short(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => format!("{}k", number / 1_000),
        1_000_000..1_000_000_000 => format!("{}M", number / 1_000_000),
        _ => "999M+".to_owned(),
    }
}

/// Side of a tile in the picture's own units, and the gap between two.
const SIDE: f64 = 48.0;
const GAP: f64 = 3.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn map(counts: &[(&str, u64)]) -> Chart {
        let tile = |(code, count): &(&str, u64)| Tile {
            code: (*code).to_owned(),
            name: String::new(),
            count: *count,
            href: Some(format!("/alerts?organisation={code}")),
        };
        let tiles: Vec<Tile> = counts.iter().map(tile).collect();
        TileMap { title: "Open alerts", unit: ["alert", "alerts"], tiles: &tiles }.chart()
    }

    #[test]
    fn all_42_are_drawn_and_no_data_is_not_zero() {
        let chart = map(&[("QWO", 0), ("QHM", 12)]);
        let svg = chart.svg().as_str();
        assert_eq!(svg.matches("class=\"ward-tile ward-tile--").count(), 42);
        assert_eq!(svg.matches("ward-tile--none").count(), 40);
        assert!(svg.contains("<title>West Yorkshire: 0 alerts</title>"));
        assert!(svg.contains("<title>Sussex: no data</title>"));
        assert_eq!(chart.table().rows().len(), 42);
        assert_eq!(chart.summary(), "12 alerts at 2 care boards; no data of 40.");
        assert!(chart.legend.iter().any(|(_, text)| text == "no data"));
    }

    #[test]
    fn what_is_on_no_tile_is_in_the_table_and_counted() {
        let chart = map(&[("QWO", 3), ("X26", 5)]);
        let last = chart.table().rows().last().unwrap();
        assert_eq!((last[0].says(), last[1].says()), ("X26 (not on the map)", "5"));
        assert_eq!(chart.summary(), "8 alerts at 1 care board and 1 elsewhere; no data of 41.");
    }

    #[test]
    fn the_legend_covers_every_value_once() {
        let chart = map(&[("QWO", 100), ("QHM", 1)]);
        let texts: Vec<&str> = chart.legend.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["0", "1 to 2", "3 to 9", "10 to 31", "32 to 100", "no data"]);
    }

    #[test]
    fn a_number_fits_its_tile() {
        for number in [0, 999, 1_000, 999_999, 1_000_000, 999_999_999, u64::MAX] {
            assert!(short(number).len() <= 5, "{number}");
        }
        assert_eq!(short(12_999), "12k");
    }
}
