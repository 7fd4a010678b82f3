//! Direct loss estimation: the error of a regression, learnt from a reference.

use super::reference::{Estimate, MetricReference, limits, population_deviation, windows};
use crate::interval::Interval;
use crate::summary::{mean, ratio};
use crate::trees::{BoostedTrees, Loss};

/// Every so many rows of the reference one is held out to see how good the learnt errors are.
const HELD_OUT: usize = 5;
/// A metric of errors has no upper end.
const RANGE: Interval = Interval { low: 0.0, high: f64::INFINITY };

/// What can be estimated for a regression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DleMetric {
    /// Mean absolute error.
    Mae,
    /// Mean absolute error as a share of the truth.
    Mape,
    /// Mean squared error.
    Mse,
    /// Its root.
    Rmse,
    /// Mean squared error of ln(1 + x), for values that are not negative.
    Msle,
    /// Its root.
    Rmsle,
}

impl DleMetric {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Mae, Self::Mape, Self::Mse, Self::Rmse, Self::Msle, Self::Rmsle];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mae => "mae",
            Self::Mape => "mape",
            Self::Mse => "mse",
            Self::Rmse => "rmse",
            Self::Msle => "msle",
            Self::Rmsle => "rmsle",
        }
    }

    /// The error of one row whose mean the metric is, or the root of; `None` outside its domain.
    pub fn row_error(self, y: f64, predicted: f64) -> Option<f64> {
        let error = match self {
            Self::Mae => (y - predicted).abs(),
            Self::Mape => (y - predicted).abs() / y.abs().max(f64::EPSILON),
            Self::Mse | Self::Rmse => (y - predicted).powi(2),
            Self::Msle | Self::Rmsle if y < 0.0 || predicted < 0.0 => return None,
            Self::Msle | Self::Rmsle => (y.ln_1p() - predicted.ln_1p()).powi(2),
        };
        error.is_finite().then_some(error)
    }

    fn is_root(self) -> bool {
        matches!(self, Self::Rmse | Self::Rmsle)
    }

    /// The metric of rows' errors.
    fn of(self, errors: &[f64]) -> Option<f64> {
        let mean = mean(errors)?;
        Some(if self.is_root() { mean.sqrt() } else { mean })
    }
}

/// A metric with what the reference taught about it.
#[derive(Debug, Clone, PartialEq)]
pub struct LearntError {
    /// The metric.
    pub metric: DleMetric,
    /// The metric on the reference.
    pub reference: MetricReference,
    /// From the columns and the prediction to the error of a row.
    pub trees: BoostedTrees,
    /// Estimate over truth, less 1, on rows of the reference that were held out; `None` where the truth is 0.
    pub bias: Option<f64>,
}

/// The estimator: fitted once on a reference, then asked about windows.
#[derive(Debug, Clone, PartialEq)]
pub struct Dle {
    /// The metrics that the reference defines.
    pub metrics: Vec<LearntError>,
}

impl Dle {
    /// Learns from rows whose truth is known: columns of numbers (categories as codes, missing as NaN), the truths and
    /// the predictions. Limits come from windows of `window_rows`, or a tenth of the reference.
    ///
    /// A metric outside whose domain a row lies is left out. `None` if lengths differ or no metric is left.
    pub fn fit(columns: &[&[f64]], y: &[f64], predicted: &[f64], window_rows: Option<usize>) -> Option<Self> {
        if y.len() != predicted.len() {
            return None;
        }
        let mut inputs = columns.to_vec();
        inputs.push(predicted);
        let parts = windows(y.len(), window_rows);
        let learn = |metric: DleMetric| {
            let errors: Vec<f64> =
                y.iter().zip(predicted).map(|(&y, &p)| metric.row_error(y, p)).collect::<Option<_>>()?;
            let deviation = population_deviation(&errors)?;
            // The delta method: d√m = dm / 2√m.
            let deviation =
                if metric.is_root() { ratio(deviation, 2.0 * mean(&errors)?.sqrt()) } else { Some(deviation) };
            let of_windows: Vec<f64> = parts.iter().filter_map(|part| metric.of(&errors[part.clone()])).collect();
            let reference = MetricReference {
                metric: metric.name().to_owned(),
                deviation,
                fraction: 1.0,
                limits: limits(&of_windows, RANGE),
            };
            let rows: Vec<usize> = (0..errors.len()).collect();
            let trees = BoostedTrees::fit(&inputs, &errors, &rows, Loss::Squared)?;
            Some(LearntError { metric, reference, trees, bias: held_out_bias(metric, &inputs, &errors) })
        };
        let metrics: Vec<LearntError> = DleMetric::ALL.into_iter().filter_map(learn).collect();
        (!metrics.is_empty()).then_some(Self { metrics })
    }

    /// Estimates every metric on a window. Rows without a finite prediction are left out. Nothing if lengths differ or no
    /// row is left.
    pub fn estimate(&self, columns: &[&[f64]], predicted: &[f64]) -> Vec<Estimate> {
        if columns.iter().any(|column| column.len() != predicted.len()) {
            return Vec::new();
        }
        let mut inputs = columns.to_vec();
        inputs.push(predicted);
        let rows: Vec<usize> = (0..predicted.len()).filter(|&row| predicted[row].is_finite()).collect();
        let estimate = |learnt: &LearntError| learnt.estimate(&learnt_errors(&learnt.trees, &inputs, &rows));
        self.metrics.iter().filter_map(estimate).collect()
    }
}

impl LearntError {
    /// The estimate from errors of the window's rows that any model foretells. `None` without rows.
    pub fn estimate(&self, errors: &[f64]) -> Option<Estimate> {
        let errors: Vec<f64> = errors.iter().map(|error| error.max(0.0)).collect();
        let value = self.metric.of(&errors)?;
        Some(self.reference.estimate(value, self.reference.sampling_error(errors.len()), RANGE))
    }
}

fn learnt_errors(trees: &BoostedTrees, inputs: &[&[f64]], rows: &[usize]) -> Vec<f64> {
    let value = |row: usize| move |column: usize| inputs.get(column).map_or(f64::NAN, |values| values[row]);
    rows.iter().map(|&row| trees.at(value(row)).max(0.0)).collect()
}

/// How far the metric of foretold errors is from that of real ones where they were not learnt from.
fn held_out_bias(metric: DleMetric, inputs: &[&[f64]], errors: &[f64]) -> Option<f64> {
    let (held_out, rows): (Vec<usize>, Vec<usize>) = (0..errors.len()).partition(|row| row % HELD_OUT == 0);
    let trees = BoostedTrees::fit(inputs, errors, &rows, Loss::Squared)?;
    let real: Vec<f64> = held_out.iter().map(|&row| errors[row]).collect();
    Some(ratio(metric.of(&learnt_errors(&trees, inputs, &held_out))?, metric.of(&real)?)? - 1.0)
}
