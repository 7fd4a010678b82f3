//! The metrics of a binary classifier from the sums of one pass, each with its interval.

use super::walk::{LIFT_SHARES, Ranks};
use super::{Bin, Confusion};
use crate::interval::{Estimate, Interval, Named, logit_interval, mean_interval_from, of_two_shares, wilson};
use crate::special::normal_quantile;
use crate::summary::ratio;

/// What one group of rows adds up to.
#[derive(Debug, Clone)]
pub struct BinarySummary {
    /// How many rows.
    pub rows: usize,
    /// The decisions at the threshold, as weights.
    pub cells: Confusion,
    pub(super) squared_weights: [f64; 2],
    /// `None` if a score is not a probability.
    pub(super) scores: Option<ScoreSums>,
    pub(super) ranks: Option<Ranks>,
    pub(super) lifts: [(usize, usize); 5],
}

/// Sums over rows whose scores are probabilities.
#[derive(Debug, Clone)]
pub(super) struct ScoreSums {
    /// Log losses, and their squares.
    pub(super) loss: [f64; 2],
    /// Squared errors, and their squares.
    pub(super) square: [f64; 2],
    /// By reliability bin: weight, weight of positives, weighted sum of probabilities.
    pub(super) bins: [[f64; 3]; super::calibration::BINS],
}

/// A metric of the confusion table.
type OfTable = fn(&Confusion) -> Option<f64>;

impl BinarySummary {
    /// Every metric that is defined for these rows, by name, with its interval at `confidence`.
    ///
    /// Shares have Wilson's interval, F1 and Jaccard the one that follows from it; the AUC has DeLong's on the logit
    /// scale and average precision the binomial one there (Boyd, Eng & Page 2013); differences and means of two shares
    /// have Newcombe's; means of losses Student's; the other functions of the confusion table the delta method with
    /// half a row added to each cell. Weighted rows count by their effective number (Kish 1965); lifts ignore weights.
    pub fn metrics(&self, confidence: f64) -> Named {
        let mut found = Found { confidence, metrics: Vec::new() };
        self.shares(&mut found);
        self.table(&mut found);
        self.order(&mut found);
        self.probabilities(&mut found);
        found.metrics
    }

    /// The reliability diagram: ten equal bins of [0, 1], closed on the left (the last on both sides), each with
    /// Wilson's interval of what came true. `None` if a score is not a probability.
    pub fn reliability(&self, confidence: f64) -> Option<Vec<(Bin, Option<Interval>)>> {
        let scale = self.scale(self.cells.total(), self.squared_weights.iter().sum());
        let bin = |[weight, hits, probability]: [f64; 3]| {
            let bin = Bin { weight, observed: ratio(hits, weight), predicted: ratio(probability, weight) };
            (bin, wilson((hits * scale).min(weight * scale), weight * scale, confidence))
        };
        Some(self.scores.as_ref()?.bins.map(bin).into())
    }

    /// Effective rows per weight (Kish 1965).
    fn scale(&self, weight: f64, squares: f64) -> f64 {
        ratio(weight, squares).unwrap_or(1.0)
    }

    /// Effective rows per weight among negatives, positives and all.
    fn scales(&self) -> [f64; 3] {
        let [negatives, positives] = self.squared_weights;
        [
            self.scale(self.cells.negatives(), negatives),
            self.scale(self.cells.positives(), positives),
            self.scale(self.cells.total(), negatives + positives),
        ]
    }

    fn shares(&self, found: &mut Found) {
        let cells = &self.cells;
        let [negatives, positives, all] = self.scales();
        found.share("accuracy", cells.tp + cells.tn, cells.total(), all);
        found.share("precision", cells.tp, cells.selected(), all);
        found.share("recall", cells.tp, cells.positives(), positives);
        found.share("specificity", cells.tn, cells.negatives(), negatives);
        found.share("false_positive_rate", cells.fp, cells.negatives(), negatives);
        found.share("false_negative_rate", cells.fn_, cells.positives(), positives);
        found.share("npv", cells.tn, cells.tn + cells.fn_, all);
        found.share("selection_rate", cells.selected(), cells.total(), all);
        found.share("base_rate", cells.positives(), cells.total(), all);
        found.share("jaccard", cells.tp, cells.tp + cells.fp + cells.fn_, all);
        // F1 is 2J / (1 + J), which grows with Jaccard's J.
        let of_jaccard = found.last_interval("jaccard").map(|interval| interval.map(|j| 2.0 * j / (1.0 + j)));
        found.add("f1", cells.f1(), of_jaccard);
    }

    fn table(&self, found: &mut Found) {
        let [.., all] = self.scales();
        let cells = &self.cells;
        let (recall, specificity) = (found.last("recall"), found.last("specificity"));
        let balanced = recall
            .zip(specificity)
            .map(|(recall, specificity)| of_two_shares(recall, specificity, 1.0).map(|sum| sum / 2.0).within(0.0, 1.0));
        found.add("balanced_accuracy", cells.balanced_accuracy(), balanced);
        let smooth: [(&str, OfTable, f64); 6] = [
            ("f0_5", |cells| cells.f_beta(0.5), 0.0),
            ("f2", |cells| cells.f_beta(2.0), 0.0),
            ("f1_macro", Confusion::f1_macro, 0.0),
            ("f1_weighted", Confusion::f1_weighted, 0.0),
            ("mcc", Confusion::mcc, -1.0),
            ("kappa", Confusion::cohen_kappa, -1.0),
        ];
        for (name, metric, least) in smooth {
            let Some(value) = metric(cells) else { continue };
            let error = delta_error(cells, all, metric);
            let half = error.map(|error| error * normal_quantile(0.5 + found.confidence / 2.0));
            let interval = half.map(|half| Interval { low: value - half, high: value + half }.within(least, 1.0));
            found.add(name, Some(value), interval);
        }
    }

    fn order(&self, found: &mut Found) {
        if let Some(ranks) = &self.ranks {
            let [negatives, positives, _] = self.scales();
            let (m, n) = (self.cells.positives() * positives, self.cells.negatives() * negatives);
            // DeLong, DeLong & Clarke-Pearson 1988; a single row of a class says nothing of its spread.
            let part = |spread: f64, rows: f64| if rows > 1.0 { spread / (rows - 1.0) } else { 0.0 };
            let variance = part(ranks.spread[0], m) + part(ranks.spread[1], n);
            let interval = logit_interval(ranks.area, variance, m.min(n), found.confidence);
            found.add("auc", Some(ranks.area), interval);
            found.add("gini", Some(2.0 * ranks.area - 1.0), interval.map(|i| i.map(|area| 2.0 * area - 1.0)));
            let precision = ranks.average_precision.min(1.0);
            let interval = logit_interval(precision, precision * (1.0 - precision) / m, m, found.confidence);
            found.add("average_precision", Some(ranks.average_precision), interval);
            let [distance, tpr, fpr] = ranks.ks;
            let wilson = |share: f64, rows: f64| wilson((share * rows).min(rows), rows, found.confidence);
            let interval = wilson(tpr, m).zip(wilson(fpr, n));
            let interval = interval.map(|(t, f)| of_two_shares((tpr, t), (fpr, f), -1.0).within(0.0, 1.0));
            found.add("ks", Some(distance), interval);
        }
        let [.., (hits, rows)] = self.lifts;
        let base = ratio(hits as f64, rows as f64).filter(|base| *base > 0.0);
        for (name, (hits, best)) in LIFT_NAMES.into_iter().zip(self.lifts) {
            let (Some(base), true) = (base, best <= rows) else { continue };
            let interval = wilson(hits as f64, best as f64, found.confidence).map(|i| i.map(|share| share / base));
            found.add(name, Some(hits as f64 / best as f64 / base), interval);
        }
    }

    fn probabilities(&self, found: &mut Found) {
        let Some(sums) = &self.scores else { return };
        let [.., scale] = self.scales();
        let weight = self.cells.total();
        let rows = weight * scale;
        let mut mean = |name, [sum, squares]: [f64; 2]| {
            let Some(mean) = ratio(sum, weight) else { return };
            let interval = mean_interval_from(mean, squares / weight - mean * mean, rows, found.confidence);
            found.add(name, Some(mean), interval.map(|i| i.within(0.0, f64::INFINITY)));
        };
        mean("log_loss", sums.loss);
        mean("brier", sums.square);
        let gap = |[weight, hits, probability]: &[f64; 3]| (hits - probability).abs() / weight;
        let filled = || sums.bins.iter().filter(|bin| bin[0] > 0.0);
        // The error is a mean of (truth − probability), with the sign of the bin.
        let expected = ratio(filled().map(|bin| gap(bin) * bin[0]).sum(), weight);
        let interval = expected.and_then(|expected| {
            let deviation = sums.square[0] / weight - expected * expected;
            mean_interval_from(expected, deviation, rows, found.confidence)
        });
        found.add("ece", expected, interval.map(|i| i.within(0.0, 1.0)));
        let Some(worst) = filled().max_by(|left, right| gap(left).total_cmp(&gap(right))) else { return };
        let [count, hits, probability] = worst.map(|sum| sum * scale);
        let interval = wilson(hits.min(count), count, found.confidence).map(|observed| {
            let predicted = probability / count;
            let nearest = predicted.clamp(observed.low, observed.high);
            Interval {
                low: (predicted - nearest).abs(),
                high: (predicted - observed.low).abs().max((predicted - observed.high).abs()),
            }
        });
        found.add("mce", Some(gap(worst)), interval);
    }
}

const LIFT_NAMES: [&str; 4] = ["lift_5", "lift_10", "lift_20", "lift_50"];
const _: () = assert!(LIFT_NAMES.len() == LIFT_SHARES.len());

/// Standard error of a function of the table that does not change with its scale: the delta method over independent
/// Poisson cells, with half a row added to each so that an empty cell is not taken for an impossible one.
fn delta_error(cells: &Confusion, scale: f64, metric: OfTable) -> Option<f64> {
    let counts = [cells.tn, cells.fp, cells.fn_, cells.tp].map(|cell| cell * scale + 0.5);
    let with = |cell: usize, change: f64| {
        let mut changed = counts;
        changed[cell] *= 1.0 + change;
        let [tn, fp, fn_, tp] = changed;
        metric(&Confusion { tn, fp, fn_, tp })
    };
    // A step at which the central difference is exact to about eight digits.
    const STEP: f64 = 1e-4;
    let mut variance = 0.0;
    for (cell, count) in counts.iter().enumerate() {
        let slope = (with(cell, STEP)? - with(cell, -STEP)?) / (2.0 * STEP * count);
        variance += count * slope * slope;
    }
    Some(variance.sqrt())
}

/// Collects the metrics that are defined.
struct Found {
    confidence: f64,
    metrics: Named,
}

impl Found {
    fn add(&mut self, name: &'static str, value: Option<f64>, interval: Option<Interval>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.metrics.push((name, Estimate { value, interval }));
        }
    }

    fn share(&mut self, name: &'static str, part: f64, whole: f64, scale: f64) {
        let interval = wilson((part * scale).min(whole * scale), whole * scale, self.confidence);
        self.add(name, ratio(part, whole), interval);
    }

    fn last(&self, name: &str) -> Option<(f64, Interval)> {
        let (_, estimate) = self.metrics.iter().rev().find(|(known, _)| *known == name)?;
        Some((estimate.value, estimate.interval?))
    }

    fn last_interval(&self, name: &str) -> Option<Interval> {
        self.last(name).map(|(_, interval)| interval)
    }
}

#[cfg(test)]
mod tests {
    use flyball_core::rng::Rng;

    use super::super::{Slicing, binary_pass};
    use super::*;
    use crate::interval::{auc_interval, mean_interval};

    fn rows(count: usize, levels: f64) -> (Vec<bool>, Vec<f64>, Vec<u32>) {
        let mut rng = Rng::seeded(11);
        let mut draw = || {
            let p = (rng.unit() * levels).round() / levels;
            (rng.unit() < p, p, rng.below(3) as u32)
        };
        let drawn: Vec<_> = (0..count).map(|_| draw()).collect();
        (drawn.iter().map(|d| d.0).collect(), drawn.iter().map(|d| d.1).collect(), drawn.iter().map(|d| d.2).collect())
    }

    fn value(metrics: &Named, name: &str) -> Estimate {
        metrics.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{name} is missing")).1
    }

    #[test]
    fn a_group_is_measured_as_if_it_were_alone() {
        for levels in [7.0, 1e9] {
            let (y, p, codes) = rows(3_000, levels);
            let weights: Vec<f64> = (0..y.len()).map(|row| 0.5 + (row % 4) as f64).collect();
            for weights in [None, Some(&weights[..])] {
                let all = binary_pass(&y, &p, weights, 0.4, &[Slicing { codes: &codes, groups: 4 }]).unwrap();
                for group in 0..3 {
                    let own: Vec<usize> = (0..y.len()).filter(|&row| codes[row] == group).collect();
                    let y: Vec<bool> = own.iter().map(|&row| y[row]).collect();
                    let p: Vec<f64> = own.iter().map(|&row| p[row]).collect();
                    let weights = weights.map(|weights| own.iter().map(|&row| weights[row]).collect::<Vec<_>>());
                    let alone = binary_pass(&y, &p, weights.as_deref(), 0.4, &[]).unwrap().overall.metrics(0.95);
                    let grouped = all.slices[0][group as usize].metrics(0.95);
                    assert_eq!(alone.len(), grouped.len());
                    for ((name, alone), (_, grouped)) in alone.iter().zip(&grouped) {
                        assert!((alone.value - grouped.value).abs() < 1e-12, "{name}");
                    }
                }
                assert!(all.slices[0][3].metrics(0.95).is_empty(), "a group without rows has no metric");
            }
        }
    }

    #[test]
    fn intervals_hold_their_values_and_agree_with_the_plain_formulae() {
        let (y, p, _) = rows(800, 40.0);
        let metrics = binary_pass(&y, &p, None, 0.5, &[]).unwrap().overall.metrics(0.95);
        for (name, estimate) in &metrics {
            let interval = estimate.interval.unwrap_or_else(|| panic!("{name} has no interval"));
            assert!(interval.low <= estimate.value && estimate.value <= interval.high, "{name}: {estimate:?}");
        }
        let close = |got: Interval, expected: Interval| {
            assert!((got.low - expected.low).abs() < 1e-9 && (got.high - expected.high).abs() < 1e-9, "{got:?}");
        };
        close(value(&metrics, "auc").interval.unwrap(), auc_interval(&y, &p, 0.95).unwrap());
        let losses = super::super::log_loss_rows(&y, &p);
        close(value(&metrics, "log_loss").interval.unwrap(), mean_interval(&losses, 0.95).unwrap());
    }

    #[test]
    fn delta_intervals_cover_as_often_as_they_say() {
        let (mut covered, mut rng) = ([0, 0, 0], Rng::seeded(3));
        // tn, fp, fn, tp of the population; its MCC, κ and F₂ follow.
        let truth = Confusion { tn: 0.5, fp: 0.1, fn_: 0.1, tp: 0.3 };
        let expected = [truth.mcc().unwrap(), truth.cohen_kappa().unwrap(), truth.f_beta(2.0).unwrap()];
        for _ in 0..400 {
            let (mut y, mut p) = (Vec::new(), Vec::new());
            for _ in 0..150 {
                let draw = rng.unit();
                y.push(draw >= 0.6);
                p.push(if (0.5..0.6).contains(&draw) || draw >= 0.7 { 1.0 } else { 0.0 });
            }
            let metrics = binary_pass(&y, &p, None, 0.5, &[]).unwrap().overall.metrics(0.95);
            for (at, name) in ["mcc", "kappa", "f2"].into_iter().enumerate() {
                let interval = value(&metrics, name).interval.unwrap();
                covered[at] += usize::from(interval.low <= expected[at] && expected[at] <= interval.high);
            }
        }
        assert!(covered.iter().all(|&times| (364..=396).contains(&times)), "{covered:?}");
    }

    #[test]
    fn hostile_rows_are_refused_or_defined() {
        assert!(binary_pass(&[true], &[], None, 0.5, &[]).is_none());
        assert!(binary_pass(&[true], &[f64::NAN], None, 0.5, &[]).is_none());
        assert!(binary_pass(&[true], &[0.5], Some(&[-1.0]), 0.5, &[]).is_none());
        assert!(binary_pass(&[], &[], None, 0.5, &[]).unwrap().overall.metrics(0.95).is_empty());
        let margins = binary_pass(&[true, false], &[3.0, -2.0], None, 0.0, &[]).unwrap().overall;
        let names: Vec<&str> = margins.metrics(0.95).iter().map(|(name, _)| *name).collect();
        assert!(names.contains(&"auc") && !names.contains(&"log_loss") && !names.contains(&"ece"), "{names:?}");
        assert!(margins.reliability(0.95).is_none());
        let one_class = binary_pass(&[false, false], &[0.1, 0.2], None, 0.5, &[]).unwrap().overall.metrics(0.95);
        assert!(one_class.iter().all(|(name, _)| !["auc", "recall", "lift_10", "ks"].contains(name)));
        assert_eq!(value(&one_class, "accuracy").value, 1.0);
        let nothing_weighs = binary_pass(&[true, false], &[0.9, 0.1], Some(&[0.0, 0.0]), 0.5, &[]).unwrap();
        let defined = nothing_weighs.overall.metrics(0.95);
        assert!(defined.iter().all(|(name, _)| name.starts_with("lift")), "{defined:?}");
    }

    #[test]
    fn a_perfect_order_of_few_rows_is_not_certain() {
        let metrics =
            binary_pass(&[true, true, false], &[0.9, 0.8, 0.1], None, 0.5, &[]).unwrap().overall.metrics(0.95);
        for name in ["auc", "average_precision", "ks", "mcc", "kappa", "f1", "balanced_accuracy", "accuracy"] {
            let Estimate { value, interval } = value(&metrics, name);
            assert!(value == 1.0 && interval.unwrap().low < 0.8, "{name}: {interval:?}");
        }
    }

    #[test]
    fn the_thinned_curve_follows_the_whole_one() {
        let (y, p, _) = rows(20_000, 1e9);
        let pass = binary_pass(&y, &p, None, 0.5, &[]).unwrap();
        let (curve, cells) = (&pass.curve, &pass.overall.cells);
        assert!(curve.len() <= 200, "{}", curve.len());
        let (mut area, mut before) = (0.0, (0.0, 0.0));
        for point in curve {
            let at = (point.fp / cells.negatives(), point.tp / cells.positives());
            area += (at.0 - before.0) * (at.1 + before.1) / 2.0;
            before = at;
        }
        let exact = value(&pass.overall.metrics(0.95), "auc").value;
        assert!((area - exact).abs() < 1e-3 && before == (1.0, 1.0), "{area} {exact}");
    }
}
