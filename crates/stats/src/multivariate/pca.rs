//! Reconstruction error: how far rows lie from the plane in which the reference's rows lie.

use super::eigen::symmetric_eigen;
use crate::estimate::reference::{limits, population_deviation, windows};
use crate::interval::Interval;
use crate::summary::mean;

/// Directions that explain more than this share of the variance are kept, as in NannyML.
const EXPLAINED: f64 = 0.65;
/// More columns than this are refused: the decomposition takes their number cubed.
const MOST_COLUMNS: usize = 1_000;

/// The directions in which a reference varies.
#[derive(Debug, Clone, PartialEq)]
pub struct Pca {
    /// Mean of each column.
    pub means: Vec<f64>,
    /// Standard deviation of each column; 1 of a constant one.
    pub deviations: Vec<f64>,
    /// The kept directions, orthonormal, in standardised columns.
    pub directions: Vec<Vec<f64>>,
    /// Range of the error in the reference's windows.
    pub limits: Interval,
    /// Standard deviation of the error of a row.
    pub row_deviation: f64,
}

/// The error of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reconstruction {
    /// Mean distance of the rows from their projections, in standardised columns.
    pub error: f64,
    /// Its standard error from the number of rows.
    pub sampling_error: f64,
    /// Rows without a missing value, which alone are counted.
    pub rows: usize,
    /// The error is outside the reference's range.
    pub drift: bool,
}

impl Pca {
    /// Learns the directions from columns of equal length; rows with a value that is not finite are left out. Limits come
    /// from windows of `window_rows`, or a tenth of the reference, as mean ± 3 standard deviations.
    ///
    /// `None` for fewer than two rows, or not between 2 and 1,000 columns.
    pub fn fit(columns: &[&[f64]], window_rows: Option<usize>) -> Option<Self> {
        let rows = complete_rows(columns)?;
        if rows.len() < 2 || !(2..=MOST_COLUMNS).contains(&columns.len()) {
            return None;
        }
        let kept: Vec<Vec<f64>> = columns.iter().map(|column| rows.iter().map(|&row| column[row]).collect()).collect();
        let means = kept.iter().map(|column| mean(column)).collect::<Option<Vec<_>>>()?;
        let deviation = |column: &Vec<f64>| population_deviation(column).map(|it| if it > 0.0 { it } else { 1.0 });
        let deviations = kept.iter().map(deviation).collect::<Option<Vec<_>>>()?;
        let mut fitted = Self {
            means,
            deviations,
            directions: Vec::new(),
            limits: Interval { low: 0.0, high: 0.0 },
            row_deviation: 0.0,
        };
        let standardised = |(column, values): (usize, &Vec<f64>)| -> Vec<f64> {
            values.iter().map(|&value| fitted.standardise(column, value)).collect()
        };
        let standard: Vec<Vec<f64>> = kept.iter().enumerate().map(standardised).collect();
        let product = |left: &[f64], right: &[f64]| left.iter().zip(right).map(|(l, r)| l * r).sum::<f64>();
        let mut covariance = vec![vec![0.0; kept.len()]; kept.len()];
        for i in 0..kept.len() {
            for j in 0..=i {
                covariance[i][j] = product(&standard[i], &standard[j]) / rows.len() as f64;
                covariance[j][i] = covariance[i][j];
            }
        }
        let eigen = symmetric_eigen(&covariance)?;
        let total: f64 = eigen.values.iter().sum();
        let mut explained = 0.0;
        // Along a direction without variance every departure is news.
        for (value, direction) in eigen.values.into_iter().zip(eigen.vectors).take_while(|(value, _)| *value > 0.0) {
            fitted.directions.push(direction);
            explained += value;
            if explained > EXPLAINED * total {
                break;
            }
        }
        let errors = fitted.row_errors(columns, &rows);
        fitted.row_deviation = population_deviation(&errors)?;
        let of_windows: Vec<f64> =
            windows(errors.len(), window_rows).into_iter().filter_map(|part| mean(&errors[part])).collect();
        fitted.limits = limits(&of_windows, Interval { low: 0.0, high: f64::INFINITY })?;
        Some(fitted)
    }

    /// The error of a window's columns. `None` if no row is complete or the columns are others in number.
    pub fn reconstruction(&self, columns: &[&[f64]]) -> Option<Reconstruction> {
        let rows = complete_rows(columns)?;
        if columns.len() != self.means.len() {
            return None;
        }
        let error = mean(&self.row_errors(columns, &rows))?;
        let drift = error < self.limits.low || error > self.limits.high;
        let sampling_error = self.row_deviation / (rows.len() as f64).sqrt();
        Some(Reconstruction { error, sampling_error, rows: rows.len(), drift })
    }

    fn standardise(&self, column: usize, value: f64) -> f64 {
        (value - self.means[column]) / self.deviations[column]
    }

    fn row_errors(&self, columns: &[&[f64]], rows: &[usize]) -> Vec<f64> {
        let mut values = vec![0.0; columns.len()];
        let mut error = |row: usize| {
            for (index, column) in columns.iter().enumerate() {
                values[index] = self.standardise(index, column[row]);
            }
            // Taking away each direction's part leaves what no direction explains; nothing is lost to cancellation.
            for direction in &self.directions {
                let part: f64 = values.iter().zip(direction).map(|(value, axis)| value * axis).sum();
                values.iter_mut().zip(direction).for_each(|(value, axis)| *value -= part * axis);
            }
            values.iter().map(|value| value * value).sum::<f64>().sqrt()
        };
        rows.iter().map(|&row| error(row)).collect()
    }
}

/// Rows in which every column is finite. `None` if lengths differ.
fn complete_rows(columns: &[&[f64]]) -> Option<Vec<usize>> {
    let count = columns.first()?.len();
    let same = columns.iter().all(|column| column.len() == count);
    same.then(|| (0..count).filter(|&row| columns.iter().all(|column| column[row].is_finite())).collect())
}
