//! ADWIN: a window that grows while the mean stays and is cut where it does not (Bifet & Gavaldà 2007).

use super::State;
use super::codec::{fields, settings};

/// Parameters of [`Adwin`].
#[derive(Debug, Clone, PartialEq)]
pub struct AdwinSettings {
    /// Significance in (0, 1): smaller means fewer false alarms.
    pub delta: f64,
    /// A cut is looked for at every so many values.
    pub clock: usize,
    /// So many buckets of each size are kept before two of them are merged.
    pub max_buckets: usize,
    /// Neither side of a cut is shorter than this.
    pub min_window_length: usize,
    /// No cut is looked for before there are more values than this.
    pub grace_period: usize,
}

settings!(AdwinSettings { delta, clock, max_buckets, min_window_length, grace_period });

impl Default for AdwinSettings {
    fn default() -> Self {
        Self { delta: 0.002, clock: 32, max_buckets: 5, min_window_length: 5, grace_period: 10 }
    }
}

/// More buckets of a size make cuts no finer than any user needs, and only slower.
const MOST_BUCKETS: usize = 10_000;
/// Sizes double: no stream is longer than this many of them hold.
const MOST_SIZES: usize = 50;

/// Sums of consecutive values.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    total: f64,
    /// Sum of squared deviations from the bucket's mean.
    squares: f64,
}

fields!(Bucket { total, squares });

/// The detector. Its memory grows with the logarithm of the window.
#[derive(Debug, Clone, PartialEq)]
pub struct Adwin {
    settings: AdwinSettings,
    /// At index i buckets of 2^i values each, oldest first.
    rows: Vec<Vec<Bucket>>,
    width: f64,
    total: f64,
    squares: f64,
    tick: usize,
    drift: bool,
}

fields!(Adwin { settings, rows, width, total, squares, tick, drift });

impl Adwin {
    /// A detector with an empty window. `None` if a parameter is out of its range.
    pub fn new(settings: AdwinSettings) -> Option<Self> {
        let rows = vec![Vec::new()];
        let detector = Self { settings, rows, width: 0.0, total: 0.0, squares: 0.0, tick: 0, drift: false };
        detector.is_sound().then_some(detector)
    }

    pub(super) fn is_sound(&self) -> bool {
        let AdwinSettings { delta, clock, max_buckets, .. } = self.settings;
        let sizes = (1..=MOST_SIZES).contains(&self.rows.len()) && self.rows.iter().all(|row| row.len() <= max_buckets);
        let counted: f64 = self.rows.iter().enumerate().map(|(size, row)| values_of(size) * row.len() as f64).sum();
        let ends = self.rows.len() == 1 || self.rows.last().is_some_and(|row| !row.is_empty());
        let fits = sizes && ends && counted == self.width;
        delta > 0.0 && delta < 1.0 && clock > 0 && (2..=MOST_BUCKETS).contains(&max_buckets) && fits
    }

    /// Takes a value. ADWIN gives no warnings.
    pub fn update(&mut self, value: f64) -> State {
        if !value.is_finite() {
            return State::default();
        }
        if self.drift {
            self.reset();
        }
        self.insert(value);
        self.tick += 1;
        if self.tick.is_multiple_of(self.settings.clock) && self.width > self.settings.grace_period as f64 {
            while self.has_cut() {
                self.drift = true;
                self.drop_oldest();
            }
        }
        State { drift: self.drift, warning: false }
    }

    /// Number of values in the window.
    pub fn width(&self) -> usize {
        self.width as usize
    }

    /// Their sum.
    pub fn total(&self) -> f64 {
        self.total
    }

    /// Their mean; `None` of an empty window.
    pub fn mean(&self) -> Option<f64> {
        crate::summary::ratio(self.total, self.width)
    }

    /// Sum of their squared deviations from the mean, as far as the buckets tell; River calls it the variance.
    pub fn squared_deviations(&self) -> f64 {
        self.squares
    }

    fn reset(&mut self) {
        self.rows = vec![Vec::new()];
        (self.width, self.total, self.squares) = (0.0, 0.0, 0.0);
        (self.tick, self.drift) = (0, false);
    }

    fn insert(&mut self, value: f64) {
        if self.width > 0.0 {
            let deviation = value - self.total / self.width;
            self.squares += self.width * deviation * deviation / (self.width + 1.0);
        }
        self.width += 1.0;
        self.total += value;
        let mut bucket = Bucket { total: value, squares: 0.0 };
        for size in 0.. {
            if self.rows.len() == size {
                self.rows.push(Vec::new());
            }
            let row = &mut self.rows[size];
            row.push(bucket);
            if row.len() <= self.settings.max_buckets {
                break;
            }
            let (first, second) = (row[0], row[1]);
            row.drain(..2);
            let values = values_of(size);
            let apart = first.total / values - second.total / values;
            let squares = first.squares + second.squares + values * 0.5 * apart * apart;
            bucket = Bucket { total: first.total + second.total, squares };
        }
    }

    /// Whether the window can be cut so that the means of the parts differ by more than chance allows.
    fn has_cut(&self) -> bool {
        let least = self.settings.min_window_length as f64;
        let level = (2.0 * self.width.ln() / self.settings.delta).ln();
        let variance = self.squares / self.width;
        let (mut old, mut new) = (0.0, self.width);
        let (mut old_total, mut new_total) = (0.0, self.total);
        for (size, row) in self.rows.iter().enumerate().rev() {
            let values = values_of(size);
            for bucket in row {
                old += values;
                new -= values;
                old_total += bucket.total;
                new_total -= bucket.total;
                if new < least.max(1.0) {
                    return false;
                }
                if old < least {
                    continue;
                }
                let inverse = 1.0 / (old - least + 1.0) + 1.0 / (new - least + 1.0);
                let bound = (2.0 * inverse * variance * level).sqrt() + 2.0 / 3.0 * level * inverse;
                if (old_total / old - new_total / new).abs() > bound {
                    return true;
                }
            }
        }
        false
    }

    fn drop_oldest(&mut self) {
        let size = self.rows.len() - 1;
        let values = values_of(size);
        let oldest = self.rows[size].remove(0);
        self.width -= values;
        self.total -= oldest.total;
        let apart = oldest.total / values - self.total / self.width;
        self.squares -= oldest.squares + values * self.width * apart * apart / (values + self.width);
        if self.rows[size].is_empty() {
            self.rows.pop();
        }
    }
}

/// How many values a bucket at this index holds.
fn values_of(size: usize) -> f64 {
    (1_u64 << size) as f64
}
