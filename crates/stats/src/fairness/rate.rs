//! The rates of a decision that can be compared between groups.

use crate::classification::Confusion;

/// A rate that can be compared between groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// Share predicted positive.
    SelectionRate,
    /// Share truly positive: the prevalence.
    BaseRate,
    /// True positive rate, recall.
    TruePositiveRate,
    /// False positive rate.
    FalsePositiveRate,
    /// True negative rate, specificity.
    TrueNegativeRate,
    /// False negative rate.
    FalseNegativeRate,
    /// Positive predictive value: share of the selected that are positive.
    Precision,
    /// Negative predictive value: share of the others that are negative.
    NegativePredictiveValue,
    /// False discovery rate: 1 − precision.
    FalseDiscoveryRate,
    /// False omission rate: 1 − negative predictive value.
    FalseOmissionRate,
    /// Share of right decisions.
    Accuracy,
    /// Share of wrong decisions.
    ErrorRate,
}

impl Rate {
    /// All rates.
    pub const ALL: [Self; 12] = [
        Self::SelectionRate,
        Self::BaseRate,
        Self::TruePositiveRate,
        Self::FalsePositiveRate,
        Self::TrueNegativeRate,
        Self::FalseNegativeRate,
        Self::Precision,
        Self::NegativePredictiveValue,
        Self::FalseDiscoveryRate,
        Self::FalseOmissionRate,
        Self::Accuracy,
        Self::ErrorRate,
    ];

    /// The name in reports: `selection_rate`, `base_rate`, `tpr`, `fpr`, `tnr`, `fnr`, `precision`, `npv`, `fdr`, `for`,
    /// `accuracy`, `error_rate`.
    pub fn name(self) -> &'static str {
        match self {
            Self::SelectionRate => "selection_rate",
            Self::BaseRate => "base_rate",
            Self::TruePositiveRate => "tpr",
            Self::FalsePositiveRate => "fpr",
            Self::TrueNegativeRate => "tnr",
            Self::FalseNegativeRate => "fnr",
            Self::Precision => "precision",
            Self::NegativePredictiveValue => "npv",
            Self::FalseDiscoveryRate => "fdr",
            Self::FalseOmissionRate => "for",
            Self::Accuracy => "accuracy",
            Self::ErrorRate => "error_rate",
        }
    }

    /// The rate with this name, or with another that the field uses for it: `recall`, `ppv`, `prev`, `pprev`, ….
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rate| rate.name() == name).or(match name {
            "pprev" => Some(Self::SelectionRate),
            "prev" | "prevalence" => Some(Self::BaseRate),
            "recall" | "sensitivity" | "true_positive_rate" => Some(Self::TruePositiveRate),
            "false_positive_rate" => Some(Self::FalsePositiveRate),
            "specificity" | "true_negative_rate" => Some(Self::TrueNegativeRate),
            "false_negative_rate" => Some(Self::FalseNegativeRate),
            "ppv" => Some(Self::Precision),
            "negative_predictive_value" => Some(Self::NegativePredictiveValue),
            "false_discovery_rate" => Some(Self::FalseDiscoveryRate),
            "false_omission_rate" => Some(Self::FalseOmissionRate),
            _ => None,
        })
    }

    /// Whether it can be known without labels.
    pub fn needs_no_labels(self) -> bool {
        self == Self::SelectionRate
    }

    /// Rows that count, and rows that could.
    pub fn parts(self, cells: &Confusion) -> (f64, f64) {
        let rejected = cells.tn + cells.fn_;
        match self {
            Self::SelectionRate => (cells.selected(), cells.total()),
            Self::BaseRate => (cells.positives(), cells.total()),
            Self::TruePositiveRate => (cells.tp, cells.positives()),
            Self::FalsePositiveRate => (cells.fp, cells.negatives()),
            Self::TrueNegativeRate => (cells.tn, cells.negatives()),
            Self::FalseNegativeRate => (cells.fn_, cells.positives()),
            Self::Precision => (cells.tp, cells.selected()),
            Self::NegativePredictiveValue => (cells.tn, rejected),
            Self::FalseDiscoveryRate => (cells.fp, cells.selected()),
            Self::FalseOmissionRate => (cells.fn_, rejected),
            Self::Accuracy => (cells.tp + cells.tn, cells.total()),
            Self::ErrorRate => (cells.fp + cells.fn_, cells.total()),
        }
    }

    /// The rate; `None` for an empty denominator.
    pub fn of(self, cells: &Confusion) -> Option<f64> {
        let (hits, rows) = self.parts(cells);
        (rows > 0.0).then(|| hits / rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_opposites_add_up_to_one() {
        let cells = Confusion { tn: 5.0, fp: 2.0, fn_: 1.0, tp: 8.0 };
        for rate in Rate::ALL {
            assert_eq!(Rate::named(rate.name()), Some(rate));
        }
        for (name, opposite) in [("recall", "fnr"), ("ppv", "fdr"), ("npv", "for"), ("specificity", "fpr")] {
            let of = |name| Rate::named(name).unwrap().of(&cells).unwrap();
            assert!((of(name) + of(opposite) - 1.0).abs() < 1e-15, "{name}");
        }
        assert_eq!(Rate::named("luck"), None);
    }
}
