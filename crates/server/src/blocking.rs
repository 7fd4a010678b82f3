//! The bridges from async handlers to the services, which block.

use flyball_core::{Error, Result};
use flyball_store::{Db, Tx};
use tokio::sync::{Semaphore, oneshot};

/// Runs `work` on a thread that may block.
///
/// # Errors
/// What `work` returns; `Internal` when it panics.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|failure| Err(Error::internal(failure)))
}

/// How many writes may wait for the writer of the database; half of its queue, so that giving one to it never blocks a
/// thread that serves connections. Those beyond wait here, in order.
static TURNS: Semaphore = Semaphore::const_new(512);

/// Runs `work` in a write transaction, without a thread that waits for it.
///
/// # Errors
/// What `work` returns; `StorageFull` or `Unavailable` when its changes cannot be kept.
pub async fn write<T: Send + 'static>(
    db: &Db,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let turn = TURNS.acquire().await.map_err(Error::internal)?;
    let (reply, outcome) = oneshot::channel();
    // Nobody may be waiting any more: the request was cut off, and its write stands. Its turn lasts until it is done.
    let answer = move |outcome| {
        drop(reply.send(outcome));
        drop(turn);
    };
    db.submit(work, answer)?;
    outcome.await.map_err(|_| Error::internal("the database writer ended before it answered"))?
}
