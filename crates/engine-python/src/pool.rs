//! The processes of one model: who is free, who has to be started again, and when.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use flyball_core::model::TensorModel;
use flyball_core::tensor::{Tensor, TensorSignature};
use flyball_core::{Error, ErrorCode, Result};

use crate::process::{self, Connection, Failed, Handle, Plan, Running};
use crate::settings::MOST_WORKERS;
use crate::wire::Ready;

/// The pause before the first new start; it doubles with each failure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long the end of a model waits for its processes.
const CLOSE_TIME: Duration = Duration::from_secs(5);

struct Pool {
    plan: Plan,
    state: Mutex<State>,
    /// A process became free, or there is no hope for one.
    free: Condvar,
    /// A supervisor has something to do.
    wake: Condvar,
}

#[derive(Default)]
struct State {
    closed: bool,
    /// Those that wait for a request.
    idle: Vec<Connection>,
    /// The processes that run, for their memory and their end.
    running: Vec<Arc<Handle>>,
    /// Those that load the model.
    starting: Vec<Arc<Handle>>,
    /// Supervisors that sleep until somebody needs a process.
    asleep: usize,
    /// How many of those are called.
    called: usize,
    /// Processes that start because somebody needs them.
    waking: usize,
    /// Supervisors that there are.
    supervisors: usize,
    /// Why the last process is gone.
    reason: String,
}

/// A model that runs in processes of its own.
pub(crate) struct PythonModel {
    pool: Arc<Pool>,
    ready: Ready,
    workers: usize,
}

impl PythonModel {
    /// Starts the processes of a model; the first one has loaded it when this returns.
    pub(crate) fn start(plan: Plan) -> Result<Self> {
        let workers = plan.settings.workers.clamp(1, MOST_WORKERS);
        let pool = Arc::new(Pool { plan, state: Mutex::default(), free: Condvar::new(), wake: Condvar::new() });
        let (sender, first) = channel();
        supervise(&pool, Some(sender))?;
        let ready = first_answer(&first)?;
        let model = Self { pool, ready, workers };
        for _ in 1..workers {
            supervise(&model.pool, None)?;
        }
        Ok(model)
    }

    /// The versions that loaded it.
    pub(crate) fn versions(&self) -> (&str, &str) {
        (&self.ready.python, &self.ready.mlflow)
    }
}

fn first_answer(first: &Receiver<Result<Ready>>) -> Result<Ready> {
    first.recv().map_err(Error::internal)?
}

/// Starts the thread that starts a process, waits for its end, and starts it again.
fn supervise(pool: &Arc<Pool>, first: Option<Sender<Result<Ready>>>) -> Result<()> {
    let own = Arc::clone(pool);
    pool.lock().supervisors += 1;
    let started = std::thread::Builder::new().name("python-model".into()).spawn(move || {
        own.run(first);
        own.lock().supervisors -= 1;
        own.free.notify_all();
    });
    if started.is_err() {
        pool.lock().supervisors -= 1;
    }
    started.map(drop).map_err(Error::internal)
}

/// How a process came to its end.
enum End {
    Idle,
    Lost { answered: bool },
}

impl Pool {
    fn run(&self, mut first: Option<Sender<Result<Ready>>>) {
        let (mut failures, mut called) = (0, false);
        loop {
            let mut own = None;
            let started = process::start(&self.plan, |handle| own = Some(self.expect(handle)));
            self.lock().starting.retain(|handle| !own.as_ref().is_some_and(|own| Arc::ptr_eq(own, handle)));
            let end = match started {
                Ok((running, connection, ready)) => {
                    let admitted = self.admit(connection, called);
                    if let Some(sender) = first.take() {
                        // A model whose load was given up is closed, too.
                        drop(sender.send(Ok(ready)));
                    }
                    self.watch(running, admitted)
                }
                Err(error) => {
                    if let Some(sender) = first.take() {
                        drop(sender.send(Err(error)));
                        return;
                    }
                    tracing::warn!(error = ?error, "a process of a Python model cannot be started");
                    self.give_up(error.message().to_owned(), called);
                    End::Lost { answered: false }
                }
            };
            let (next, go_on) = match end {
                End::Idle => (0, self.sleep()),
                End::Lost { answered } => {
                    let failures = if answered { 1 } else { failures + 1 };
                    (failures, self.pause(failures))
                }
            };
            called = matches!(end, End::Idle);
            failures = next;
            if !go_on {
                return;
            }
        }
    }

    /// Notes a process that is to load the model, so that it can be ended.
    fn expect(&self, handle: &Arc<Handle>) -> Arc<Handle> {
        let mut state = self.lock();
        if state.closed {
            handle.kill();
        }
        state.starting.push(Arc::clone(handle));
        Arc::clone(handle)
    }

    /// Takes a process in; `false` when the model is closed meanwhile.
    fn admit(&self, connection: Connection, called: bool) -> bool {
        let mut state = self.lock();
        state.waking -= usize::from(called);
        if !state.closed {
            state.running.push(Arc::clone(&connection.handle));
            state.idle.push(connection);
            self.free.notify_all();
        }
        !state.closed
    }

    fn give_up(&self, reason: String, called: bool) {
        let mut state = self.lock();
        state.waking -= usize::from(called);
        state.reason = reason;
        self.free.notify_all();
    }

    /// Waits for the end of a process, or for it to be of no use.
    fn watch(&self, running: Running, admitted: bool) -> End {
        let handle = Arc::clone(&running.handle);
        let mut left = self.plan.settings.idle_after;
        let mut idle = false;
        while admitted && !running.rest(left) {
            left = self.idles(&handle);
            idle = left.is_none();
            if idle {
                break;
            }
        }
        let how = running.wait();
        let mut state = self.lock();
        state.idle.retain(|connection| !Arc::ptr_eq(&connection.handle, &handle));
        state.running.retain(|other| !Arc::ptr_eq(other, &handle));
        if idle {
            state.asleep += 1;
            self.free.notify_all();
            return End::Idle;
        }
        if !state.closed {
            state.reason = format!("its process ended ({how})");
            drop(state);
            let output = handle.log.text();
            let end: String = output.chars().rev().take(2000).collect::<Vec<_>>().into_iter().rev().collect();
            tracing::warn!(how, output = end, "a process of a Python model ended and is started again");
            self.free.notify_all();
        }
        End::Lost { answered: handle.answered.load(Ordering::Relaxed) }
    }

    /// How long a process may still idle; `None` when its time is over, and then it is no longer given away.
    fn idles(&self, handle: &Arc<Handle>) -> Option<Duration> {
        let limit = self.plan.settings.idle_after?;
        let mut state = self.lock();
        let since = self.plan.clock.monotonic_nanos().saturating_sub(handle.used.load(Ordering::Relaxed));
        let left = limit.saturating_sub(Duration::from_nanos(since));
        let place = state.idle.iter().position(|connection| Arc::ptr_eq(&connection.handle, handle));
        match place {
            // It works on a request.
            None => Some(limit),
            Some(_) if !left.is_zero() => Some(left),
            Some(place) => {
                state.idle.remove(place);
                None
            }
        }
    }

    /// Sleeps until somebody needs a process; `false` when the model is closed.
    fn sleep(&self) -> bool {
        let waited = self.wake.wait_while(self.lock(), |state| !state.closed && state.called == 0);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.asleep -= 1;
        if state.called > 0 {
            state.called -= 1;
            state.waking += 1;
        }
        !state.closed
    }

    /// Waits before a new start, longer with each failure; `false` when the model is closed.
    fn pause(&self, failures: u32) -> bool {
        let pause = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
        let waited = self.wake.wait_timeout_while(self.lock(), pause, |state| !state.closed);
        !waited.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    /// A free process.
    fn take(&self, within: Duration) -> Result<Connection> {
        let until = self.plan.clock.monotonic_nanos() + process::nanos(within);
        let mut state = self.lock();
        loop {
            if let Some(connection) = state.idle.pop() {
                return Ok(connection);
            }
            if state.closed {
                return Err(Error::new(ErrorCode::Unavailable, "the model is being unloaded"));
            }
            if state.asleep > state.called {
                state.called += 1;
                self.wake.notify_all();
            }
            if state.running.is_empty() && state.called + state.waking == 0 {
                let message = format!("the model is not ready: {}", state.reason);
                return Err(Error::new(ErrorCode::Unavailable, message).hint("it is started again; try later"));
            }
            let left = until.saturating_sub(self.plan.clock.monotonic_nanos());
            if left == 0 {
                let message = format!("no process of the model became free within {} s", within.as_secs_f32());
                return Err(
                    Error::new(ErrorCode::Overloaded, message).hint("try later, or give the model more workers")
                );
            }
            let waited = self.free.wait_timeout(state, Duration::from_nanos(left));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn give_back(&self, connection: Connection) {
        let mut state = self.lock();
        // One that ended meanwhile is no longer among those that run.
        if state.running.iter().any(|handle| Arc::ptr_eq(handle, &connection.handle)) {
            state.idle.push(connection);
            self.free.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TensorModel for PythonModel {
    fn signature(&self) -> &TensorSignature {
        &self.ready.signature
    }

    fn run(&self, inputs: &[Tensor], wanted: Option<&[&str]>, within: Duration) -> Result<Vec<Tensor>> {
        let clock = self.pool.plan.clock.as_ref();
        let within = within.min(self.pool.plan.settings.deadline);
        let begun = clock.monotonic_nanos();
        let mut connection = self.pool.take(within)?;
        let waited = Duration::from_nanos(clock.monotonic_nanos().saturating_sub(begun));
        let left = within.saturating_sub(waited);
        if left.is_zero() {
            self.pool.give_back(connection);
            return Err(Error::new(ErrorCode::DeadlineExceeded, "the time was over before a process became free"));
        }
        match connection.ask(inputs, wanted, clock, left) {
            Ok(outputs) => {
                self.pool.give_back(connection);
                Ok(outputs)
            }
            Err(Failed::Answered(error)) => {
                self.pool.give_back(connection);
                Err(error)
            }
            Err(Failed::Lost(error)) => {
                connection.handle.kill();
                Err(error)
            }
        }
    }

    fn parallel(&self) -> usize {
        self.workers
    }

    fn memory_bytes(&self) -> u64 {
        let processes: Vec<u32> = self.pool.lock().running.iter().map(|handle| handle.id).collect();
        processes.into_iter().map(|id| crate::memory::of_tree(id, 0)).sum()
    }
}

impl Drop for PythonModel {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        state.closed = true;
        state.idle.clear();
        state.running.iter().chain(&state.starting).for_each(|handle| handle.kill());
        self.pool.wake.notify_all();
        self.pool.free.notify_all();
        let waited = self.pool.free.wait_timeout_while(state, CLOSE_TIME, |state| state.supervisors > 0);
        if waited.is_ok_and(|(_, late)| late.timed_out()) {
            tracing::warn!("processes of a Python model take long to end");
        }
    }
}
