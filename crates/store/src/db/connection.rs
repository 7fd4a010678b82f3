//! One connection to either engine.

use flyball_core::Result;

use super::cells::Reader;
use super::postgres::PostgresConnection;
use super::sqlite::SqliteConnection;
use super::values::Values;
use super::{DatabaseKind, DatabaseUrl, Row};

/// What a connection or transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

pub(crate) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(Box<PostgresConnection>),
}

impl Connection {
    pub(crate) fn open(url: &DatabaseUrl, access: Access) -> Result<Self> {
        Ok(match url {
            DatabaseUrl::Sqlite(path) => Self::Sqlite(SqliteConnection::open(path, access)?),
            DatabaseUrl::Postgres(url) => Self::Postgres(Box::new(PostgresConnection::open(url)?)),
        })
    }

    pub(crate) fn kind(&self) -> DatabaseKind {
        match self {
            Self::Sqlite(_) => DatabaseKind::Sqlite,
            Self::Postgres(_) => DatabaseKind::Postgres,
        }
    }

    /// Begins a transaction. A write transaction has the database for itself when this returns.
    pub(crate) fn begin(&mut self, access: Access) -> Result<()> {
        match (self, access) {
            (Self::Sqlite(connection), Access::Read) => connection.batch("BEGIN DEFERRED"),
            (Self::Sqlite(connection), Access::Write) => connection.batch("BEGIN IMMEDIATE"),
            (Self::Postgres(connection), access) => connection.begin(access),
        }
    }

    /// As [`Connection::begin`], on a new connection where this one turns out to be lost: nothing was asked of it yet.
    pub(crate) fn begin_again(&mut self, url: &DatabaseUrl, access: Access) -> Result<()> {
        match self.begin(access) {
            Err(_) if self.is_closed() => {
                *self = Self::open(url, access)?;
                self.begin(access)
            }
            outcome => outcome,
        }
    }

    /// Ends a transaction and drops its changes, if one is open.
    pub(crate) fn rollback(&mut self) {
        if self.in_transaction()
            && let Err(error) = self.batch("ROLLBACK")
        {
            tracing::warn!(?error, "a transaction could not be rolled back");
        }
    }

    /// Whether a transaction is open. SQLite ends one by itself after a full disk or an I/O error.
    pub(crate) fn in_transaction(&self) -> bool {
        match self {
            Self::Sqlite(connection) => connection.in_transaction(),
            Self::Postgres(connection) => !connection.is_closed(),
        }
    }

    /// Whether the connection is lost and must be opened anew.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(connection) => connection.is_closed(),
        }
    }

    /// Runs statements without parameters.
    pub(crate) fn batch(&mut self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(connection) => connection.batch(sql),
            Self::Postgres(connection) => connection.batch(sql),
        }
    }

    pub(crate) fn execute(&mut self, sql: &str, params: Values<'_>) -> Result<u64> {
        match self {
            Self::Sqlite(connection) => connection.execute(sql, params),
            Self::Postgres(connection) => connection.execute(sql, params),
        }
    }

    /// Hands on each row of the answer.
    pub(crate) fn for_each(&mut self, sql: &str, params: Values<'_>, each: &mut Reader<'_>) -> Result<()> {
        match self {
            Self::Sqlite(connection) => connection.for_each(sql, params, each),
            Self::Postgres(connection) => connection.for_each(sql, params, each),
        }
    }

    pub(crate) fn query(&mut self, sql: &str, params: Values<'_>) -> Result<Vec<Row>> {
        let (mut rows, mut names) = (Vec::new(), None);
        self.for_each(sql, params, &mut |cells| {
            rows.push(cells.to_row(&mut names)?);
            Ok(())
        })?;
        Ok(rows)
    }
}
