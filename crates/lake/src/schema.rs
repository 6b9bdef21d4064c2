//! The columns of a file, and how each is laid out.
//!
//! Plain Parquet that any engine reads: texts and lists of texts, so that DuckDB or another reads the same
//! files. What is searched by value ([`INDEXED`]) has a split-block bloom filter in each row group.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{BloomFilterPosition, EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::LakeError;
use crate::query::Column;

/// The columns that are searched by value, in the order of the index.
pub(crate) const INDEXED: [Column; 6] =
    [Column::Device, Column::User, Column::Addresses, Column::Hashes, Column::Domains, Column::Urls];

/// The columns of a file, in order.
pub(crate) const COLUMNS: [&str; 15] = [
    "batch",
    "index",
    "time",
    "received",
    "source",
    "format",
    "device",
    "user",
    "class_uid",
    "log_source",
    "addresses",
    "hashes",
    "domains",
    "urls",
    "raw",
];

/// The columns as Arrow has them.
pub(crate) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let field = |name: &str, kind, nullable| Field::new(name, kind, nullable);
    let list = |name: &str| Field::new(name, DataType::List(element()), false);
    Arc::new(Schema::new(vec![
        field("batch", DataType::UInt64, false),
        field("index", DataType::UInt32, false),
        field("time", time(), false),
        field("received", time(), false),
        field("source", DataType::Utf8, false),
        field("format", DataType::Utf8, false),
        field("device", DataType::Utf8, true),
        field("user", DataType::Utf8, true),
        field("class_uid", DataType::UInt32, false),
        field("log_source", DataType::Utf8, false),
        list("addresses"),
        list("hashes"),
        list("domains"),
        list("urls"),
        field("raw", DataType::Binary, false),
    ]))
});

/// What the lists hold.
pub(crate) fn element() -> FieldRef {
    Arc::new(Field::new("element", DataType::Utf8, false))
}

/// Microseconds, UTC.
pub(crate) fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// Name of the column, and of its leaf for lists.
pub(crate) fn leaf(column: Column) -> ColumnPath {
    let name = column.name();
    match column {
        Column::Addresses | Column::Hashes | Column::Domains | Column::Urls => {
            ColumnPath::new([name, "list", "element"].map(str::to_owned).to_vec())
        }
        _ => ColumnPath::new(vec![name.to_owned()]),
    }
}

/// How the columns are encoded: times as differences, what repeats by dictionary, raw as it is, texts
/// under zstd.
///
/// `filters`: where the filters go. A writer that keeps them for the end holds each at the size it began with,
/// 224 KB for a row group.
///
/// # Errors
/// The level of compression is none of zstd's.
pub(crate) fn properties(
    level: i32,
    page_bytes: usize,
    filters: BloomFilterPosition,
) -> Result<WriterProperties, LakeError> {
    let level = ZstdLevel::try_new(level).map_err(|error| LakeError::parquet("write", "a file", error))?;
    let path = |name: &str| ColumnPath::new(vec![name.to_owned()]);
    let mut properties = WriterProperties::builder()
        .set_created_by("ward-lake".to_owned())
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(None)
        .set_bloom_filter_position(filters)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_write_batch_size(256)
        .set_column_statistics_enabled(path("time"), EnabledStatistics::Page)
        .set_column_statistics_enabled(path("raw"), EnabledStatistics::None)
        .set_column_dictionary_enabled(path("raw"), false)
        .set_column_data_page_size_limit(path("raw"), page_bytes);
    // Differences need a buffer of 1 MiB for each column of each file in the making, and other numbers repeat.
    properties = properties
        .set_column_dictionary_enabled(path("time"), false)
        .set_column_encoding(path("time"), Encoding::DELTA_BINARY_PACKED);
    // As packed as they will be: a compressor for each would cost memory and gain nothing.
    for name in ["batch", "index", "time", "received", "source", "format", "class_uid", "log_source"] {
        properties = properties.set_column_compression(path(name), Compression::UNCOMPRESSED);
    }
    for column in INDEXED {
        properties = properties
            .set_column_statistics_enabled(leaf(column), EnabledStatistics::None)
            .set_column_bloom_filter_fpp(leaf(column), FALSE_POSITIVES)
            .set_column_bloom_filter_max_ndv(leaf(column), most_distinct(column));
    }
    Ok(properties.build())
}

/// How often a filter may say "perhaps" where the value is not: about ten bits for a distinct value.
const FALSE_POSITIVES: f64 = 0.01;

/// For how many distinct values in a row group there is room. With more, a filter only errs more often;
/// with fewer, it is folded to what they need.
fn most_distinct(column: Column) -> u64 {
    match column {
        Column::Device | Column::User => 8 * 1024,
        Column::Addresses | Column::Domains => 32 * 1024,
        _ => 16 * 1024,
    }
}
