//! Discrepancy of embeddings from random Fourier features (Rahimi & Recht 2007): means that are kept, merged and compared
//! in place of rows.

use super::mmd::{finite_rows, squared_distance};
use crate::special::normal_quantile;

/// Rows whose pairs give the kernel's width.
const WIDTH_ROWS: usize = 200;

/// The features: cosines along random directions, whose products are the kernel in the mean.
#[derive(Debug, Clone, PartialEq)]
pub struct FourierFeatures {
    /// Numbers in a row.
    pub width: usize,
    /// The directions, one after the other.
    pub frequencies: Vec<f64>,
    /// A shift for each direction.
    pub phases: Vec<f64>,
}

/// The sum of the features of rows. Sums of different windows may be added.
#[derive(Debug, Clone, PartialEq)]
pub struct MeanEmbedding {
    /// Sum of each feature.
    pub sums: Vec<f64>,
    /// Sum of the squared lengths of the rows' features.
    pub squares: f64,
    /// Number of rows.
    pub rows: u64,
}

impl FourierFeatures {
    /// Draws `count` features for a kernel whose width is the median distance of rows of the reference. `unit()` draws a
    /// number in [0, 1). `None` if there are no features, fewer than two finite rows, or most of them are equal.
    pub fn fit(reference: &[f64], width: usize, count: usize, mut unit: impl FnMut() -> f64) -> Option<Self> {
        let rows = finite_rows(reference, width)?;
        let step = rows.len().div_ceil(WIDTH_ROWS).max(1);
        let some: Vec<&[f64]> = rows.into_iter().step_by(step).collect();
        let pairs =
            some.iter().enumerate().flat_map(|(index, left)| some[..index].iter().map(move |right| (left, right)));
        let mut distances: Vec<f64> = pairs.map(|(left, right)| squared_distance(left, right)).collect();
        if distances.is_empty() || count == 0 {
            return None;
        }
        let middle = distances.len() / 2;
        let sigma = (0.5 * *distances.select_nth_unstable_by(middle, f64::total_cmp).1).sqrt();
        if sigma <= 0.0 {
            return None;
        }
        // Away from 0, where the quantile is infinite.
        let mut normal = || normal_quantile(unit().max(1e-300));
        let frequencies = (0..count * width).map(|_| normal() / sigma).collect();
        let phases = (0..count).map(|_| unit() * std::f64::consts::TAU).collect();
        Some(Self { width, frequencies, phases })
    }

    /// Adds up the features of rows; those with a value that is not finite are left out. `None` if the slice is no whole
    /// number of rows.
    pub fn embed(&self, values: &[f64]) -> Option<MeanEmbedding> {
        let mut sum = MeanEmbedding { sums: vec![0.0; self.phases.len()], squares: 0.0, rows: 0 };
        let scale = (2.0 / self.phases.len() as f64).sqrt();
        for row in finite_rows(values, self.width)? {
            let directions = self.frequencies.chunks_exact(self.width).zip(&self.phases).zip(&mut sum.sums);
            for ((direction, phase), total) in directions {
                let angle: f64 = direction.iter().zip(row).map(|(frequency, value)| frequency * value).sum();
                let feature = scale * (angle + phase).cos();
                *total += feature;
                sum.squares += feature * feature;
            }
            sum.rows += 1;
        }
        Some(sum)
    }
}

impl MeanEmbedding {
    /// Adds the rows of another window. False, and nothing is changed, if its features are others in number.
    pub fn merge(&mut self, other: &Self) -> bool {
        let fits = self.sums.len() == other.sums.len();
        if fits {
            self.sums.iter_mut().zip(&other.sums).for_each(|(sum, more)| *sum += more);
            self.squares += other.squares;
            self.rows += other.rows;
        }
        fits
    }

    /// Estimate of the squared discrepancy, without the bias of a row's product with itself; about 0, or below, without
    /// drift. `None` for fewer than two rows on a side, or other features.
    pub fn discrepancy(&self, other: &Self) -> Option<f64> {
        if self.rows < 2 || other.rows < 2 || self.sums.len() != other.sums.len() {
            return None;
        }
        let within = |side: &Self| {
            let rows = side.rows as f64;
            let square: f64 = side.sums.iter().map(|sum| sum * sum).sum();
            (square - side.squares) / (rows * (rows - 1.0))
        };
        let across: f64 = self.sums.iter().zip(&other.sums).map(|(left, right)| left * right).sum();
        Some(within(self) + within(other) - 2.0 * across / (self.rows as f64 * other.rows as f64))
    }

    /// Highest discrepancy from `self` that the given share of equally drawn windows stays below: the threshold of an
    /// alarm, from windows of the reference. `None` unless every window has a discrepancy.
    pub fn threshold(&self, windows: &[Self], share: f64) -> Option<f64> {
        let mut distances = windows.iter().map(|window| self.discrepancy(window)).collect::<Option<Vec<_>>>()?;
        distances.sort_unstable_by(f64::total_cmp);
        crate::summary::quantile(&distances, share)
    }
}
