//! Turns at models that take their time: so many at once, so many waiting, and threads of their own, so that they starve
//! neither the API nor each other.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use flyball_core::{Clock, Error, ErrorCode, Result};
use flyball_serving::histogram::{Histogram, HistogramSnapshot};
use flyball_serving::{LiveEndpoint, answering};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

use crate::spans;

/// How many requests wait at an endpoint that does not say.
const WAITING: usize = 100;
/// Most threads for all models together; those that wait for a process or a network take one each.
const THREADS: usize = 256;

/// The turns of all endpoints.
pub struct Lanes {
    lanes: Mutex<HashMap<String, Arc<Lane>>>,
    /// Only its threads for blocking work are used.
    threads: Option<Runtime>,
    clock: Arc<dyn Clock>,
}

/// The turns of one endpoint.
struct Lane {
    turns: Arc<Semaphore>,
    size: usize,
    queue: Arc<Queue>,
}

/// What is counted of those who want a turn at an endpoint; it goes on when the number of turns changes.
#[derive(Default)]
struct Queue {
    waiting: AtomicUsize,
    turned_away: AtomicU64,
    late: AtomicU64,
    waited: Histogram,
}

/// The turns of an endpoint at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct QueueSnapshot {
    /// How many requests may be at the models at the same time.
    pub(crate) turns: usize,
    /// Requests at the models.
    pub(crate) running: usize,
    /// Requests that wait for their turn.
    pub(crate) waiting: usize,
    /// Requests turned away because too many waited, since the process started.
    pub(crate) turned_away: u64,
    /// Requests whose turn did not come in time, since the process started.
    pub(crate) late: u64,
    /// How long requests waited for their turn and a thread.
    pub(crate) waited: HistogramSnapshot,
}

/// Answers a request on this thread, which it does not hold up.
///
/// # Errors
/// What `work` answers.
pub(crate) fn here<T>(endpoint: &LiveEndpoint, work: impl FnOnce() -> Result<T>) -> Result<T> {
    match spans::current() {
        Some(span) => span.watch(endpoint.endpoint.name.as_str(), None, work),
        None => work(),
    }
}

impl Lanes {
    /// Without any turn taken.
    ///
    /// # Errors
    /// `Internal` when the machine gives no threads.
    pub fn new(clock: Arc<dyn Clock>) -> Result<Self> {
        let threads = Builder::new_current_thread().max_blocking_threads(THREADS).thread_name("inference").build();
        Ok(Self { lanes: Mutex::default(), threads: Some(threads.map_err(Error::internal)?), clock })
    }

    /// Runs `work` at an endpoint when it is its turn.
    ///
    /// # Errors
    /// `Overloaded` when too many wait, `DeadlineExceeded` when the turn comes too late, and what `work` answers.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        endpoint: &LiveEndpoint,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (lane, span, came) = (self.lane(endpoint), spans::current(), self.clock.monotonic_nanos());
        let most = endpoint.endpoint.settings.max_queue_size.unwrap_or(WAITING);
        let turn = match Arc::clone(&lane.turns).try_acquire_owned() {
            Ok(turn) => turn,
            Err(_) => {
                let place = Place::take(&lane.queue, most).inspect_err(|error| {
                    endpoint.refuse();
                    lane.queue.turned_away.fetch_add(1, Ordering::Relaxed);
                    span.iter().for_each(|span| span.turned_away(endpoint, 0, error.code()));
                })?;
                let turn = Arc::clone(&lane.turns).acquire_owned();
                let turn = tokio::time::timeout(endpoint.within(), turn).await.map_err(|_| {
                    let waited = self.clock.monotonic_nanos().saturating_sub(came);
                    endpoint.waited_in_vain(waited);
                    lane.queue.late.fetch_add(1, Ordering::Relaxed);
                    span.iter().for_each(|span| span.turned_away(endpoint, waited, ErrorCode::DeadlineExceeded));
                    let message = "the request waited too long for its turn at the model";
                    Error::new(ErrorCode::DeadlineExceeded, message)
                        .hint("send less at once, or raise timeout_ms or max_concurrency of the endpoint")
                })?;
                drop(place);
                turn.map_err(Error::internal)?
            }
        };
        let threads = self.threads.as_ref().ok_or_else(|| Error::internal("the threads for models are gone"))?;
        let (clock, queue) = (Arc::clone(&self.clock), Arc::clone(&lane.queue));
        let span = span.map(|span| (span, endpoint.endpoint.name.to_string()));
        let done = threads.handle().spawn_blocking(move || {
            let waited = clock.monotonic_nanos().saturating_sub(came);
            queue.waited.add(waited);
            let outcome = match span {
                Some((span, name)) => span.watch(&name, Some(waited), work),
                None => answering(Some(waited), false, work).0,
            };
            drop(turn);
            outcome
        });
        done.await.unwrap_or_else(|failure| Err(Error::internal(failure)))
    }

    fn lane(&self, endpoint: &LiveEndpoint) -> Arc<Lane> {
        let size = endpoint.parallel();
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let name = endpoint.endpoint.name.as_str();
        if let Some(lane) = lanes.get(name).filter(|lane| lane.size == size) {
            return Arc::clone(lane);
        }
        // Requests under way end on the lane that they began with.
        let queue = lanes.get(name).map_or_else(Arc::default, |lane| Arc::clone(&lane.queue));
        let lane = Arc::new(Lane { turns: Arc::new(Semaphore::new(size)), size, queue });
        lanes.insert(name.to_owned(), Arc::clone(&lane));
        lane
    }

    /// The turns of the endpoints at which requests took some.
    pub(crate) fn snapshot(&self) -> HashMap<String, QueueSnapshot> {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = |lane: &Lane| QueueSnapshot {
            turns: lane.size,
            running: lane.size.saturating_sub(lane.turns.available_permits()),
            waiting: lane.queue.waiting.load(Ordering::Relaxed),
            turned_away: lane.queue.turned_away.load(Ordering::Relaxed),
            late: lane.queue.late.load(Ordering::Relaxed),
            waited: lane.queue.waited.snapshot(),
        };
        lanes.iter().map(|(name, lane)| (name.clone(), snapshot(lane))).collect()
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        // A runtime may not wait for its threads where it may be dropped: on a thread of another one.
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

/// A place among those that wait.
struct Place<'a>(&'a Queue);

impl<'a> Place<'a> {
    fn take(queue: &'a Queue, most: usize) -> Result<Self> {
        let place = Self(queue);
        if queue.waiting.fetch_add(1, Ordering::Relaxed) >= most {
            let message = format!("{most} requests wait for the model already");
            return Err(Error::new(ErrorCode::Overloaded, message).hint("try again later, or send less at once"));
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
