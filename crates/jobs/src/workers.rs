//! Threads that run jobs in production.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use flyball_core::{Duration, Error, Result};

use crate::model::Claimed;
use crate::queue::Jobs;
use crate::runner::{LEASE, Runner};

/// How long a worker waits at most before it looks again: other processes enqueue jobs without telling this one.
const LONGEST_WAIT: Duration = Duration::seconds(1);
/// How long it waits at least, so that rounding cannot make it spin.
const SHORTEST_WAIT: Duration = Duration::millis(5);
/// Leases are prolonged this often while they last, so that one failed heartbeat loses nothing.
const HEARTBEATS_PER_LEASE: i64 = 3;

/// Running workers. Dropping this stops them too.
pub struct RunningWorkers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    jobs: Jobs,
    stopping: AtomicBool,
    /// What each worker runs now, for the heartbeats.
    active: Mutex<HashMap<String, Claimed>>,
    /// Wakes the heartbeats when they are to end.
    ended: Condvar,
}

impl RunningWorkers {
    pub(crate) fn start(runner: &Runner, workers: usize) -> Result<Self> {
        let shared = Arc::new(Shared {
            jobs: runner.jobs().clone(),
            stopping: AtomicBool::new(false),
            active: Mutex::default(),
            ended: Condvar::new(),
        });
        let mut running = Self { shared: shared.clone(), threads: Vec::new() };
        let beats = shared.clone();
        running.spawn("job-heartbeat".into(), move || beat(&beats))?;
        let process = format!("{}-{}", std::process::id(), shared.jobs.now().0);
        for number in 0..workers {
            let (runner, shared, name) = (runner.clone(), shared.clone(), format!("{process}-{number}"));
            running.spawn(format!("job-worker-{number}"), move || work(&runner, &shared, &name))?;
        }
        Ok(running)
    }

    fn spawn(&mut self, name: String, body: impl FnOnce() + Send + 'static) -> Result<()> {
        self.threads.push(thread::Builder::new().name(name).spawn(body).map_err(Error::internal)?);
        Ok(())
    }

    /// Waits until every worker has finished the job it has, and ends them.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for RunningWorkers {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.shared.jobs.wake();
        // The heartbeats, the first thread, must go on while a worker still runs a job.
        let heartbeats = (!self.threads.is_empty()).then(|| self.threads.remove(0));
        self.threads.drain(..).for_each(join);
        let active = self.shared.active();
        self.shared.ended.notify_all();
        drop(active);
        heartbeats.into_iter().for_each(join);
    }
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("a job thread ended with a panic");
    }
}

impl Shared {
    fn active(&self) -> std::sync::MutexGuard<'_, HashMap<String, Claimed>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}

fn work(runner: &Runner, shared: &Shared, worker: &str) {
    while !shared.is_stopping() {
        let seen = shared.jobs.rung();
        match run_one(runner, shared, worker) {
            Ok(true) => {}
            Ok(false) => shared.jobs.wait(seen, until_next(&shared.jobs)),
            Err(error) => {
                tracing::error!(worker, ?error, "a worker could not reach its jobs");
                shared.jobs.wait(seen, LONGEST_WAIT);
            }
        }
    }
}

fn run_one(runner: &Runner, shared: &Shared, worker: &str) -> Result<bool> {
    shared.jobs.tick(shared.jobs.now())?;
    let Some(claimed) = runner.claim(worker)? else { return Ok(false) };
    shared.active().insert(worker.to_owned(), claimed.clone());
    let outcome = runner.run(&claimed);
    shared.active().remove(worker);
    outcome.map(|()| true)
}

fn until_next(jobs: &Jobs) -> Duration {
    match jobs.next_queued() {
        Ok(Some(at)) => (at - jobs.now()).clamp(SHORTEST_WAIT, LONGEST_WAIT),
        Ok(None) | Err(_) => LONGEST_WAIT,
    }
}

/// Prolongs the leases of all running jobs until the workers have ended.
fn beat(shared: &Shared) {
    let pause = std::time::Duration::from_millis((LEASE.0 / HEARTBEATS_PER_LEASE).unsigned_abs());
    let mut active = shared.active();
    while !(shared.is_stopping() && active.is_empty()) {
        let (woken, timeout) = shared.ended.wait_timeout(active, pause).unwrap_or_else(PoisonError::into_inner);
        if !timeout.timed_out() {
            active = woken;
            continue;
        }
        let claims: Vec<Claimed> = woken.values().cloned().collect();
        drop(woken);
        for claimed in &claims {
            if let Err(error) = shared.jobs.heartbeat(claimed) {
                tracing::warn!(job = claimed.job.id, ?error, "a lease was not prolonged");
            }
        }
        active = shared.active();
    }
}
