//! Tables, in the words of the official macro `table`: side by side on a desk, each row a small list on a phone.

use serde::Serialize;

use crate::markup::Markup;
use crate::words;

/// A table. Each row has as many cells as there are columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    caption: String,
    head: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    first_cell_is_header: bool,
    responsive: bool,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Column {
    text: String,
    format: Option<&'static str>,
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    text: String,
    /// The text as a link.
    html: Option<Markup>,
    /// Of its column: shown before the text where rows are lists.
    header: String,
    format: Option<&'static str>,
    #[serde(skip)]
    href: Option<String>,
}

/// How the style sheet knows columns of numbers.
const NUMERIC: Option<&str> = Some("numeric");

impl Table {
    /// A table without columns and rows yet.
    pub fn new(caption: impl Into<String>) -> Self {
        let (head, rows) = (Vec::new(), Vec::new());
        Self { caption: caption.into(), head, rows, first_cell_is_header: true, responsive: true }
    }

    /// Stays side by side on a phone too: for two short columns.
    #[must_use]
    pub fn narrow(mut self) -> Self {
        self.responsive = false;
        self
    }

    /// Adds a column of text. The cells of the first column name their row.
    #[must_use]
    pub fn column(mut self, text: impl Into<String>) -> Self {
        self.head.push(Column { text: text.into(), format: None });
        self
    }

    /// Adds a column of numbers.
    #[must_use]
    pub fn numbers(mut self, text: impl Into<String>) -> Self {
        self.head.push(Column { text: text.into(), format: NUMERIC });
        self
    }

    /// Adds a row.
    #[must_use]
    pub fn row(mut self, cells: impl IntoIterator<Item = Cell>) -> Self {
        self.push(cells);
        self
    }

    /// Adds a row.
    pub fn push(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let mut cells = cells.into_iter();
        let cell = |column: &Column| Cell {
            header: column.text.clone(),
            format: column.format,
            ..cells.next().unwrap_or_else(|| Cell::text(""))
        };
        let row = self.head.iter().map(cell).collect();
        self.rows.push(row);
    }

    /// The rows.
    pub fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }
}

impl Cell {
    /// A cell with a text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), html: None, header: String::new(), format: None, href: None }
    }

    /// A cell with a number.
    pub fn number(number: u64) -> Self {
        Self::text(words::number(number))
    }

    /// Makes a link of it. Every number that can be looked behind has one.
    #[must_use]
    pub fn to(mut self, href: Option<impl Into<String>>) -> Self {
        self.href = href.map(Into::into);
        self.html = self.href.as_deref().map(|href| Markup::link(&self.text, href));
        self
    }

    /// What it says.
    pub fn says(&self) -> &str {
        &self.text
    }

    /// Where it leads.
    pub fn leads_to(&self) -> Option<&str> {
        self.href.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_as_many_cells_as_there_are_columns() {
        let table = Table::new("Alerts").column("Organisation").numbers("Alerts");
        let table = table.row([Cell::text("Leeds")]).row([1, 2, 3].map(Cell::number));
        assert!(table.rows().iter().all(|row| row.len() == 2));
        assert_eq!(table.rows()[1][1].says(), "2");
    }
}
