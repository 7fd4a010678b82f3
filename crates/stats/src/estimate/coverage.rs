//! Labels arrive late: what is known of a window when some of its truth is.

use std::fmt;

use super::Estimate;
use crate::interval::Interval;

/// How many rows of a window have a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Rows whose truth is known.
    pub labelled: u64,
    /// All rows.
    pub total: u64,
}

impl Coverage {
    /// Share of the rows with a label; `None` for a window without rows.
    pub fn share(&self) -> Option<f64> {
        crate::summary::ratio(self.labelled.min(self.total) as f64, self.total as f64)
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.share() {
            // Rounded down: complete is said only of a window that is.
            Some(share) => write!(formatter, "labels {} % complete", (100.0 * share).floor()),
            None => formatter.write_str("no rows"),
        }
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// From labels.
    Realized,
    /// From the model's own words.
    Estimated,
}

/// What is known of a metric in a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The value.
    pub value: f64,
    /// Its interval.
    pub interval: Option<Interval>,
    /// Where it comes from.
    pub kind: Kind,
    /// How many labels there are.
    pub coverage: Coverage,
}

impl Standing {
    /// The better of both: labels, once at least the share `enough` of them is there; till then the estimate. Where one is
    /// undefined it is the other. The first labels are seldom typical of all: quick outcomes come quickly.
    pub fn of(
        coverage: Coverage,
        enough: f64,
        realized: Option<(f64, Option<Interval>)>,
        estimated: Option<&Estimate>,
    ) -> Option<Self> {
        let realized = realized.map(|(value, interval)| Self { value, interval, kind: Kind::Realized, coverage });
        let estimated = estimated.map(|estimate| Self {
            value: estimate.value,
            interval: estimate.interval,
            kind: Kind::Estimated,
            coverage,
        });
        let complete = coverage.share().is_some_and(|share| share >= enough);
        if complete { realized.or(estimated) } else { estimated.or(realized) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_replace_the_estimate_when_enough_of_them_are_there() {
        let estimate = Estimate { metric: "f1".into(), value: 0.7, sampling_error: None, interval: None, limits: None };
        let standing = |labelled, realized, estimated| {
            Standing::of(Coverage { labelled, total: 100 }, 0.8, realized, estimated).map(|it| (it.value, it.kind))
        };
        assert_eq!(standing(63, Some((0.6, None)), Some(&estimate)), Some((0.7, Kind::Estimated)));
        assert_eq!(standing(80, Some((0.6, None)), Some(&estimate)), Some((0.6, Kind::Realized)));
        assert_eq!(standing(63, Some((0.6, None)), None), Some((0.6, Kind::Realized)));
        assert_eq!(standing(90, None, Some(&estimate)), Some((0.7, Kind::Estimated)));
        assert_eq!(standing(90, None, None), None);
    }

    #[test]
    fn complete_is_said_only_of_what_is() {
        assert_eq!(Coverage { labelled: 639, total: 1_000 }.to_string(), "labels 63 % complete");
        assert_eq!(Coverage { labelled: 1_999, total: 2_000 }.to_string(), "labels 99 % complete");
        assert_eq!(Coverage { labelled: 3, total: 3 }.to_string(), "labels 100 % complete");
        assert_eq!(Coverage::default().to_string(), "no rows");
    }
}
