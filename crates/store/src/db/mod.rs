//! The metadata database: SQLite by default, PostgreSQL for several replicas, one SQL text for both.
//!
//! Rules that make one text enough: `$1..$n` parameters; `BIGINT`, `DOUBLE PRECISION`, `TEXT` and `{BYTES}` columns;
//! times are milliseconds passed in; flags are 0 or 1 in a `BIGINT`; computed columns get a lower-case alias (`COUNT(*)
//! AS n`).
//!
//! **Writes of all replicas happen one after another**: one writer thread per process runs the closures in groups (one
//! commit per group), and on PostgreSQL an advisory lock gives the turn to one process at a time. So a closure that
//! first looks and then changes is always right, on both engines, and no write ever has to be repeated because of a
//! serialisation failure.

mod cells;
mod checkpoint;
pub(crate) mod connection;
mod failure;
mod foreign;
mod numeric;
mod pool;
mod postgres;
mod sqlite;
mod tx;
mod value;
pub(crate) mod values;
mod writer;

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use flyball_core::{Error, Result};

pub use cells::{Cell, Cells, FromCell};
pub use foreign::ForeignDb;
pub use tx::{OnConflict, Tx};
pub use value::{FromColumn, Param, Row};

use connection::{Access, Connection};
use pool::Pool;
use writer::Writer;

/// Which engine keeps the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    /// A file, for one process.
    Sqlite,
    /// A server, for several replicas.
    Postgres,
}

/// Where the database is: `sqlite:PATH`, `postgres://…` or `postgresql://…`.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// The path of the SQLite file.
    Sqlite(PathBuf),
    /// The connection URL of the PostgreSQL server. It may hold a password.
    Postgres(String),
}

impl FromStr for DatabaseUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some(path) = text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            return Ok(Self::Sqlite(path.into()));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        Err(Error::invalid("the database URL has an unknown form")
            .hint("write sqlite:PATH or postgres://USER@HOST:PORT/DATABASE"))
    }
}

impl std::fmt::Debug for DatabaseUrl {
    /// Leaves out the PostgreSQL URL, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(_) => f.write_str("postgres://…"),
        }
    }
}

/// An open database; cheap to clone.
#[derive(Clone)]
pub struct Db {
    shared: Arc<Shared>,
}

struct Shared {
    kind: DatabaseKind,
    writer: Writer,
    readers: Pool,
}

impl Db {
    /// Opens the database and brings its schema up to date. A SQLite file is created when it is missing, readable and
    /// writable by its owner only.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be reached, `Conflict` when its schema is not one that this Flyball made or knows.
    pub fn open(url: &DatabaseUrl) -> Result<Self> {
        let kind = match url {
            DatabaseUrl::Sqlite(_) => DatabaseKind::Sqlite,
            DatabaseUrl::Postgres(_) => DatabaseKind::Postgres,
        };
        let mut connection = Connection::open(url, Access::Write)?;
        crate::migrations::run(&mut connection, kind)?;
        let writer = Writer::start(url.clone(), connection)?;
        Ok(Self { shared: Arc::new(Shared { kind, writer, readers: Pool::new(url.clone()) }) })
    }

    /// Runs `f` in a write transaction and answers when its changes are on disk. When `f` returns an error or panics,
    /// its own changes are rolled back and nobody else's.
    ///
    /// A statement that fails spoils the transaction (as PostgreSQL does): `f` cannot go on after it. To tolerate
    /// duplicates write `ON CONFLICT DO NOTHING` or use [`OnConflict::Ignore`].
    ///
    /// # Errors
    /// What `f` returns; `StorageFull` or `Unavailable` when the commit fails; `Internal` when `f` panics.
    pub fn write<T: Send + 'static>(&self, f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        self.shared.writer.call(f)
    }

    /// As [`Db::write`], but comes back at once: the outcome goes to `reply`, on the thread of the writer, which has other
    /// writes to do. Waits only while more than a thousand writes are waiting.
    ///
    /// # Errors
    /// `Unavailable` when the writer has ended; `reply` is not called then.
    pub fn submit<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
        reply: impl FnOnce(Result<T>) + Send + 'static,
    ) -> Result<()> {
        self.shared.writer.submit(f, reply)
    }

    /// Runs `f` in a transaction that cannot write and sees one consistent snapshot.
    ///
    /// # Errors
    /// What `f` returns; `Unavailable` when the database does not answer; `Overloaded` when no connection gets free.
    pub fn read<T>(&self, f: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        self.shared.readers.read(|connection| f(&mut Tx::new(connection)))
    }

    /// Which engine this is.
    pub fn kind(&self) -> DatabaseKind {
        self.shared.kind
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").field("kind", &self.kind()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_urls_have_three_forms_and_hide_passwords() {
        assert_eq!("sqlite:a/b.db".parse::<DatabaseUrl>().unwrap(), DatabaseUrl::Sqlite("a/b.db".into()));
        let url = "postgres://me:secret@db/flyball".parse::<DatabaseUrl>().unwrap();
        assert!(!format!("{url:?}").contains("secret"));
        assert!("postgresql://db/x".parse::<DatabaseUrl>().is_ok());
        for bad in ["", "sqlite:", "mysql://db", "a.db"] {
            assert!(bad.parse::<DatabaseUrl>().is_err(), "{bad}");
        }
    }
}
