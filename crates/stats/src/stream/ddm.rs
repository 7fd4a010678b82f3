//! DDM: an error rate that leaves its best by several standard deviations (Gama and others 2004).

use super::State;
use super::codec::{fields, settings};
use super::running::Mean;

/// Parameters of [`Ddm`].
#[derive(Debug, Clone, PartialEq)]
pub struct DdmSettings {
    /// Nothing is told before there are more values than this.
    pub warm_start: usize,
    /// So many standard deviations above the best are a warning.
    pub warning_threshold: f64,
    /// So many are a drift.
    pub drift_threshold: f64,
}

settings!(DdmSettings { warm_start, warning_threshold, drift_threshold });

impl Default for DdmSettings {
    fn default() -> Self {
        Self { warm_start: 30, warning_threshold: 2.0, drift_threshold: 3.0 }
    }
}

/// The detector; takes 1 for an error and 0 for a right answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Ddm {
    settings: DdmSettings,
    rate: Mean,
    best_rate: f64,
    best_deviation: f64,
    drift: bool,
    warning: bool,
}

fields!(Ddm { settings, rate, best_rate, best_deviation, drift, warning });

impl Ddm {
    /// A detector that has seen nothing. `None` if a parameter is not a number.
    pub fn new(settings: DdmSettings) -> Option<Self> {
        let (best_rate, best_deviation) = (f64::INFINITY, 0.0);
        let detector =
            Self { settings, rate: Mean::default(), best_rate, best_deviation, drift: false, warning: false };
        detector.is_sound().then_some(detector)
    }

    pub(super) fn is_sound(&self) -> bool {
        self.settings.warning_threshold.is_finite() && self.settings.drift_threshold.is_finite()
    }

    /// Takes a value in [0, 1].
    pub fn update(&mut self, value: f64) -> State {
        if !(0.0..=1.0).contains(&value) {
            return State::default();
        }
        if self.drift {
            self.rate = Mean::default();
            (self.best_rate, self.best_deviation) = (f64::INFINITY, 0.0);
            (self.drift, self.warning) = (false, false);
        }
        self.rate.update(value);
        let rate = self.rate.value;
        let deviation = (rate * (1.0 - rate) / self.rate.count).max(0.0).sqrt();
        if self.rate.count > self.settings.warm_start as f64 {
            if rate + deviation <= self.best_rate + self.best_deviation {
                (self.best_rate, self.best_deviation) = (rate, deviation);
            }
            let beyond = |deviations: f64| rate + deviation > self.best_rate + deviations * self.best_deviation;
            self.drift = beyond(self.settings.drift_threshold);
            self.warning = !self.drift && beyond(self.settings.warning_threshold);
        }
        State { drift: self.drift, warning: self.warning }
    }
}
