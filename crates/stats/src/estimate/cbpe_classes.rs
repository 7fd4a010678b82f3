//! Confidence-based performance estimation for more than two classes: each class against the rest, as NannyML does. The
//! intervals are our own.

use super::Isotonic;
use super::calibration::check_calibration;
use super::cbpe::{CbpeMetric, CbpeSettings, Rounding, deviation, expected_values, realized};
use super::reference::{Estimate, MetricReference, limits, windows};
use super::sampling::{bootstrap_of_average_precision, deviation_of_share};
use crate::summary::mean;

/// What is estimated: the mean over the classes, each against the rest; the accuracy is that of all classes at once.
const METRICS: [CbpeMetric; 7] = [
    CbpeMetric::RocAuc,
    CbpeMetric::AveragePrecision,
    CbpeMetric::F1,
    CbpeMetric::Precision,
    CbpeMetric::Recall,
    CbpeMetric::Specificity,
    CbpeMetric::Accuracy,
];

/// The estimator of several classes: fitted once on a reference, then asked about windows. The most probable class is
/// what is predicted.
#[derive(Debug, Clone, PartialEq)]
pub struct MulticlassCbpe {
    /// Of each class, from its scores to probabilities; absent if its scores are better probabilities as they are.
    pub calibrators: Vec<Option<Isotonic>>,
    /// How the expected curves are summed.
    pub rounding: Rounding,
    /// Each metric on the reference.
    pub metrics: Vec<MetricReference>,
}

/// One class against the rest.
struct Against {
    y: Vec<bool>,
    scores: Vec<f64>,
    predicted: Vec<bool>,
}

impl MulticlassCbpe {
    /// Learns from rows whose class is known, and the scores in [0, 1] of each of `classes` classes, row after row.
    ///
    /// `below(n)` draws a number in 0..n; the sampling error of the average precision is bootstrapped. `None` for no rows,
    /// lengths that differ, fewer than two classes, a class that is none, or scores outside [0, 1].
    pub fn fit(
        y: &[usize],
        scores: &[f64],
        classes: usize,
        settings: CbpeSettings,
        mut below: impl FnMut(usize) -> usize,
    ) -> Option<Self> {
        let fits = classes >= 2 && !y.is_empty() && y.len() * classes == scores.len();
        let sound = || y.iter().all(|&class| class < classes) && scores.iter().all(|p| (0.0..=1.0).contains(p));
        if !fits || !sound() {
            return None;
        }
        let predicted = most_probable(scores, classes);
        let of_class = |class: usize| Against {
            y: y.iter().map(|&own| own == class).collect(),
            scores: scores.iter().skip(class).step_by(classes).copied().collect(),
            predicted: predicted.iter().map(|&own| own == class).collect(),
        };
        let against: Vec<Against> = (0..classes).map(of_class).collect();
        let calibrator = |own: &Against| {
            let helps = || check_calibration(&own.y, &own.scores).is_some_and(|check| check.helps());
            if settings.calibrate.unwrap_or_else(helps) { Isotonic::fit(&own.scores, &own.y) } else { None }
        };
        let parts = windows(y.len(), settings.window_rows);
        let right: Vec<bool> = y.iter().zip(&predicted).map(|(y, predicted)| y == predicted).collect();
        let share_right = |part: &[bool]| part.iter().filter(|right| **right).count() as f64 / part.len() as f64;
        let metrics = METRICS.map(|metric| {
            if metric == CbpeMetric::Accuracy {
                let rows = y.len() as f64;
                let found: Vec<f64> = parts.iter().map(|part| share_right(&right[part.clone()])).collect();
                return MetricReference {
                    metric: metric.name().to_owned(),
                    deviation: deviation_of_share(share_right(&right) * rows, rows),
                    fraction: 1.0,
                    limits: limits(&found, metric.range()),
                };
            }
            let over_classes = |part: &std::ops::Range<usize>| {
                let of = |own: &Against| {
                    let part = part.clone();
                    realized(metric, &own.y[part.clone()], &own.scores[part.clone()], &own.predicted[part])
                };
                mean(&against.iter().map(of).collect::<Option<Vec<f64>>>()?)
            };
            let found: Vec<f64> = parts.iter().filter_map(over_classes).collect();
            let deviations = against.iter().map(|own| match metric {
                CbpeMetric::AveragePrecision => bootstrap_of_average_precision(&own.y, &own.scores, &mut below),
                _ => deviation(metric, &own.y, &own.scores, &own.predicted),
            });
            MetricReference {
                metric: metric.name().to_owned(),
                deviation: deviation_of_mean(deviations),
                fraction: 1.0,
                limits: limits(&found, metric.range()),
            }
        });
        let calibrators = against.iter().map(calibrator).collect();
        Some(Self { calibrators, rounding: settings.rounding, metrics: metrics.into() })
    }

    /// The probabilities of the classes behind the scores of a row: calibrated and made to sum to 1; all the same where
    /// none is left. `None` for a NaN or another number of classes.
    pub fn probabilities(&self, scores: &[f64]) -> Option<Vec<f64>> {
        if scores.len() != self.calibrators.len() || scores.iter().any(|score| score.is_nan()) {
            return None;
        }
        let calibrated = |(curve, &score): (&Option<Isotonic>, &f64)| match curve {
            Some(curve) => curve.at(score),
            None => Some(score),
        };
        let found = self.calibrators.iter().zip(scores).map(calibrated).collect::<Option<Vec<f64>>>()?;
        let sum: f64 = found.iter().sum();
        let share = |p: f64| if sum > 0.0 { p / sum } else { 1.0 / scores.len() as f64 };
        Some(found.into_iter().map(share).collect())
    }

    /// Estimates every metric on a window from the scores of its rows, row after row. Rows with a NaN are left out; a
    /// metric that is undefined for a class is absent.
    pub fn estimate(&self, scores: &[f64]) -> Vec<Estimate> {
        let classes = self.calibrators.len();
        let known = scores.chunks_exact(classes).filter_map(|row| Some((row, self.probabilities(row)?)));
        let (rows, probabilities): (Vec<&[f64]>, Vec<Vec<f64>>) = known.unzip();
        let predicted: Vec<usize> = rows.iter().flat_map(|row| most_probable(row, classes)).collect();
        let of_class = |class: usize| {
            let scores: Vec<f64> = rows.iter().map(|row| row[class]).collect();
            let probabilities: Vec<f64> = probabilities.iter().map(|row| row[class]).collect();
            let own: Vec<bool> = predicted.iter().map(|&predicted| predicted == class).collect();
            expected_values(&probabilities, &scores, &own, self.rounding)
        };
        let by_class: Vec<[Option<f64>; CbpeMetric::ALL.len()]> = (0..classes).map(of_class).collect();
        let right: Vec<f64> = probabilities.iter().zip(&predicted).map(|(own, &class)| own[class]).collect();
        let value = |metric: CbpeMetric| {
            if metric == CbpeMetric::Accuracy {
                return mean(&right);
            }
            let position = CbpeMetric::ALL.iter().position(|known| *known == metric)?;
            mean(&by_class.iter().map(|values| values[position]).collect::<Option<Vec<f64>>>()?)
        };
        let estimate = |(metric, reference): (CbpeMetric, &MetricReference)| {
            Some(reference.estimate(value(metric)?, reference.sampling_error(rows.len()), metric.range()))
        };
        METRICS.into_iter().zip(&self.metrics).filter_map(estimate).collect()
    }
}

/// The class with the highest score of each row; of equal ones the first.
fn most_probable(scores: &[f64], classes: usize) -> Vec<usize> {
    let best = |row: &[f64]| (1..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best });
    scores.chunks_exact(classes).map(best).collect()
}

/// Standard deviation per row of the mean of a metric over classes, from that of each class and the share of the rows
/// that are relevant to it; `None` where one is undefined. The same rows are for one class and against the others, so that the
/// errors of classes go together; here they do so entirely, which is the most they can.
fn deviation_of_mean(classes: impl Iterator<Item = (Option<f64>, f64)>) -> Option<f64> {
    let of_class = |(deviation, fraction): (Option<f64>, f64)| {
        let per_row = deviation? / fraction.sqrt();
        per_row.is_finite().then_some(per_row)
    };
    mean(&classes.map(of_class).collect::<Option<Vec<f64>>>()?)
}

#[cfg(test)]
mod tests {
    use flyball_core::rng::Rng;

    use super::*;
    use crate::classification::{MulticlassProbabilities, multiclass_metrics};
    use crate::estimate::Cbpe;

    /// Rows of three classes whose probabilities are as told, or overconfident; the sharper, the easier.
    fn rows(count: usize, sharp: f64, power: f64, seed: u64) -> (Vec<usize>, Vec<f64>) {
        let mut rng = Rng::seeded(seed);
        let (mut y, mut scores) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let odds = [rng.unit(), rng.unit(), rng.unit()].map(|draw| (sharp * draw).exp());
            let sum: f64 = odds.iter().sum();
            let draw = rng.unit() * sum;
            y.push(if draw < odds[0] { 0 } else { 1 + usize::from(draw >= odds[0] + odds[1]) });
            let told = odds.map(|own| own.powf(power));
            let sum: f64 = told.iter().sum();
            scores.extend(told.map(|own| own / sum));
        }
        (y, scores)
    }

    fn fit(y: &[usize], scores: &[f64]) -> Option<MulticlassCbpe> {
        let mut rng = Rng::seeded(1);
        MulticlassCbpe::fit(y, scores, 3, CbpeSettings::default(), |n| rng.below(n))
    }

    #[test]
    fn what_happens_later_lies_in_the_intervals_whether_scores_are_calibrated_or_not() {
        for power in [1.0, 3.0] {
            let (y, scores) = rows(6000, 4.0, power, 2);
            let fitted = fit(&y, &scores).unwrap();
            assert_eq!(fitted.calibrators.iter().all(Option::is_some), power > 1.0);
            // Harder rows than those of the reference.
            let (later, window) = rows(6000, 2.5, power, 3);
            let data = MulticlassProbabilities::new(&later, &window, 3, None).unwrap();
            let labels = data.labels().unwrap();
            let real = multiclass_metrics(&data, &labels, 0.95);
            let estimates = fitted.estimate(&window);
            assert_eq!(estimates.len(), 7);
            for name in ["accuracy", "f1", "precision", "recall", "roc_auc", "average_precision"] {
                let found = estimates.iter().find(|estimate| estimate.metric == name).unwrap();
                let known = if name == "roc_auc" { "auc" } else { name };
                let truth = real.iter().find(|(metric, _)| *metric == known).unwrap().1.value;
                let interval = found.interval.unwrap();
                assert!(interval.low < truth && truth < interval.high, "{power} {name}: {truth} not in {interval:?}");
                assert!(interval.high - interval.low < 0.2, "{name}: {interval:?}");
                assert_eq!(found.is_outside(), Some(true), "{name}");
            }
        }
    }

    #[test]
    fn two_classes_are_the_mean_of_both_sides() {
        let (y, scores) = rows(500, 3.0, 1.0, 4);
        let two: Vec<f64> = scores.chunks(3).flat_map(|row| [1.0 - row[0], row[0]]).collect();
        let y: Vec<usize> = y.iter().map(|&class| usize::from(class == 0)).collect();
        let settings = CbpeSettings { calibrate: Some(false), ..CbpeSettings::default() };
        let both = MulticlassCbpe::fit(&y, &two, 2, settings, |_| 0).unwrap().estimate(&two);
        let positive: Vec<f64> = two.iter().skip(1).step_by(2).copied().collect();
        let predicted: Vec<bool> = positive.iter().map(|p| *p > 0.5).collect();
        let labels: Vec<bool> = y.iter().map(|&y| y == 1).collect();
        let one = Cbpe::fit(&labels, &positive, &predicted, settings, |_| 0).unwrap().estimate(&positive, &predicted);
        let value = |of: &[Estimate], name: &str| of.iter().find(|estimate| estimate.metric == name).unwrap().value;
        for name in ["accuracy", "roc_auc"] {
            assert!((value(&both, name) - value(&one, name)).abs() < 1e-12, "{name}");
        }
        let mean = (value(&one, "recall") + value(&one, "specificity")) / 2.0;
        assert!((value(&both, "recall") - mean).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_estimated_is_absent() {
        assert_eq!(fit(&[], &[]), None);
        assert_eq!(fit(&[0], &[0.5, 0.5]), None);
        assert_eq!(fit(&[3], &[0.2, 0.3, 0.5]), None);
        assert_eq!(fit(&[0], &[0.2, f64::NAN, 0.5]), None);
        let (y, scores) = rows(300, 2.0, 1.0, 5);
        let fitted = fit(&y, &scores).unwrap();
        assert!(fitted.estimate(&[]).is_empty());
        let partly = [&scores[..60], &[f64::NAN, 0.5, 0.5]].concat();
        assert_eq!(fitted.estimate(&partly), fitted.estimate(&scores[..60]));
        // A class that is never predicted has no precision, and so the mean has none.
        let never: Vec<f64> = [0.6, 0.4, 0.0].repeat(20);
        let names: Vec<String> = fitted.estimate(&never).into_iter().map(|estimate| estimate.metric).collect();
        assert!(!names.contains(&"precision".to_owned()) && names.contains(&"accuracy".to_owned()), "{names:?}");
        assert_eq!(fitted.probabilities(&[0.0, 0.0, 0.0]), Some(vec![1.0 / 3.0; 3]));
        // A class that the reference lacks.
        let without: Vec<usize> = y.iter().map(|&class| class.min(1)).collect();
        let found = fit(&without, &scores).unwrap();
        assert!(found.metrics.iter().any(|metric| metric.metric == "accuracy" && metric.limits.is_some()));
        assert!(found.metrics.iter().all(|metric| metric.metric != "recall" || metric.deviation.is_none()));
    }
}
