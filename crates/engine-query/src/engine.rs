//! The engine: a small runtime of its own, on which every query runs.

use std::sync::{Arc, mpsc};

use datafusion::execution::context::SQLOptions;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use flyball_core::{Error, Result, Table};
use flyball_data::QueryEngine;
use flyball_data::columnar::TableBuilder;
use futures::StreamExt;
use tokio::runtime::{Builder, Runtime};

use crate::{failure, session};

/// The stack of a worker. A text is parsed before its nesting is judged, and the longest allowed one makes a tree some
/// hundred thousand levels deep, which is freed recursively. Only what is touched takes memory.
const STACK_BYTES: usize = 512 * 1024 * 1024;

/// Answers queries with DataFusion.
pub struct DataFusionEngine {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    memory_bytes: usize,
}

impl DataFusionEngine {
    /// An engine that runs up to `threads` queries at once, each of which may hold `memory_bytes` in sorts, joins and
    /// groups and answer with about as many.
    pub fn new(threads: usize, memory_bytes: usize) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads.max(1))
            .thread_name("query")
            .thread_stack_size(STACK_BYTES)
            .build()
            .map_err(Error::internal)?;
        Ok(Self { runtime: Some(runtime), memory_bytes })
    }

    /// Runs `task` on a worker and waits for it, wherever the caller stands: also inside another runtime, where it
    /// would not be allowed to run one itself.
    fn on_worker<T: Send + 'static>(&self, task: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let runtime = self.runtime.as_ref().ok_or_else(|| Error::internal("the query engine is closing"))?;
        runtime.spawn(async move {
            // A caller that has gone away needs no answer.
            let _gone = sender.send(task.await);
        });
        // The sender disappears without a word when the task panics.
        receiver.recv().map_err(|_| Error::internal("the query engine panicked"))?
    }
}

impl QueryEngine for DataFusionEngine {
    fn sql(&self, sql: &str, tables: &[(String, Arc<Table>)]) -> Result<Table> {
        let (sql, tables, memory_bytes) = (sql.to_owned(), tables.to_vec(), self.memory_bytes);
        self.on_worker(async move {
            let state = session::state(memory_bytes)?;
            let statement = session::parse(&state, &sql)?;
            let context = session::with_tables(memory_bytes, &tables)?;
            let names: Vec<String> = tables.into_iter().map(|(name, _)| name).collect();
            run(&context, statement, &names, memory_bytes).await
        })
    }

    fn referenced_tables(&self, sql: &str) -> Result<Vec<String>> {
        let (sql, memory_bytes) = (sql.to_owned(), self.memory_bytes);
        self.on_worker(async move {
            let state = session::state(memory_bytes)?;
            let statement = session::parse(&state, &sql)?;
            session::tables_of(&state, &statement).map_err(|error| failure::readable(error, &[]))
        })
    }
}

async fn run(context: &SessionContext, statement: Statement, tables: &[String], memory_bytes: usize) -> Result<Table> {
    let readable = |error| failure::readable(error, tables);
    let plan = context.state().statement_to_plan(statement).await.map_err(readable)?;
    // A query can hide a change: SELECT … INTO makes a table.
    let queries_only = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    queries_only.verify_plan(&plan).map_err(readable)?;
    let frame = context.execute_logical_plan(plan).await.map_err(readable)?;
    let mut stream = frame.execute_stream().await.map_err(readable)?;
    let mut result = TableBuilder::new(&stream.schema())?;
    while let Some(batch) = stream.next().await {
        result.append(&batch.map_err(readable)?)?;
        if result.bytes() > memory_bytes {
            return Err(failure::too_large());
        }
    }
    result.finish()
}

impl Drop for DataFusionEngine {
    fn drop(&mut self) {
        // The plain drop of a runtime panics when it happens inside another one, as at the end of a server.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for DataFusionEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataFusionEngine").field("memory_bytes", &self.memory_bytes).finish_non_exhaustive()
    }
}
