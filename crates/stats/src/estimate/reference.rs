//! What a reference says about a metric, and what is then said about a window.

use crate::interval::Interval;

/// An estimate is given with so many sampling errors on each side, and a window is conspicuous beyond so many standard
/// deviations of the reference's windows, as in NannyML: 99.7 % of what chance does.
const DEVIATIONS: f64 = 3.0;

/// A metric on the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricReference {
    /// Its name.
    pub metric: String,
    /// Standard deviation of the metric per relevant row; `None` where the reference leaves it undefined.
    pub deviation: Option<f64>,
    /// Share of the rows that are relevant to it.
    pub fraction: f64,
    /// Range of the metric in the reference's windows; `None` if it was defined in none.
    pub limits: Option<Interval>,
}

/// A metric on a window whose truth is unknown.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// Its name.
    pub metric: String,
    /// The estimate.
    pub value: f64,
    /// Its standard error from the size of the window.
    pub sampling_error: Option<f64>,
    /// Three sampling errors around it, within the range that the metric can have.
    pub interval: Option<Interval>,
    /// Range of the metric in the reference's windows.
    pub limits: Option<Interval>,
}

impl Estimate {
    /// Whether the estimate is outside the range of the reference's windows. `None` if that is unknown.
    pub fn is_outside(&self) -> Option<bool> {
        self.limits.map(|limits| self.value < limits.low || self.value > limits.high)
    }
}

impl MetricReference {
    /// Standard error of the metric on a window of so many rows.
    pub(super) fn sampling_error(&self, rows: usize) -> Option<f64> {
        let error = self.deviation? / (rows as f64 * self.fraction).sqrt();
        error.is_finite().then_some(error)
    }

    /// An estimate with its interval.
    pub(super) fn estimate(&self, value: f64, sampling_error: Option<f64>, range: Interval) -> Estimate {
        let interval = sampling_error.map(|error| Interval {
            low: (value - DEVIATIONS * error).max(range.low),
            high: (value + DEVIATIONS * error).min(range.high),
        });
        Estimate { metric: self.metric.clone(), value, sampling_error, interval, limits: self.limits }
    }
}

/// Mean ± three standard deviations of a metric over windows, within its range. `None` if it is defined in none.
pub(crate) fn limits(windows: &[f64], range: Interval) -> Option<Interval> {
    let center = crate::summary::mean(windows)?;
    let deviation = DEVIATIONS * population_deviation(windows)?;
    Some(Interval { low: (center - deviation).max(range.low), high: (center + deviation).min(range.high) })
}

/// Standard deviation, dividing by the number of values; `None` of none.
pub(crate) fn population_deviation(values: &[f64]) -> Option<f64> {
    let center = crate::summary::mean(values)?;
    Some((crate::summary::squared_deviations(values, center) / values.len() as f64).sqrt())
}

/// Where the windows of a reference begin and end: of `rows` rows each, or a tenth of all; what is left over at the end
/// is a window too.
pub(crate) fn windows(total: usize, rows: Option<usize>) -> Vec<std::ops::Range<usize>> {
    let size = rows.unwrap_or(total / 10).max(1);
    (0..total).step_by(size).map(|begin| begin..(begin + size).min(total)).collect()
}
