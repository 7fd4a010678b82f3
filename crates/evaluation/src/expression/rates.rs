//! Rates that are compared between groups beside the metrics of models.

use flyball_core::Task::Classification;

use super::metric::{Direction, Domain, Metric};

const fn rate(name: &'static str, direction: Direction, about: &'static str) -> Metric {
    Metric { name, aliases: &[], direction, domain: Domain::Model(Classification), about }
}

use Direction::{Higher, Lower};

/// Rates that only functions over groups take, as in `difference(tpr, by: origin)`; a metric of the same name comes first.
pub const RATES: &[Metric] = &[
    rate("tpr", Higher, "share of positives that are selected"),
    rate("fpr", Lower, "share of negatives that are selected"),
    rate("tnr", Higher, "share of negatives that are not selected"),
    rate("fnr", Lower, "share of positives that are not selected"),
    rate("ppv", Higher, "share of the selected that are positive"),
    rate("npv", Higher, "share of those not selected that are negative"),
    rate("fdr", Lower, "share of the selected that are negative"),
    rate("false_omission_rate", Lower, "share of those not selected that are positive"),
    rate("error_rate", Lower, "share of wrong decisions"),
];
