//! Lists: aligned columns for people, or an object a line for programs. Both say the same.

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::print;
use crate::error::Error;
use crate::terminal::{ColorChoice, Screen, grouped, safe, wrap};

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// Aligned columns
    Table,
    /// One JSON object a line
    Json,
}

/// The choice of it.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// How the list is written
    #[arg(long, short, value_enum, default_value_t = ListFormat::Table)]
    pub format: ListFormat,
}

/// A list in the making.
pub struct Listing {
    heads: Vec<String>,
    rows: Vec<Vec<Value>>,
}

impl Listing {
    /// A list with these columns, named as in JSON.
    pub fn new(heads: &[&str]) -> Self {
        Self::of(heads.iter().map(|head| (*head).to_owned()).collect())
    }

    /// As [`Listing::new`], with columns that are known only now.
    pub fn of(heads: Vec<String>) -> Self {
        Self { heads, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, row: impl IntoIterator<Item = Value>) {
        self.rows.push(row.into_iter().collect());
    }

    /// Writes it to standard output.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn print(&self, format: ListFormat) -> Result<(), Error> {
        match format {
            ListFormat::Json => print(&self.json()),
            ListFormat::Table => print(&self.table(&Screen::stdout(ColorChoice::Auto))),
        }
    }

    /// Its rows as objects, as JSON has them.
    pub fn objects(&self) -> Vec<Value> {
        let object = |row: &Vec<Value>| {
            let pairs = self.heads.iter().zip(row).map(|(head, value)| (head.clone(), value.clone()));
            Value::Object(pairs.collect())
        };
        self.rows.iter().map(object).collect()
    }

    fn json(&self) -> String {
        self.objects().iter().map(|object| format!("{object}\n")).collect()
    }

    /// As columns that fit the screen, the last one wrapped.
    pub fn table(&self, screen: &Screen) -> String {
        let heads: Vec<String> = self.heads.iter().map(|head| head.replace('_', " ")).collect();
        let cells: Vec<Vec<String>> = self.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        let width_of = |at: usize| {
            let column = cells.iter().filter_map(|row| row.get(at)).chain(heads.get(at));
            column.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..heads.len()).map(width_of).collect();
        let last = widths.len().saturating_sub(1);
        let before: usize = widths.iter().take(last).map(|width| width + 2).sum();
        let room = screen.width.saturating_sub(before).max(LEAST_ROOM);
        let is_number = |at: usize| {
            let mut column = self.rows.iter().filter_map(|row| row.get(at)).peekable();
            column.peek().is_some() && column.all(|value| value.is_number() || value.is_null())
        };
        let numbers: Vec<bool> = (0..heads.len()).map(is_number).collect();
        let line = |row: &[String]| {
            let mut text = String::new();
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let pad = " ".repeat(width.saturating_sub(cell.chars().count()));
                match (at == last, numbers.get(at) == Some(&true)) {
                    (true, false) => {
                        text.push_str(&wrap(cell, room).join(&format!("\n{}", " ".repeat(before))))
                    }
                    (true, true) => text.push_str(&format!("{pad}{cell}")),
                    (false, true) => text.push_str(&format!("{pad}{cell}  ")),
                    (false, false) => text.push_str(&format!("{cell}{pad}  ")),
                }
            }
            format!("{}\n", text.trim_end())
        };
        let head = line(&heads);
        let head = format!("{}\n", screen.heading(head.trim_end()));
        cells.iter().fold(head, |text, row| text + &line(row))
    }
}

/// Columns that the last column always gets.
const LEAST_ROOM: usize = 24;

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => number.as_u64().map_or_else(|| number.to_string(), grouped),
        Value::String(text) => safe(text),
        Value::Array(all) => all.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => safe(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PLAIN: Screen = Screen { width: 60, color: false, is_terminal: false };

    fn listing() -> Listing {
        let mut listing = Listing::new(&["id", "silent_after", "events", "note"]);
        listing.row([json!("a"), json!(null), json!(12_345), json!("x\u{1b}[2Jy")]);
        listing.row([
            json!("long-name"),
            json!("30m"),
            json!(7),
            json!("a note that is longer than there is room for"),
        ]);
        listing
    }

    #[test]
    fn columns_are_aligned_and_nothing_is_lost_or_hidden() {
        assert_eq!(
            listing().table(&PLAIN),
            "id         silent after  events  note\n\
             a          -             12,345  x\u{fffd}[2Jy\n\
             long-name  30m                7  a note that is longer than\n\
             \x20                                there is room for\n"
        );
    }

    #[test]
    fn programs_get_the_same_as_objects() {
        let text = listing().json();
        let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(first, json!({"id": "a", "silent_after": null, "events": 12_345, "note": "x\u{1b}[2Jy"}));
    }
}
