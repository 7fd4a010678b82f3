//! HDDM-A: Hoeffding's bound on moving averages (Frías-Blanco and others 2015).

use super::State;
use super::codec::{fields, settings};
use super::running::Mean;

/// Parameters of [`HddmA`].
#[derive(Debug, Clone, PartialEq)]
pub struct HddmASettings {
    /// Significance of a drift, in (0, 1).
    pub drift_confidence: f64,
    /// Significance of a warning, in (0, 1).
    pub warning_confidence: f64,
    /// Whether a fall of the mean counts too.
    pub two_sided_test: bool,
}

settings!(HddmASettings { drift_confidence, warning_confidence, two_sided_test });

impl Default for HddmASettings {
    fn default() -> Self {
        Self { drift_confidence: 0.001, warning_confidence: 0.005, two_sided_test: false }
    }
}

/// The detector.
#[derive(Debug, Clone, PartialEq)]
pub struct HddmA {
    settings: HddmASettings,
    all: Mean,
    /// The values up to where the mean was surely lowest.
    lowest: Mean,
    /// The values up to where it was surely highest.
    highest: Mean,
    drift: bool,
    warning: bool,
}

fields!(HddmA { settings, all, lowest, highest, drift, warning });

impl HddmA {
    /// A detector that has seen nothing. `None` if a significance is outside (0, 1).
    pub fn new(settings: HddmASettings) -> Option<Self> {
        let (all, lowest, highest) = Default::default();
        let detector = Self { settings, all, lowest, highest, drift: false, warning: false };
        detector.is_sound().then_some(detector)
    }

    pub(super) fn is_sound(&self) -> bool {
        let open = |level: f64| level > 0.0 && level < 1.0;
        open(self.settings.drift_confidence) && open(self.settings.warning_confidence)
    }

    /// Takes a value; the bounds are meant for values in [0, 1].
    pub fn update(&mut self, value: f64) -> State {
        if !value.is_finite() {
            return State::default();
        }
        if self.drift {
            (self.all, self.lowest, self.highest) = Default::default();
            (self.drift, self.warning) = (false, false);
        }
        self.all.update(value);
        self.move_cut_points();
        let HddmASettings { drift_confidence, warning_confidence, two_sided_test } = self.settings;
        self.drift = self.lowest_exceeded(drift_confidence);
        self.warning = !self.drift && self.lowest_exceeded(warning_confidence);
        if two_sided_test {
            if self.highest_undercut(drift_confidence) {
                self.drift = true;
            } else if self.highest_undercut(warning_confidence) {
                self.warning = true;
            }
        }
        State { drift: self.drift, warning: self.warning }
    }

    fn move_cut_points(&mut self) {
        if self.lowest.count == 0.0 {
            (self.lowest, self.highest) = (self.all, self.all);
        }
        let level = (1.0 / self.settings.drift_confidence).ln();
        let bound = |count: f64| (1.0 / (2.0 * count) * level).sqrt();
        let own = bound(self.all.count);
        if self.lowest.value + bound(self.lowest.count) >= self.all.value + own {
            self.lowest = self.all;
        }
        if self.highest.value - bound(self.highest.count) <= self.all.value - own {
            self.highest = self.all;
        }
    }

    fn lowest_exceeded(&self, confidence: f64) -> bool {
        self.lowest.count != self.all.count
            && self.all.value - self.lowest.value >= self.bound(&self.lowest, confidence)
    }

    fn highest_undercut(&self, confidence: f64) -> bool {
        self.highest.count != self.all.count
            && self.highest.value - self.all.value >= self.bound(&self.highest, confidence)
    }

    /// How far the mean of all may be from that of the first values by chance.
    fn bound(&self, first: &Mean, confidence: f64) -> f64 {
        let share = (self.all.count - first.count) / first.count * (1.0 / self.all.count);
        (share / 2.0 * (2.0 / confidence).ln()).sqrt()
    }
}
