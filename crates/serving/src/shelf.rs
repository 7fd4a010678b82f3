//! The models in memory: each once, however many revisions use it; the least recently used make room under a budget.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::{ArcSwapOption, Guard};
use flyball_core::model::{Engine, Loaded, load};
use flyball_core::package::{self, Contents};
use flyball_core::{Clock, Digest, Error, ErrorCode, Format, Manifest, Package, Result};
use flyball_store::Blobs;

/// How long a model that could not be loaded is not tried again, in nanoseconds.
const RETRY_NANOS: u64 = 5_000_000_000;

/// The files of models, in the store.
struct Stored<'a>(&'a Blobs);

impl Contents for Stored<'_> {
    fn read(&self, digest: &Digest) -> Result<Vec<u8>> {
        Ok(self.0.get(digest)?.into())
    }
}

/// Loads models and lets go of them.
pub(crate) struct Shelf {
    blobs: Blobs,
    engines: Vec<Arc<dyn Engine>>,
    clock: Arc<dyn Clock>,
    /// How many bytes of models may be in memory.
    budget: AtomicU64,
    slots: Mutex<HashMap<Digest, Weak<Slot>>>,
    loads: AtomicU64,
    evictions: AtomicU64,
}

/// The place of one model.
pub(crate) struct Slot {
    artifact: Digest,
    loaded: ArcSwapOption<Loaded>,
    /// Held by the one who loads, so that it is done once. Holds why and when it failed last.
    loading: Mutex<Option<(u64, String)>>,
    used: AtomicU64,
    pinned: AtomicBool,
}

/// A model that stays in memory as long as this is held.
#[derive(Clone)]
pub struct Held {
    _slot: Arc<Slot>,
    loaded: Arc<Loaded>,
}

impl Deref for Held {
    type Target = Loaded;

    fn deref(&self) -> &Loaded {
        &self.loaded
    }
}

/// What models take of the memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// Models in memory.
    pub models: usize,
    /// What they take, in bytes; an estimate.
    pub bytes: u64,
    /// How much they may take.
    pub budget: u64,
    /// How many were loaded since the process started.
    pub loads: u64,
    /// How many had to make room since the process started.
    pub evictions: u64,
}

impl Shelf {
    pub(crate) fn new(blobs: Blobs, engines: Vec<Arc<dyn Engine>>, clock: Arc<dyn Clock>) -> Self {
        Self {
            blobs,
            engines,
            clock,
            budget: AtomicU64::new(u64::MAX),
            slots: Mutex::default(),
            loads: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
        }
    }

    pub(crate) fn set_budget(&self, bytes: u64) {
        self.budget.store(bytes, Ordering::Relaxed);
    }

    /// The place of a model, which need not be loaded.
    pub(crate) fn slot(&self, artifact: Digest) -> Arc<Slot> {
        let mut slots = lock(&self.slots);
        if let Some(slot) = slots.get(&artifact).and_then(Weak::upgrade) {
            return slot;
        }
        slots.retain(|_, slot| slot.strong_count() > 0);
        let slot = Arc::new(Slot {
            artifact,
            loaded: ArcSwapOption::empty(),
            loading: Mutex::default(),
            used: AtomicU64::new(0),
            pinned: AtomicBool::new(false),
        });
        slots.insert(artifact, Arc::downgrade(&slot));
        slot
    }

    /// The model of a place, loaded now if it is not in memory. Others that ask for it meanwhile wait for the one load.
    ///
    /// # Errors
    /// What the engines say; `InvalidData` when a file is not what it was when the model was deployed.
    pub(crate) fn get(&self, slot: &Slot) -> Result<Arc<Loaded>> {
        if let Some(loaded) = &*slot.get(&*self.clock) {
            return Ok(Arc::clone(loaded));
        }
        let mut failure = slot.loading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = slot.loaded.load_full() {
            return Ok(loaded);
        }
        let now = self.clock.monotonic_nanos();
        if let Some((at, why)) = &*failure
            && now.saturating_sub(*at) < RETRY_NANOS
        {
            return Err(Error::new(ErrorCode::Unavailable, why.clone()).hint("it is tried again after some seconds"));
        }
        match self.load(slot.artifact) {
            Ok(loaded) => {
                let loaded = Arc::new(loaded);
                slot.loaded.store(Some(Arc::clone(&loaded)));
                slot.used.store(now, Ordering::Relaxed);
                *failure = None;
                drop(failure);
                self.loads.fetch_add(1, Ordering::Relaxed);
                self.make_room(Some(slot.artifact));
                Ok(loaded)
            }
            Err(error) => {
                *failure = Some((now, error.message().to_owned()));
                Err(error)
            }
        }
    }

    fn load(&self, artifact: Digest) -> Result<Loaded> {
        let bytes = self.blobs.get(&artifact)?;
        let stored = Stored(&self.blobs);
        match Manifest::read(&bytes)? {
            Some(manifest) => load(&self.engines, &Package::new(artifact, &manifest, &stored)),
            None => {
                let manifest = package::lone(Format::Onnx, artifact, bytes.len());
                load(&self.engines, &Package::new(artifact, &manifest, &stored))
            }
        }
    }

    /// The model that an artifact is, loaded now if it is not in memory.
    ///
    /// # Errors
    /// As [`Shelf::get`].
    pub(crate) fn hold(&self, artifact: Digest) -> Result<Held> {
        let slot = self.slot(artifact);
        let loaded = self.get(&slot)?;
        Ok(Held { _slot: slot, loaded })
    }

    /// Whether so many bytes more would still be within the budget.
    pub(crate) fn has_room(&self, bytes: u64) -> bool {
        self.memory().bytes.saturating_add(bytes) <= self.budget.load(Ordering::Relaxed)
    }

    /// Lets the least recently used models go until the rest is within the budget; pinned ones and `keep` stay.
    pub(crate) fn make_room(&self, keep: Option<Digest>) {
        let budget = self.budget.load(Ordering::Relaxed);
        let mut inside: Vec<(Arc<Slot>, u64)> = self.inside();
        let mut sum: u64 = inside.iter().map(|(_, bytes)| bytes).sum();
        if sum <= budget {
            return;
        }
        inside.sort_by_key(|(slot, _)| slot.used.load(Ordering::Relaxed));
        for (slot, bytes) in inside {
            if sum <= budget {
                return;
            }
            if slot.pinned.load(Ordering::Relaxed) || Some(slot.artifact) == keep {
                continue;
            }
            slot.loaded.store(None);
            self.evictions.fetch_add(1, Ordering::Relaxed);
            sum -= bytes;
        }
    }

    /// What models take of the memory now.
    pub(crate) fn memory(&self) -> MemoryUse {
        let inside = self.inside();
        MemoryUse {
            models: inside.len(),
            bytes: inside.iter().map(|(_, bytes)| bytes).sum(),
            budget: self.budget.load(Ordering::Relaxed),
            loads: self.loads.load(Ordering::Relaxed),
            evictions: self.evictions.load(Ordering::Relaxed),
        }
    }

    fn inside(&self) -> Vec<(Arc<Slot>, u64)> {
        let slots: Vec<Arc<Slot>> = lock(&self.slots).values().filter_map(Weak::upgrade).collect();
        let sized = |slot: Arc<Slot>| {
            let bytes = slot.loaded.load().as_ref().map(|loaded| loaded.memory_bytes())?;
            Some((slot, bytes))
        };
        slots.into_iter().filter_map(sized).collect()
    }
}

impl Slot {
    /// The model, if it is in memory; it counts as used.
    pub(crate) fn get(&self, clock: &dyn Clock) -> Guard<Option<Arc<Loaded>>> {
        // Every second is enough to know who was used last, and spares writing a shared line for each request.
        const COARSE: u64 = 1_000_000_000;
        let now = clock.monotonic_nanos();
        if now.saturating_sub(self.used.load(Ordering::Relaxed)) > COARSE {
            self.used.store(now, Ordering::Relaxed);
        }
        self.loaded.load()
    }

    /// The model, if it is in memory, without counting as used.
    pub(crate) fn peek(&self) -> Option<Arc<Loaded>> {
        self.loaded.load_full()
    }

    /// Whether it is in memory.
    pub(crate) fn is_loaded(&self) -> bool {
        self.loaded.load().is_some()
    }

    /// Why it could not be loaded when it was tried last.
    pub(crate) fn failure(&self) -> Option<String> {
        // Who loads it now will know more.
        let failure = self.loading.try_lock().ok()?;
        failure.as_ref().map(|(_, why)| why.clone())
    }

    pub(crate) fn pin(&self, pinned: bool) {
        self.pinned.store(pinned, Ordering::Relaxed);
    }
}

/// What is inside stays whole when a thread panicked while it held the lock: it is only read, inserted and removed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
