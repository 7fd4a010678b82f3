//! Everything that windows of a version are judged by, made once from what the version was registered with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use flyball_core::{Duration, Task};
use flyball_stats::multivariate::{Pca, Reconstruction};
use flyball_stats::special::{normal_sf, student_t_quantile};

use crate::alike::{Alike, stretches};
use crate::encode::{Encoder, Sample};
use crate::estimate::Estimator;
use crate::reference::Reference;
use crate::window::Together;

/// How many standard deviations of the reference's stretches a window may be away from them, as in NannyML.
const DEVIATIONS: f64 = 3.0;
/// With fewer stretches how they differ cannot be told.
const LEAST_STRETCHES: usize = 5;

/// A reference with what is learned from it.
#[derive(Debug)]
pub struct Prepared {
    /// The reference itself.
    pub reference: Reference,
    /// How features become numbers.
    pub encoder: Encoder,
    /// How the model does while the truth is unknown.
    pub estimator: Option<Estimator>,
    /// How features vary together.
    pub pca: Option<Pca>,
    /// How stretches of the reference differ, by the length of windows in milliseconds.
    stretches: Mutex<BTreeMap<i64, Stretches>>,
}

/// How stretches of the reference as long as a window differ.
#[derive(Clone, Debug)]
struct Stretches {
    /// In each column.
    alike: Arc<Alike>,
    /// In how the features vary together; `None` where events have no times.
    together: Option<Errors>,
}

/// The errors of reconstruction in stretches of the reference.
#[derive(Clone, Copy, Debug)]
struct Errors {
    mean: f64,
    /// Their variance beyond what so few rows as a stretch has make.
    variance: f64,
    /// How many of these standard deviations a window may be away: 3 if they were known, more for as few stretches as there
    /// are.
    deviations: f64,
}

impl Prepared {
    /// Learns from a reference.
    pub fn new(task: Task, reference: Reference, seed: u64) -> Self {
        let encoder = Encoder::of(&reference.learnt);
        let columns = encoder.encode(&reference.learnt);
        let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        Self {
            estimator: Estimator::of(task, &reference, &encoder, seed),
            pca: Pca::fit(&slices, None),
            stretches: Mutex::default(),
            encoder,
            reference,
        }
    }

    /// How alike rows are that were made at about the same time, for windows of a length.
    pub fn alike(&self, length: Duration) -> Arc<Alike> {
        self.stretches(length).alike
    }

    fn stretches(&self, length: Duration) -> Stretches {
        let mut known = self.stretches.lock().unwrap_or_else(PoisonError::into_inner);
        let learn = || Stretches { alike: Arc::new(Alike::of(&self.reference, length)), together: self.errors(length) };
        known.entry(length.0).or_insert_with(learn).clone()
    }

    /// How features vary together in a window of a length, beside the reference: the mean distance of its rows from the
    /// directions in which the reference varies. Where events have times it is compared with stretches of the reference as
    /// long as the window, since rows of one time vary together; otherwise with tenths of it.
    pub fn together(&self, sample: &Sample, length: Duration) -> Option<Together> {
        let pca = self.pca.as_ref()?;
        let found = pca.reconstruction(&sample.slices())?;
        let (low, high) = match self.stretches(length).together {
            Some(Errors { mean, variance, deviations }) => {
                let away = deviations * (variance + found.sampling_error.powi(2)).sqrt();
                ((mean - away).max(0.0), mean + away)
            }
            None => (pca.limits.low, pca.limits.high),
        };
        let outside = found.error < low || found.error > high;
        Some(Together { error: found.error, low, high, rows: found.rows, outside })
    }

    /// What the errors are in stretches of the reference as long as a window.
    fn errors(&self, length: Duration) -> Option<Errors> {
        let pca = self.pca.as_ref()?;
        let (stretch_of, _) = stretches(self.reference.learnt_at.as_deref()?, length)?;
        let mut rows: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        stretch_of.iter().enumerate().for_each(|(row, stretch)| rows.entry(*stretch).or_default().push(row));
        let found: Vec<Reconstruction> = rows
            .values()
            .filter_map(|rows| {
                let columns = self.encoder.encode(&self.reference.learnt.take(rows));
                pca.reconstruction(&columns.iter().map(Vec::as_slice).collect::<Vec<_>>())
            })
            .collect();
        let count = found.len() as f64;
        if found.len() < LEAST_STRETCHES {
            return None;
        }
        let mean = found.iter().map(|stretch| stretch.error).sum::<f64>() / count;
        let between = found.iter().map(|stretch| (stretch.error - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let sampling = found.iter().map(|stretch| stretch.sampling_error.powi(2)).sum::<f64>() / count;
        let few = student_t_quantile(1.0 - normal_sf(DEVIATIONS), count - 1.0);
        Some(Errors { mean, variance: (between - sampling).max(0.0), deviations: few * (1.0 + 1.0 / count).sqrt() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{AT, SCORE};
    use flyball_core::rng::Rng;
    use flyball_core::{Column, Table};

    /// Two features that go together, the more the windier the day is; or do not.
    fn days(rng: &mut Rng, days: usize, together: bool) -> Table {
        let (mut gust, mut wind, mut at) = (Vec::new(), Vec::new(), Vec::new());
        for day in 0..days {
            let spread = 0.2 + rng.unit();
            for row in 0..200 {
                let [first, second] = [rng.unit() - 0.5, rng.unit() - 0.5];
                wind.push(first);
                gust.push(if together { first + spread * 0.3 * second } else { second });
                at.push(day as i64 * 86_400_000 + row);
            }
        }
        let columns = [("wind", Column::Float(wind)), ("gust", Column::Float(gust)), (AT, Column::Time(at))];
        Table::new(columns.into_iter().map(|(name, column)| (name.to_owned(), column)).collect()).unwrap()
    }

    #[test]
    fn a_day_is_compared_with_days() {
        let mut rng = Rng::seeded(3);
        let answers = Table::new(vec![(SCORE.to_owned(), Column::Float(vec![0.5]))]).unwrap();
        let learnt = days(&mut rng, 60, true);
        let timeless = Reference::of(learnt.select(&["wind", "gust"]).unwrap(), answers.clone()).unwrap();
        let timed = Prepared::new(Task::Classification, Reference::of(learnt, answers).unwrap(), 1);
        let timeless = Prepared::new(Task::Classification, timeless, 1);
        let mut outside = |prepared: &Prepared, together: bool| {
            let found = (0..50).filter(|_| {
                let mut sample = Sample::new(2, 1_000);
                let window = days(&mut rng, 1, together);
                sample.add(&prepared.encoder.encode(&window), &[0.5; 200], |_| 0);
                prepared.together(&sample, Duration::days(1)).unwrap().outside
            });
            found.count()
        };
        let found = [outside(&timed, true), outside(&timed, false), outside(&timeless, true)];
        assert!(found[0] <= 2 && found[1] == 50 && found[2] > 10, "{found:?}");
    }
}
