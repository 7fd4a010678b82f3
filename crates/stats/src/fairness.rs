//! Are decisions alike across groups of people? Everything follows from one confusion table per group.
//!
//! A rate with an empty denominator is undefined, and groups without the rate do not take part in its differences;
//! they are never counted as zero, which would invent a disparity.

use crate::classification::Confusion;
use crate::interval::{Interval, wilson};

/// A rate that can be compared between groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// Share predicted positive.
    SelectionRate,
    /// True positive rate.
    TruePositiveRate,
    /// False positive rate.
    FalsePositiveRate,
    /// True negative rate.
    TrueNegativeRate,
    /// False negative rate.
    FalseNegativeRate,
    /// Positive predictive value.
    Precision,
    /// Share of right decisions.
    Accuracy,
}

impl Rate {
    /// All rates.
    pub const ALL: [Self; 7] = [
        Self::SelectionRate,
        Self::TruePositiveRate,
        Self::FalsePositiveRate,
        Self::TrueNegativeRate,
        Self::FalseNegativeRate,
        Self::Precision,
        Self::Accuracy,
    ];

    /// The name in reports: `selection_rate`, `tpr`, `fpr`, `tnr`, `fnr`, `precision`, `accuracy`.
    pub fn name(self) -> &'static str {
        match self {
            Self::SelectionRate => "selection_rate",
            Self::TruePositiveRate => "tpr",
            Self::FalsePositiveRate => "fpr",
            Self::TrueNegativeRate => "tnr",
            Self::FalseNegativeRate => "fnr",
            Self::Precision => "precision",
            Self::Accuracy => "accuracy",
        }
    }

    /// Rows that count, and rows that could.
    fn parts(self, cells: &Confusion) -> (f64, f64) {
        match self {
            Self::SelectionRate => (cells.selected(), cells.total()),
            Self::TruePositiveRate => (cells.tp, cells.positives()),
            Self::FalsePositiveRate => (cells.fp, cells.negatives()),
            Self::TrueNegativeRate => (cells.tn, cells.negatives()),
            Self::FalseNegativeRate => (cells.fn_, cells.positives()),
            Self::Precision => (cells.tp, cells.selected()),
            Self::Accuracy => (cells.tp + cells.tn, cells.total()),
        }
    }

    /// The rate; `None` for an empty denominator.
    pub fn of(self, cells: &Confusion) -> Option<f64> {
        let (hits, rows) = self.parts(cells);
        (rows > 0.0).then(|| hits / rows)
    }
}

/// A rate of one group with what it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupRate {
    /// The rate; `None` for an empty denominator.
    pub value: Option<f64>,
    /// Rows in the denominator.
    pub rows: f64,
    /// Wilson's interval; `None` where the rate is.
    pub interval: Option<Interval>,
}

/// How two values per pair of rates become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// The worse of both.
    WorstCase,
    /// Their mean.
    Mean,
}

/// One confusion table per group.
#[derive(Debug, Clone, PartialEq)]
pub struct Groups {
    cells: Vec<Confusion>,
}

impl Groups {
    /// Counts decisions by group; `group` holds an index below `groups` for each row. `None` if lengths differ or an
    /// index is too high.
    pub fn new(
        y: &[bool],
        predicted: &[bool],
        group: &[usize],
        groups: usize,
        weights: Option<&[f64]>,
    ) -> Option<Self> {
        let rows = y.len();
        if predicted.len() != rows || group.len() != rows || weights.is_some_and(|weights| weights.len() != rows) {
            return None;
        }
        let mut cells = vec![Confusion::default(); groups];
        for row in 0..rows {
            cells.get_mut(group[row])?.add(y[row], predicted[row], weights.map_or(1.0, |weights| weights[row]));
        }
        Some(Self { cells })
    }

    /// Takes tables that were counted elsewhere.
    pub fn from_cells(cells: Vec<Confusion>) -> Self {
        Self { cells }
    }

    /// The table of each group.
    pub fn cells(&self) -> &[Confusion] {
        &self.cells
    }

    /// The table of all rows.
    pub fn overall(&self) -> Confusion {
        self.cells.iter().fold(Confusion::default(), |sum, cells| Confusion {
            tn: sum.tn + cells.tn,
            fp: sum.fp + cells.fp,
            fn_: sum.fn_ + cells.fn_,
            tp: sum.tp + cells.tp,
        })
    }

    /// A rate of every group with its interval at `confidence`. With weighted rows the interval takes the weights
    /// for counts.
    pub fn by_group(&self, rate: Rate, confidence: f64) -> Vec<GroupRate> {
        let of_group = |cells: &Confusion| {
            let (hits, rows) = rate.parts(cells);
            GroupRate { value: rate.of(cells), rows, interval: wilson(hits, rows, confidence) }
        };
        self.cells.iter().map(of_group).collect()
    }

    /// Lowest and highest defined rate; `None` if fewer than two groups have it.
    fn range(&self, rate: Rate) -> Option<(f64, f64)> {
        let values: Vec<f64> = self.cells.iter().filter_map(|cells| rate.of(cells)).collect();
        let low = values.iter().copied().reduce(f64::min)?;
        let high = values.iter().copied().reduce(f64::max)?;
        (values.len() >= 2).then_some((low, high))
    }

    /// Highest less lowest rate. `None` if fewer than two groups have the rate.
    pub fn difference(&self, rate: Rate) -> Option<f64> {
        self.range(rate).map(|(low, high)| high - low)
    }

    /// Lowest over highest rate. `None` if fewer than two groups have the rate, or all are zero.
    pub fn ratio(&self, rate: Rate) -> Option<f64> {
        self.range(rate).and_then(|(low, high)| crate::summary::ratio(low, high))
    }

    /// Largest distance of a group's rate from that of all rows.
    pub fn difference_to_overall(&self, rate: Rate) -> Option<f64> {
        let overall = rate.of(&self.overall())?;
        self.cells.iter().filter_map(|cells| rate.of(cells)).map(|value| (value - overall).abs()).reduce(f64::max)
    }

    /// Difference in selection rate.
    pub fn demographic_parity_difference(&self) -> Option<f64> {
        self.difference(Rate::SelectionRate)
    }

    /// Ratio of selection rates; the four-fifths rule asks for 0.8.
    pub fn demographic_parity_ratio(&self) -> Option<f64> {
        self.ratio(Rate::SelectionRate)
    }

    /// Differences in true and in false positive rate together.
    pub fn equalized_odds_difference(&self, aggregate: Aggregate) -> Option<f64> {
        let (tpr, fpr) = (self.difference(Rate::TruePositiveRate)?, self.difference(Rate::FalsePositiveRate)?);
        Some(match aggregate {
            Aggregate::WorstCase => tpr.max(fpr),
            Aggregate::Mean => (tpr + fpr) / 2.0,
        })
    }

    /// Ratios of true and of false positive rates together.
    pub fn equalized_odds_ratio(&self, aggregate: Aggregate) -> Option<f64> {
        let (tpr, fpr) = (self.ratio(Rate::TruePositiveRate)?, self.ratio(Rate::FalsePositiveRate)?);
        Some(match aggregate {
            Aggregate::WorstCase => tpr.min(fpr),
            Aggregate::Mean => (tpr + fpr) / 2.0,
        })
    }

    /// Difference in true positive rate.
    pub fn equal_opportunity_difference(&self) -> Option<f64> {
        self.difference(Rate::TruePositiveRate)
    }

    /// Ratio of true positive rates.
    pub fn equal_opportunity_ratio(&self) -> Option<f64> {
        self.ratio(Rate::TruePositiveRate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_without_positives_has_no_true_positive_rate() {
        let y = [true, true, false, false];
        let groups = Groups::new(&y, &[true, false, false, false], &[0, 0, 1, 1], 2, None).unwrap();
        let rates = groups.by_group(Rate::TruePositiveRate, 0.95);
        assert_eq!((rates[0].value, rates[1].value), (Some(0.5), None));
        assert_eq!((rates[1].rows, rates[1].interval), (0.0, None));
        assert_eq!(groups.equal_opportunity_difference(), None);
        assert_eq!(groups.demographic_parity_difference(), Some(0.5));
    }

    #[test]
    fn rows_must_fit() {
        assert_eq!(Groups::new(&[true], &[true], &[3], 2, None), None);
        assert_eq!(Groups::new(&[true], &[], &[0], 1, None), None);
    }
}
