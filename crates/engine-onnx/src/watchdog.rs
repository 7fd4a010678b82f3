//! One thread that ends the runs that take too long.
//!
//! It sleeps until the earliest deadline of the runs under way, or until a run begins whose deadline is earlier than that;
//! so runs that end in time cost two uncontended locks, and an idle process is never woken.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread::Thread;
use std::time::{Duration, Instant};

use flyball_core::{Error, Result};
use ort::session::RunOptions;

use crate::pool::lock;

/// When something must be over, on the machine's steady clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deadline(u64);

impl Deadline {
    pub(crate) fn after(within: Duration) -> Self {
        Self(now().saturating_add(u64::try_from(within.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// What is left until then; `None` when it has passed.
    pub(crate) fn left(self) -> Option<Duration> {
        self.0.checked_sub(now()).filter(|left| *left > 0).map(Duration::from_nanos)
    }
}

/// Nanoseconds since this was first asked.
#[expect(clippy::disallowed_methods, reason = "how long a run takes is the machine's time, also in a simulation")]
fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = *START.get_or_init(Instant::now);
    u64::try_from(Instant::now().saturating_duration_since(start).as_nanos()).unwrap_or(u64::MAX)
}

/// What ends the runs of one session.
pub(crate) struct Watch {
    pub(crate) options: RunOptions,
    state: Mutex<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Until(Deadline),
    Stopped,
}

impl Watch {
    /// A watch that the thread knows of.
    pub(crate) fn new() -> Result<Arc<Self>> {
        let options = RunOptions::new().map_err(|error| Error::internal(error.message().to_owned()))?;
        let watch = Arc::new(Self { options, state: Mutex::new(State::Idle) });
        let watchdog = Watchdog::get()?;
        let mut watches = lock(&watchdog.watches);
        watches.retain(|watch| watch.strong_count() > 0);
        watches.push(Arc::downgrade(&watch));
        Ok(watch)
    }

    /// A run begins.
    pub(crate) fn begin(&self, deadline: Deadline) {
        *lock(&self.state) = State::Until(deadline);
        if let Some(watchdog) = WATCHDOG.get()
            && deadline.0 < watchdog.wakes_at.load(Ordering::SeqCst)
            && let Some(thread) = watchdog.thread.get()
        {
            thread.unpark();
        }
    }

    /// The run has ended; answers whether it was told to.
    pub(crate) fn end(&self) -> bool {
        let mut state = lock(&self.state);
        let stopped = *state == State::Stopped;
        if stopped && let Err(error) = self.options.unterminate() {
            tracing::warn!(cause = error.message(), "a session of ONNX Runtime stays stopped");
        }
        *state = State::Idle;
        stopped
    }

    /// Ends the run if it is late; answers the deadline of one that is not.
    fn check(&self) -> Option<Deadline> {
        let mut state = lock(&self.state);
        let State::Until(deadline) = *state else { return None };
        if deadline.left().is_some() {
            return Some(deadline);
        }
        // Under the lock, so that it cannot hit the next run.
        if let Err(error) = self.options.terminate() {
            tracing::warn!(cause = error.message(), "a run of ONNX Runtime cannot be stopped");
        }
        *state = State::Stopped;
        None
    }
}

struct Watchdog {
    watches: Mutex<Vec<Weak<Watch>>>,
    /// When the thread looks again; a run with an earlier deadline wakes it.
    wakes_at: AtomicU64,
    thread: OnceLock<Thread>,
}

static WATCHDOG: OnceLock<Watchdog> = OnceLock::new();

impl Watchdog {
    fn get() -> Result<&'static Self> {
        static STARTING: Mutex<()> = Mutex::new(());
        let watchdog = WATCHDOG.get_or_init(|| Self {
            watches: Mutex::default(),
            wakes_at: AtomicU64::new(u64::MAX),
            thread: OnceLock::new(),
        });
        let _one = lock(&STARTING);
        if watchdog.thread.get().is_none() {
            let builder = std::thread::Builder::new().name("onnx-watchdog".into());
            let started = builder.spawn(|| watchdog.run()).map_err(Error::internal)?;
            watchdog.thread.get_or_init(|| started.thread().clone());
        }
        Ok(watchdog)
    }

    fn run(&self) {
        loop {
            // From here until the deadlines are known every run that begins wakes it.
            self.wakes_at.store(u64::MAX, Ordering::SeqCst);
            let watches: Vec<Arc<Watch>> = lock(&self.watches).iter().filter_map(Weak::upgrade).collect();
            let earliest = watches.iter().filter_map(|watch| watch.check()).min();
            drop(watches);
            match earliest {
                None => std::thread::park(),
                Some(deadline) => {
                    self.wakes_at.store(deadline.0, Ordering::SeqCst);
                    if let Some(left) = deadline.left() {
                        std::thread::park_timeout(left);
                    }
                }
            }
        }
    }
}
