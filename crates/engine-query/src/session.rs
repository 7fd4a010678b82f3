//! What a query may see and do.

use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result as FusionResult};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Expr as SqlExpr, Statement as SqlStatement, Visit, Visitor};
use flyball_core::{Error, ErrorCode, Result, Table, limits};
use flyball_data::columnar::{self, Zone};

use crate::failure;

/// Functions whose answer depends on when or how often they are asked: a version could not be made again.
pub(crate) const UNREPEATABLE: [&str; 8] =
    ["now", "current_timestamp", "current_date", "current_time", "today", "random", "rand", "uuid"];

/// Deepest nesting of expressions; a chain `a + b + c` nests one level per term. Planning takes the square of it:
/// measured, 10,000 levels take 100 seconds.
const EXPRESSION_DEPTH: usize = 250;

/// A session without tables. `memory_bytes` bounds what sorts, joins and groups may hold.
pub(crate) fn state(memory_bytes: usize) -> Result<SessionState> {
    let mut config = SessionConfig::new().with_target_partitions(1).with_information_schema(false);
    // Columns keep the case that files give them, without quotes: PassengerId is not passengerid.
    config.options_mut().sql_parser.enable_ident_normalization = false;
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(memory_bytes)))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
        .build_arc()
        .map_err(Error::internal)?;
    let state =
        SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features().build();
    let context = SessionContext::new_with_state(state);
    UNREPEATABLE.iter().for_each(|name| context.deregister_udf(name));
    Ok(context.state())
}

/// A session with these tables.
pub(crate) fn with_tables(memory_bytes: usize, tables: &[(String, Arc<Table>)]) -> Result<SessionContext> {
    let context = SessionContext::new_with_state(state(memory_bytes)?);
    for (name, table) in tables {
        let schema = columnar::schema(table, Zone::Unmarked);
        let batches = columnar::to_batches(table, Zone::Unmarked)?;
        let provider = MemTable::try_new(schema, vec![batches]).map_err(Error::internal)?;
        context.register_table(TableReference::bare(name.as_str()), Arc::new(provider)).map_err(Error::internal)?;
    }
    Ok(context)
}

/// The one query of a text; anything but a query is refused.
pub(crate) fn parse(state: &SessionState, sql: &str) -> Result<Statement> {
    if sql.len() > limits::SQL_BYTES {
        return Err(Error::new(
            ErrorCode::LimitExceeded,
            format!("the SQL is longer than the limit of {} bytes", limits::SQL_BYTES),
        ));
    }
    let dialect = state.config().options().sql_parser.dialect;
    let statement = state.sql_to_statement(sql, &dialect).map_err(|error| match error {
        DataFusionError::NotImplemented(_) => {
            Error::new(ErrorCode::SqlError, "there is more than one statement").hint("write one query")
        }
        other => failure::readable(other, &[]),
    })?;
    match &statement {
        Statement::Statement(inner) if matches!(inner.as_ref(), SqlStatement::Query(_)) => {
            let too_deep = inner.visit(&mut Depth::default()).is_break();
            if too_deep { Err(failure::too_deep()) } else { Ok(statement) }
        }
        _ => Err(Error::new(ErrorCode::SqlError, "only a query is allowed here")
            .hint("begin with SELECT or WITH; a dataset cannot create, change or copy anything")),
    }
}

/// Walks the expressions of a statement and stops at one that is nested too deeply.
#[derive(Default)]
struct Depth {
    now: usize,
}

impl Visitor for Depth {
    type Break = ();

    fn pre_visit_expr(&mut self, _: &SqlExpr) -> ControlFlow<()> {
        self.now += 1;
        if self.now > EXPRESSION_DEPTH { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn post_visit_expr(&mut self, _: &SqlExpr) -> ControlFlow<()> {
        self.now -= 1;
        ControlFlow::Continue(())
    }
}

/// The tables that a statement reads, common table expressions not counted.
pub(crate) fn tables_of(state: &SessionState, statement: &Statement) -> FusionResult<Vec<String>> {
    let mut names: Vec<String> = state
        .resolve_table_references(statement)?
        .into_iter()
        .filter(|reference| !is_table_function(state, reference))
        .map(|reference| reference.to_string())
        .collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

fn is_table_function(state: &SessionState, reference: &TableReference) -> bool {
    state.table_functions().contains_key(reference.table())
}
