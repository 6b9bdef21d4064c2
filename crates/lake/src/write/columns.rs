//! Rows become columns, a few hundred at a time.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, ListBuilder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
    UInt32Builder, UInt64Builder,
};
use ward_core::Timestamp;

use crate::schema::{SCHEMA, element};
use crate::{FoundRow, LakeError, LakeRow};

/// Rows that wait to be encoded.
#[derive(Debug)]
pub(crate) struct Columns {
    batch: UInt64Builder,
    index: UInt32Builder,
    time: TimestampMicrosecondBuilder,
    received: TimestampMicrosecondBuilder,
    source: StringBuilder,
    format: StringBuilder,
    device: StringBuilder,
    user: StringBuilder,
    class_uid: UInt32Builder,
    log_source: StringBuilder,
    lists: [ListBuilder<StringBuilder>; 4],
    raw: BinaryBuilder,
    scratch: String,
    rows: usize,
    bytes: usize,
}

impl Columns {
    /// None yet.
    pub fn new() -> Self {
        let time = || TimestampMicrosecondBuilder::with_capacity(0).with_timezone("UTC");
        let text = || StringBuilder::with_capacity(0, 0);
        let list = || ListBuilder::with_capacity(StringBuilder::with_capacity(0, 0), 0).with_field(element());
        Self {
            batch: UInt64Builder::with_capacity(0),
            index: UInt32Builder::with_capacity(0),
            time: time(),
            received: time(),
            source: text(),
            format: text(),
            device: text(),
            user: text(),
            class_uid: UInt32Builder::with_capacity(0),
            log_source: text(),
            lists: std::array::from_fn(|_| list()),
            raw: BinaryBuilder::with_capacity(0, 0),
            scratch: String::new(),
            rows: 0,
            bytes: 0,
        }
    }

    /// Takes a row, with the time at which it counts as having happened.
    pub fn push(&mut self, row: &LakeRow<'_>, time: Timestamp) {
        self.batch.append_value(row.id.batch.0);
        self.index.append_value(row.id.index);
        self.time.append_value(time.micros());
        self.received.append_value(row.received.micros());
        self.source.append_value(row.source);
        self.format.append_value(row.format);
        for (column, value) in [(&mut self.device, row.device), (&mut self.user, row.user)] {
            let value = value.filter(|value| !value.is_empty());
            column.append_option(value.map(|value| lower(value, &mut self.scratch)));
        }
        self.class_uid.append_value(row.class_uid);
        self.log_source.append_value(row.log_source);
        self.bytes += FIXED + row.raw.len() + row.source.len() + row.format.len() + row.log_source.len();
        for (list, values) in self.lists.iter_mut().zip([row.addresses, row.hashes, row.domains, row.urls]) {
            for value in values.iter().filter(|value| !value.is_empty()) {
                list.values().append_value(lower(value, &mut self.scratch));
                self.bytes += value.len() + 4;
            }
            list.append(true);
        }
        self.raw.append_value(row.raw);
        self.rows += 1;
    }

    /// Takes a row that was read from the lake, as it is.
    pub fn push_found(&mut self, row: &FoundRow) {
        fn texts(list: &[String]) -> Vec<&str> {
            list.iter().map(String::as_str).collect()
        }
        let row = LakeRow {
            id: row.id,
            organisation: &row.organisation,
            time: row.time,
            received: row.received,
            source: &row.source,
            format: &row.format,
            device: row.device.as_deref(),
            user: row.user.as_deref(),
            class_uid: row.class_uid,
            log_source: &row.log_source,
            addresses: &texts(&row.addresses),
            hashes: &texts(&row.hashes),
            domains: &texts(&row.domains),
            urls: &texts(&row.urls),
            raw: &row.raw,
        };
        self.push(&row, row.time);
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes that they take in memory, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The rows as one batch; none are left.
    ///
    /// # Errors
    /// Arrow could not lay them out.
    pub fn take(&mut self) -> Result<RecordBatch, LakeError> {
        // As many again: to grow step by step would copy the originals once more.
        let room = self.raw.values_slice().len();
        let next = BinaryBuilder::with_capacity(self.rows, room + room / 8);
        let mut raw = std::mem::replace(&mut self.raw, next);
        (self.rows, self.bytes) = (0, 0);
        let [addresses, hashes, domains, urls] = &mut self.lists;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.batch.finish()),
            Arc::new(self.index.finish()),
            Arc::new(self.time.finish()),
            Arc::new(self.received.finish()),
            Arc::new(self.source.finish()),
            Arc::new(self.format.finish()),
            Arc::new(self.device.finish()),
            Arc::new(self.user.finish()),
            Arc::new(self.class_uid.finish()),
            Arc::new(self.log_source.finish()),
            Arc::new(addresses.finish()),
            Arc::new(hashes.finish()),
            Arc::new(domains.finish()),
            Arc::new(urls.finish()),
            Arc::new(raw.finish()),
        ];
        RecordBatch::try_new(Arc::clone(&SCHEMA), columns)
            .map_err(|error| LakeError::Layout(error.to_string()))
    }
}

/// The text in lower case, in `scratch` if it is not already so.
fn lower<'a>(text: &'a str, scratch: &'a mut String) -> &'a str {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return text;
    }
    scratch.clear();
    scratch.push_str(&text.to_lowercase());
    scratch
}

/// What a row takes beside its texts: four numbers, a class, and the ends of its texts and lists.
const FIXED: usize = 72;
