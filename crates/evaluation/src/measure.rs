//! One metric of one set of rows, with its interval.

use std::collections::BTreeMap;

use flyball_core::Task;
use flyball_stats::classification::{BinaryPass, MulticlassProbabilities, Slicing, binary_pass, multiclass_metrics};
use flyball_stats::interval::{Estimate, Named};
use flyball_stats::regression::regression_metrics;
use serde::{Deserialize, Serialize};

use crate::answers::{ClassScores, Subject};
use crate::ranking;

/// The confidence of every interval that we show.
pub const CONFIDENCE: f64 = 0.95;
/// The probability from which on a row counts as positive.
pub const THRESHOLD: f64 = 0.5;

/// A metric's value with its interval at `CONFIDENCE` and the number of rows behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// The value.
    pub value: f64,
    /// The lower end of the interval, where one is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub low: Option<f64>,
    /// The upper end of the interval.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub high: Option<f64>,
    /// The rows behind it.
    pub rows: usize,
}

/// Metrics by name.
pub type Measures = BTreeMap<String, Measure>;

/// All metrics of the task that are defined on these rows: `truth` holds the class (0 or 1) or the target value, `score`
/// the probability of the positive class or the predicted value. Metrics that the rows cannot define (AUC without both
/// classes, anything without rows) are left out; rows without a truth or a score are not counted.
pub fn measure(task: Task, truth: &[f64], score: &[f64]) -> Measures {
    let subject = Subject::new(truth.to_vec(), score.to_vec());
    let known = subject.known();
    measured(task, &if known.len() == truth.len() { subject } else { subject.take(&known) })
}

/// All metrics of rows whose truth and score are known.
pub fn measured(task: Task, subject: &Subject) -> Measures {
    let rows = subject.truth.len();
    let metrics = match (task, &subject.classes) {
        (Task::Regression, _) => {
            regression_metrics(&subject.truth, &subject.score, subject.weights.as_deref(), CONFIDENCE)
        }
        (Task::Classification, None) => pass(subject, &[]).map(|pass| pass.overall.metrics(CONFIDENCE)),
        (Task::Classification, Some(classes)) => of_classes(subject, classes),
    };
    let mut measures = named(metrics.unwrap_or_default(), rows);
    measures.extend(in_lists(subject));
    measures
}

/// The metrics of the order of rows that are ranked against each other, where any are.
pub(crate) fn in_lists(subject: &Subject) -> Measures {
    let rows = ranking::judged(subject).map_or(0, |judged| judged.rows);
    named(ranking::metrics(subject), rows)
}

/// The pass over a classifier of two classes, with the groups of some columns.
pub(crate) fn pass(subject: &Subject, slicings: &[Slicing<'_>]) -> Option<BinaryPass> {
    let labels: Vec<bool> = subject.truth.iter().map(|&truth| truth > 0.5).collect();
    binary_pass(&labels, &subject.score, subject.weights.as_deref(), THRESHOLD, slicings)
}

/// The metrics of more than two classes.
fn of_classes(subject: &Subject, classes: &ClassScores) -> Option<Named> {
    with_classes(subject, classes, |data| Some(multiclass_metrics(data, &data.labels()?, CONFIDENCE)))
}

/// Gives the rows to `work` as probabilities of several classes.
pub(crate) fn with_classes<T>(
    subject: &Subject,
    classes: &ClassScores,
    work: impl FnOnce(&MulticlassProbabilities<'_>) -> Option<T>,
) -> Option<T> {
    let labels: Vec<usize> = subject.truth.iter().map(|&truth| truth as usize).collect();
    let weights = subject.weights.as_deref();
    work(&MulticlassProbabilities::new(&labels, &classes.scores, classes.names.len(), weights)?)
}

/// Metrics with the number of rows behind them.
pub(crate) fn named(metrics: Named, rows: usize) -> Measures {
    let measure = |(name, Estimate { value, interval }): (&str, Estimate)| {
        let (low, high) = (interval.map(|i| i.low), interval.map(|i| i.high));
        (name.to_owned(), Measure { value, low, high, rows })
    };
    metrics.into_iter().map(measure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::{Domain, METRICS};

    #[test]
    fn every_measured_metric_can_be_named_in_a_condition() {
        let truth: Vec<f64> = (0..90).map(|row| f64::from(row % 2)).collect();
        let score: Vec<f64> = (0..90).map(|row| 0.1 + 0.008 * f64::from(row * 7 % 100)).collect();
        let names = (0..6).map(|class| class.to_string()).collect();
        let scores = (0..540).map(|cell| 0.05 + 0.01 * f64::from(cell * 13 % 40)).collect();
        let several = Subject {
            classes: Some(ClassScores { names, scores }),
            ..Subject::new((0..90).map(|row| f64::from(row % 6)).collect(), score.clone())
        };
        for (task, subject) in [
            (Task::Classification, Subject::new(truth.clone(), score.clone())),
            (Task::Classification, several),
            (Task::Regression, Subject::new(score.iter().map(|score| score * 1.2 + 0.1).collect(), score)),
        ] {
            let measured = measured(task, &subject);
            assert!(measured.len() > 15, "{measured:?}");
            for (name, measure) in measured {
                assert!(
                    METRICS.iter().any(|known| known.name == name && known.domain == Domain::Model(task)),
                    "{name}"
                );
                let (low, high) = (measure.low.unwrap_or(measure.value), measure.high.unwrap_or(measure.value));
                assert!(low <= measure.value && measure.value <= high, "{name}: {measure:?}");
            }
        }
    }

    #[test]
    fn undefined_metrics_are_left_out() {
        let one_class = measure(Task::Classification, &[0.0, 0.0], &[0.2, 0.3]);
        assert!(
            !one_class.contains_key("auc") && !one_class.contains_key("recall") && one_class.contains_key("log_loss")
        );
        assert!(measure(Task::Regression, &[], &[]).is_empty());
        assert!(measure(Task::Classification, &[], &[]).is_empty());
        let with_gaps = measure(Task::Regression, &[1.0, f64::NAN, 2.0], &[1.0, 1.0, f64::NAN]);
        assert_eq!((with_gaps["mae"].value, with_gaps["mae"].rows), (0.0, 1));
    }

    #[test]
    fn regression_metrics_are_those_of_the_definition() {
        let measured = measure(Task::Regression, &[1.0, 2.0, 3.0, 4.0], &[1.0, 2.0, 3.0, 8.0]);
        assert_eq!(measured["mae"].value, 1.0);
        assert_eq!(measured["rmse"].value, 2.0);
        assert_eq!(measured["mean_error"].value, 1.0);
    }
}
