//! Runs jobs with their handlers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use flyball_core::{Duration, Error, ErrorCode, Result};

use crate::model::{Claimed, Handler, Outcome};
use crate::queue::{Jobs, is_transient};
use crate::workers::RunningWorkers;

/// The one worker of [`Runner::run_due`]. Being the same after a restart, it takes up its own crashed jobs at once.
const SIMULATION_WORKER: &str = "simulation";
/// How long a worker has a job without a heartbeat: many heartbeats fit, and a lost worker is noticed within a minute.
pub(crate) const LEASE: Duration = Duration::seconds(30);

/// Jobs and their handlers; cheap to clone.
#[derive(Clone)]
pub struct Runner {
    jobs: Jobs,
    handlers: Arc<[Arc<dyn Handler>]>,
}

impl Runner {
    /// A runner of the kinds that the handlers name; jobs of other kinds are left alone.
    pub fn new(jobs: Jobs, handlers: Vec<Arc<dyn Handler>>) -> Self {
        Self { jobs, handlers: handlers.into() }
    }

    /// Runs everything that is due by the clock, schedules included, one job after another, also what becomes due on
    /// the way; returns how many attempts there were. The order follows from the data alone.
    ///
    /// # Errors
    /// Those of the database; a job's own errors are kept with the job.
    pub fn run_due(&self) -> Result<usize> {
        let mut attempts = 0;
        loop {
            self.jobs.tick(self.jobs.now())?;
            let Some(claimed) = self.claim(SIMULATION_WORKER)? else { return Ok(attempts) };
            self.run(&claimed)?;
            attempts += 1;
        }
    }

    /// The same for a simulation, in which a fault of the machine (a full disk, a database that does not answer) must not
    /// change what happens: it ends the run, and the job waits as if it had never been taken.
    ///
    /// # Errors
    /// The fault.
    pub fn replay_due(&self) -> Result<()> {
        loop {
            self.jobs.tick(self.jobs.now())?;
            let Some(claimed) = self.claim(SIMULATION_WORKER)? else { return Ok(()) };
            let Err(error) = self.handle(&claimed).and_then(|outcome| self.jobs.finish(&claimed, outcome)) else {
                continue;
            };
            if is_transient(error.code()) {
                // With the disk full even this may fail; then the job is taken up at once by the next run.
                if let Err(worse) = self.jobs.release(&claimed) {
                    tracing::warn!(job = claimed.job.id, error = ?worse, "a job could not be put back");
                }
                return Err(error);
            }
            self.jobs.fail(&claimed, &error)?;
        }
    }

    /// Starts threads that run jobs as they become due.
    ///
    /// # Errors
    /// `Internal` when the system gives no thread.
    pub fn spawn(&self, workers: usize) -> Result<RunningWorkers> {
        RunningWorkers::start(self, workers)
    }

    pub(crate) fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    pub(crate) fn claim(&self, worker: &str) -> Result<Option<Claimed>> {
        let kinds: Vec<&str> = self.handlers.iter().flat_map(|handler| handler.kinds()).copied().collect();
        if kinds.is_empty() { Ok(None) } else { self.jobs.claim(&kinds, worker, LEASE) }
    }

    /// Runs one job to its end and records what came of it.
    pub(crate) fn run(&self, claimed: &Claimed) -> Result<()> {
        let outcome = self.handle(claimed).and_then(|outcome| self.jobs.finish(claimed, outcome));
        let Err(error) = outcome else { return Ok(()) };
        let (job, kind) = (&claimed.job.id, &claimed.job.kind);
        if error.code() == ErrorCode::Fenced {
            tracing::warn!(job, kind, "a job was taken over or cancelled while it ran");
            return Ok(());
        }
        tracing::warn!(job, kind, attempt = claimed.job.attempt, ?error, "an attempt failed");
        match self.jobs.fail(claimed, &error) {
            Err(lost) if lost.code() == ErrorCode::Fenced => Ok(()),
            recorded => recorded.map(drop),
        }
    }

    fn handle(&self, claimed: &Claimed) -> Result<Outcome> {
        let kind = claimed.job.kind.as_str();
        let handler = self.handlers.iter().find(|handler| handler.kinds().contains(&kind));
        let handler = handler.ok_or_else(|| Error::internal(format!("no handler runs jobs of the kind '{kind}'")))?;
        catch_unwind(AssertUnwindSafe(|| handler.run(claimed))).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<&str>().copied();
            let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text");
            Err(Error::internal(format!("a panic in a job of the kind '{kind}': {text}")))
        })
    }
}
