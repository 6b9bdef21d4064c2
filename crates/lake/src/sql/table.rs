//! The table `events`: the columns of the files, and from their paths organisation and day.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::ScalarValue;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::{ParquetAccessPlan, RowGroupAccess};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::pushdown::asked;
use crate::query::Query;
use crate::read::{Blob, groups};
use crate::schema::SCHEMA;
use crate::search::{Counters, Facts, TimeRange, file_possible, in_filter, possible};
use crate::{Lake, LakeError, LakeFile};

/// Under which name the files of the lake are known to the engine.
pub(crate) const STORE: &str = "lake://events";

/// The table `events`.
#[derive(Debug)]
pub(crate) struct Events {
    lake: Lake,
    files: Vec<LakeFile>,
    store: ObjectStoreUrl,
    schema: TableSchema,
    counters: Arc<Counters>,
}

impl Events {
    /// The table of these files, which are all that is in it.
    pub fn new(lake: Lake, files: Vec<LakeFile>, store: ObjectStoreUrl, counters: Arc<Counters>) -> Self {
        let organisation = Arc::new(Field::new("organisation", DataType::Utf8, false));
        let day = Arc::new(Field::new("day", DataType::Date32, false));
        let schema = TableSchema::builder(Arc::clone(&SCHEMA))
            .with_table_partition_cols(vec![organisation, day])
            .build();
        Self { lake, files, store, schema, counters }
    }

    /// A file as the engine reads it: without the row groups that cannot have what is asked. `None`: no row
    /// group is left.
    fn part(&self, file: &LakeFile, query: &Query) -> Result<Option<PartitionedFile>, LakeError> {
        let mut open = || Blob::open(self.lake.root(), &file.path, &self.counters.bytes);
        let groups = groups(file, open)?;
        let mut access = Vec::with_capacity(groups.len());
        for group in &groups {
            let mut failed = None;
            let facts = Facts::of_group(group, &file.organisation);
            let answer = possible(&query.0, &facts, &mut |column, value| {
                in_filter(group, column, value, &mut open, &file.path).unwrap_or_else(|error| {
                    failed = Some(error);
                    true
                })
            });
            if let Some(error) = failed {
                return Err(error);
            }
            access.push(if answer { RowGroupAccess::Scan } else { RowGroupAccess::Skip });
        }
        if !access.iter().any(RowGroupAccess::should_scan) {
            return Ok(None);
        }
        let days = file.day.start().micros().div_euclid(86_400_000_000);
        let values = vec![
            ScalarValue::Utf8(Some(file.organisation.to_string())),
            ScalarValue::Date32(i32::try_from(days).ok()),
        ];
        let part = PartitionedFile::new(file.path.clone(), file.bytes)
            .with_partition_values(values)
            .with_extension(ParquetAccessPlan::new(access));
        Ok(Some(part))
    }
}

#[async_trait]
impl TableProvider for Events {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.schema.table_schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let query = asked(filters);
        let mut parts = Vec::new();
        for file in self.files.iter().filter(|file| file_possible(file, &query, TimeRange::ALL)) {
            let part = self.part(file, &query).map_err(|error| DataFusionError::External(Box::new(error)))?;
            parts.extend(part);
        }
        let wanted = session.config().target_partitions().max(1);
        let source = Arc::new(ParquetSource::new(self.schema.clone()));
        let scan = FileScanConfigBuilder::new(self.store.clone(), source)
            .with_file_groups(FileGroup::new(parts).split_files(wanted))
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(scan))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // they only leave files and row groups out; the engine still asks each row
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}
