//! Metrics over several classes: labels are class indexes, probabilities rows of one value per class.

use std::collections::BTreeMap;

use super::calibration::{Calibration, reliability};
use super::{Confusion, ScoreCurve};
use crate::summary::{mean, ratio};

/// How per-class values become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Average {
    /// Every class counts the same.
    Macro,
    /// Every class counts by its true rows.
    Weighted,
    /// All decisions are counted together; here it equals accuracy.
    Micro,
}

/// Precision, recall and F1 of one class (or an average of them). `None` where the denominator is empty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassScore {
    /// Share of the rows predicted so that are so.
    pub precision: Option<f64>,
    /// Share of the rows that are so and predicted so.
    pub recall: Option<f64>,
    /// Harmonic mean of both.
    pub f1: Option<f64>,
    /// Rows whose true class it is.
    pub support: u64,
}

/// Counts by true class (row) and predicted class (column).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfusionMatrix {
    classes: usize,
    counts: Vec<u64>,
}

impl ConfusionMatrix {
    /// Counts predictions. `None` if lengths differ, or a label is not below `classes`.
    pub fn new(y: &[usize], predicted: &[usize], classes: usize) -> Option<Self> {
        if y.len() != predicted.len() || y.iter().chain(predicted).any(|&class| class >= classes) {
            return None;
        }
        let mut counts = vec![0; classes * classes];
        for (&truth, &prediction) in y.iter().zip(predicted) {
            counts[truth * classes + prediction] += 1;
        }
        Some(Self { classes, counts })
    }

    /// Rows of true class `truth` predicted as `predicted`; 0 for classes that do not exist.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        if truth.max(predicted) >= self.classes { 0 } else { self.counts[truth * self.classes + predicted] }
    }

    /// The matrix, one vector per true class.
    pub fn rows(&self) -> Vec<Vec<u64>> {
        self.counts.chunks(self.classes.max(1)).map(<[u64]>::to_vec).collect()
    }

    /// All rows.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn support(&self, class: usize) -> u64 {
        (0..self.classes).map(|other| self.count(class, other)).sum()
    }

    fn predicted(&self, class: usize) -> u64 {
        (0..self.classes).map(|other| self.count(other, class)).sum()
    }

    fn correct(&self) -> u64 {
        (0..self.classes).map(|class| self.count(class, class)).sum()
    }

    /// One class against the rest.
    pub fn one_versus_rest(&self, class: usize) -> Confusion {
        let tp = self.count(class, class) as f64;
        let fn_ = self.support(class) as f64 - tp;
        let fp = self.predicted(class) as f64 - tp;
        Confusion { tn: self.total() as f64 - tp - fn_ - fp, fp, fn_, tp }
    }

    /// Share of right predictions.
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.correct() as f64, self.total() as f64)
    }

    /// Mean recall over the classes that occur.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        let recalls: Vec<f64> = (0..self.classes).filter_map(|class| self.one_versus_rest(class).recall()).collect();
        mean(&recalls)
    }

    /// Matthews' correlation for several classes (Gorodkin 2004).
    pub fn mcc(&self) -> Option<f64> {
        let total = self.total() as f64;
        let (mut cross, mut truths, mut predictions) = (0.0, 0.0, 0.0);
        for class in 0..self.classes {
            let (support, predicted) = (self.support(class) as f64, self.predicted(class) as f64);
            cross += support * predicted;
            truths += support * support;
            predictions += predicted * predicted;
        }
        let squared = total * total;
        ratio(self.correct() as f64 * total - cross, ((squared - predictions) * (squared - truths)).sqrt())
    }

    /// Cohen's κ.
    pub fn cohen_kappa(&self) -> Option<f64> {
        let total = self.total() as f64;
        let by_chance: f64 =
            (0..self.classes).map(|class| self.support(class) as f64 * self.predicted(class) as f64).sum();
        let chance = ratio(by_chance, total * total)?;
        ratio(self.accuracy()? - chance, 1.0 - chance)
    }

    /// Precision, recall and F1 of every class.
    pub fn per_class(&self) -> Vec<ClassScore> {
        (0..self.classes)
            .map(|class| {
                let cells = self.one_versus_rest(class);
                ClassScore {
                    precision: cells.precision(),
                    recall: cells.recall(),
                    f1: cells.f1(),
                    support: self.support(class),
                }
            })
            .collect()
    }

    /// One score for all classes. A class for which a value is undefined makes that average undefined.
    pub fn average(&self, average: Average) -> ClassScore {
        let scores = self.per_class();
        let combine = |value: fn(&ClassScore) -> Option<f64>| match average {
            Average::Micro => self.accuracy(),
            Average::Macro => mean(&scores.iter().map(value).collect::<Option<Vec<_>>>()?),
            Average::Weighted => {
                let sum: Option<f64> = scores.iter().map(|score| Some(value(score)? * score.support as f64)).sum();
                ratio(sum?, self.total() as f64)
            }
        };
        ClassScore {
            precision: combine(|score| score.precision),
            recall: combine(|score| score.recall),
            f1: combine(|score| score.f1),
            support: self.total(),
        }
    }
}

/// True classes beside the probabilities that a model gave to each class.
#[derive(Debug, Clone, Copy)]
pub struct MulticlassProbabilities<'a> {
    y: &'a [usize],
    p: &'a [f64],
    classes: usize,
}

impl<'a> MulticlassProbabilities<'a> {
    /// `p` is row-major, `classes` values per row. `None` for no rows, a length that does not fit, a label that is
    /// not below `classes`, or a NaN.
    pub fn new(y: &'a [usize], p: &'a [f64], classes: usize) -> Option<Self> {
        let fits = !y.is_empty() && y.len().checked_mul(classes) == Some(p.len());
        let valid = fits && y.iter().all(|&class| class < classes) && !p.iter().any(|p| p.is_nan());
        valid.then_some(Self { y, p, classes })
    }

    fn rows(&self) -> impl Iterator<Item = (usize, &'a [f64])> {
        self.y.iter().copied().zip(self.p.chunks_exact(self.classes))
    }

    /// The most probable class of each row; the first of equals.
    pub fn predicted(&self) -> Vec<usize> {
        let most_probable =
            |row: &[f64]| row.iter().enumerate().fold(0, |best, (class, &p)| if p > row[best] { class } else { best });
        self.rows().map(|(_, row)| most_probable(row)).collect()
    }

    /// Mean −ln of the probability given to the true class.
    pub fn log_loss(&self) -> f64 {
        let sum: f64 = self.rows().map(|(y, row)| -row[y].clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()).sum();
        sum / self.y.len() as f64
    }

    /// Mean squared distance of the probabilities from the truth, in 0..=2.
    pub fn brier(&self) -> f64 {
        let distance = |(y, row): (usize, &[f64])| -> f64 {
            row.iter().enumerate().map(|(class, p)| (p - f64::from(u8::from(class == y))).powi(2)).sum()
        };
        self.rows().map(distance).sum::<f64>() / self.y.len() as f64
    }

    /// Share of rows whose true class is among the `k` most probable (of equals, the higher index goes first).
    pub fn top_k_accuracy(&self, k: usize) -> f64 {
        let above = |(y, row): (usize, &[f64])| {
            row.iter().enumerate().filter(|&(class, &p)| p > row[y] || (p == row[y] && class > y)).count() < k
        };
        self.rows().filter(|&row| above(row)).count() as f64 / self.y.len() as f64
    }

    fn curve(&self, class: usize) -> Option<ScoreCurve> {
        let y: Vec<bool> = self.y.iter().map(|&truth| truth == class).collect();
        let scores: Vec<f64> = self.rows().map(|(_, row)| row[class]).collect();
        ScoreCurve::new(&y, &scores, None)
    }

    /// One-versus-rest ROC AUC. `None` unless every class occurs.
    pub fn roc_auc_ovr(&self, average: Average) -> Option<f64> {
        if average == Average::Micro {
            let y: Vec<bool> =
                self.y.iter().flat_map(|&truth| (0..self.classes).map(move |class| class == truth)).collect();
            return super::roc_auc(&y, self.p);
        }
        let areas: Vec<f64> =
            (0..self.classes).map(|class| Some(self.curve(class)?.roc_auc())).collect::<Option<_>>()?;
        if average == Average::Macro {
            return mean(&areas);
        }
        Some(self.y.iter().map(|&class| areas[class]).sum::<f64>() / self.y.len() as f64)
    }

    /// ROC AUC averaged over all ordered pairs of classes (Hand & Till 2001). `None` unless every class occurs.
    pub fn roc_auc_ovo_macro(&self) -> Option<f64> {
        let mut areas = Vec::new();
        for positive in 0..self.classes {
            for negative in (0..self.classes).filter(|&class| class != positive) {
                let pair = self.rows().filter(|(y, _)| *y == positive || *y == negative);
                let (y, scores): (Vec<bool>, Vec<f64>) = pair.map(|(y, row)| (y == positive, row[positive])).unzip();
                areas.push(super::roc_auc(&y, &scores)?);
            }
        }
        mean(&areas)
    }

    /// Mean one-versus-rest average precision. `None` unless every class occurs.
    pub fn average_precision_macro(&self) -> Option<f64> {
        let values: Option<Vec<f64>> =
            (0..self.classes).map(|class| Some(self.curve(class)?.average_precision())).collect();
        mean(&values?)
    }
}

/// Calibration of the predicted class: its probability against how often it is right.
pub fn multiclass_calibration(data: &MulticlassProbabilities<'_>, bins: usize) -> Option<Calibration> {
    let predicted = data.predicted();
    reliability(data.rows().zip(predicted).map(|((y, row), class)| (class == y, row[class])), bins)
}

/// Every multiclass metric that is defined for these rows, by name.
pub fn multiclass_metrics(data: &MulticlassProbabilities<'_>) -> BTreeMap<&'static str, f64> {
    let mut metrics = BTreeMap::new();
    let mut put = |name, value: Option<f64>| {
        if let Some(value) = value {
            metrics.insert(name, value);
        }
    };
    if let Some(matrix) = ConfusionMatrix::new(data.y, &data.predicted(), data.classes) {
        put("accuracy", matrix.accuracy());
        put("balanced_accuracy", matrix.balanced_accuracy());
        put("mcc", matrix.mcc());
        put("cohen_kappa", matrix.cohen_kappa());
        let names = [
            (Average::Macro, ["precision_macro", "recall_macro", "f1_macro"]),
            (Average::Micro, ["precision_micro", "recall_micro", "f1_micro"]),
            (Average::Weighted, ["precision_weighted", "recall_weighted", "f1_weighted"]),
        ];
        for (average, [precision, recall, f1]) in names {
            let score = matrix.average(average);
            put(precision, score.precision);
            put(recall, score.recall);
            put(f1, score.f1);
        }
    }
    put("log_loss", Some(data.log_loss()));
    put("brier_multiclass", Some(data.brier()));
    put("roc_auc_ovr_macro", data.roc_auc_ovr(Average::Macro));
    put("roc_auc_ovr_weighted", data.roc_auc_ovr(Average::Weighted));
    put("roc_auc_ovr_micro", data.roc_auc_ovr(Average::Micro));
    put("roc_auc_ovo_macro", data.roc_auc_ovo_macro());
    put("average_precision_macro_ovr", data.average_precision_macro());
    put("top2_accuracy", Some(data.top_k_accuracy(2)));
    let calibration = multiclass_calibration(data, 10);
    put("ece_confidence", calibration.as_ref().map(|bins| bins.expected_error));
    put("mce_confidence", calibration.as_ref().map(|bins| bins.largest_error));
    metrics
}
