//! The metrics over several classes by name.

use super::{Average, ConfusionMatrix, MulticlassProbabilities};
use crate::classification::BinarySummary;
use crate::interval::{Estimate, Interval, Named, mean_interval_from, wilson};
use crate::summary::ratio;

/// Bins of the calibration error.
const BINS: usize = 10;

/// A metric of the table.
type OfMatrix = fn(&ConfusionMatrix) -> Option<f64>;

/// What follows from the table: plain names are averages in which each class counts the same.
const OF_MATRIX: [(&str, OfMatrix); 9] = [
    ("balanced_accuracy", ConfusionMatrix::balanced_accuracy),
    ("mcc", ConfusionMatrix::mcc),
    ("kappa", ConfusionMatrix::cohen_kappa),
    ("precision", |matrix| matrix.average(Average::Macro).precision),
    ("recall", |matrix| matrix.average(Average::Macro).recall),
    ("f1", |matrix| matrix.average(Average::Macro).f1),
    ("precision_weighted", |matrix| matrix.average(Average::Weighted).precision),
    ("recall_weighted", |matrix| matrix.average(Average::Weighted).recall),
    ("f1_weighted", |matrix| matrix.average(Average::Weighted).f1),
];

/// Every metric that is defined for these rows, by name, with its interval at `confidence`; `labels` are those of
/// [`MulticlassProbabilities::labels`].
///
/// Shares have Wilson's interval, means of losses Student's, functions of the table a seeded Poisson bootstrap of its
/// cells. `auc` and `average_precision` are means over the classes against the rest; their ends are the means of the
/// classes' ends, as if all classes erred together, which is never too narrow. The micro and pairwise areas and the
/// largest calibration error have no interval.
pub fn multiclass_metrics(data: &MulticlassProbabilities<'_>, labels: &[BinarySummary], confidence: f64) -> Named {
    let mut metrics = Named::new();
    let mut add = |name, value: Option<f64>, interval: Option<Interval>| {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            metrics.push((name, Estimate { value, interval }));
        }
    };
    let scale = data.scale();
    let rows = data.weight() * scale;
    let share = |value: Option<f64>| value.and_then(|value| wilson((value * rows).clamp(0.0, rows), rows, confidence));
    if let Some(matrix) = data.matrix() {
        add("accuracy", matrix.accuracy(), share(matrix.accuracy()));
        let intervals = matrix.bootstrap(scale, confidence, &OF_MATRIX.map(|(_, metric)| metric));
        for ((name, metric), interval) in OF_MATRIX.into_iter().zip(intervals) {
            add(name, metric(&matrix), interval);
        }
    }
    for (name, values) in [("log_loss", data.log_loss_rows()), ("brier", data.brier_rows())] {
        let Some(mean) = data.mean(&values) else { continue };
        let squares: Vec<f64> = values.iter().map(|value| (value - mean) * (value - mean)).collect();
        let interval = data.mean(&squares).and_then(|spread| mean_interval_from(mean, spread, rows, confidence));
        add(name, Some(mean), interval.map(|interval| interval.within(0.0, f64::INFINITY)));
    }
    for (name, k) in [("top_2_accuracy", 2), ("top_3_accuracy", 3), ("top_5_accuracy", 5)] {
        if data.classes() > k {
            let value = data.top_k_accuracy(k);
            add(name, value, share(value));
        }
    }
    let of_labels: Vec<Named> = labels.iter().map(|label| label.metrics(confidence)).collect();
    let equal: fn(&BinarySummary) -> f64 = |_| 1.0;
    let by_rows: fn(&BinarySummary) -> f64 = |label| label.cells.positives();
    let averages = [
        ("auc", "auc", equal),
        ("average_precision", "average_precision", equal),
        ("auc_ovr_weighted", "auc", by_rows),
    ];
    for (name, of_label, weight) in averages {
        let average = over_labels(labels, &of_labels, of_label, weight);
        add(name, average.map(|average| average.value), average.and_then(|average| average.interval));
    }
    add("auc_ovr_micro", data.roc_auc_ovr_micro(), None);
    add("auc_ovo", data.roc_auc_ovo(Average::Macro), None);
    if let Some(calibration) = data.calibration(BINS) {
        add("ece", Some(calibration.expected_error), None);
        add("mce", Some(calibration.largest_error), None);
    }
    metrics
}

/// The mean of a metric of the labels; `None` unless every label has it.
fn over_labels(
    labels: &[BinarySummary],
    metrics: &[Named],
    name: &str,
    weight: impl Fn(&BinarySummary) -> f64,
) -> Option<Estimate> {
    let (mut sum, mut weights) = ([0.0; 3], 0.0);
    for (label, metrics) in labels.iter().zip(metrics) {
        let Estimate { value, interval } = metrics.iter().find(|(known, _)| *known == name)?.1;
        let weight = weight(label);
        let Interval { low, high } = interval?;
        sum = [sum[0] + weight * value, sum[1] + weight * low, sum[2] + weight * high];
        weights += weight;
    }
    let [value, low, high] = sum.map(|sum| ratio(sum, weights));
    Some(Estimate { value: value?, interval: Some(Interval { low: low?, high: high? }) })
}
