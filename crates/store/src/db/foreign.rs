//! A database that another program made and owns.

use flyball_core::{Error, ErrorCode, Result};

use super::connection::{Access, Connection};
use super::{DatabaseKind, DatabaseUrl, Tx};

/// An open database of another program. It is only read: no schema is made, nothing is written.
pub struct ForeignDb {
    kind: DatabaseKind,
    connection: Connection,
}

impl ForeignDb {
    /// Opens it. A SQLite file that is missing is not made.
    ///
    /// # Errors
    /// `NotFound` for a missing file, `Unavailable` when the database cannot be reached.
    pub fn open(url: &DatabaseUrl) -> Result<Self> {
        let kind = match url {
            DatabaseUrl::Sqlite(path) if !path.is_file() => {
                return Err(Error::new(ErrorCode::NotFound, format!("there is no database file {}", path.display()))
                    .hint("name the file of the other program, as in sqlite:mlflow.db"));
            }
            DatabaseUrl::Sqlite(_) => DatabaseKind::Sqlite,
            DatabaseUrl::Postgres(_) => DatabaseKind::Postgres,
        };
        Ok(Self { kind, connection: Connection::open(url, Access::Read)? })
    }

    /// Runs `f` in a transaction that cannot write and sees one consistent snapshot.
    ///
    /// # Errors
    /// What `f` returns; `Unavailable` when the database does not answer.
    pub fn read<T>(&mut self, f: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        self.connection.begin(Access::Read)?;
        let outcome = f(&mut Tx::new(&mut self.connection));
        // Nothing was written, so the end of the transaction cannot lose anything.
        self.connection.rollback();
        outcome
    }

    /// Which engine this is.
    pub fn kind(&self) -> DatabaseKind {
        self.kind
    }
}

impl std::fmt::Debug for ForeignDb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ForeignDb").field("kind", &self.kind).finish_non_exhaustive()
    }
}
