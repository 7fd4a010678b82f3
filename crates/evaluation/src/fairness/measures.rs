//! The measures over all groups of an attribute, by their names in reports and conditions.

use flyball_stats::fairness::{Aggregate, Groups, Rate, between_group_entropy, coefficient_of_variation, theil_index};
use flyball_stats::fairness::{benefits, generalized_entropy, spread};

/// What differential fairness adds to the counts, so that a group without a decision is not infinitely unfair.
const CONCENTRATION: f64 = 1.0;

/// The decisions about the groups of an attribute.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Of all rows that were scored; whether the decisions were right is not looked at.
    pub decided: Groups,
    /// Of the rows whose truth is known.
    pub labelled: Groups,
}

/// Computes a measure; `None` where it is undefined.
type Compute = fn(&Tables) -> Option<f64>;

/// Each measure: its name, what it says, and how it is computed.
pub const MEASURES: &[(&str, &str, Compute)] = &[
    ("demographic_parity_difference", "difference in selection rate", |tables| {
        tables.decided.demographic_parity_difference()
    }),
    ("demographic_parity_ratio", "ratio of selection rates; the four-fifths rule asks for 0.8", |tables| {
        tables.decided.demographic_parity_ratio()
    }),
    ("equalized_odds_difference", "larger difference of true and false positive rate", |tables| {
        tables.labelled.equalized_odds_difference(Aggregate::WorstCase)
    }),
    ("equalized_odds_ratio", "smaller ratio of true and false positive rate", |tables| {
        tables.labelled.equalized_odds_ratio(Aggregate::WorstCase)
    }),
    ("average_odds_difference", "mean difference of true and false positive rate", |tables| {
        tables.labelled.equalized_odds_difference(Aggregate::Mean)
    }),
    ("equal_opportunity_difference", "difference in true positive rate", |tables| {
        tables.labelled.equal_opportunity_difference()
    }),
    ("equal_opportunity_ratio", "ratio of true positive rates", |tables| tables.labelled.equal_opportunity_ratio()),
    ("predictive_parity_difference", "difference in precision", |tables| tables.labelled.difference(Rate::Precision)),
    ("predictive_parity_ratio", "ratio of precisions", |tables| tables.labelled.ratio(Rate::Precision)),
    ("error_rate_difference", "difference in error rate", |tables| tables.labelled.difference(Rate::ErrorRate)),
    ("error_rate_ratio", "ratio of error rates", |tables| tables.labelled.ratio(Rate::ErrorRate)),
    ("treatment_equality_difference", "difference in missed positives per false alarm", |tables| {
        spread(&tables.labelled.treatment()).map(|spread| spread.difference())
    }),
    ("differential_fairness", "largest log ratio of decision probabilities, smoothed", |tables| {
        tables.labelled.differential_fairness(CONCENTRATION)
    }),
    ("bias_amplification", "differential fairness of the decisions less that of the labels", |tables| {
        tables.labelled.bias_amplification(CONCENTRATION)
    }),
    ("generalized_entropy_index", "inequality of benefits, α = 2", |tables| {
        generalized_entropy(&benefits(&tables.labelled.overall()), 2.0)
    }),
    ("theil_index", "inequality of benefits, α = 1", |tables| theil_index(&tables.labelled.overall())),
    ("coefficient_of_variation", "standard deviation of the benefits over their mean", |tables| {
        coefficient_of_variation(&tables.labelled.overall())
    }),
    ("between_group_entropy", "the part of the generalized entropy index between the groups", |tables| {
        between_group_entropy(&tables.labelled, 2.0)
    }),
];

/// The measure with this name.
pub fn measure_named(name: &str) -> Option<&'static (&'static str, &'static str, Compute)> {
    MEASURES.iter().find(|(known, ..)| *known == name)
}
