//! Moves what SQLite's write-ahead log holds into the database file, beside the writer: done by the writer itself, as
//! SQLite would have it, the moves are what the slowest writes wait for.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use flyball_core::{Error, Result};

use super::sqlite::SqliteConnection;

/// Least time between two moves: pages that are written again meanwhile are moved once.
const PAUSE: Duration = Duration::from_millis(250);

pub(super) struct Checkpointer {
    work: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub(super) fn start(path: &Path) -> Result<Self> {
        let connection = SqliteConnection::open_checkpointer(path)?;
        let (work, reminded) = sync_channel(1);
        let serve = move || {
            while reminded.recv().is_ok() && pauses(&reminded) {
                if let Err(error) = connection.batch("PRAGMA wal_checkpoint(PASSIVE)") {
                    // The writer moves it in the end; what is lost is smoothness.
                    tracing::warn!(?error, "the write-ahead log could not be moved into the database");
                }
            }
        };
        let thread = thread::Builder::new().name("db-checkpoint".into()).spawn(serve).map_err(Error::internal)?;
        Ok(Self { work: Some(work), thread: Some(thread) })
    }

    /// Says that something was written.
    pub(super) fn remind(&self) {
        if let Some(work) = &self.work {
            // Full: it is reminded already.
            let _full = work.try_send(());
        }
    }
}

/// Waits for the pause; no when the writer has ended meanwhile, whose connection then moves the rest.
fn pauses(reminded: &Receiver<()>) -> bool {
    let until = Instant::now() + PAUSE;
    loop {
        match reminded.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.work = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the checkpointer of the database ended with a panic");
        }
    }
}
