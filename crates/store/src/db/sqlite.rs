//! A connection to SQLite.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use flyball_core::{Error, ErrorCode, Result};
use regex::Regex;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, ToSql};

use super::Param;
use super::cells::{Cell, Cells, Reader, Source};
use super::connection::Access;
use super::failure::from_sqlite;
use super::values::Values;

/// How many prepared statements a connection keeps: more than Flyball has different ones.
const STATEMENTS_KEPT: usize = 512;

/// The pages that the writer keeps: those that one large batch changes, many times over.
const WRITER_CACHE_KIB: usize = 8 * 1024;
/// The pages that a reader keeps. Measured: a page of a thousand runs of ten thousand is read at half the cost of SQLite's
/// default of 2 MiB, and no faster with four times as much.
const READER_CACHE_KIB: usize = 8 * 1024;
/// Pages of 4 KiB in the write-ahead log at which the writer itself moves what the checkpointer has not yet moved, so that
/// the log begins anew: at about 64 MiB, unless a reader or a transaction lasts longer.
const LOG_PAGES: usize = 16_384;

/// How long a connection waits for another process that holds the file.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct SqliteConnection {
    connection: rusqlite::Connection,
    /// The order of the parameters of each prepared text.
    orders: RefCell<HashMap<Box<str>, Arc<[usize]>>>,
}

impl SqliteConnection {
    pub(crate) fn open(path: &Path, access: Access) -> Result<Self> {
        if access == Access::Write {
            create_private(path)?;
        }
        let connection = rusqlite::Connection::open(path).map_err(from_sqlite)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        connection.busy_timeout(PATIENCE).map_err(from_sqlite)?;
        // FULL: an acknowledged commit survives a power cut, not only a crash of the process.
        connection
            .execute_batch(
                "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; \
                 PRAGMA temp_store = MEMORY;",
            )
            .map_err(from_sqlite)?;
        add_regular_expressions(&connection).map_err(from_sqlite)?;
        match access {
            Access::Write => {
                keep_a_write_ahead_log(&connection)?;
                let settings =
                    format!("PRAGMA cache_size = -{WRITER_CACHE_KIB}; PRAGMA wal_autocheckpoint = {LOG_PAGES}");
                connection.execute_batch(&settings).map_err(from_sqlite)?;
            }
            Access::Read => {
                let settings = format!("PRAGMA query_only = ON; PRAGMA cache_size = -{READER_CACHE_KIB}");
                connection.execute_batch(&settings).map_err(from_sqlite)?;
            }
        }
        Ok(Self { connection, orders: RefCell::default() })
    }

    /// A connection that only moves the write-ahead log into the database file.
    pub(super) fn open_checkpointer(path: &Path) -> Result<Self> {
        let connection = rusqlite::Connection::open(path).map_err(from_sqlite)?;
        // FULL: what was moved is on disk before the log is written anew.
        connection.execute_batch("PRAGMA synchronous = FULL").map_err(from_sqlite)?;
        Ok(Self { connection, orders: RefCell::default() })
    }

    pub(crate) fn in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    pub(crate) fn batch(&self, sql: &str) -> Result<()> {
        self.connection.execute_batch(sql).map_err(from_sqlite)
    }

    pub(crate) fn execute(&self, sql: &str, params: Values<'_>) -> Result<u64> {
        self.prepare(sql, params)?.raw_execute().map(|rows| rows as u64).map_err(from_sqlite)
    }

    /// Hands on each row of the answer.
    pub(crate) fn for_each(&self, sql: &str, params: Values<'_>, each: &mut Reader<'_>) -> Result<()> {
        let mut statement = self.prepare(sql, params)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(from_sqlite)? {
            each(&Cells(row))?;
        }
        Ok(())
    }

    fn prepare(&self, sql: &str, params: Values<'_>) -> Result<CachedStatement<'_>> {
        let mut statement = self.connection.prepare_cached(sql).map_err(from_sqlite)?;
        let order = self.order_of(sql, &statement)?;
        let highest = order.iter().copied().max().unwrap_or(0);
        if highest != params.len() {
            return Err(Error::internal(format!("{} values for {highest} parameters", params.len())));
        }
        for (index, number) in order.iter().enumerate() {
            statement.raw_bind_parameter(index + 1, params.at(number - 1)).map_err(from_sqlite)?;
        }
        Ok(statement)
    }

    /// For each parameter of a statement the number behind its `$`, from 1. To SQLite `$2` is a name whose index follows
    /// the order in the text, and asking for a name walks all of them: a bulk insert would be quadratic, so it is asked
    /// once for each text.
    fn order_of(&self, sql: &str, statement: &CachedStatement<'_>) -> Result<Arc<[usize]>> {
        let mut orders = self.orders.borrow_mut();
        if let Some(order) = orders.get(sql) {
            return Ok(order.clone());
        }
        let number = |index: usize| {
            let number = match statement.parameter_name(index) {
                Some(name) => name.trim_start_matches('$').parse::<usize>().ok().filter(|number| *number > 0),
                None => Some(index),
            };
            number.ok_or_else(|| Error::internal(format!("parameter {index} has no number")))
        };
        let order: Arc<[usize]> = (1..=statement.parameter_count()).map(number).collect::<Result<_>>()?;
        if orders.len() >= STATEMENTS_KEPT {
            orders.clear();
        }
        orders.insert(sql.into(), order.clone());
        Ok(order)
    }
}

/// `text REGEXP pattern`, which SQLite has in its grammar and leaves to the program. The cost is linear in the text.
fn add_regular_expressions(connection: &rusqlite::Connection) -> rusqlite::Result<()> {
    type Failure = Box<dyn std::error::Error + Send + Sync>;
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("regexp", 2, flags, |context| {
        let pattern = context.get_or_create_aux(0, |pattern| Ok::<_, Failure>(Regex::new(pattern.as_str()?)?))?;
        match context.get_raw(1) {
            ValueRef::Text(text) => Ok(Some(std::str::from_utf8(text).is_ok_and(|text| pattern.is_match(text)))),
            _ => Ok(None),
        }
    })
}

/// A new file gets its write-ahead log with an exclusive lock. When several processes want it at once SQLite refuses
/// without asking the busy handler (each waits for the others), so the patience for it is here.
fn keep_a_write_ahead_log(connection: &rusqlite::Connection) -> Result<()> {
    const PAUSE: Duration = Duration::from_millis(5);
    let mut left = PATIENCE;
    loop {
        match connection.execute_batch("PRAGMA journal_mode = WAL") {
            Err(error) if is_busy(&error) && !left.is_zero() => std::thread::sleep(PAUSE),
            outcome => return outcome.map_err(from_sqlite),
        }
        left = left.saturating_sub(PAUSE);
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
}

/// SQLite gives its other files the mode of the main one, so this one call protects all of them.
fn create_private(path: &Path) -> Result<()> {
    let unusable = |error: std::io::Error| {
        Error::new(ErrorCode::Unavailable, "the database file cannot be opened or created")
            .hint("check the data folder: does it exist, and may this user write to it?")
            .cause(error)
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(unusable)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(unusable)
}

impl ToSql for Param {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Param::Null => ValueRef::Null,
            Param::Int(value) => ValueRef::Integer(*value),
            Param::Float(value) => ValueRef::Real(*value),
            Param::Text(value) => ValueRef::Text(value.as_bytes()),
            Param::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

impl Source for rusqlite::Row<'_> {
    fn names(&self) -> Vec<String> {
        self.as_ref().column_names().map(str::to_owned).collect()
    }

    fn cell(&self, place: usize) -> Result<Cell<'_>> {
        Ok(match self.get_ref(place).map_err(from_sqlite)? {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(value) => Cell::Int(value),
            ValueRef::Real(value) => Cell::Float(value),
            ValueRef::Text(value) => Cell::Text(std::str::from_utf8(value).map_err(Error::internal)?),
            ValueRef::Blob(value) => Cell::Bytes(value),
        })
    }
}
