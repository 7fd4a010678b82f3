//! The only source of time. Production reads the machine's clock; simulations and tests move a virtual one.

use std::fmt::Debug;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use crate::Timestamp;

/// Tells the time. Everything that depends on time takes a `Clock`, so that a simulation drives the very same code.
pub trait Clock: Send + Sync + Debug {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// A monotonic reading in nanoseconds, for measuring how long something took. Under a virtual clock nothing takes
    /// time unless the clock is moved, so measured durations stay deterministic.
    fn monotonic_nanos(&self) -> u64;
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl Default for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    fn default() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic_nanos(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// A clock that stands still until it is moved, and never goes back.
#[derive(Debug)]
pub struct VirtualClock {
    now: AtomicI64,
}

impl VirtualClock {
    /// A clock that stands at `start`.
    pub fn at(start: Timestamp) -> Self {
        Self { now: AtomicI64::new(start.0) }
    }

    /// Moves the clock to `moment`; an earlier moment changes nothing.
    pub fn advance_to(&self, moment: Timestamp) {
        self.now.fetch_max(moment.0, Ordering::SeqCst);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn monotonic_nanos(&self) -> u64 {
        u64::try_from(self.now.load(Ordering::SeqCst)).unwrap_or(0).saturating_mul(1_000_000)
    }
}
