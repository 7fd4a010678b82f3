//! What a revision has done since the process started, counted without waiting.

use std::sync::atomic::{AtomicU64, Ordering};

use flyball_core::ErrorCode;

use crate::histogram::{Histogram, HistogramSnapshot};

/// The counters of a revision.
#[derive(Debug, Default)]
pub struct Counters {
    requests: AtomicU64,
    errors: AtomicU64,
    late: AtomicU64,
    rows: AtomicU64,
    latency: Histogram,
}

impl Counters {
    /// Counts one request of `rows` rows that took `nanos` and may have failed.
    pub(crate) fn count(&self, rows: u64, nanos: u64, failure: Option<ErrorCode>) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(rows, Ordering::Relaxed);
        if let Some(code) = failure {
            self.errors.fetch_add(1, Ordering::Relaxed);
            self.late.fetch_add(u64::from(code == ErrorCode::DeadlineExceeded), Ordering::Relaxed);
        }
        self.latency.add(nanos);
    }

    /// The counts now.
    pub fn snapshot(&self) -> CountersSnapshot {
        CountersSnapshot {
            requests: self.requests.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            late: self.late.load(Ordering::Relaxed),
            rows: self.rows.load(Ordering::Relaxed),
            latency: self.latency.snapshot(),
        }
    }
}

/// The counters of a revision at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CountersSnapshot {
    /// Requests that reached the model, also failed ones.
    pub requests: u64,
    /// Requests that the model failed.
    pub errors: u64,
    /// Those of them that took too long.
    pub late: u64,
    /// Rows asked.
    pub rows: u64,
    /// How long the model took for each request.
    pub latency: HistogramSnapshot,
}

impl CountersSnapshot {
    /// What was added since `earlier`, a snapshot of the same counters.
    #[must_use]
    pub fn since(&self, earlier: &CountersSnapshot) -> CountersSnapshot {
        CountersSnapshot {
            requests: self.requests.saturating_sub(earlier.requests),
            errors: self.errors.saturating_sub(earlier.errors),
            late: self.late.saturating_sub(earlier.late),
            rows: self.rows.saturating_sub(earlier.rows),
            latency: self.latency.since(&earlier.latency),
        }
    }

    /// How long the model was at work, in seconds; requests that it answers at the same time each count.
    pub fn busy_seconds(&self) -> f64 {
        self.latency.sum_nanos as f64 / 1e9
    }

    /// The share of requests that failed; zero when there were none.
    pub fn error_rate(&self) -> f64 {
        self.errors as f64 / self.requests.max(1) as f64
    }
}
