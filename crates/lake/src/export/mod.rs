//! Rows for other programs: NDJSON, CSV, Parquet.

mod csv;
mod json;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::schema::SCHEMA;
use crate::write::Columns;
use crate::{FoundRow, LakeError};

/// In which format rows leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExportFormat {
    /// A JSON object a line.
    Ndjson,
    /// Comma-separated values (RFC 4180) under a header line; no cell is a formula.
    Csv,
    /// A Parquet file.
    Parquet,
}

impl ExportFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ndjson, Self::Csv, Self::Parquet];

    /// Its name, which is also how file names end.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }

    /// The format of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// Events that were found become bytes of a format.
#[derive(Debug)]
pub struct Export {
    encoder: Encoder,
    columns: Columns,
    organisations: Vec<String>,
    schema: SchemaRef,
}

impl Export {
    /// Nothing yet.
    ///
    /// # Errors
    /// The format cannot be begun.
    pub fn new(format: ExportFormat) -> Result<Self, LakeError> {
        let mut fields = vec![Arc::new(Field::new("organisation", DataType::Utf8, false))];
        fields.extend(SCHEMA.fields().iter().cloned());
        let schema = Arc::new(Schema::new(fields));
        let encoder = Encoder::new(format, &schema)?;
        Ok(Self { encoder, columns: Columns::new(), organisations: Vec::new(), schema })
    }

    /// Takes an event, and gives the bytes that are ready. They may be none.
    ///
    /// # Errors
    /// It could not be encoded.
    pub fn push(&mut self, row: &FoundRow) -> Result<Vec<u8>, LakeError> {
        self.organisations.push(row.organisation.to_string());
        self.columns.push_found(row);
        if self.columns.rows() < 256 && self.columns.bytes() < 256 * 1024 {
            return Ok(Vec::new());
        }
        self.encode()
    }

    /// Gives the bytes that are left.
    ///
    /// # Errors
    /// They could not be encoded.
    pub fn finish(mut self) -> Result<Vec<u8>, LakeError> {
        let mut bytes = self.encode()?;
        bytes.extend(self.encoder.finish()?);
        Ok(bytes)
    }

    fn encode(&mut self) -> Result<Vec<u8>, LakeError> {
        let batch = self.columns.take()?;
        let mut columns: Vec<ArrayRef> =
            vec![Arc::new(StringArray::from(std::mem::take(&mut self.organisations)))];
        columns.extend(batch.columns().iter().cloned());
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|error| LakeError::Layout(error.to_string()))?;
        self.encoder.encode(&batch)
    }
}

/// Batches of rows become bytes of a format.
#[derive(Debug)]
pub(crate) enum Encoder {
    Ndjson,
    Csv { head: Option<Vec<u8>> },
    Parquet(Box<ArrowWriter<Vec<u8>>>),
}

impl Encoder {
    pub fn new(format: ExportFormat, schema: &SchemaRef) -> Result<Self, LakeError> {
        Ok(match format {
            ExportFormat::Ndjson => Self::Ndjson,
            ExportFormat::Csv => Self::Csv { head: Some(csv::head(schema)) },
            ExportFormat::Parquet => {
                let level = ZstdLevel::try_new(1).map_err(failed)?;
                let properties =
                    WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
                let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(schema), Some(properties));
                Self::Parquet(Box::new(writer.map_err(failed)?))
            }
        })
    }

    /// The bytes of a batch, or those that are ready.
    pub fn encode(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, LakeError> {
        match self {
            Self::Ndjson => json::rows(batch),
            Self::Csv { head } => {
                let mut out = head.take().unwrap_or_default();
                csv::rows(batch, &mut out)?;
                Ok(out)
            }
            Self::Parquet(writer) => {
                writer.write(batch).map_err(failed)?;
                if writer.in_progress_size() > 8 << 20 {
                    writer.flush().map_err(failed)?;
                }
                writer.sync().map_err(|error| LakeError::file("write", "an export", error))?;
                Ok(std::mem::take(writer.inner_mut()))
            }
        }
    }

    /// The bytes that are left.
    pub fn finish(self) -> Result<Vec<u8>, LakeError> {
        match self {
            Self::Ndjson => Ok(Vec::new()),
            Self::Csv { head } => Ok(head.unwrap_or_default()),
            Self::Parquet(writer) => writer.into_inner().map_err(failed),
        }
    }
}

fn failed(error: parquet::errors::ParquetError) -> LakeError {
    LakeError::parquet("write", "an export", error)
}
