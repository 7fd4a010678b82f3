//! The metrics that conditions may name.

use flyball_core::Task;

/// Which side of a metric is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
    /// Neither: it describes.
    Neither,
}

/// What a metric is measured on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// The answers of a model of this task, compared with what really happened.
    Model(Task),
    /// The order of rows that are ranked against each other, whatever the task.
    Ranking,
    /// An endpoint while it serves, whatever the task.
    Serving,
    /// A window of the monitor, whatever the task.
    Window,
}

/// A metric that conditions may name.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Other names under which a condition may ask for it.
    pub aliases: &'static [&'static str],
    /// Which side is better.
    pub direction: Direction,
    /// What it is measured on.
    pub domain: Domain,
    /// What it says, for editors and help.
    pub about: &'static str,
}

impl Metric {
    /// Whether it compares answers with what really happened.
    pub fn needs_labels(&self) -> bool {
        matches!(self.domain, Domain::Model(_) | Domain::Ranking) && self.name != "selection_rate"
    }
}

const fn of(
    name: &'static str,
    aliases: &'static [&'static str],
    direction: Direction,
    task: Task,
    about: &'static str,
) -> Metric {
    Metric { name, aliases, direction, domain: Domain::Model(task), about }
}

const fn ranking(name: &'static str, about: &'static str) -> Metric {
    Metric { name, aliases: &[], direction: Direction::Higher, domain: Domain::Ranking, about }
}

const fn serving(name: &'static str, about: &'static str) -> Metric {
    Metric { name, aliases: &[], direction: Direction::Lower, domain: Domain::Serving, about }
}

const fn window(name: &'static str, about: &'static str) -> Metric {
    Metric { name, aliases: &[], direction: Direction::Neither, domain: Domain::Window, about }
}

use Direction::{Higher, Lower, Neither};
use Task::{Classification, Regression};

/// Every metric that a condition may name, of each task the most used first. Of more than two classes, a metric of one class is the mean over the classes.
pub const METRICS: &[Metric] = &[
    of("auc", &["roc_auc"], Higher, Classification, "area under the ROC curve"),
    of("log_loss", &["cross_entropy"], Lower, Classification, "mean negative log likelihood, natural logarithm"),
    of("brier", &["brier_score"], Lower, Classification, "mean squared error of the probability"),
    of("accuracy", &[], Higher, Classification, "share of right answers at probability 0.5"),
    of("precision", &["ppv"], Higher, Classification, "share of predicted positives that are positive"),
    of("recall", &["tpr", "sensitivity"], Higher, Classification, "share of positives that are predicted"),
    of("f1", &["f1_score"], Higher, Classification, "harmonic mean of precision and recall"),
    of("false_positive_rate", &["fpr"], Lower, Classification, "share of negatives that are predicted positive"),
    of("selection_rate", &[], Neither, Classification, "share of rows that are predicted positive"),
    of("base_rate", &["prevalence"], Neither, Classification, "share of rows that are positive"),
    of("gini", &[], Higher, Classification, "twice the area under the ROC curve, less 1"),
    of("average_precision", &["pr_auc"], Higher, Classification, "mean precision over the steps in recall"),
    of("ks", &["ks_statistic"], Higher, Classification, "largest difference between true and false positive rate"),
    of("ece", &["expected_calibration_error"], Lower, Classification, "expected calibration error, ten equal bins"),
    of("mce", &["maximum_calibration_error"], Lower, Classification, "largest calibration error, ten equal bins"),
    of("balanced_accuracy", &[], Higher, Classification, "mean recall of the classes"),
    of("specificity", &["tnr"], Higher, Classification, "share of negatives that are predicted negative"),
    of("npv", &[], Higher, Classification, "share of predicted negatives that are negative"),
    of("f0_5", &[], Higher, Classification, "as f1, with precision counting more than recall"),
    of("f2", &[], Higher, Classification, "as f1, with recall counting more than precision"),
    of("f1_macro", &[], Higher, Classification, "mean of the f1 of both classes"),
    of("f1_weighted", &[], Higher, Classification, "mean of the f1 of the classes, by their rows"),
    of("precision_weighted", &[], Higher, Classification, "mean precision of more than two classes, by their rows"),
    of("recall_weighted", &[], Higher, Classification, "mean recall of more than two classes, by their rows"),
    of("mcc", &["matthews"], Higher, Classification, "correlation of predicted and true class (Matthews)"),
    of("kappa", &["cohen_kappa"], Higher, Classification, "agreement beyond chance (Cohen)"),
    of("jaccard", &[], Higher, Classification, "positives predicted, of all that are positive or predicted so"),
    of("false_negative_rate", &["fnr"], Lower, Classification, "share of positives that are predicted negative"),
    of("lift_5", &[], Higher, Classification, "precision among the best 5 % of the scores, over the base rate"),
    of("lift_10", &[], Higher, Classification, "precision among the best 10 % of the scores, over the base rate"),
    of("lift_20", &[], Higher, Classification, "precision among the best 20 % of the scores, over the base rate"),
    of("lift_50", &[], Higher, Classification, "precision among the better half of the scores, over the base rate"),
    of("top_2_accuracy", &[], Higher, Classification, "share of rows whose class is among the 2 most probable"),
    of("top_3_accuracy", &[], Higher, Classification, "share of rows whose class is among the 3 most probable"),
    of("top_5_accuracy", &[], Higher, Classification, "share of rows whose class is among the 5 most probable"),
    of("auc_ovr_weighted", &[], Higher, Classification, "area under the ROC curve of each class, by its rows"),
    of("auc_ovr_micro", &[], Higher, Classification, "area under the ROC curve of all classes together"),
    of("auc_ovo", &[], Higher, Classification, "area under the ROC curve, mean over pairs of classes"),
    of("rmse", &[], Lower, Regression, "root of the mean squared error, in the label's unit"),
    of("mae", &[], Lower, Regression, "mean absolute error, in the label's unit"),
    of("r2", &["r_squared"], Higher, Regression, "share of the label's variance that is explained"),
    of("mean_error", &["bias"], Neither, Regression, "mean of predicted minus true, in the label's unit"),
    of("mse", &[], Lower, Regression, "mean squared error"),
    of("median_absolute_error", &["medae"], Lower, Regression, "median absolute error, in the label's unit"),
    of("max_error", &[], Lower, Regression, "largest absolute error, in the label's unit"),
    of("mape", &[], Lower, Regression, "mean absolute error as a share of the label"),
    of("smape", &[], Lower, Regression, "mean absolute error as a share of the mean of label and prediction"),
    of("wape", &[], Lower, Regression, "sum of absolute errors over the sum of absolute labels"),
    of("explained_variance", &[], Higher, Regression, "as r2, but blind to a constant error"),
    of("d2_absolute_error", &[], Higher, Regression, "1 less the mean absolute error over that of the median"),
    of("pearson", &["correlation"], Higher, Regression, "correlation of prediction and label"),
    of("error_std", &[], Lower, Regression, "standard deviation of the errors, in the label's unit"),
    of("pinball_10", &[], Lower, Regression, "pinball loss of a prediction of the 10 % quantile"),
    of("pinball_50", &["pinball"], Lower, Regression, "pinball loss of a prediction of the median"),
    of("pinball_90", &[], Lower, Regression, "pinball loss of a prediction of the 90 % quantile"),
    of("msle", &[], Lower, Regression, "mean squared error of the logarithms"),
    of("rmsle", &[], Lower, Regression, "root of the mean squared error of the logarithms"),
    of("poisson_deviance", &[], Lower, Regression, "mean Poisson deviance"),
    of("gamma_deviance", &[], Lower, Regression, "mean gamma deviance"),
    ranking("ndcg_5", "discounted gain of the best 5 of a list, over that of the best order"),
    ranking("ndcg_10", "discounted gain of the best 10 of a list, over that of the best order"),
    ranking("map_5", "mean precision at the relevant rows among the best 5 of a list"),
    ranking("map_10", "mean precision at the relevant rows among the best 10 of a list"),
    ranking("mrr", "mean of 1 over the rank of the first relevant row of a list"),
    ranking("hit_rate_5", "share of lists with a relevant row among the best 5"),
    ranking("hit_rate_10", "share of lists with a relevant row among the best 10"),
    ranking("precision_5", "share of the best 5 of a list that are relevant"),
    ranking("precision_10", "share of the best 10 of a list that are relevant"),
    ranking("recall_5", "share of the relevant rows of a list that are among the best 5"),
    ranking("recall_10", "share of the relevant rows of a list that are among the best 10"),
    ranking("f1_5", "harmonic mean of precision_5 and recall_5 of a list"),
    ranking("f1_10", "harmonic mean of precision_10 and recall_10 of a list"),
    serving("error_rate", "share of requests that failed"),
    serving("disagreement", "share of the rows asked in the shadow on which the versions disagree"),
    serving("latency_p99_ms", "99th percentile of the answer time, in milliseconds"),
    window("labels", "share of a window's predictions whose truth is known"),
    window("rows", "predictions in a window"),
];

/// Names that a hint lists; more are not read.
const LISTED: usize = 10;

/// "the metrics are: …", cut after the first ones.
pub fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let shown = names[..names.len().min(LISTED)].join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => format!("the metrics are: {shown}"),
        more => format!("the metrics are: {shown} and {more} more"),
    }
}

/// What is either so or not; a condition names it alone.
pub const FLAGS: &[&str] = &["drift", "data_fault", "covariate_shift", "concept_shift", "label_shift"];

/// What a window knows of one feature, as a share of its rows: `missing(distance)`. Missing values; texts that the
/// reference does not have; numbers outside the reference's range.
pub const COLUMN_FACTS: &[&str] = &["missing", "unseen", "range"];

/// The metric called `name`, or that has it as an alias.
pub fn metric(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name || metric.aliases.contains(&name))
}

/// Whether more of the metric is better; `false` for unknown names and for metrics without a better side.
pub fn higher_is_better(name: &str) -> bool {
    metric(name).is_some_and(|metric| metric.direction == Higher)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_one_metric() {
        let mut names: Vec<&str> =
            METRICS.iter().flat_map(|metric| metric.aliases.iter().copied().chain([metric.name])).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert_eq!(metric("roc_auc").map(|metric| metric.name), Some("auc"));
    }
}
