//! Connections for readers: opened when needed, kept, lent to one reader at a time.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use flyball_core::{Error, ErrorCode, Result};

use super::DatabaseUrl;
use super::connection::{Access, Connection};

/// Most readers at once of a server: far under PostgreSQL's usual 100 connections.
const READERS_OF_A_SERVER: usize = 16;
/// Most readers at once of a file, each with a cache of its own: more than cores help, but they also wait for the disk.
const READERS_OF_A_FILE: usize = 8;
/// How long a reader waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Pool {
    url: DatabaseUrl,
    readers: usize,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    lent: usize,
}

impl Pool {
    pub(super) fn new(url: DatabaseUrl) -> Self {
        let readers = match url {
            DatabaseUrl::Sqlite(_) => READERS_OF_A_FILE,
            DatabaseUrl::Postgres(_) => READERS_OF_A_SERVER,
        };
        Self { url, readers, state: Mutex::default(), returned: Condvar::new() }
    }

    /// Lends a connection to `f`, in a transaction that cannot write and ends with it. A connection that was lost, or
    /// whose reader panicked, is not used again.
    pub(super) fn read<T>(&self, f: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let mut loan = self.take()?;
        let connection = match &mut loan.connection {
            Some(connection) => connection,
            empty => empty.insert(Connection::open(&self.url, Access::Read)?),
        };
        connection.begin_again(&self.url, Access::Read)?;
        let outcome = f(connection);
        // Nothing was written, so the end of the transaction cannot lose anything.
        connection.rollback();
        outcome
    }

    fn take(&self) -> Result<Loan<'_>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .returned
            .wait_timeout_while(state, PATIENCE, |state| state.lent >= self.readers)
            .unwrap_or_else(PoisonError::into_inner);
        if state.lent >= self.readers {
            return Err(Error::new(ErrorCode::Overloaded, "too many readers of the database at once")
                .hint("try again in a moment"));
        }
        state.lent += 1;
        Ok(Loan { pool: self, connection: state.idle.pop() })
    }
}

struct Loan<'a> {
    pool: &'a Pool,
    connection: Option<Connection>,
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        let usable = |connection: &Connection| !connection.is_closed() && !std::thread::panicking();
        let kept = self.connection.take().filter(usable);
        let mut state = self.pool.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.lent -= 1;
        state.idle.extend(kept);
        drop(state);
        self.pool.returned.notify_one();
    }
}
