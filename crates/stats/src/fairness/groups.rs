//! One confusion table per group, and the classical measures of group fairness.

use super::rate::Rate;
use super::spread::{Spread, spread};
use crate::classification::Confusion;
use crate::interval::{Interval, wilson};

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

/// Cells of a confusion table, in the order tn, fp, fn, tp: twice the truth plus the decision.
const CELLS: usize = 4;

/// One confusion table per group.
#[derive(Debug, Clone, PartialEq)]
pub struct Groups {
    cells: Vec<Confusion>,
}

impl Groups {
    /// Counts decisions by group; `codes` holds an index below `groups` for each row. `None` if lengths differ or an
    /// index is too high.
    pub fn new(y: &[bool], predicted: &[bool], codes: &[u32], groups: usize, weights: Option<&[f64]>) -> Option<Self> {
        let rows = y.len();
        if predicted.len() != rows || codes.len() != rows || weights.is_some_and(|weights| weights.len() != rows) {
            return None;
        }
        if codes.iter().any(|&code| code as usize >= groups) {
            return None;
        }
        let cell = |row: usize| codes[row] as usize * CELLS + usize::from(y[row]) * 2 + usize::from(predicted[row]);
        let sums: Vec<f64> = match weights {
            None => {
                let mut counts = vec![0_u64; groups * CELLS];
                (0..rows).for_each(|row| counts[cell(row)] += 1);
                counts.into_iter().map(|count| count as f64).collect()
            }
            Some(weights) => {
                let mut sums = vec![0.0; groups * CELLS];
                (0..rows).for_each(|row| sums[cell(row)] += weights[row]);
                sums
            }
        };
        let table = |sums: &[f64]| Confusion { tn: sums[0], fp: sums[1], fn_: sums[2], tp: sums[3] };
        Some(Self { cells: sums.chunks_exact(CELLS).map(table).collect() })
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

    /// A rate of every group; `None` where its denominator is empty.
    pub fn values(&self, rate: Rate) -> Vec<Option<f64>> {
        self.cells.iter().map(|cells| rate.of(cells)).collect()
    }

    /// The groups where a rate is lowest and highest. `None` if fewer than two groups have the rate.
    pub fn spread(&self, rate: Rate) -> Option<Spread> {
        spread(&self.values(rate))
    }

    /// Highest less lowest rate. `None` if fewer than two groups have the rate.
    pub fn difference(&self, rate: Rate) -> Option<f64> {
        self.spread(rate).map(|spread| spread.difference())
    }

    /// Lowest over highest rate. `None` if fewer than two groups have the rate, or all are zero.
    pub fn ratio(&self, rate: Rate) -> Option<f64> {
        self.spread(rate)?.ratio()
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

    /// Missed positives per false alarm of each group (treatment equality: FN / FP); `None` without a false alarm.
    pub fn treatment(&self) -> Vec<Option<f64>> {
        self.cells.iter().map(|cells| crate::summary::ratio(cells.fn_, cells.fp)).collect()
    }

    /// The share of all selected rows that each group has (Aequitas' `ppr`); `None` when nobody is selected.
    pub fn shares_of_selected(&self) -> Vec<Option<f64>> {
        let selected = self.overall().selected();
        self.cells.iter().map(|cells| crate::summary::ratio(cells.selected(), selected)).collect()
    }

    /// Smoothed empirical differential fairness of the decisions (Foulds, Islam, Keya & Pan 2020): the largest
    /// |ln P(d | g) − ln P(d | h)| over pairs of groups g, h and both decisions d, each probability with a Dirichlet prior of
    /// `concentration` shared between the decisions. 0 is perfectly fair. `None` for fewer than two groups with rows, or a
    /// concentration that is not positive.
    pub fn differential_fairness(&self, concentration: f64) -> Option<f64> {
        self.smoothed(concentration, |cells| cells.selected())
    }

    /// How much more unequal the decisions are than the labels: differential fairness of the decisions less that of the
    /// labels. Above 0 the model amplifies what is in the data.
    pub fn bias_amplification(&self, concentration: f64) -> Option<f64> {
        let of_labels = self.smoothed(concentration, |cells| cells.positives())?;
        Some(self.differential_fairness(concentration)? - of_labels)
    }

    fn smoothed(&self, concentration: f64, positives: impl Fn(&Confusion) -> f64) -> Option<f64> {
        if !(concentration > 0.0 && concentration.is_finite()) {
            return None;
        }
        let probability =
            |cells: &Confusion| (positives(cells) + concentration / 2.0) / (cells.total() + concentration);
        let with_rows = self.cells.iter().filter(|cells| cells.total() > 0.0);
        let probabilities: Vec<Option<f64>> = with_rows.map(|cells| Some(probability(cells))).collect();
        // The largest distance of logarithms is between the extremes.
        let range = spread(&probabilities)?;
        let (low, high) = (range.lowest.1, range.highest.1);
        Some((high / low).ln().max(((1.0 - low) / (1.0 - high)).ln()))
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

    #[test]
    fn weights_add_up_and_whole_weights_repeat_rows() {
        let (y, predicted, codes) = ([true, false, true], [true, true, false], [0, 1, 1]);
        let weighted = Groups::new(&y, &predicted, &codes, 2, Some(&[2.0, 1.0, 3.0])).unwrap();
        let repeat = |of: [bool; 3]| [of[0], of[0], of[1], of[2], of[2], of[2]];
        let repeated = Groups::new(&repeat(y), &repeat(predicted), &[0, 0, 1, 1, 1, 1], 2, None).unwrap();
        assert_eq!(weighted, repeated);
    }

    #[test]
    fn decisions_more_unequal_than_the_labels_amplify() {
        // Labels alike in both groups, decisions not.
        let cells = |tp, fn_| Confusion { tn: 50.0, fp: 0.0, fn_, tp };
        let groups = Groups::from_cells(vec![cells(40.0, 10.0), cells(10.0, 40.0)]);
        let expected = (40.5_f64 / 10.5).ln().max((90.5_f64 / 60.5).ln());
        assert!((groups.differential_fairness(1.0).unwrap() - expected).abs() < 1e-12);
        assert!((groups.bias_amplification(1.0).unwrap() - expected).abs() < 1e-12);
        assert_eq!(groups.differential_fairness(0.0), None);
        assert_eq!(Groups::from_cells(vec![cells(1.0, 1.0), Confusion::default()]).differential_fairness(1.0), None);
    }

    #[test]
    fn shares_and_treatment_are_of_each_group() {
        let groups = Groups::from_cells(vec![
            Confusion { tn: 1.0, fp: 2.0, fn_: 4.0, tp: 1.0 },
            Confusion { tn: 1.0, fp: 0.0, fn_: 1.0, tp: 1.0 },
        ]);
        assert_eq!(groups.treatment(), [Some(2.0), None]);
        assert_eq!(groups.shares_of_selected(), [Some(0.75), Some(0.25)]);
    }
}
