//! One row group: its cheap columns first, the original bytes only of the rows that are left, and all
//! columns only of the rows that are found.

use std::collections::BTreeSet;

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use ward_core::OrganisationId;

use super::check::{Check, LISTS};
use super::limits::{Running, TimeRange};
use crate::query::{Column, Node, Query, QueryError, TimeColumn};
use crate::read::{Blob, rows_at_once};
use crate::schema::COLUMNS;
use crate::view::View;
use crate::{FoundRow, LakeError};

/// A query as it is asked of row groups: in two steps.
#[derive(Debug)]
pub(crate) struct Plan {
    cheap: Step,
    original: Option<Step>,
}

#[derive(Debug)]
struct Step {
    check: Check,
    columns: Vec<&'static str>,
    batch: usize,
}

impl Plan {
    /// # Errors
    /// The query cannot be made ready.
    pub fn new(query: &Query) -> Result<Self, QueryError> {
        let parts = match &query.0 {
            Node::And(parts) => parts.clone(),
            other => vec![other.clone()],
        };
        let (original, cheap): (Vec<_>, Vec<_>) =
            parts.into_iter().partition(|part| Query(part.clone()).reads_original());
        let original = match original.is_empty() {
            true => None,
            false => Some(Step::new(original, RAW_BATCH)?),
        };
        Ok(Self { cheap: Step::new(cheap, CHEAP_BATCH)?, original })
    }

    /// The rows of the group that are searched for, or those of them that come last in time, if there are
    /// more than `most`.
    pub fn scan(
        &self,
        group: &GroupAt<'_>,
        range: TimeRange,
        most: usize,
    ) -> Result<Vec<FoundRow>, LakeError> {
        let all = RowSelection::from(vec![RowSelector::select(group.rows)]);
        let mut times = self.cheap.ask(group, &all, range)?;
        if let Some(original) = self.original.as_ref().filter(|_| !times.is_empty()) {
            times = original.ask(group, &selection(&times, group.rows), range)?;
        }
        if times.len() > most {
            let mut latest: Vec<i64> = times.iter().map(|(time, _)| *time).collect();
            let (_, least, _) = latest.select_nth_unstable_by(most.max(1) - 1, |a, b| b.cmp(a));
            let least = *least;
            times.retain(|(time, _)| *time >= least); // more than `most`, where times are the same
        }
        if times.is_empty() { Ok(Vec::new()) } else { group.rows(&selection(&times, group.rows)) }
    }
}

impl Step {
    fn new(parts: Vec<Node>, batch: usize) -> Result<Self, QueryError> {
        let mut columns = BTreeSet::from(["time"]);
        parts.iter().for_each(|part| needed(part, &mut columns));
        let check = if parts.is_empty() { Check::All } else { Check::of(&Node::and(parts))? };
        Ok(Self { check, columns: columns.into_iter().collect(), batch })
    }

    /// Times and numbers of the selected rows for which it holds.
    fn ask(
        &self,
        group: &GroupAt<'_>,
        selected: &RowSelection,
        range: TimeRange,
    ) -> Result<Vec<(i64, usize)>, LakeError> {
        let mut numbers = numbers(selected);
        let mut found = Vec::new();
        for batch in group.read(&self.columns, selected, self.batch)? {
            group.running.may_go_on()?;
            let batch = batch.map_err(|error| group.failed(error.into()))?;
            let view = View::new(&batch);
            for row in 0..view.rows() {
                let Some(number) = numbers.next() else { break };
                let time = view.time(row);
                if range.holds(time) && self.check.holds(&view, row, group.organisation) {
                    found.push((time, number));
                }
            }
        }
        Ok(found)
    }
}

/// A row group of a file that is open.
#[derive(Debug)]
pub(crate) struct GroupAt<'a> {
    pub blob: &'a Blob,
    pub footer: &'a ArrowReaderMetadata,
    pub path: &'a str,
    pub organisation: &'a OrganisationId,
    pub nth: usize,
    pub rows: usize,
    pub running: &'a Running,
}

impl GroupAt<'_> {
    fn read(
        &self,
        columns: &[&str],
        selected: &RowSelection,
        batch: usize,
    ) -> Result<ParquetRecordBatchReader, LakeError> {
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.blob.clone(), self.footer.clone());
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        let batch = match columns.contains(&"raw") {
            true => rows_at_once(self.footer, &[self.nth], batch),
            false => batch,
        };
        builder
            .with_row_groups(vec![self.nth])
            .with_projection(mask)
            .with_row_selection(selected.clone())
            .with_batch_size(batch)
            .build()
            .map_err(|error| self.failed(error))
    }

    fn rows(&self, selected: &RowSelection) -> Result<Vec<FoundRow>, LakeError> {
        let mut found = Vec::new();
        let mut bytes = 0;
        for batch in self.read(&COLUMNS, selected, RAW_BATCH)? {
            self.running.may_go_on()?;
            let batch = batch.map_err(|error| self.failed(error.into()))?;
            let view = View::new(&batch);
            for row in 0..view.rows() {
                let row = view.found(row, self.organisation);
                bytes += row.size();
                found.push(row);
            }
            if bytes > self.running.limits.memory {
                return Err(LakeError::OutOfMemory(self.running.limits.memory));
            }
        }
        Ok(found)
    }

    fn failed(&self, error: parquet::errors::ParquetError) -> LakeError {
        LakeError::parquet("read", self.path, error)
    }
}

/// The columns that a part of a query looks at.
fn needed(node: &Node, columns: &mut BTreeSet<&'static str>) {
    use crate::query::Term;
    match node {
        Node::All => {}
        Node::And(parts) | Node::Or(parts) => parts.iter().for_each(|part| needed(part, columns)),
        Node::Not(part) => needed(part, columns),
        Node::Term(term) => match term {
            Term::Raw(_) => drop(columns.insert("raw")),
            Term::Field(..) => columns.extend(["format", "raw"]),
            Term::Id(_) => columns.extend(["batch", "index"]),
            Term::Time(TimeColumn::Time, ..) => {}
            Term::Time(TimeColumn::Received, ..) => drop(columns.insert("received")),
            Term::Class(..) => drop(columns.insert("class_uid")),
            Term::Network(_) => drop(columns.insert("addresses")),
            Term::Text(Column::Organisation, _) => {}
            Term::Text(Column::Observable, _) => {
                columns.extend(["device", "user"]);
                columns.extend(LISTS.map(Column::name));
            }
            Term::Text(column, _) => drop(columns.insert(column.name())),
        },
    }
}

/// The numbers of the rows that are selected.
fn numbers(selected: &RowSelection) -> impl Iterator<Item = usize> {
    let mut at = 0;
    let mut ranges = Vec::new();
    for selector in selected.iter() {
        if !selector.skip {
            ranges.push(at..at + selector.row_count);
        }
        at += selector.row_count;
    }
    ranges.into_iter().flatten()
}

/// Exactly these rows of so many.
fn selection(found: &[(i64, usize)], rows: usize) -> RowSelection {
    let ranges = found.iter().map(|(_, row)| *row..*row + 1);
    RowSelection::from_consecutive_ranges(ranges, rows)
}

const CHEAP_BATCH: usize = 8 * 1024;
const RAW_BATCH: usize = 1024;
