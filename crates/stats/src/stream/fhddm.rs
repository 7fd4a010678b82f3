//! FHDDM: the share of right answers in a window falls below its best (Pesaranghader & Viktor 2016), with an optional
//! second, shorter window.

use std::collections::VecDeque;

use super::codec::{fields, settings};
use super::{LONGEST_WINDOW, State};

/// Parameters of [`Fhddm`].
#[derive(Debug, Clone, PartialEq)]
pub struct FhddmSettings {
    /// Number of values in the window.
    pub sliding_window_size: usize,
    /// Significance in (0, 1).
    pub confidence_level: f64,
    /// Number of the newest values in the short window, not more than in the long one; 0 for none.
    pub short_window_size: usize,
}

settings!(FhddmSettings { sliding_window_size, confidence_level, short_window_size });

impl Default for FhddmSettings {
    fn default() -> Self {
        Self { sliding_window_size: 100, confidence_level: 0.000_001, short_window_size: 0 }
    }
}

/// The detector; takes 1 for a right answer and 0 for an error.
#[derive(Debug, Clone, PartialEq)]
pub struct Fhddm {
    settings: FhddmSettings,
    window: VecDeque<f64>,
    sum: f64,
    short_sum: f64,
    best: f64,
    best_short: f64,
    drift: bool,
}

fields!(Fhddm { settings, window, sum, short_sum, best, best_short, drift });

impl Fhddm {
    /// A detector that has seen nothing. `None` if a parameter is out of its range.
    pub fn new(settings: FhddmSettings) -> Option<Self> {
        let (window, drift) = (VecDeque::new(), false);
        let detector = Self { settings, window, sum: 0.0, short_sum: 0.0, best: 0.0, best_short: 0.0, drift };
        detector.is_sound().then_some(detector)
    }

    pub(super) fn is_sound(&self) -> bool {
        let FhddmSettings { sliding_window_size, confidence_level, short_window_size } = self.settings;
        (1..=LONGEST_WINDOW).contains(&sliding_window_size)
            && short_window_size <= sliding_window_size
            && confidence_level > 0.0
            && confidence_level < 1.0
            && self.window.len() < sliding_window_size
    }

    /// Takes a value. FHDDM gives no warnings.
    pub fn update(&mut self, value: f64) -> State {
        if !value.is_finite() {
            return State::default();
        }
        if self.drift {
            self.window.clear();
            (self.sum, self.short_sum, self.best, self.best_short) = (0.0, 0.0, 0.0, 0.0);
            self.drift = false;
        }
        let FhddmSettings { sliding_window_size, short_window_size, .. } = self.settings;
        self.window.push_back(value);
        self.sum += value;
        if short_window_size > 0 {
            self.short_sum += value;
            let outside = self.window.len().checked_sub(short_window_size + 1);
            self.short_sum -= outside.map_or(0.0, |row| self.window[row]);
        }
        if self.window.len() == sliding_window_size {
            self.drift = self.has_fallen();
            // Room for the next value: the window is full only while it is judged.
            if let Some(oldest) = self.window.pop_front() {
                self.sum -= oldest;
                if short_window_size == sliding_window_size {
                    self.short_sum -= oldest;
                }
            }
        }
        State { drift: self.drift, warning: false }
    }

    fn has_fallen(&mut self) -> bool {
        let FhddmSettings { sliding_window_size, confidence_level, short_window_size } = self.settings;
        let bound = |values: usize| ((1.0 / confidence_level).ln() / (2.0 * values as f64)).sqrt();
        let share = self.sum / sliding_window_size as f64;
        self.best = self.best.max(share);
        let mut fallen = self.best - share > bound(sliding_window_size);
        if short_window_size > 0 {
            let share = self.short_sum / short_window_size as f64;
            self.best_short = self.best_short.max(share);
            fallen |= self.best_short - share > bound(short_window_size);
        }
        fallen
    }
}
