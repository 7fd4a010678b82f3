//! A latency histogram that many threads add to without waiting: log-linear buckets of atomic counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// Each power of two is cut into this many equal buckets, so a quantile is off by at most an eighth.
const PER_OCTAVE: usize = 8;
/// The first octave begins at 2^10 ns ≈ 1 µs; what is faster is counted there.
const FIRST_OCTAVE: u32 = 10;
/// The last one ends at 2^37 ns ≈ 137 s, past any request's time limit.
const OCTAVES: usize = 27;
const BUCKETS: usize = PER_OCTAVE * OCTAVES;

/// Counts of durations in nanoseconds.
#[derive(Debug)]
pub struct Histogram {
    counts: [AtomicU64; BUCKETS],
    sum: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [const { AtomicU64::new(0) }; BUCKETS], sum: AtomicU64::new(0) }
    }
}

impl Histogram {
    /// Adds one duration.
    pub fn add(&self, nanos: u64) {
        self.counts[bucket(nanos)].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(nanos, Ordering::Relaxed);
    }

    /// The counts now.
    pub fn snapshot(&self) -> HistogramSnapshot {
        HistogramSnapshot {
            counts: self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
            sum_nanos: self.sum.load(Ordering::Relaxed),
        }
    }
}

/// A histogram at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistogramSnapshot {
    counts: Vec<u64>,
    /// The sum of all durations, in nanoseconds.
    pub sum_nanos: u64,
}

impl HistogramSnapshot {
    /// How many durations.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The duration in nanoseconds that a share `q` (0 to 1) of all did not exceed: the upper end of its bucket. Zero
    /// when nothing was counted.
    pub fn quantile_nanos(&self, q: f64) -> u64 {
        let wanted = (q.clamp(0.0, 1.0) * self.count() as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper_end(bucket);
            }
        }
        0
    }

    /// What was added since `earlier`, a snapshot of the same histogram.
    #[must_use]
    pub fn since(&self, earlier: &HistogramSnapshot) -> HistogramSnapshot {
        let before = |bucket: usize| earlier.counts.get(bucket).copied().unwrap_or(0);
        let counts = self.counts.iter().enumerate().map(|(i, count)| count.saturating_sub(before(i))).collect();
        HistogramSnapshot { counts, sum_nanos: self.sum_nanos.saturating_sub(earlier.sum_nanos) }
    }

    /// For each power of two its upper end in nanoseconds with the count of all durations up to it.
    pub fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut seen = 0;
        self.counts.chunks(PER_OCTAVE).enumerate().map(move |(octave, counts)| {
            seen += counts.iter().sum::<u64>();
            (1 << (FIRST_OCTAVE + octave as u32 + 1), seen)
        })
    }
}

fn bucket(nanos: u64) -> usize {
    let nanos = nanos.clamp(1 << FIRST_OCTAVE, (1 << (FIRST_OCTAVE + OCTAVES as u32)) - 1);
    let octave = nanos.ilog2();
    let within = (nanos >> (octave - 3)) as usize & (PER_OCTAVE - 1);
    (octave - FIRST_OCTAVE) as usize * PER_OCTAVE + within
}

fn upper_end(bucket: usize) -> u64 {
    let octave = FIRST_OCTAVE + (bucket / PER_OCTAVE) as u32;
    (1 << octave) + ((bucket % PER_OCTAVE) as u64 + 1) * (1 << (octave - 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_an_eighth() {
        let histogram = Histogram::default();
        for micros in 1..=10_000u64 {
            histogram.add(micros * 1000);
        }
        let snapshot = histogram.snapshot();
        assert_eq!(snapshot.count(), 10_000);
        for (q, exact) in [(0.5, 5e6), (0.99, 9.9e6), (1.0, 1e7)] {
            let found = snapshot.quantile_nanos(q) as f64;
            assert!(found >= exact && found <= exact * 1.13, "{q}: {found}");
        }
        assert_eq!(snapshot.sum_nanos, 50_005_000_000);
    }

    #[test]
    fn every_duration_has_a_bucket_that_holds_it() {
        for nanos in [0, 1, 1023, 1024, 1025, 4095, 1 << 20, (1 << 37) - 1, 1 << 37, u64::MAX] {
            let bucket = bucket(nanos);
            assert!(bucket < BUCKETS);
            if (1024..1 << 37).contains(&nanos) {
                assert!(nanos < upper_end(bucket), "{nanos}");
                assert!(bucket == 0 || nanos >= upper_end(bucket - 1), "{nanos}");
            }
        }
    }

    #[test]
    fn differences_and_running_sums_add_up() {
        let histogram = Histogram::default();
        histogram.add(2_000_000);
        let earlier = histogram.snapshot();
        histogram.add(9_000);
        let added = histogram.snapshot().since(&earlier);
        assert_eq!((added.count(), added.sum_nanos), (1, 9_000));
        assert_eq!(histogram.snapshot().since(&HistogramSnapshot::default()).count(), 2);
        assert_eq!(added.cumulative().last(), Some((1 << 37, 1)));
        assert_eq!(HistogramSnapshot::default().quantile_nanos(0.5), 0);
    }
}
