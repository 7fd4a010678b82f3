//! HDDM-W: McDiarmid's bound on exponentially weighted averages (Frías-Blanco and others 2015).

use super::State;
use super::codec::{fields, settings};

/// Parameters of [`HddmW`].
#[derive(Debug, Clone, PartialEq)]
pub struct HddmWSettings {
    /// Significance of a drift, in (0, 1).
    pub drift_confidence: f64,
    /// Significance of a warning, in (0, 1).
    pub warning_confidence: f64,
    /// Weight of the newest value, in (0, 1].
    pub lambda_val: f64,
    /// Whether a fall of the mean counts too.
    pub two_sided_test: bool,
}

settings!(HddmWSettings { drift_confidence, warning_confidence, lambda_val, two_sided_test });

impl Default for HddmWSettings {
    fn default() -> Self {
        Self { drift_confidence: 0.001, warning_confidence: 0.005, lambda_val: 0.05, two_sided_test: false }
    }
}

/// A weighted mean with what its bound needs.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sample {
    mean: f64,
    /// Sum of the squared weights.
    weights: f64,
    begun: bool,
}

fields!(Sample { mean, weights, begun });

impl Sample {
    const EMPTY: Self = Self { mean: 0.0, weights: 1.0, begun: false };

    fn update(&mut self, value: f64, lambda: f64) {
        self.mean = if self.begun { lambda * value + (1.0 - lambda) * self.mean } else { value };
        self.weights = lambda * lambda + (1.0 - lambda) * (1.0 - lambda) * self.weights;
        self.begun = true;
    }

    /// Whether the mean of `later` is surely above that of `self`.
    fn is_below(&self, later: &Self, confidence: f64) -> bool {
        self.begun && later.begun && later.mean - self.mean > bound(self.weights + later.weights, confidence)
    }
}

fn bound(weights: f64, confidence: f64) -> f64 {
    (weights * (1.0 / confidence).ln() / 2.0).sqrt()
}

/// The values before and after the point where the mean was at its extreme.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Split {
    /// The mean at that point with its bound.
    extreme: f64,
    before: Sample,
    after: Sample,
}

fields!(Split { extreme, before, after });

impl Split {
    fn new(extreme: f64) -> Self {
        Self { extreme, before: Sample::EMPTY, after: Sample::EMPTY }
    }
}

/// The detector.
#[derive(Debug, Clone, PartialEq)]
pub struct HddmW {
    settings: HddmWSettings,
    all: Sample,
    lowest: Split,
    highest: Split,
    drift: bool,
    warning: bool,
}

fields!(HddmW { settings, all, lowest, highest, drift, warning });

impl HddmW {
    /// A detector that has seen nothing. `None` if a parameter is out of its range.
    pub fn new(settings: HddmWSettings) -> Option<Self> {
        let (lowest, highest) = (Split::new(f64::INFINITY), Split::new(f64::NEG_INFINITY));
        let detector = Self { settings, all: Sample::EMPTY, lowest, highest, drift: false, warning: false };
        detector.is_sound().then_some(detector)
    }

    pub(super) fn is_sound(&self) -> bool {
        let open = |level: f64| level > 0.0 && level < 1.0;
        let HddmWSettings { drift_confidence, warning_confidence, lambda_val, .. } = self.settings;
        open(drift_confidence) && open(warning_confidence) && lambda_val > 0.0 && lambda_val <= 1.0
    }

    /// Takes a value; the bounds are meant for values in [0, 1].
    pub fn update(&mut self, value: f64) -> State {
        if !value.is_finite() {
            return State::default();
        }
        if self.drift {
            self.all = Sample::EMPTY;
            (self.lowest, self.highest) = (Split::new(f64::INFINITY), Split::new(f64::NEG_INFINITY));
            (self.drift, self.warning) = (false, false);
        }
        let HddmWSettings { drift_confidence, warning_confidence, lambda_val, two_sided_test } = self.settings;
        self.all.update(value, lambda_val);
        let margin = bound(self.all.weights, drift_confidence);
        if self.all.mean + margin < self.lowest.extreme {
            self.lowest = Split { before: self.all, ..Split::new(self.all.mean + margin) };
        } else {
            self.lowest.after.update(value, lambda_val);
        }
        if self.all.mean - margin > self.highest.extreme {
            self.highest = Split { before: self.all, ..Split::new(self.all.mean - margin) };
        } else {
            self.highest.after.update(value, lambda_val);
        }
        let rises = |confidence| self.lowest.before.is_below(&self.lowest.after, confidence);
        let falls = |confidence| self.highest.after.is_below(&self.highest.before, confidence);
        let (rise, fall) = (rises(drift_confidence), two_sided_test && falls(drift_confidence));
        let rise_warning = !rise && rises(warning_confidence);
        let fall_warning = two_sided_test && !fall && falls(warning_confidence);
        self.drift = rise || fall;
        self.warning = rise_warning || fall_warning;
        State { drift: self.drift, warning: self.warning }
    }
}
