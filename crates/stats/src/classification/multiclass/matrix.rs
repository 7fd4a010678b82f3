//! Decisions among several classes.

use crate::classification::Confusion;
use crate::interval::Interval;
use crate::random::Draws;
use crate::summary::{finite_sorted, mean, quantile, ratio};

/// Draws of a bootstrap. Each costs one count per cell of the table, however many rows there are.
const REPETITIONS: usize = 200;
/// Tables with more cells than this are not bootstrapped: the interval would cost more than the metrics.
const BOOTSTRAP_CELLS: usize = 40_000;
/// The seed of the bootstrap: the same rows always have the same interval.
const SEED: u64 = 0x5EED;

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
    /// Weight of the rows whose true class it is.
    pub support: f64,
}

/// Counts (or sums of weights) by true class (row) and predicted class (column).
#[derive(Debug, Clone, PartialEq)]
pub struct ConfusionMatrix {
    classes: usize,
    cells: Vec<f64>,
}

impl ConfusionMatrix {
    /// Counts predictions. `None` if lengths differ, or a label is not below `classes`.
    pub fn new(y: &[usize], predicted: &[usize], weights: Option<&[f64]>, classes: usize) -> Option<Self> {
        let fits = y.len() == predicted.len() && weights.is_none_or(|weights| weights.len() == y.len());
        if !fits || y.iter().chain(predicted).any(|&class| class >= classes) {
            return None;
        }
        let mut cells = vec![0.0; classes * classes];
        for (row, (&truth, &prediction)) in y.iter().zip(predicted).enumerate() {
            cells[truth * classes + prediction] += weights.map_or(1.0, |weights| weights[row]);
        }
        Some(Self { classes, cells })
    }

    /// Weight of the rows of true class `truth` predicted as `predicted`; 0 for classes that do not exist.
    pub fn cell(&self, truth: usize, predicted: usize) -> f64 {
        if truth.max(predicted) >= self.classes { 0.0 } else { self.cells[truth * self.classes + predicted] }
    }

    /// The matrix, one vector per true class.
    pub fn rows(&self) -> Vec<Vec<f64>> {
        self.cells.chunks(self.classes.max(1)).map(<[f64]>::to_vec).collect()
    }

    /// All rows.
    pub fn total(&self) -> f64 {
        self.cells.iter().sum()
    }

    /// Rows by true class, and by predicted class.
    fn marginals(&self) -> Vec<(f64, f64)> {
        let mut sums = vec![(0.0, 0.0); self.classes];
        for (at, cell) in self.cells.iter().enumerate() {
            sums[at / self.classes].0 += cell;
            sums[at % self.classes].1 += cell;
        }
        sums
    }

    fn correct(&self) -> f64 {
        (0..self.classes).map(|class| self.cell(class, class)).sum()
    }

    /// One class against the rest.
    pub fn one_versus_rest(&self, class: usize) -> Confusion {
        self.marginals().get(class).map_or_else(Confusion::default, |&sums| self.against_rest(class, sums))
    }

    fn against_rest(&self, class: usize, (support, predicted): (f64, f64)) -> Confusion {
        let tp = self.cell(class, class);
        let (fn_, fp) = (support - tp, predicted - tp);
        Confusion { tn: self.total() - tp - fn_ - fp, fp, fn_, tp }
    }

    /// Share of right predictions.
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.correct(), self.total())
    }

    /// Mean recall over the classes that occur.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        let recalls = self.marginals().into_iter().enumerate();
        let recalls: Vec<f64> =
            recalls.filter_map(|(class, (support, _))| ratio(self.cell(class, class), support)).collect();
        mean(&recalls)
    }

    /// Matthews' correlation for several classes (Gorodkin 2004).
    pub fn mcc(&self) -> Option<f64> {
        let total = self.total();
        let (mut cross, mut truths, mut predictions) = (0.0, 0.0, 0.0);
        for (support, predicted) in self.marginals() {
            cross += support * predicted;
            truths += support * support;
            predictions += predicted * predicted;
        }
        let squared = total * total;
        ratio(self.correct() * total - cross, ((squared - predictions) * (squared - truths)).sqrt())
    }

    /// Cohen's κ.
    pub fn cohen_kappa(&self) -> Option<f64> {
        let total = self.total();
        let by_chance: f64 = self.marginals().iter().map(|(support, predicted)| support * predicted).sum();
        let chance = ratio(by_chance, total * total)?;
        ratio(self.accuracy()? - chance, 1.0 - chance)
    }

    /// Precision, recall and F1 of every class.
    pub fn per_class(&self) -> Vec<ClassScore> {
        let marginals = self.marginals().into_iter().enumerate();
        let score = |(class, (support, predicted))| {
            let tp = self.cell(class, class);
            ClassScore {
                precision: ratio(tp, predicted),
                recall: ratio(tp, support),
                f1: ratio(2.0 * tp, support + predicted),
                support,
            }
        };
        marginals.map(score).collect()
    }

    /// One score for all classes. A class for which a value is undefined makes that average undefined.
    pub fn average(&self, average: Average) -> ClassScore {
        let scores = self.per_class();
        let combine = |value: fn(&ClassScore) -> Option<f64>| match average {
            Average::Micro => self.accuracy(),
            Average::Macro => mean(&scores.iter().map(value).collect::<Option<Vec<_>>>()?),
            Average::Weighted => {
                let sum: Option<f64> = scores.iter().map(|score| Some(value(score)? * score.support)).sum();
                ratio(sum?, self.total())
            }
        };
        ClassScore {
            precision: combine(|score| score.precision),
            recall: combine(|score| score.recall),
            f1: combine(|score| score.f1),
            support: self.total(),
        }
    }

    /// Percentile intervals of functions of the table, from drawing its cells anew as independent counts (a Poisson
    /// bootstrap); `scale` is the effective number of rows per weight. `None` for a table too large, or for a value
    /// that fewer than half of the draws define.
    pub(super) fn bootstrap(
        &self,
        scale: f64,
        confidence: f64,
        values: &[fn(&Self) -> Option<f64>],
    ) -> Vec<Option<Interval>> {
        if self.cells.len() > BOOTSTRAP_CELLS {
            return vec![None; values.len()];
        }
        let mut draws = Draws::seeded(SEED);
        let mut drawn = vec![Vec::with_capacity(REPETITIONS); values.len()];
        for _ in 0..REPETITIONS {
            let cells = self.cells.iter().map(|cell| draws.poisson(cell * scale)).collect();
            let table = Self { classes: self.classes, cells };
            for (value, drawn) in values.iter().zip(&mut drawn) {
                drawn.extend(value(&table));
            }
        }
        let tail = (1.0 - confidence) / 2.0;
        let interval = |(value, drawn): (Option<f64>, Vec<f64>)| {
            let (value, sorted) = (value?, finite_sorted(&drawn));
            (sorted.len() * 2 >= REPETITIONS).then_some(())?;
            let (low, high) = (quantile(&sorted, tail)?, quantile(&sorted, 1.0 - tail)?);
            // A skewed bootstrap may leave out the value itself, which no reader would understand.
            Some(Interval { low: low.min(value), high: high.max(value) })
        };
        values.iter().map(|value| value(self)).zip(drawn).map(interval).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bootstrap_repeats_and_holds_its_value() {
        let y: Vec<usize> = (0..300).map(|row| row % 3).collect();
        let predicted: Vec<usize> = (0..300).map(|row| if row % 7 == 0 { (row + 1) % 3 } else { row % 3 }).collect();
        let matrix = ConfusionMatrix::new(&y, &predicted, None, 3).unwrap();
        let run = || matrix.bootstrap(1.0, 0.95, &[ConfusionMatrix::mcc, ConfusionMatrix::cohen_kappa]);
        let intervals = run();
        assert_eq!(intervals, run());
        let (mcc, interval) = (matrix.mcc().unwrap(), intervals[0].unwrap());
        assert!(interval.low < mcc && mcc < interval.high && interval.high - interval.low < 0.15, "{interval:?}");
    }

    #[test]
    fn labels_must_fit_and_what_never_occurs_is_undefined() {
        assert!(ConfusionMatrix::new(&[0, 1], &[0], None, 2).is_none());
        assert!(ConfusionMatrix::new(&[2], &[0], None, 2).is_none());
        let matrix = ConfusionMatrix::new(&[0, 0], &[0, 0], None, 2).unwrap();
        assert_eq!((matrix.mcc(), matrix.average(Average::Macro).recall), (None, None));
        assert_eq!(matrix.balanced_accuracy(), Some(1.0));
    }
}
