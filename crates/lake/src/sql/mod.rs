//! SQL over the events, for reading only.
//!
//! Invariants:
//! - There is one table, `events`, and it is made of files in the scope. No text reaches another: there is
//!   no other catalogue, no file format, no table function and no other object store in the session.
//! - One statement, and it is a SELECT (or EXPLAIN of one): what is parsed is looked at, and what is planned
//!   is looked at again.
//! - Memory, time and rows are limited; nothing is written to disk. A statement runs on threads of its own,
//!   which end with it; where others depend on the process, in one of its own ([`Lake::sql_apart`]).

mod apart;
mod functions;
mod guard;
mod pushdown;
mod session;
mod table;
mod wire;

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use futures::StreamExt;
use tokio::sync::mpsc;
use ward_core::Scope;

pub use apart::{SqlProcess, SqlProgram};

use crate::export::{Encoder, ExportFormat};
use crate::search::{Counters, Running, visible};
use crate::{Cancel, Lake, LakeError, LakeFile, Limits};

/// What a statement answers, piece by piece. Dropping it calls the statement off.
#[derive(Debug)]
pub struct SqlAnswer {
    pieces: mpsc::Receiver<Result<Vec<u8>, LakeError>>,
    cancel: Cancel,
}

impl Lake {
    /// Runs a statement over the files in the scope, and answers in a format. The statement fails in the
    /// answer, not here.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub fn sql(
        &self,
        scope: &Scope,
        files: &[LakeFile],
        sql: &str,
        format: ExportFormat,
        limits: Limits,
    ) -> Result<SqlAnswer, LakeError> {
        let files: Vec<LakeFile> = visible(scope, files).cloned().collect();
        let running = Running::new(limits);
        Statement { lake: self.clone(), files, sql: sql.to_owned(), format, running }.begin()
    }
}

impl SqlAnswer {
    /// The next piece of the answer. `None`: it is complete. An error is the last that comes.
    pub async fn next(&mut self) -> Option<Result<Vec<u8>, LakeError>> {
        self.pieces.recv().await
    }

    /// The next piece, for callers that are not asynchronous.
    pub fn blocking_next(&mut self) -> Option<Result<Vec<u8>, LakeError>> {
        self.pieces.blocking_recv()
    }
}

impl Drop for SqlAnswer {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

#[derive(Debug)]
struct Statement {
    lake: Lake,
    files: Vec<LakeFile>,
    sql: String,
    format: ExportFormat,
    running: Running,
}

type Pieces = mpsc::Sender<Result<Vec<u8>, LakeError>>;

impl Statement {
    fn begin(self) -> Result<SqlAnswer, LakeError> {
        let (sender, pieces) = mpsc::channel(8);
        let cancel = self.running.limits.cancel.clone();
        let thread = std::thread::Builder::new().name("ward-sql".to_owned()).stack_size(STACK);
        thread
            .spawn(move || {
                if let Err(error) = self.run(&sender) {
                    let _ = sender.blocking_send(Err(error)); // nobody may be listening
                }
            })
            .map_err(|error| LakeError::file("read", "the lake", error))?;
        Ok(SqlAnswer { pieces, cancel })
    }

    fn run(self, pieces: &Pieces) -> Result<(), LakeError> {
        let threads = self.running.limits.processors();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("ward-sql")
            .thread_stack_size(STACK)
            .enable_time()
            .build()
            .map_err(|error| LakeError::file("read", "the lake", error))?;
        // what is recursive, planning above all, runs on the threads that have the stack for it
        let limit = self.running.limits.time;
        let (tell, told) = tokio::sync::oneshot::channel();
        let sender = pieces.clone();
        let task = runtime.spawn(async move {
            let _ = tell.send(self.answer(&sender).await);
        });
        let outcome = runtime.block_on(async { tokio::time::timeout(limit, told).await });
        task.abort();
        runtime.shutdown_background();
        match outcome {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(LakeError::Failed("the engine gave up on it".to_owned())),
            Err(_) => Err(LakeError::OutOfTime(limit)),
        }
    }

    async fn answer(&self, pieces: &Pieces) -> Result<(), LakeError> {
        let memory = self.running.limits.memory;
        let failed = |error| explained(error, memory);
        let statement = guard::statement(&self.sql)?;
        let counters = Arc::new(Counters::default());
        let session = session::new(&self.lake, self.files.clone(), &self.running.limits, &counters)?;
        let plan = session
            .state()
            .statement_to_plan(statement)
            .await
            .map_err(|error| LakeError::Refused(text(&error)))?;
        guard::plan(&plan)?;
        one_of_each_name(plan.schema().fields().iter().map(|field| field.name().as_str()))?;
        let frame = session.execute_logical_plan(plan).await.map_err(failed)?;
        let mut batches = frame.execute_stream().await.map_err(failed)?;
        let mut encoder = Encoder::new(self.format, &batches.schema())?;
        let mut left = self.running.limits.rows;
        while left > 0 {
            let next = tokio::select! {
                next = batches.next() => next,
                () = called_off(&self.running.limits) => return Err(LakeError::Cancelled),
            };
            let Some(batch) = next else { break };
            let batch: RecordBatch = batch.map_err(failed)?;
            let batch = batch.slice(0, batch.num_rows().min(left));
            left -= batch.num_rows();
            send(pieces, encoder.encode(&batch)?).await?;
        }
        send(pieces, encoder.finish()?).await
    }
}

/// Returns once the statement is called off.
async fn called_off(limits: &Limits) {
    while !limits.cancel.is_cancelled() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn send(pieces: &Pieces, piece: Vec<u8>) -> Result<(), LakeError> {
    if piece.is_empty() {
        return Ok(());
    }
    pieces.send(Ok(piece)).await.map_err(|_| LakeError::Cancelled)
}

fn explained(error: DataFusionError, memory: usize) -> LakeError {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => LakeError::OutOfMemory(memory),
        _ => LakeError::Failed(text(&error)),
    }
}

/// Rows are written with the names of their columns: a second one of a name would hide the first.
fn one_of_each_name<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), LakeError> {
    let mut known = std::collections::HashSet::new();
    for name in names {
        if !known.insert(name) {
            return Err(LakeError::Refused(format!(
                "two of its columns are called '{name}': give one another name with AS"
            )));
        }
    }
    Ok(())
}

/// What the engine says, in one line and without its own names for kinds of errors.
fn text(error: &DataFusionError) -> String {
    let text = error.strip_backtrace();
    let kinds =
        ["SQL error: ", "Error during planning: ", "This feature is not implemented: ", "Schema error: "];
    let text =
        kinds.iter().fold(text, |text, kind| text.strip_prefix(kind).map(str::to_owned).unwrap_or(text));
    let text = text.replace("ward.lake.", "");
    // It takes what it was not made for as a fault of its own, and asks to be told.
    let text = match text.strip_prefix("Internal error: ") {
        Some(inner) => {
            let inner = inner.split("This issue was likely caused by").next().unwrap_or_default().trim();
            format!("the engine cannot do this: {inner} (raw is binary: raw_text(raw) is its text)")
        }
        None => text,
    };
    text.lines().collect::<Vec<_>>().join(" ").chars().take(500).collect()
}

/// Stack of the threads that plan and run: plans are trees, and are walked by recursion. Only what is used
/// of it takes memory.
const STACK: usize = 64 << 20;
