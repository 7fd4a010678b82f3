//! The time limit of a request, for those that move on as well as for those that do not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// How a handler tells the guard that its request is moving: a transfer may take as long as bytes come, while one that
/// stalls is cut off. Found in the extensions of every request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    moved: AtomicBool,
    held: AtomicUsize,
}

impl Progress {
    /// The request moved on.
    pub(crate) fn mark(&self) {
        self.state.moved.store(true, Ordering::Relaxed);
    }

    /// Does work of ours that takes its time, such as bringing a large blob to its store; meanwhile nothing is cut off.
    pub(crate) async fn hold<T>(&self, work: impl Future<Output = T>) -> T {
        self.state.held.fetch_add(1, Ordering::Relaxed);
        let outcome = work.await;
        self.mark();
        self.state.held.fetch_sub(1, Ordering::Relaxed);
        outcome
    }

    /// The outcome of `work`, or `None` when a whole `limit` passed in which it did not move on.
    pub(crate) async fn limit<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            if let Ok(outcome) = tokio::time::timeout(limit, &mut work).await {
                return Some(outcome);
            }
            let moved = self.state.moved.swap(false, Ordering::Relaxed);
            if !moved && self.state.held.load(Ordering::Relaxed) == 0 {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::time::sleep;

    const LIMIT: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn what_stalls_is_cut_off_and_what_moves_is_not() {
        let progress = Progress::default();
        assert_eq!(progress.limit(LIMIT, pending::<()>()).await, None);
        assert_eq!(progress.limit(LIMIT, async { 1 }).await, Some(1));
        let moving = async {
            for _ in 0..20 {
                sleep(LIMIT / 10).await;
                progress.mark();
            }
        };
        assert_eq!(progress.limit(LIMIT, moving).await, Some(()));
        assert_eq!(progress.limit(LIMIT, progress.hold(sleep(LIMIT * 2))).await, Some(()));
        assert_eq!(progress.limit(LIMIT, pending::<()>()).await, None);
    }
}
