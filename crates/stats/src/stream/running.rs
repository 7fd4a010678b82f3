//! Means that follow a stream, in River's order of operations, so that they agree to the last bit.

use super::codec::fields;

/// The mean of all values so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Mean {
    /// Number of values.
    pub(super) count: f64,
    /// Their mean; 0 without any.
    pub(super) value: f64,
}

fields!(Mean { count, value });

impl Mean {
    pub(super) fn update(&mut self, value: f64) {
        self.count += 1.0;
        self.value += (1.0 / self.count) * (value - self.value);
    }
}

/// Mean and spread of all values so far (Welford).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Variance {
    pub(super) mean: Mean,
    squares: f64,
}

fields!(Variance { mean, squares });

impl Variance {
    pub(super) fn update(&mut self, value: f64) {
        let before = self.mean.value;
        self.mean.update(value);
        self.squares += (value - before) * (value - self.mean.value);
    }

    /// The sample variance; 0 for fewer than two values.
    pub(super) fn get(&self) -> f64 {
        if self.mean.count > 1.0 { self.squares / (self.mean.count - 1.0) } else { 0.0 }
    }
}
