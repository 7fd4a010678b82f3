//! The sessions of a model: each answers one request at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use flyball_core::{Error, ErrorCode, Result};
use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::AutoDevicePolicy;

use crate::errors;
use crate::watchdog::{Deadline, Watch};

/// The lock, also after a panic elsewhere: what it guards is whole at any time.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A session with what can end its run.
pub(crate) struct Slot {
    pub(crate) session: Session,
    pub(crate) watch: Arc<Watch>,
}

impl Slot {
    /// A session of a graph.
    ///
    /// # Errors
    /// `UnsupportedModel` when ONNX Runtime cannot run it, `InvalidData` when it is none.
    pub(crate) fn open(environment: &Environment, graph: &[u8]) -> Result<Self> {
        // The bindings panic on types that they do not know.
        let session = catch_unwind(AssertUnwindSafe(|| session(environment, graph))).map_err(|_| {
            let message = "ONNX Runtime cannot say what the model takes and gives";
            Error::new(ErrorCode::UnsupportedModel, message)
        })?;
        Ok(Self { session: session.map_err(|error| errors::of_load(&error))?, watch: Watch::new()? })
    }
}

fn session(environment: &Environment, graph: &[u8]) -> ort::Result<Session> {
    Session::builder(environment)?
        // Requests are what runs side by side.
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_auto_device(AutoDevicePolicy::PreferCPU)?
        .commit_from_memory(graph)
}

/// Up to so many sessions; the second and later ones are made when all others are busy.
pub(crate) struct Pool {
    environment: Environment,
    graph_bytes: u64,
    most: usize,
    shelf: Mutex<Shelf>,
    returned: Condvar,
}

struct Shelf {
    free: Vec<Slot>,
    /// How many sessions there are, the one that is being made included.
    made: usize,
    /// Whether one is being made.
    making: bool,
    /// The graph, until all sessions are made.
    graph: Option<Arc<[u8]>>,
}

impl Pool {
    /// A pool with its first session.
    pub(crate) fn new(environment: Environment, graph: Vec<u8>, first: Slot, most: usize) -> Arc<Self> {
        let graph_bytes = graph.len() as u64;
        let graph = (most > 1).then(|| graph.into());
        let shelf = Mutex::new(Shelf { free: vec![first], made: 1, making: false, graph });
        Arc::new(Self { environment, graph_bytes, most: most.max(1), shelf, returned: Condvar::new() })
    }

    /// How many sessions there may be.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// What the sessions keep in memory, roughly.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let shelf = lock(&self.shelf);
        self.graph_bytes * (shelf.made + usize::from(shelf.graph.is_some())) as u64
    }

    /// A session that nobody uses.
    ///
    /// # Errors
    /// `Overloaded` when all stay busy until the deadline.
    pub(crate) fn take(self: &Arc<Self>, deadline: Deadline) -> Result<Taken<'_>> {
        let mut shelf = lock(&self.shelf);
        loop {
            if let Some(slot) = shelf.free.pop() {
                return Ok(Taken { pool: self, slot: Some(slot) });
            }
            self.make_another(&mut shelf);
            let Some(left) = deadline.left() else {
                let message = format!("all {} sessions of the model are busy", self.most);
                return Err(Error::new(ErrorCode::Overloaded, message)
                    .hint("send fewer requests at once, or several rows in one"));
            };
            shelf = self.returned.wait_timeout(shelf, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Has another session made if there may be one. Who asks does not wait for it: another one may be free before.
    fn make_another(self: &Arc<Self>, shelf: &mut Shelf) {
        let Some(graph) = shelf.graph.clone().filter(|_| !shelf.making && shelf.made < self.most) else { return };
        let pool = self.clone();
        let make = move || {
            let slot = Slot::open(&pool.environment, &graph);
            let mut shelf = lock(&pool.shelf);
            shelf.making = false;
            match slot {
                Ok(slot) => {
                    shelf.free.push(slot);
                    if shelf.made == pool.most {
                        shelf.graph = None;
                    }
                }
                Err(error) => {
                    tracing::warn!(?error, "another session of a model cannot be made");
                    shelf.made -= 1;
                }
            }
            pool.returned.notify_one();
        };
        match std::thread::Builder::new().name("onnx-session".into()).spawn(make) {
            Ok(_) => {
                shelf.made += 1;
                shelf.making = true;
            }
            Err(error) => tracing::warn!(?error, "no thread can be started to make a session"),
        }
    }
}

/// A session in use; it goes back when this is dropped.
pub(crate) struct Taken<'p> {
    pool: &'p Pool,
    slot: Option<Slot>,
}

impl Taken<'_> {
    /// The session.
    ///
    /// # Errors
    /// `Internal`, never.
    pub(crate) fn slot(&mut self) -> Result<&mut Slot> {
        self.slot.as_mut().ok_or_else(|| Error::internal("a session was given back twice"))
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let Some(slot) = self.slot.take() else { return };
        if std::thread::panicking() {
            // Nobody else will: the bindings panicked in the midst of a run.
            slot.watch.end();
        }
        let mut shelf = lock(&self.pool.shelf);
        shelf.free.push(slot);
        drop(shelf);
        self.pool.returned.notify_one();
    }
}
