//! The session that a statement runs in: one table, some functions, and nothing that leads outside.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use object_store::local::LocalFileSystem;

use super::functions;
use super::table::{Events, STORE};
use crate::search::Counters;
use crate::{Lake, LakeError, LakeFile, Limits};

/// A session whose only table is made of these files.
pub(crate) fn new(
    lake: &Lake,
    files: Vec<LakeFile>,
    limits: &Limits,
    counters: &Arc<Counters>,
) -> Result<SessionContext, LakeError> {
    let failed = |error: &dyn std::fmt::Display| LakeError::Failed(error.to_string());
    let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(limits.memory)))
        .with_disk_manager_builder(disk)
        .build_arc()
        .map_err(|error| failed(&error))?;
    runtime
        .deregister_object_store(ObjectStoreUrl::local_filesystem().as_ref())
        .map_err(|error| failed(&error))?;
    let store = ObjectStoreUrl::parse(STORE).map_err(|error| failed(&error))?;
    if !files.is_empty() {
        let local = LocalFileSystem::new_with_prefix(lake.root()).map_err(|error| failed(&error))?;
        runtime.register_object_store(store.as_ref(), Arc::new(local));
    }
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema("ward", "lake")
        .with_information_schema(false)
        .with_target_partitions(limits.processors())
        .with_batch_size(2 * 1024);
    let options = config.options_mut();
    options.execution.enable_recursive_ctes = false;
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features()
        .with_table_functions(HashMap::new())
        .with_table_factories(HashMap::new())
        .with_file_formats(Vec::new())
        .build();
    let session = SessionContext::new_with_state(state);
    functions::all().into_iter().for_each(|function| session.register_udf(function));
    let events = Events::new(lake.clone(), files, store, Arc::clone(counters));
    session.register_table("events", Arc::new(events)).map_err(|error| failed(&error))?;
    Ok(session)
}
