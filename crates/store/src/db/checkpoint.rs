//! Moves what SQLite's write-ahead log holds into the database file, beside the writer: done by the writer itself, as
//! SQLite would have it, the moves are what the slowest writes wait for.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use flyball_core::{Error, Result};

use super::sqlite::SqliteConnection;

/// Least time between two moves: pages that are written again meanwhile are moved once.
const PAUSE: Duration = Duration::from_millis(250);

pub(super) struct Checkpointer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Something was written since the last move.
    written: bool,
    /// The writer has ended; its connection moves the rest.
    ended: bool,
}

impl Checkpointer {
    pub(super) fn start(path: &Path) -> Result<Self> {
        let connection = SqliteConnection::open_checkpointer(path)?;
        let shared = Arc::new(Shared::default());
        let reminded = Arc::clone(&shared);
        let serve = move || {
            while reminded.waits() {
                if let Err(error) = connection.batch("PRAGMA wal_checkpoint(PASSIVE)") {
                    // The writer moves it in the end; what is lost is smoothness.
                    tracing::warn!(?error, "the write-ahead log could not be moved into the database");
                }
            }
        };
        let thread = thread::Builder::new().name("db-checkpoint".into()).spawn(serve).map_err(Error::internal)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Says that something was written.
    pub(super) fn remind(&self) {
        self.shared.change(|state| state.written = true);
    }
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }

    /// Waits until something was written, and then for the pause. False when the writer has ended.
    fn waits(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let quiet = |state: &mut State| !state.written && !state.ended;
        let mut state = self.changed.wait_while(state, quiet).unwrap_or_else(PoisonError::into_inner);
        state.written = false;
        let paused = self.changed.wait_timeout_while(state, PAUSE, |state| !state.ended);
        let (state, _) = paused.unwrap_or_else(PoisonError::into_inner);
        !state.ended
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.shared.change(|state| state.ended = true);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the checkpointer of the database ended with a panic");
        }
    }
}
