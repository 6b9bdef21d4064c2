//! Pages that are a table: what it shows, how much of it there is, and where the next page is.

use serde::Serialize;
use ward_pages::table::Table;
use ward_pages::{Link, Page};

use super::visit::{Visit, escaped};
use crate::ask::Answer;

/// Rows of a page.
pub(super) const A_PAGE: usize = 100;

/// What such a page shows.
#[derive(Serialize, Default)]
pub(super) struct List {
    /// What it is about, in a sentence or two.
    pub lede: String,
    pub tables: Vec<Part>,
    /// Where the next page is.
    pub next: Option<String>,
    /// Where else one can go from here.
    pub links: Vec<Link>,
    /// A search by name, with what is in it.
    pub search: Option<Search>,
}

/// A table of a page, or what is said when it has no rows.
#[derive(Serialize)]
pub(super) struct Part {
    table: Option<Table>,
    empty: &'static str,
}

#[derive(Serialize)]
pub(super) struct Search {
    pub action: &'static str,
    pub label: &'static str,
    pub value: String,
}

impl List {
    /// Adds a table.
    pub fn with(mut self, table: Table, empty: &'static str) -> Self {
        let table = (!table.rows().is_empty()).then_some(table);
        self.tables.push(Part { table, empty });
        self
    }

    /// The page.
    pub fn show(&self, visit: &Visit, page: &Page) -> Answer {
        visit.show("list.jinja", page, self)
    }
}

/// The address of the page after this one: the same with another cursor.
pub(super) fn next(path: &str, kept: &[(&str, &str)], cursor: &str) -> String {
    let mut address = format!("{path}?cursor={}", escaped(cursor));
    for (name, value) in kept.iter().filter(|(_, value)| !value.is_empty()) {
        address.push_str(&format!("&{name}={}", escaped(value)));
    }
    address
}
