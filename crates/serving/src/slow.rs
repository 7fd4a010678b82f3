//! The slowest requests of the last hour, kept for whoever asks why. An ordinary request only compares two numbers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flyball_core::{ErrorCode, Timestamp};

use crate::model::Revision;

/// How many are told.
const TOLD: usize = 20;
/// How long each part of the hour is, in nanoseconds. Each keeps its own slowest, so that those of an hour ago make room
/// without hiding what came after them.
const PART_NANOS: u64 = 600_000_000_000;
/// How many parts are looked back over: an hour.
const PARTS: u64 = 6;

/// One of the slowest requests.
#[derive(Clone, Debug, PartialEq)]
pub struct SlowRequest {
    /// When it ended.
    pub at: Timestamp,
    /// How long the model took, in nanoseconds.
    pub nanos: u64,
    /// How long it waited for its turn before that, in nanoseconds, where it had to take one.
    pub waited_nanos: Option<u64>,
    /// Rows asked.
    pub rows: u64,
    /// Who answered it; `None` when it did not come that far.
    pub revision: Option<Arc<Revision>>,
    /// The id of its first prediction.
    pub prediction_id: Option<String>,
    /// Why it failed.
    pub failure: Option<ErrorCode>,
}

impl SlowRequest {
    /// How long it took in all, in nanoseconds.
    pub fn total_nanos(&self) -> u64 {
        self.nanos.saturating_add(self.waited_nanos.unwrap_or(0))
    }
}

/// The slowest requests of an endpoint.
#[derive(Default)]
pub(crate) struct Slow {
    /// What a request must take to be kept.
    threshold: AtomicU64,
    /// Until when the threshold holds, as the clock reads.
    until: AtomicU64,
    kept: Mutex<Vec<Kept>>,
}

struct Kept {
    part: u64,
    request: SlowRequest,
}

impl Slow {
    /// Keeps a request that took `nanos` and ended when the clock read `now`, if it is one of the slowest.
    pub(crate) fn offer(&self, nanos: u64, now: u64, request: impl FnOnce() -> SlowRequest) {
        if nanos > self.threshold.load(Ordering::Relaxed) || now >= self.until.load(Ordering::Relaxed) {
            self.keep(now, request());
        }
    }

    #[cold]
    fn keep(&self, now: u64, request: SlowRequest) {
        let part = now / PART_NANOS;
        let mut kept = lock(&self.kept);
        kept.retain(|one| one.part + PARTS > part);
        kept.push(Kept { part, request });
        let own = |kept: &[Kept]| kept.iter().filter(|one| one.part == part).count();
        let fastest = |kept: &[Kept]| {
            let own = kept.iter().enumerate().filter(|(_, one)| one.part == part);
            own.min_by_key(|(_, one)| one.request.total_nanos()).map(|(place, one)| (place, one.request.total_nanos()))
        };
        if own(&kept) > TOLD
            && let Some((place, _)) = fastest(&kept)
        {
            kept.swap_remove(place);
        }
        let threshold = if own(&kept) < TOLD { 0 } else { fastest(&kept).map_or(0, |(_, nanos)| nanos) };
        self.threshold.store(threshold, Ordering::Relaxed);
        self.until.store((part + 1) * PART_NANOS, Ordering::Relaxed);
    }

    /// The slowest requests of the hour before the clock read `now`, slowest first.
    pub(crate) fn slowest(&self, now: u64) -> Vec<SlowRequest> {
        let part = now / PART_NANOS;
        let kept = lock(&self.kept);
        let mut all: Vec<SlowRequest> =
            kept.iter().filter(|one| one.part + PARTS > part).map(|one| one.request.clone()).collect();
        drop(kept);
        all.sort_by_key(|one| std::cmp::Reverse(one.total_nanos()));
        all.truncate(TOLD);
        all
    }
}

/// What is inside stays whole when a thread panicked while it held the lock: it is only pushed to and removed from.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(slow: &Slow, nanos: u64, now: u64) -> bool {
        let mut built = false;
        slow.offer(nanos, now, || {
            built = true;
            SlowRequest {
                at: Timestamp(0),
                nanos,
                waited_nanos: None,
                rows: 1,
                revision: None,
                prediction_id: None,
                failure: None,
            }
        });
        built
    }

    fn told(slow: &Slow, now: u64) -> Vec<u64> {
        slow.slowest(now).iter().map(|one| one.nanos).collect()
    }

    #[test]
    fn the_slowest_are_kept_and_the_others_cost_a_comparison() {
        let slow = Slow::default();
        for nanos in 1..=100 {
            offer(&slow, nanos, 5);
        }
        assert_eq!(told(&slow, 5), (81..=100).rev().collect::<Vec<_>>());
        assert!(!offer(&slow, 81, 6), "no better than the fastest that is kept");
        assert!(offer(&slow, 82, 6));
    }

    #[test]
    fn an_hour_later_the_old_ones_are_gone_and_what_came_between_is_known() {
        let slow = Slow::default();
        for nanos in 1000..1020 {
            offer(&slow, nanos, 0);
        }
        assert!(offer(&slow, 3, 2 * PART_NANOS), "a new part of the hour has a threshold of its own");
        assert_eq!(told(&slow, 5 * PART_NANOS).len(), 20);
        assert_eq!(told(&slow, 6 * PART_NANOS), [3]);
        assert!(offer(&slow, 4, 7 * PART_NANOS));
        assert_eq!(told(&slow, 7 * PART_NANOS), [4, 3]);
        assert_eq!(lock(&slow.kept).len(), 2);
        assert!(told(&slow, 20 * PART_NANOS).is_empty());
    }
}
