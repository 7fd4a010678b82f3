//! Two models on the same rows: by how much is the challenger better, in each metric and each group, and what is shown
//! by that.

use flyball_core::rng::Rng;
use flyball_core::{Error, Result, Table, Task};
use flyball_stats::classification::{self, Confusion, ScoreCurve};
use flyball_stats::compare::{Improvement, mcnemar};
use flyball_stats::{multiplicity, regression};
use serde::{Deserialize, Serialize};

use crate::evaluate::{SMALL_GROUP_ROWS, Subject};
use crate::expression::{Direction, Domain, METRICS, Metric};
use crate::grouping::Grouping;
use crate::measure::{CONFIDENCE, THRESHOLD};
use crate::ranking::Lists;

/// Draws of the bootstrap: its p-values are then exact to about 0.007 where a decision is made.
const DRAWS: usize = 1000;
/// Rows times draws that a comparison may take; many rows get fewer draws, and at least [`FEWEST_DRAWS`].
const BOOTSTRAP_WORK: usize = 100_000_000;
/// With fewer draws the ends of a 95 % interval rest on less than five of them.
const FEWEST_DRAWS: usize = 200;
/// The seed of the draws: the same rows give the same answer.
const SEED: u64 = 2;

/// The answers of two models to the rows whose truth is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    truth: Vec<f64>,
    positive: Vec<bool>,
    champion: Vec<f64>,
    challenger: Vec<f64>,
    /// How much each row counts, where that is told.
    weights: Option<Vec<f64>>,
    /// Which rows are ranked against each other, where any are.
    lists: Option<Lists>,
    /// The position of each row in the table.
    rows: Vec<usize>,
}

/// How a difference and its uncertainty were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// DeLong's covariance of two AUCs.
    DeLong,
    /// Student's t on the differences of rows.
    PairedT,
    /// Resampled rows.
    Bootstrap,
}

impl Method {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::DeLong => "DeLong",
            Self::PairedT => "paired t",
            Self::Bootstrap => "paired bootstrap",
        }
    }
}

impl Pair {
    /// Puts the answers side by side, weighed and ranked as the challenger's are; rows without a truth, or that a model did
    /// not answer, are left out.
    ///
    /// # Errors
    /// When the models answered different numbers of rows, or have more than two classes.
    pub fn of(champion: &Subject, challenger: &Subject) -> Result<Self> {
        if champion.classes.is_some() || challenger.classes.is_some() {
            return Err(Error::invalid("models of more than two classes are not compared row by row")
                .hint("compare their evaluations: gates may name champion.f1 and the like"));
        }
        let rows = challenger.truth.len();
        if [champion.score.len(), challenger.score.len()] != [rows, rows] {
            return Err(Error::invalid("the two models answered different rows"));
        }
        let whole = |row: &usize| {
            [challenger.truth[*row], champion.score[*row], challenger.score[*row]].iter().all(|value| !value.is_nan())
        };
        let rows: Vec<usize> = (0..rows).filter(whole).collect();
        let pick = |values: &[f64]| rows.iter().map(|&row| values[row]).collect::<Vec<f64>>();
        let truth = pick(&challenger.truth);
        Ok(Self {
            positive: truth.iter().map(|y| *y > 0.5).collect(),
            champion: pick(&champion.score),
            challenger: pick(&challenger.score),
            weights: challenger.weights.as_deref().map(pick),
            lists: challenger.lists.as_ref().map(|lists| lists.take(&rows)),
            truth,
            rows,
        })
    }

    /// How many rows are compared.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Those rows whose code in a grouping is `group`.
    fn of_group(&self, grouping: &Grouping, group: u32) -> Self {
        let kept: Vec<usize> =
            (0..self.rows.len()).filter(|&place| grouping.codes.get(self.rows[place]) == Some(&group)).collect();
        let pick = |values: &[f64]| kept.iter().map(|&place| values[place]).collect::<Vec<f64>>();
        Self {
            truth: pick(&self.truth),
            positive: kept.iter().map(|&place| self.positive[place]).collect(),
            champion: pick(&self.champion),
            challenger: pick(&self.challenger),
            weights: self.weights.as_deref().map(pick),
            lists: self.lists.as_ref().map(|lists| lists.take(&kept)),
            rows: kept.iter().map(|&place| self.rows[place]).collect(),
        }
    }

    /// By how much the challenger is better in a metric (more is better, whichever side the metric's better one is), and how
    /// that was found. `None` where the metric is undefined, has no better side, or is not one that two models are compared by.
    pub fn improvement(&self, metric: &Metric) -> Option<(Improvement, Method)> {
        let higher = match metric.direction {
            Direction::Higher => true,
            Direction::Lower => false,
            Direction::Neither => return None,
        };
        if metric.domain == Domain::Ranking {
            let both = [self.champion.as_slice(), self.challenger.as_slice()];
            let [champion, challenger] = self.lists.as_ref()?.compared(metric.name, &self.truth, both)?;
            return Some((Improvement::of_means(&challenger, &champion)?, Method::PairedT));
        }
        if self.weights.is_none() {
            if metric.name == "auc" {
                let found = Improvement::of_auc(&self.positive, &self.champion, &self.challenger)?;
                return Some((found, Method::DeLong));
            }
            if let Some([champion, challenger]) = self.by_row(metric) {
                let (minuend, subtrahend) = if higher { (challenger, champion) } else { (champion, challenger) };
                return Some((Improvement::of_means(&minuend, &subtrahend)?, Method::PairedT));
            }
        }
        let by_row = self.weights.as_ref().and_then(|_| self.by_row(metric));
        let difference = |drawn: Option<&[f64]>| {
            let product = self.weights.as_ref().zip(drawn).map(|(own, drawn)| products(own, drawn));
            let weights = product.as_deref().or(drawn).or(self.weights.as_deref());
            let [champion, challenger] = match &by_row {
                Some(values) => values.each_ref().map(|values| weighted_mean(values, weights)),
                None => [&self.champion, &self.challenger].map(|scores| self.weighted(metric, scores, weights)),
            };
            Some(if higher { challenger? - champion? } else { champion? - challenger? })
        };
        let draws = (BOOTSTRAP_WORK / self.rows().max(1)).clamp(FEWEST_DRAWS, DRAWS);
        let mut rng = Rng::seeded(SEED);
        Some((Improvement::of_any(self.rows(), draws, |n| rng.below(n), difference)?, Method::Bootstrap))
    }

    /// The metric's value of each row for both models, where its value is their mean.
    fn by_row(&self, metric: &Metric) -> Option<[Vec<f64>; 2]> {
        let positive = &self.positive;
        let right = |scores: &[f64]| -> Vec<f64> {
            scores.iter().zip(positive).map(|(p, y)| f64::from(u8::from((*p >= THRESHOLD) == *y))).collect()
        };
        let missed =
            |scores: &[f64]| -> Vec<f64> { scores.iter().zip(&self.truth).map(|(p, y)| (p - y).abs()).collect() };
        let both = [&self.champion, &self.challenger];
        Some(match metric.name {
            "accuracy" => both.map(|scores| right(scores)),
            "log_loss" => both.map(|scores| classification::log_loss_rows(positive, scores)),
            "brier" => both.map(|scores| classification::brier_rows(positive, scores)),
            "mae" => both.map(|scores| missed(scores)),
            "mse" => both.map(|scores| missed(scores).into_iter().map(|miss| miss * miss).collect()),
            _ => return None,
        })
    }

    /// The metric over rows with weights, for what is not a mean over rows.
    fn weighted(&self, metric: &Metric, scores: &[f64], weights: Option<&[f64]>) -> Option<f64> {
        match metric.domain {
            Domain::Model(Task::Regression) => match metric.name {
                "rmse" => regression::rmse(&self.truth, scores, weights),
                "r2" => regression::r2(&self.truth, scores, weights),
                "mape" => regression::mape(&self.truth, scores, weights),
                "smape" => regression::smape(&self.truth, scores, weights),
                "wape" => regression::wape(&self.truth, scores, weights),
                "explained_variance" => regression::explained_variance(&self.truth, scores, weights),
                _ => None,
            },
            Domain::Model(Task::Classification) => {
                let curve = || ScoreCurve::new(&self.positive, scores, weights);
                if metric.name == "average_precision" {
                    return Some(curve()?.average_precision());
                }
                if metric.name == "auc" {
                    return Some(curve()?.roc_auc());
                }
                let cells = || Confusion::at_threshold(&self.positive, scores, weights, THRESHOLD);
                match metric.name {
                    "precision" => cells()?.precision(),
                    "recall" | "tpr" => cells()?.recall(),
                    "false_positive_rate" | "fpr" => cells()?.fpr(),
                    "false_negative_rate" | "fnr" => cells()?.fnr(),
                    "specificity" | "tnr" => cells()?.specificity(),
                    "npv" => cells()?.npv(),
                    "f1" => cells()?.f1(),
                    "mcc" => cells()?.mcc(),
                    "kappa" | "cohen_kappa" => cells()?.cohen_kappa(),
                    "jaccard" => cells()?.jaccard(),
                    "balanced_accuracy" => cells()?.balanced_accuracy(),
                    _ => None,
                }
            }
            Domain::Ranking | Domain::Serving | Domain::Window => None,
        }
    }
}

/// How much each row counts that was drawn so often.
fn products(weights: &[f64], drawn: &[f64]) -> Vec<f64> {
    weights.iter().zip(drawn).map(|(weight, drawn)| weight * drawn).collect()
}

fn weighted_mean(values: &[f64], weights: Option<&[f64]>) -> Option<f64> {
    let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
    let total: f64 = (0..values.len()).map(weight).sum();
    (total > 0.0).then(|| (0..values.len()).map(|row| weight(row) * values[row]).sum::<f64>() / total)
}

/// How two models differ in one metric, on all rows or in one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricDifference {
    /// The metric.
    pub metric: String,
    /// The group; absent for all rows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub group: Option<String>,
    /// Rows compared.
    pub rows: usize,
    /// Challenger minus champion, in the metric's unit.
    pub difference: f64,
    /// The lower end of the 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// Two-sided p-value of no difference.
    pub p_value: f64,
    /// The same, corrected for the number of groups that the metric is compared in (Holm).
    pub p_adjusted: f64,
    /// Whether the challenger's value is the better one.
    pub better: bool,
    /// How it was found.
    pub method: Method,
}

/// The rows on which exactly one of two classifiers is right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Discordant {
    /// Only the challenger is right.
    pub challenger_only: u64,
    /// Only the champion is right.
    pub champion_only: u64,
    /// McNemar's exact two-sided p-value.
    pub exact_p: f64,
    /// McNemar's χ² with continuity correction.
    pub chi_square: f64,
    /// Its p-value.
    pub chi_square_p: f64,
}

/// Champion and challenger on the same rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelComparison {
    /// Rows with a truth that both answered.
    pub rows: usize,
    /// Each metric that both have, over all rows.
    pub metrics: Vec<MetricDifference>,
    /// For classifiers of two classes, how often they disagree with each other about what is right.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub discordant: Option<Discordant>,
    /// Each metric in each group with enough rows.
    pub slices: Vec<SliceDifference>,
}

/// The groups of one column, or of several that are crossed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SliceDifference {
    /// The columns.
    pub columns: Vec<String>,
    /// Each metric in each group.
    pub metrics: Vec<MetricDifference>,
}

/// Compares two models in every metric of the task, over all rows and in the groups of each list of columns.
///
/// # Errors
/// When the models answered different rows, or a column cannot be grouped by.
pub fn compare(
    task: Task,
    champion: &Subject,
    challenger: &Subject,
    rows: &Table,
    by: &[Vec<String>],
) -> Result<ModelComparison> {
    let pair = Pair::of(champion, challenger)?;
    let ranked = pair.lists.is_some();
    let metrics = || {
        let of_task = move |domain: Domain| domain == Domain::Model(task) || ranked && domain == Domain::Ranking;
        METRICS.iter().filter(move |metric| of_task(metric.domain))
    };
    let slices = by.iter().map(|columns| {
        let grouping = Grouping::of(rows, columns)?;
        let found = metrics().flat_map(|metric| in_groups(&pair, metric, &grouping));
        Ok(SliceDifference { columns: columns.clone(), metrics: found.map(|(told, _)| told).collect() })
    });
    let right = |scores: &[f64]| -> Vec<bool> {
        scores.iter().zip(&pair.positive).map(|(p, y)| (*p >= THRESHOLD) == *y).collect()
    };
    let test = mcnemar(&right(&pair.champion), &right(&pair.challenger)).filter(|_| task == Task::Classification);
    Ok(ModelComparison {
        rows: pair.rows(),
        metrics: metrics().filter_map(|metric| difference(&pair, metric, None)).map(|(told, _)| told).collect(),
        discordant: test.map(|test| Discordant {
            challenger_only: test.challenger_only,
            champion_only: test.champion_only,
            exact_p: test.exact_p,
            chi_square: test.chi_square,
            chi_square_p: test.chi_square_p,
        }),
        slices: slices.collect::<Result<_>>()?,
    })
}

/// How two models differ in a metric.
pub fn difference(pair: &Pair, metric: &Metric, group: Option<&str>) -> Option<(MetricDifference, Improvement)> {
    let (found, method) = pair.improvement(metric)?;
    let interval = found.interval(CONFIDENCE)?;
    let (difference, low, high) = match metric.direction {
        Direction::Lower => (-found.value, -interval.high, -interval.low),
        _ => (found.value, interval.low, interval.high),
    };
    let told = MetricDifference {
        metric: metric.name.to_owned(),
        group: group.map(str::to_owned),
        rows: pair.rows(),
        difference,
        low,
        high,
        p_value: found.p_value(),
        p_adjusted: found.p_value(),
        better: found.value > 0.0,
        method,
    };
    Some((told, found))
}

/// How two models differ in a metric in each group with enough rows to say something.
pub fn in_groups(pair: &Pair, metric: &Metric, grouping: &Grouping) -> Vec<(MetricDifference, Improvement)> {
    let groups = grouping.names.iter().zip(0..).map(|(name, code)| (name, pair.of_group(grouping, code)));
    let large = groups.filter(|(_, own)| own.rows() >= SMALL_GROUP_ROWS);
    let mut found: Vec<(MetricDifference, Improvement)> =
        large.filter_map(|(name, own)| difference(&own, metric, Some(name))).collect();
    let p_values: Vec<f64> = found.iter().map(|(told, _)| told.p_value).collect();
    for ((told, _), adjusted) in found.iter_mut().zip(multiplicity::holm(&p_values)) {
        told.p_adjusted = adjusted;
    }
    found
}

impl MetricDifference {
    /// In words: `difference +0.0120, 95 % -0.0010 to +0.0250 (DeLong, 1200 rows)`.
    pub fn sentence(&self) -> String {
        format!(
            "difference {:+.4}, 95 % {:+.4} to {:+.4} ({}, {} rows)",
            self.difference,
            self.low,
            self.high,
            self.method.name(),
            self.rows
        )
    }
}

#[cfg(test)]
mod tests {
    use flyball_core::{Column, TextColumn};

    use super::*;
    use crate::expression::metric;

    /// 600 rows; the challenger is better on EWR and as the champion elsewhere.
    fn models() -> (Table, Subject, Subject) {
        let mut rng = Rng::seeded(11);
        let truth: Vec<f64> = (0..600).map(|_| f64::from(u8::from(rng.unit() < 0.5))).collect();
        let champion: Vec<f64> = truth.iter().map(|y| 0.25 * y + 0.75 * rng.unit()).collect();
        let challenger: Vec<f64> = (0..600)
            .map(|row| if row % 3 == 0 { 0.6 * truth[row] + 0.4 * rng.unit() } else { champion[row] })
            .collect();
        let origins = ["EWR", "JFK", "LGA"];
        let origin = TextColumn::from_texts((0..600).map(|row| Some(origins[row % 3])));
        let table = Table::new(vec![("origin".into(), Column::Text(origin))]).unwrap();
        (table, Subject::new(truth.clone(), champion), Subject::new(truth, challenger))
    }

    #[test]
    fn a_better_model_is_better_in_every_metric_and_where_it_is() {
        let (table, champion, challenger) = models();
        let by = [vec!["origin".to_owned()]];
        let found = compare(Task::Classification, &champion, &challenger, &table, &by).unwrap();
        for told in &found.metrics {
            assert!(told.better && told.p_value < 0.01, "{told:?}");
            assert!(told.low <= told.difference && told.difference <= told.high, "{told:?}");
        }
        let names: Vec<&str> = found.metrics.iter().map(|told| told.metric.as_str()).collect();
        for name in ["auc", "log_loss", "brier", "accuracy", "precision", "recall", "f1", "false_positive_rate"] {
            assert!(names.contains(&name), "{name}");
        }
        let discordant = found.discordant.unwrap();
        assert!(discordant.challenger_only > discordant.champion_only && discordant.exact_p < 0.01);
        let losses = found.slices[0].metrics.iter().filter(|told| told.metric == "log_loss");
        let p_values: Vec<f64> = losses.map(|told| told.p_adjusted).collect();
        assert!(p_values[0] < 0.01 && p_values[1] == 1.0 && p_values[2] == 1.0, "{p_values:?}");
        assert_eq!(found, compare(Task::Classification, &champion, &challenger, &table, &by).unwrap());
        let loss = &found.metrics[names.iter().position(|name| *name == "log_loss").unwrap()];
        assert!(loss.high < 0.0 && loss.sentence().contains("paired t, 600 rows"), "{}", loss.sentence());
    }

    #[test]
    fn regressions_are_compared_and_rows_without_truth_are_left_out() {
        let truth: Vec<f64> = (0..200).map(|row| if row < 20 { f64::NAN } else { f64::from(row) }).collect();
        let shifted = |by: f64| (0..200).map(|row| f64::from(row) + by * f64::from(row % 7 - 3)).collect();
        let champion = Subject::new(truth.clone(), shifted(1.0));
        let challenger = Subject::new(truth, shifted(0.5));
        let found = compare(Task::Regression, &champion, &challenger, &Table::default(), &[]).unwrap();
        assert_eq!((found.rows, found.discordant), (180, None));
        for name in ["rmse", "mae", "r2"] {
            let told = found.metrics.iter().find(|told| told.metric == name).unwrap();
            assert!(told.better && told.p_value < 0.01, "{told:?}");
        }
    }

    #[test]
    fn rows_count_by_their_weights() {
        let (_, champion, challenger) = models();
        // Where the challenger is better, rows weigh nothing.
        let weights: Vec<f64> = (0..600).map(|row| if row % 3 == 0 { 0.0 } else { 2.0 }).collect();
        let table = Table::new(vec![("w".into(), Column::Float(weights))]).unwrap();
        let weighted = |subject: &Subject| subject.clone().weighted(&table, "w").unwrap();
        let pair = Pair::of(&weighted(&champion), &weighted(&challenger)).unwrap();
        for name in ["auc", "log_loss", "accuracy", "f1", "average_precision"] {
            let (told, _) = difference(&pair, metric(name).unwrap(), None).unwrap();
            assert_eq!((told.difference, told.method), (0.0, Method::Bootstrap), "{told:?}");
        }
        let plain = Pair::of(&champion, &challenger).unwrap();
        let alike = Table::new(vec![("w".into(), Column::Float(vec![3.0; 600]))]).unwrap();
        let alike = Pair::of(&champion, &challenger.clone().weighted(&alike, "w").unwrap()).unwrap();
        for name in ["auc", "log_loss", "accuracy"] {
            let of = |pair: &Pair| difference(pair, metric(name).unwrap(), None).unwrap().0;
            let (one, other) = (of(&plain), of(&alike));
            assert!((one.difference - other.difference).abs() < 1e-9, "{one:?} {other:?}");
            assert!((one.low - other.low).abs() < 0.02 && (one.high - other.high).abs() < 0.02, "{one:?} {other:?}");
        }
    }

    #[test]
    fn lists_are_compared_with_each_other() {
        let (_, champion, challenger) = models();
        let lists = Table::new(vec![("user".into(), Column::Int((0..600).map(|row| row / 12).collect()))]).unwrap();
        let ranked = |subject: Subject| subject.ranked(&lists, "user").unwrap();
        let (champion, challenger) = (ranked(champion), ranked(challenger));
        let found = compare(Task::Classification, &champion, &challenger, &lists, &[]).unwrap();
        let told = found.metrics.iter().find(|told| told.metric == "ndcg_10").unwrap();
        assert!(told.better && told.p_value < 0.01 && told.method == Method::PairedT, "{told:?}");
        let (own, other) =
            [&challenger, &champion].map(|subject| crate::measure::in_lists(subject)["ndcg_10"].value).into();
        assert!((told.difference - (own - other)).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_compared_is_refused_or_left_out() {
        let (_, champion, challenger) = models();
        let short = Subject::new(vec![1.0], vec![0.5]);
        assert!(Pair::of(&champion, &short).is_err());
        let pair = Pair::of(&champion, &challenger).unwrap();
        for name in ["selection_rate", "error_rate", "rows"] {
            assert_eq!(pair.improvement(metric(name).unwrap()), None, "{name}");
        }
        let one = Pair::of(&short, &short).unwrap();
        assert_eq!(one.improvement(metric("auc").unwrap()), None);
    }
}
