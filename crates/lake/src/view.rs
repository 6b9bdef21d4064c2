//! A batch of rows that was read, by column and row.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, ListArray, PrimitiveArray, RecordBatch, StringArray,
};
use arrow::datatypes::{TimestampMicrosecondType, UInt32Type, UInt64Type};
use ward_core::{BatchId, EventId, OrganisationId, Timestamp};

use crate::FoundRow;
use crate::query::Column;

/// A batch of rows. A column that was not read has no values.
#[derive(Debug)]
pub(crate) struct View<'a> {
    rows: usize,
    batch: Option<&'a PrimitiveArray<UInt64Type>>,
    index: Option<&'a PrimitiveArray<UInt32Type>>,
    time: Option<&'a PrimitiveArray<TimestampMicrosecondType>>,
    received: Option<&'a PrimitiveArray<TimestampMicrosecondType>>,
    class_uid: Option<&'a PrimitiveArray<UInt32Type>>,
    source: Option<&'a StringArray>,
    format: Option<&'a StringArray>,
    device: Option<&'a StringArray>,
    user: Option<&'a StringArray>,
    log_source: Option<&'a StringArray>,
    addresses: Option<List<'a>>,
    hashes: Option<List<'a>>,
    domains: Option<List<'a>>,
    urls: Option<List<'a>>,
    raw: Option<&'a BinaryArray>,
}

#[derive(Debug, Clone, Copy)]
struct List<'a> {
    list: &'a ListArray,
    values: &'a StringArray,
}

impl<'a> View<'a> {
    /// The batch, by column.
    pub fn new(batch: &'a RecordBatch) -> Self {
        let column = |name: &str| batch.column_by_name(name);
        let time = |name: &str| column(name).and_then(|array| array.as_primitive_opt());
        let text = |name: &str| column(name).and_then(|array| array.as_string_opt());
        let list = |name: &str| column(name).and_then(List::new);
        Self {
            rows: batch.num_rows(),
            batch: column("batch").and_then(|array| array.as_primitive_opt()),
            index: column("index").and_then(|array| array.as_primitive_opt()),
            time: time("time"),
            received: time("received"),
            class_uid: column("class_uid").and_then(|array| array.as_primitive_opt()),
            source: text("source"),
            format: text("format"),
            device: text("device"),
            user: text("user"),
            log_source: text("log_source"),
            addresses: list("addresses"),
            hashes: list("hashes"),
            domains: list("domains"),
            urls: list("urls"),
            raw: column("raw").and_then(|array| array.as_binary_opt()),
        }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn id(&self, row: usize) -> EventId {
        let batch = self.batch.map_or(0, |array| array.value(row));
        EventId { batch: BatchId(batch), index: self.index.map_or(0, |array| array.value(row)) }
    }

    pub fn time(&self, row: usize) -> i64 {
        self.time.map_or(0, |array| array.value(row))
    }

    pub fn received(&self, row: usize) -> i64 {
        self.received.map_or(0, |array| array.value(row))
    }

    pub fn class_uid(&self, row: usize) -> u32 {
        self.class_uid.map_or(0, |array| array.value(row))
    }

    pub fn raw(&self, row: usize) -> &'a [u8] {
        self.raw.map_or(&[], |array| array.value(row))
    }

    /// The text of a column that has one. `None`: it is null, or a column of another kind.
    pub fn text(&self, column: Column, row: usize) -> Option<&'a str> {
        let array = match column {
            Column::Source => self.source,
            Column::Format => self.format,
            Column::Device => self.device,
            Column::User => self.user,
            Column::LogSource => self.log_source,
            _ => None,
        }?;
        array.is_valid(row).then(|| array.value(row))
    }

    /// The texts of a column of lists.
    pub fn texts(&self, column: Column, row: usize) -> impl Iterator<Item = &'a str> + use<'a> {
        let list = match column {
            Column::Addresses => self.addresses,
            Column::Hashes => self.hashes,
            Column::Domains => self.domains,
            Column::Urls => self.urls,
            _ => None,
        };
        list.into_iter().flat_map(move |list| list.of(row))
    }

    /// A whole row, all columns having been read.
    pub fn found(&self, row: usize, organisation: &OrganisationId) -> FoundRow {
        let text = |column| self.text(column, row).map(str::to_owned);
        let texts = |column| self.texts(column, row).map(str::to_owned).collect();
        FoundRow {
            id: self.id(row),
            organisation: organisation.clone(),
            time: Timestamp::from_micros(self.time(row)),
            received: Timestamp::from_micros(self.received(row)),
            source: text(Column::Source).unwrap_or_default(),
            format: text(Column::Format).unwrap_or_default(),
            device: text(Column::Device),
            user: text(Column::User),
            class_uid: self.class_uid(row),
            log_source: text(Column::LogSource).unwrap_or_default(),
            addresses: texts(Column::Addresses),
            hashes: texts(Column::Hashes),
            domains: texts(Column::Domains),
            urls: texts(Column::Urls),
            raw: self.raw(row).to_vec(),
        }
    }
}

impl<'a> List<'a> {
    fn new(array: &'a ArrayRef) -> Option<Self> {
        let list = array.as_list_opt::<i32>()?;
        Some(Self { list, values: list.values().as_string_opt()? })
    }

    fn of(self, row: usize) -> impl Iterator<Item = &'a str> {
        let offsets = self.list.value_offsets();
        let place = |nth: usize| usize::try_from(offsets.get(nth).copied().unwrap_or(0)).unwrap_or(0);
        (place(row)..place(row + 1)).map(move |at| self.values.value(at))
    }
}
