//! All statistics and the drift test of a column from two sketches.

use super::{Absent, ColumnReference, ColumnSketch, LevelReference, LevelSketch, NumberReference, NumberSketch};
use crate::calibrated::{ColumnTest, categorical_test, few_values_test, ks_column_test, pooled_test};
use crate::drift::{NumberStatistics, ShareStatistics, Walk, ks_of_bins};

/// Groups of bins in which shares are compared: tenths of the reference.
const GROUPS: usize = 10;

/// What a window's column is like beside the reference's.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// All statistics; `None` if a side has no values.
    pub statistics: Option<ColumnStatistics>,
    /// The evidence that its values drifted; `None` if a side has no values.
    pub values: Option<ColumnTest>,
    /// The evidence that the share of rows without a value drifted; `None` if neither side has such rows.
    pub missing: Option<ColumnTest>,
    /// Rows of the window outside the reference's range, or of levels that it does not have; `None` where unknown.
    pub unfamiliar: Option<u64>,
}

/// All statistics of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ColumnStatistics {
    /// Of numbers.
    Numbers(NumberStatistics),
    /// Of levels.
    Levels(ShareStatistics),
}

impl ColumnReference {
    /// Compares a window with the reference's own rows. `None` if the sketch is of another reference.
    pub fn compare(&self, window: &ColumnSketch) -> Option<Comparison> {
        match (self, window) {
            (Self::Numbers(reference), ColumnSketch::Numbers(window)) => reference.compare(reference.own(), window),
            (Self::Levels(reference), ColumnSketch::Levels(window)) => reference.compare(reference.own(), window),
            _ => None,
        }
    }

    /// Compares two windows of this reference, one after the other. `None` if one is of another reference.
    pub fn compare_windows(&self, before: &ColumnSketch, now: &ColumnSketch) -> Option<Comparison> {
        match (self, before, now) {
            (Self::Numbers(reference), ColumnSketch::Numbers(before), ColumnSketch::Numbers(now)) => {
                reference.compare(before, now)
            }
            (Self::Levels(reference), ColumnSketch::Levels(before), ColumnSketch::Levels(now)) => {
                reference.compare(before, now)
            }
            _ => None,
        }
    }
}

impl NumberReference {
    /// Compares two windows counted in the bins of this reference; the first may be its own rows. `None` if one is of
    /// another reference.
    ///
    /// Values within a bin count as equal, which can only lower the Kolmogorov–Smirnov distance. Where bins are of equal
    /// shares, the test's p-value makes up for what is lost on average between their edges.
    pub fn compare(&self, before: &NumberSketch, now: &NumberSketch) -> Option<Comparison> {
        if !before.is_of(self) || !now.is_of(self) {
            return None;
        }
        let mut walk = Walk::new(before.rows() as usize, now.rows() as usize);
        let values = self.representatives([before, now]);
        for ((value, &reference), &current) in values.into_iter().zip(before.counts()).zip(now.counts()) {
            if reference + current > 0 {
                walk.meet(value, reference, current);
            }
        }
        let statistics = self.moments(before).zip(self.moments(now)).and_then(|moments| {
            let (reference, current) = grouped(before.counts(), now.counts());
            let shares = ShareStatistics::of(&reference, &current)?;
            Some(NumberStatistics::of_bins(&walk, moments.into(), shares))
        });
        let values = statistics.as_ref().and_then(|statistics| {
            if self.has_few_values() {
                few_values_test(before.counts(), now.counts())
            } else {
                let ks = ks_of_bins(statistics.ks, before.rows(), now.rows(), self.bin_share());
                Some(ks_column_test(ks, before.rows(), now.rows()))
            }
        });
        Some(Comparison {
            statistics: statistics.map(ColumnStatistics::Numbers),
            values,
            missing: missing_test([(before.rows(), before.absent()), (now.rows(), now.absent())]),
            unfamiliar: Some(now.out_of_range().iter().sum()),
        })
    }
}

impl LevelReference {
    /// Compares two windows counted against this reference; the first may be its own rows. `None` if one is of another
    /// reference.
    pub fn compare(&self, before: &LevelSketch, now: &LevelSketch) -> Option<Comparison> {
        if !before.is_of(self) || !now.is_of(self) {
            return None;
        }
        let ([mut reference, mut current], rest) = before.cells(now);
        let values = pooled_test(&reference, &current, rest);
        reference.push(rest[0]);
        current.push(rest[1]);
        Some(Comparison {
            statistics: ShareStatistics::of(&reference, &current).map(ColumnStatistics::Levels),
            values,
            missing: missing_test([(before.rows(), before.absent()), (now.rows(), now.absent())]),
            unfamiliar: self.unseen(now),
        })
    }
}

/// Rows without a value against rows with one.
pub(crate) fn missing_test(sides: [(u64, &Absent); 2]) -> Option<ColumnTest> {
    let [before, now] = sides.map(|(rows, absent)| [absent.rows(), rows]);
    if before[0] == 0 && now[0] == 0 {
        return None;
    }
    categorical_test(&before, &now)
}

/// Bins put together to about tenths of the first side's rows.
fn grouped(before: &[u64], now: &[u64]) -> (Vec<u64>, Vec<u64>) {
    let total: u64 = before.iter().sum();
    let mut groups = (vec![0; GROUPS], vec![0; GROUPS]);
    let mut seen = 0;
    for (&reference, &current) in before.iter().zip(now) {
        let middle = (seen as f64 + reference as f64 / 2.0) / total.max(1) as f64;
        let group = ((middle * GROUPS as f64) as usize).min(GROUPS - 1);
        groups.0[group] += reference;
        groups.1[group] += current;
        seen += reference;
    }
    groups
}
