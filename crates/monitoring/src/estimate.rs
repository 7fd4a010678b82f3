//! How a model does while what really happened is not known yet: estimated from its own answers, by what its held-out rows
//! taught about them (CBPE for classes, DLE for numbers).

use std::collections::BTreeMap;

use flyball_core::Task;
use flyball_core::rng::Rng;
use flyball_evaluation::expression::metric;
use flyball_evaluation::measure::{Measure, THRESHOLD};
use flyball_stats::estimate::{Cbpe, CbpeSettings, Dle, Estimate, MulticlassCbpe};

use crate::encode::{Encoder, Sample, row_after_row};
use crate::reference::{Reference, SCORE, TRUTH};

/// With fewer held-out rows nothing is learned from them.
const LEAST_ROWS: usize = 200;

/// What the held-out rows of a version taught.
#[derive(Clone, Debug)]
pub enum Estimator {
    /// Of two classes, from how often each score came true.
    Classes(Cbpe),
    /// Of more than two classes, likewise.
    Several(MulticlassCbpe),
    /// Of a number, from how far answers were off.
    Number(Dle),
}

impl Estimator {
    /// Learns from the held-out rows; `None` when there are too few with a known truth, the answers are no
    /// probabilities, or those of more than two classes were not kept, as in references of old versions.
    pub fn of(task: Task, reference: &Reference, encoder: &Encoder, seed: u64) -> Option<Self> {
        let heldout = &reference.heldout;
        let numbers = |name: &str| heldout.position(name).map(|position| heldout.at(position).numbers());
        let (scores, truth) = (numbers(SCORE)?, numbers(TRUTH)?);
        let known: Vec<usize> =
            (0..scores.len()).filter(|&row| !truth[row].is_nan() && !scores[row].is_nan()).collect();
        if known.len() < LEAST_ROWS {
            return None;
        }
        let pick = |values: &[f64]| known.iter().map(|&row| values[row]).collect::<Vec<f64>>();
        let (scores, truth) = (pick(&scores), pick(&truth));
        let several = reference.class_scores();
        match task {
            Task::Classification if !several.is_empty() => {
                let columns: Vec<Vec<f64>> = several.iter().map(|column| pick(column)).collect();
                let y: Vec<usize> = truth.iter().map(|truth| *truth as usize).collect();
                let mut rng = Rng::seeded(seed);
                let settings = CbpeSettings::default();
                let scores = row_after_row(&columns);
                MulticlassCbpe::fit(&y, &scores, columns.len(), settings, |limit| rng.below(limit)).map(Self::Several)
            }
            Task::Classification if truth.iter().any(|truth| *truth > 1.0) => None,
            Task::Classification => {
                let y: Vec<bool> = truth.iter().map(|truth| *truth > 0.5).collect();
                let mut rng = Rng::seeded(seed);
                let fitted =
                    Cbpe::fit(&y, &scores, &selected(&scores), CbpeSettings::default(), |limit| rng.below(limit));
                fitted.map(Self::Classes)
            }
            Task::Regression => {
                let columns: Vec<Vec<f64>> = encoder.encode(heldout).iter().map(|column| pick(column)).collect();
                let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
                Dle::fit(&slices, &truth, &scores, None).map(Self::Number)
            }
        }
    }

    /// The metrics of a window, by their names in conditions.
    pub fn estimate(&self, sample: &Sample) -> BTreeMap<String, Measure> {
        let found = match self {
            Self::Classes(cbpe) => cbpe.estimate(&sample.scores, &selected(&sample.scores)),
            Self::Several(cbpe) => cbpe.estimate(&sample.class_scores()),
            Self::Number(dle) => dle.estimate(&sample.slices(), &sample.scores),
        };
        let named = |estimate: Estimate| {
            let name = metric(&estimate.metric)?.name;
            let (low, high) = (estimate.interval.map(|i| i.low), estimate.interval.map(|i| i.high));
            Some((name.to_owned(), Measure { value: estimate.value, low, high, rows: sample.scores.len() }))
        };
        found.into_iter().filter_map(named).collect()
    }
}

fn selected(scores: &[f64]) -> Vec<bool> {
    scores.iter().map(|score| *score >= THRESHOLD).collect()
}
