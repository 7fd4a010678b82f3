//! The door to an SQL engine. The engine itself lives in a crate of its own, so that only the binary links it.

use std::sync::Arc;

use flyball_core::{Result, Table};

/// Answers SQL queries over tables in memory.
pub trait QueryEngine: Send + Sync {
    /// Runs one query over `tables`, named as given. The same query over the same tables gives the same rows in the
    /// same order. Errors are `SqlError` with the name that was not found and what looks like it, or `LimitExceeded`.
    fn sql(&self, sql: &str, tables: &[(String, Arc<Table>)]) -> Result<Table>;

    /// The tables that a query reads, sorted, each once.
    fn referenced_tables(&self, sql: &str) -> Result<Vec<String>>;
}
