//! Comma-separated values (RFC 4180), under a header line.
//!
//! A cell that a spreadsheet would run as a formula gets an apostrophe in front: what events say is written
//! by whoever attacks. A list is its texts with spaces between.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};

use super::json::text;
use crate::LakeError;

/// The names of the columns.
pub(crate) fn head(schema: &SchemaRef) -> Vec<u8> {
    let mut out = Vec::new();
    line(schema.fields().iter().map(|field| Cell::Text(field.name().clone())), &mut out);
    out
}

/// The rows of a batch.
pub(crate) fn rows(batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), LakeError> {
    for row in 0..batch.num_rows() {
        let cells = batch.columns().iter().map(|array| shown(array, row)).collect::<Result<Vec<_>, _>>()?;
        line(cells.into_iter(), out);
    }
    Ok(())
}

enum Cell {
    /// A negative one is no formula.
    Number(String),
    Text(String),
}

fn shown(array: &ArrayRef, row: usize) -> Result<Cell, LakeError> {
    if array.is_null(row) {
        return Ok(Cell::Text(String::new()));
    }
    match array.data_type() {
        DataType::List(_) => {
            let list = array.as_list::<i32>().value(row);
            let texts = (0..list.len()).map(|at| text(&list, at)).collect::<Result<Vec<_>, _>>()?;
            Ok(Cell::Text(texts.join(" ")))
        }
        kind if kind.is_numeric() => Ok(Cell::Number(text(array, row)?)),
        _ => Ok(Cell::Text(text(array, row)?)),
    }
}

fn line(cells: impl Iterator<Item = Cell>, out: &mut Vec<u8>) {
    for (nth, shown) in cells.enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        match shown {
            Cell::Number(number) => out.extend_from_slice(number.as_bytes()),
            Cell::Text(text) => cell(&text, out),
        }
    }
    out.push(b'\n');
}

fn cell(text: &str, out: &mut Vec<u8>) {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text != "-";
    if !formula && !text.contains(['"', ',', '\n', '\r']) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    if formula {
        out.push(b'\'');
    }
    out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}
