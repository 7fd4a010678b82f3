//! EDDM: errors that come closer together (Baena-García and others 2006).

use super::State;
use super::codec::{fields, settings};
use super::running::Variance;

/// Parameters of [`Eddm`].
#[derive(Debug, Clone, PartialEq)]
pub struct EddmSettings {
    /// Nothing is told before there are more values, and more errors, than this.
    pub warm_start: usize,
    /// Below this share of the best distance there is a warning.
    pub alpha: f64,
    /// Below this share, not more than `alpha`, there is a drift.
    pub beta: f64,
}

settings!(EddmSettings { warm_start, alpha, beta });

impl Default for EddmSettings {
    fn default() -> Self {
        Self { warm_start: 30, alpha: 0.95, beta: 0.9 }
    }
}

/// The detector; takes 1 for an error and anything else for a right answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Eddm {
    settings: EddmSettings,
    distances: Variance,
    seen: usize,
    last_error: usize,
    errors: usize,
    best: f64,
    drift: bool,
    warning: bool,
}

fields!(Eddm { settings, distances, seen, last_error, errors, best, drift, warning });

impl Eddm {
    /// A detector that has seen nothing. `None` unless `alpha` ≥ `beta`.
    pub fn new(settings: EddmSettings) -> Option<Self> {
        let detector = Self {
            settings,
            distances: Variance::default(),
            seen: 0,
            last_error: 0,
            errors: 0,
            // Any distance is greater.
            best: -1.0,
            drift: false,
            warning: false,
        };
        detector.is_sound().then_some(detector)
    }

    pub(super) fn is_sound(&self) -> bool {
        self.settings.alpha >= self.settings.beta && self.last_error <= self.seen
    }

    /// Takes a value.
    pub fn update(&mut self, value: f64) -> State {
        if !value.is_finite() {
            return State::default();
        }
        if self.drift {
            self.distances = Variance::default();
            (self.seen, self.last_error, self.errors, self.best) = (0, 0, 0, -1.0);
            (self.drift, self.warning) = (false, false);
        }
        self.seen += 1;
        if value == 1.0 {
            self.take_error();
        }
        State { drift: self.drift, warning: self.warning }
    }

    fn take_error(&mut self) {
        let EddmSettings { warm_start, alpha, beta } = self.settings;
        self.errors += 1;
        self.distances.update((self.seen - self.last_error) as f64);
        self.last_error = self.seen;
        if self.seen <= warm_start {
            return;
        }
        let distance = self.distances.mean.value + 2.0 * self.distances.get().sqrt();
        if distance > self.best {
            self.best = distance;
        } else if self.errors > warm_start {
            let share = distance / self.best;
            self.drift = share < beta;
            // A warning stands until an error says otherwise, and stays beside the drift that it announced.
            if !self.drift {
                self.warning = share < alpha;
            }
        }
    }
}
