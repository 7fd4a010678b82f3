//! The one bridge from async handlers to the services, which block.

use flyball_core::{Error, Result};

/// Runs `work` on a thread that may block.
///
/// # Errors
/// What `work` returns; `Internal` when it panics.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|failure| Err(Error::internal(failure)))
}
