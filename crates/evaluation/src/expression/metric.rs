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
        matches!(self.domain, Domain::Model(_)) && self.name != "selection_rate"
    }
}

const fn of(name: &'static str, direction: Direction, task: Task, about: &'static str) -> Metric {
    Metric { name, direction, domain: Domain::Model(task), about }
}

const fn serving(name: &'static str, about: &'static str) -> Metric {
    Metric { name, direction: Direction::Lower, domain: Domain::Serving, about }
}

const fn window(name: &'static str, about: &'static str) -> Metric {
    Metric { name, direction: Direction::Neither, domain: Domain::Window, about }
}

use Direction::{Higher, Lower, Neither};
use Task::{Classification, Regression};

/// Every metric that a condition may name.
pub const METRICS: &[Metric] = &[
    of("auc", Higher, Classification, "area under the ROC curve"),
    of("log_loss", Lower, Classification, "mean negative log likelihood, natural logarithm"),
    of("brier", Lower, Classification, "mean squared error of the probability"),
    of("accuracy", Higher, Classification, "share of right answers at probability 0.5"),
    of("precision", Higher, Classification, "share of predicted positives that are positive"),
    of("recall", Higher, Classification, "share of positives that are predicted"),
    of("f1", Higher, Classification, "harmonic mean of precision and recall"),
    of("false_positive_rate", Lower, Classification, "share of negatives that are predicted positive"),
    of("selection_rate", Neither, Classification, "share of rows that are predicted positive"),
    of("base_rate", Neither, Classification, "share of rows that are positive"),
    of("rmse", Lower, Regression, "root of the mean squared error, in the label's unit"),
    of("mae", Lower, Regression, "mean absolute error, in the label's unit"),
    of("r2", Higher, Regression, "share of the label's variance that is explained"),
    of("mean_error", Neither, Regression, "mean of predicted minus true, in the label's unit"),
    serving("error_rate", "share of requests that failed"),
    serving("disagreement", "share of the rows asked in the shadow on which the versions disagree"),
    serving("latency_p99_ms", "99th percentile of the answer time, in milliseconds"),
    window("labels", "share of a window's predictions whose truth is known"),
    window("rows", "predictions in a window"),
];

/// What is either so or not; a condition names it alone.
pub const FLAGS: &[&str] = &["drift", "data_fault", "covariate_shift", "concept_shift", "label_shift"];

/// What a window knows of one feature, as a share of its rows: `missing(distance)`. Missing values; texts that the
/// reference does not have; numbers outside the reference's range.
pub const COLUMN_FACTS: &[&str] = &["missing", "unseen", "range"];

/// The metric called `name`.
pub fn metric(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// Whether more of the metric is better; `false` for unknown names and for metrics without a better side.
pub fn higher_is_better(name: &str) -> bool {
    metric(name).is_some_and(|metric| metric.direction == Higher)
}
