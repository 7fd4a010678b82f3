//! Page–Hinkley: a cumulative sum of departures from the mean (Page 1954).

use std::str::FromStr;

use super::State;
use super::codec::{Field, fields, settings};
use super::running::Mean;

/// Which changes of the mean are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PageHinkleyMode {
    /// Rises.
    Up,
    /// Falls.
    Down,
    /// Rises and falls.
    #[default]
    Both,
}

impl FromStr for PageHinkleyMode {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "up" => Ok(Self::Up),
            "down" => Ok(Self::Down),
            "both" => Ok(Self::Both),
            _ => Err(()),
        }
    }
}

impl Field for PageHinkleyMode {
    fn write(&self, bytes: &mut Vec<u8>) {
        (*self != Self::Down).write(bytes);
        (*self != Self::Up).write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        match (bool::read(bytes)?, bool::read(bytes)?) {
            (true, true) => Some(Self::Both),
            (true, false) => Some(Self::Up),
            (false, true) => Some(Self::Down),
            (false, false) => None,
        }
    }
}

/// Parameters of [`PageHinkley`].
#[derive(Debug, Clone, PartialEq)]
pub struct PageHinkleySettings {
    /// No change is told before so many values.
    pub min_instances: usize,
    /// Departures up to this are allowed at every value.
    pub delta: f64,
    /// The cumulated departure that is a drift, usually called λ.
    pub threshold: f64,
    /// Weight of the sum so far at every value, in (0, 1].
    pub alpha: f64,
    /// Rises, falls or both.
    pub mode: PageHinkleyMode,
}

settings!(PageHinkleySettings { min_instances, delta, threshold, alpha, mode });

impl Default for PageHinkleySettings {
    fn default() -> Self {
        let mode = PageHinkleyMode::Both;
        Self { min_instances: 30, delta: 0.005, threshold: 50.0, alpha: 1.0 - 0.0001, mode }
    }
}

/// The detector.
#[derive(Debug, Clone, PartialEq)]
pub struct PageHinkley {
    settings: PageHinkleySettings,
    mean: Mean,
    rise: f64,
    least_rise: f64,
    fall: f64,
    greatest_fall: f64,
    drift: bool,
}

fields!(PageHinkley { settings, mean, rise, least_rise, fall, greatest_fall, drift });

impl PageHinkley {
    /// A detector that has seen nothing. `None` if a parameter is out of its range.
    pub fn new(settings: PageHinkleySettings) -> Option<Self> {
        let detector = Self {
            settings,
            mean: Mean::default(),
            rise: 0.0,
            least_rise: f64::INFINITY,
            fall: 0.0,
            // River begins here and not at −∞; it decides the first values of a falling stream.
            greatest_fall: -1.0,
            drift: false,
        };
        detector.is_sound().then_some(detector)
    }

    pub(super) fn is_sound(&self) -> bool {
        let PageHinkleySettings { delta, threshold, alpha, .. } = self.settings;
        delta.is_finite() && threshold >= 0.0 && alpha > 0.0 && alpha <= 1.0
    }

    /// Takes a value. Page–Hinkley gives no warnings.
    pub fn update(&mut self, value: f64) -> State {
        if !value.is_finite() {
            return State::default();
        }
        let PageHinkleySettings { min_instances, delta, threshold, alpha, mode } = self.settings;
        if self.drift {
            self.mean = Mean::default();
            (self.rise, self.least_rise) = (0.0, f64::INFINITY);
            (self.fall, self.greatest_fall) = (0.0, -1.0);
            self.drift = false;
        }
        self.mean.update(value);
        let departure = value - self.mean.value;
        self.rise = alpha * self.rise + departure - delta;
        self.fall = alpha * self.fall + departure + delta;
        self.least_rise = self.least_rise.min(self.rise);
        self.greatest_fall = self.greatest_fall.max(self.fall);
        if self.mean.count >= min_instances as f64 {
            let up = mode != PageHinkleyMode::Down && self.rise - self.least_rise > threshold;
            let down = mode != PageHinkleyMode::Up && self.greatest_fall - self.fall > threshold;
            self.drift = up || down;
        }
        State { drift: self.drift, warning: false }
    }
}
