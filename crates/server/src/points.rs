//! Points that are logged one by one, by many clients at once: those that wait for the writer together are written with
//! as few statements as one of them.

use std::sync::{Arc, Mutex, PoisonError};

use flyball_core::{Edit, Error, ErrorCode, Permit, Result};
use flyball_store::{Db, Tx};
use flyball_tracking::{Metric, metrics};
use tokio::sync::oneshot;

/// Most points that are written at once: the first of them waits for all.
const AT_ONCE: usize = 1_024;
/// Most points that may wait, for a writer that a slow disk holds up.
const WAITING: usize = 8 * AT_ONCE;

type Reply = oneshot::Sender<Result<()>>;

/// The points that wait.
#[derive(Clone, Debug, Default)]
pub struct PointQueue {
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    points: Vec<(String, Metric)>,
    replies: Vec<Reply>,
}

impl PointQueue {
    /// Logs a checked point to a run, and answers when it is on disk. All points of a queue are of one workspace, that of
    /// the permit.
    ///
    /// # Errors
    /// `NotFound` for no run, `Conflict` for a deleted one, `Overloaded` when too many wait, and those of the database.
    pub async fn log(&self, db: &Db, permit: Permit<Edit>, run_id: String, metric: Metric) -> Result<()> {
        let (reply, outcome) = oneshot::channel();
        let place = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.replies.len() >= WAITING {
                return Err(Error::new(ErrorCode::Overloaded, "too many points wait for the database")
                    .hint("try again in a moment, or log several at once"));
            }
            waiting.points.push((run_id, metric));
            waiting.replies.push(reply);
            waiting.replies.len()
        };
        // The first of each so many calls the writer; those that come until it turns to them go along.
        if place % AT_ONCE == 1 {
            self.call_writer(db, permit)?;
        }
        outcome.await.map_err(|_| Error::internal("the database writer ended before it answered"))?
    }

    fn call_writer(&self, db: &Db, permit: Permit<Edit>) -> Result<()> {
        let taken = Arc::new(Mutex::new(None));
        let mut unheard = Unheard { queue: Some(self.clone()), taken: Arc::clone(&taken) };
        let queue = self.clone();
        let work = move |tx: &mut Tx<'_>| {
            let Waiting { points, replies } = queue.take();
            *taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(replies);
            metrics::log_many(tx, &permit, &points)
        };
        db.submit(work, move |outcome| unheard.hear(outcome))
    }

    /// Takes those that are next.
    fn take(&self) -> Waiting {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let next = waiting.replies.len().min(AT_ONCE);
        Waiting { points: waiting.points.drain(..next).collect(), replies: waiting.replies.drain(..next).collect() }
    }
}

/// Those whose points one call of the writer is about.
struct Unheard {
    queue: Option<PointQueue>,
    taken: Arc<Mutex<Option<Vec<Reply>>>>,
}

impl Unheard {
    fn hear(&mut self, outcome: Result<Vec<Result<()>>>) {
        let replies = self.replies();
        let outcomes = outcome.unwrap_or_else(|error| (0..replies.len()).map(|_| Err(again(&error))).collect());
        for (reply, outcome) in replies.into_iter().zip(outcomes) {
            // Nobody may be waiting any more: the request was cut off, and its point stands.
            drop(reply.send(outcome));
        }
    }

    /// Once. Where the work never ran, because its transaction could not begin or the writer ended, they still wait.
    fn replies(&mut self) -> Vec<Reply> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (taken, self.queue.take()) {
            (Some(replies), _) => replies,
            (None, Some(queue)) => queue.take().replies,
            (None, None) => Vec::new(),
        }
    }
}

impl Drop for Unheard {
    /// Without an answer of the writer they hear it by the end of their channels.
    fn drop(&mut self) {
        drop(self.replies());
    }
}

/// The same error for one more caller.
fn again(error: &Error) -> Error {
    let copy = Error::new(error.code(), error.message()).cause(error.cause_text().unwrap_or_default());
    match error.next_step() {
        Some(hint) => copy.hint(hint),
        None => copy,
    }
}
