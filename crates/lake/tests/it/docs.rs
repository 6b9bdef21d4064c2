//! `docs/hunt.md` says what is so.

use std::collections::BTreeSet;

use ward_lake::Query;

use crate::sample::{TestLake, events, everyone};
use crate::sql::ask;

const PAGE: &str = include_str!("../../../../docs/hunt.md");

/// What stands in code in the first cell of each row of the table with this heading.
fn first_cells(heading: &str) -> Vec<&'static str> {
    let start = PAGE.find(&format!("| {heading} |")).expect(heading);
    let rows = PAGE[start..].lines().skip(2).take_while(|line| line.starts_with('|'));
    let cells = rows.map(|row| row[1..].split(" | ").next().unwrap());
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_query_is_one_and_what_is_refused_is_refused() {
    let queries = first_cells("query");
    assert!(queries.len() > 25, "{queries:?}");
    for query in queries {
        let read = Query::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        assert_ne!(read, Query::ALL, "{query}");
    }
    for query in first_cells("refused") {
        let error = Query::parse(query).expect_err(query).to_string();
        assert!(error.starts_with("read the query at column ") && error.contains("expected "), "{error}");
    }
}

#[test]
fn every_column_and_function_is_named_and_no_other() {
    let lake = TestLake::new().with("1-1", events(0..10));
    let row = &ask(&lake, &everyone(), "SELECT * FROM events LIMIT 1").unwrap()[0];
    let is: BTreeSet<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(first_cells("column").into_iter().collect::<BTreeSet<_>>(), is);
    for function in first_cells("function") {
        assert!(
            ask(&lake, &everyone(), &format!("SELECT {function} AS x FROM events")).is_ok(),
            "{function}"
        );
    }
}
