//! Points that are logged one by one, by many clients at once: those that wait for the writer together are written with
//! as few statements as one of them.

use std::sync::{Arc, Mutex, PoisonError};

use flyball_core::{Edit, Error, Permit, Result};
use flyball_store::{Db, Tx};
use flyball_tracking::{Metric, metrics};
use tokio::sync::oneshot;

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
    /// Logs a checked point to a run, and answers when it is on disk.
    ///
    /// # Errors
    /// `NotFound` for no run, `Conflict` for a deleted one, and those of the database.
    pub async fn log(&self, db: &Db, permit: Permit<Edit>, run_id: String, metric: Metric) -> Result<()> {
        let (reply, outcome) = oneshot::channel();
        let is_first = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.points.push((run_id, metric));
            waiting.replies.push(reply);
            waiting.replies.len() == 1
        };
        // Whoever comes to an empty queue calls the writer; what comes until that turns to it goes along.
        if is_first {
            self.call_writer(db, permit)?;
        }
        outcome.await.map_err(|_| Error::internal("the database writer ended before it answered"))?
    }

    fn call_writer(&self, db: &Db, permit: Permit<Edit>) -> Result<()> {
        let (queue, taken) = (self.clone(), Arc::new(Mutex::new(None)));
        let (queue_again, taken_again) = (queue.clone(), Arc::clone(&taken));
        let work = move |tx: &mut Tx<'_>| {
            let Waiting { points, replies } = queue.take();
            *taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(replies);
            metrics::log_many(tx, &permit, &points)
        };
        let answer = move |outcome: Result<Vec<Result<()>>>| {
            let replies = taken_again.lock().unwrap_or_else(PoisonError::into_inner).take();
            // The work never ran when its transaction could not begin; those that wait for it must hear so all the same.
            let replies = replies.unwrap_or_else(|| queue_again.take().replies);
            let outcomes = outcome.unwrap_or_else(|error| (0..replies.len()).map(|_| Err(again(&error))).collect());
            for (reply, outcome) in replies.into_iter().zip(outcomes) {
                // Nobody may be waiting any more: the request was cut off, and its point stands.
                drop(reply.send(outcome));
            }
        };
        // Without a writer those that wait are told by the end of their channels.
        db.submit(work, answer).inspect_err(|_| drop(self.take()))
    }

    fn take(&self) -> Waiting {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
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
