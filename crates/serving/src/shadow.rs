//! Revisions that are asked in the shadow: copies of requests are answered aside, compared with what was answered, and
//! counted. Nothing of it is given to a client, and a request never waits for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use flyball_core::model::{Interface, Loaded};
use flyball_core::{Result, Table, Tensor, Timestamp, Value};
use flyball_store::{Row, Tx, params};
use serde::{Deserialize, Serialize};

use crate::contract;
use crate::live::{LiveRevision, Shared, check_scores, guard};
use crate::tensors::said;

/// How many copies may wait; past it they are counted and dropped.
const WAITING: usize = 1_024;
/// How long a model of tensors may take for a copy.
const WITHIN: Duration = Duration::from_secs(30);
/// Two numbers that differ by less than this part of the larger one agree.
const TOLERANCE: f64 = 0.01;

/// A copy of a request, with what was answered.
pub(crate) enum Asked {
    Row { values: Vec<Value>, scores: Vec<f64> },
    Table { rows: Table, scores: Vec<f64> },
    Tensors { inputs: Vec<Tensor>, outputs: Vec<Tensor>, rows: usize },
}

struct Copy {
    live: Arc<LiveRevision>,
    shared: Arc<Shared>,
    asked: Asked,
}

/// Asks revisions in the shadow, on a thread of its own that starts with the first copy.
#[derive(Default)]
pub(crate) struct Shadows {
    queue: OnceLock<SyncSender<Copy>>,
}

impl Shadows {
    /// Hands a copy over, or counts it as dropped.
    pub(crate) fn ask(&self, shared: &Arc<Shared>, live: &Arc<LiveRevision>, asked: Asked) {
        let queue = self.queue.get_or_init(|| {
            let (sender, receiver) = sync_channel(WAITING);
            std::thread::spawn(move || answer_all(&receiver));
            sender
        });
        let copy = Copy { live: Arc::clone(live), shared: Arc::clone(shared), asked };
        if let Err(TrySendError::Full(copy) | TrySendError::Disconnected(copy)) = queue.try_send(copy) {
            copy.live.comparisons.count(|counts| &counts.dropped, 1);
        }
    }
}

fn answer_all(copies: &Receiver<Copy>) {
    while let Ok(copy) = copies.recv() {
        let comparisons = &copy.live.comparisons;
        match compare(&copy) {
            Ok(found) => comparisons.add(&found),
            Err(error) => {
                tracing::debug!(?error, revision = %copy.live.revision.id, "a copy could not be answered");
                comparisons.count(|counts| &counts.errors, 1);
            }
        }
    }
}

/// How the answers to one copy compare.
#[derive(Default)]
struct Found {
    compared: u64,
    disagreed: u64,
    difference: f64,
}

fn compare(copy: &Copy) -> Result<Found> {
    let Copy { live, shared, asked } = copy;
    let model = live.model(shared)?;
    let mut found = Found::default();
    match (&*model, asked) {
        (Loaded::Rows(model), Asked::Row { values, scores }) => {
            let other = live.answer_row(&**model, values)?;
            found.scores(scores, &other);
        }
        (Loaded::Rows(model), Asked::Table { rows, scores }) => {
            let Interface::Rows(signature) = &live.interface else { return Ok(found) };
            let fitted = contract::fitted(&signature.features, rows)?;
            let width = signature.width();
            let predictions = guard(|| model.predict(&fitted))?;
            check_scores(&predictions.scores, scores.len())?;
            for (one, other) in scores.chunks_exact(width).zip(predictions.scores.chunks_exact(width)) {
                found.scores(one, other);
            }
        }
        (Loaded::Tensors(model), Asked::Tensors { inputs, outputs, rows }) => {
            let others = guard(|| model.run(inputs, None, WITHIN))?;
            for row in 0..*rows {
                let (one, other) = (said(outputs, row), said(&others, row));
                found.add(one.text == other.text && agree(one.score, other.score), one.score, other.score);
            }
        }
        _ => {}
    }
    Ok(found)
}

impl Found {
    /// Two answers to a row: classes agree when the most probable one is the same, numbers when they are near.
    fn scores(&mut self, one: &[f64], other: &[f64]) {
        let best = |scores: &[f64]| (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b]));
        let (Some(a), Some(b)) = (one.last(), other.last()) else { return };
        let same = if one.len() > 1 { best(one) == best(other) } else { agree(*a, *b) };
        self.add(same, *a, *b);
    }

    fn add(&mut self, same: bool, one: f64, other: f64) {
        self.compared += 1;
        self.disagreed += u64::from(!same);
        let difference = (one - other).abs();
        self.difference += if difference.is_finite() { difference } else { 0.0 };
    }
}

fn agree(one: f64, other: f64) -> bool {
    (one.is_nan() && other.is_nan()) || (one - other).abs() <= TOLERANCE * one.abs().max(other.abs())
}

/// What was counted of a revision in the shadow.
#[derive(Debug, Default)]
pub(crate) struct Comparisons {
    /// What is not written yet.
    waiting: Counts,
    /// All of it since the process started.
    all: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    compared: AtomicU64,
    disagreed: AtomicU64,
    errors: AtomicU64,
    dropped: AtomicU64,
    difference: Mutex<f64>,
}

impl Comparisons {
    fn add(&self, found: &Found) {
        self.waiting.add(found);
        self.all.add(found);
    }

    fn count(&self, what: impl Fn(&Counts) -> &AtomicU64, more: u64) {
        what(&self.waiting).fetch_add(more, Ordering::Relaxed);
        what(&self.all).fetch_add(more, Ordering::Relaxed);
    }

    /// What was counted since the process started.
    pub(crate) fn all(&self) -> Agreement {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Agreement {
            compared: count(&self.all.compared),
            disagreed: count(&self.all.disagreed),
            errors: count(&self.all.errors),
            dropped: count(&self.all.dropped),
            difference: *self.all.difference.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// What was counted since the last time, taken away.
    pub(crate) fn take(&self) -> Agreement {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        let counts = &self.waiting;
        let difference = std::mem::take(&mut *counts.difference.lock().unwrap_or_else(PoisonError::into_inner));
        Agreement {
            compared: take(&counts.compared),
            disagreed: take(&counts.disagreed),
            errors: take(&counts.errors),
            dropped: take(&counts.dropped),
            difference,
        }
    }

    /// Puts back what could not be written.
    pub(crate) fn put_back(&self, agreement: &Agreement) {
        self.waiting.add(&Found {
            compared: agreement.compared,
            disagreed: agreement.disagreed,
            difference: agreement.difference,
        });
        self.waiting.errors.fetch_add(agreement.errors, Ordering::Relaxed);
        self.waiting.dropped.fetch_add(agreement.dropped, Ordering::Relaxed);
    }
}

impl Counts {
    fn add(&self, found: &Found) {
        self.compared.fetch_add(found.compared, Ordering::Relaxed);
        self.disagreed.fetch_add(found.disagreed, Ordering::Relaxed);
        *self.difference.lock().unwrap_or_else(PoisonError::into_inner) += found.difference;
    }
}

/// How a revision that was asked in the shadow agreed with the one that answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Rows that both answered.
    pub compared: u64,
    /// Rows for which they gave another class, or numbers more than 1 % apart.
    pub disagreed: u64,
    /// Copies that the revision in the shadow failed.
    pub errors: u64,
    /// Copies that were dropped because too many waited.
    pub dropped: u64,
    /// The sum of the absolute differences of the headline scores.
    pub difference: f64,
}

impl Agreement {
    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.compared + self.errors + self.dropped == 0
    }

    /// The part of the compared rows on which they disagree.
    pub fn disagreement(&self) -> Option<f64> {
        (self.compared > 0).then(|| self.disagreed as f64 / self.compared as f64)
    }
}

/// Writes what was counted.
pub(crate) fn record(tx: &mut Tx<'_>, counted: &[(Arc<str>, Arc<str>, Agreement)], at: Timestamp) -> Result<()> {
    let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    for (endpoint, revision, one) in counted {
        tx.execute(
            "INSERT INTO shadow_comparisons \
             (endpoint, revision_id, at, compared, disagreed, errors, difference, dropped) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (endpoint, revision_id, at) DO UPDATE SET \
             compared = shadow_comparisons.compared + excluded.compared, \
             disagreed = shadow_comparisons.disagreed + excluded.disagreed, \
             errors = shadow_comparisons.errors + excluded.errors, \
             difference = shadow_comparisons.difference + excluded.difference, \
             dropped = shadow_comparisons.dropped + excluded.dropped",
            &params![
                &**endpoint,
                &**revision,
                at,
                whole(one.compared),
                whole(one.disagreed),
                whole(one.errors),
                one.difference,
                whole(one.dropped)
            ],
        )?;
    }
    Ok(())
}

/// How a revision agreed in the shadow since a moment.
///
/// # Errors
/// Those of the database.
pub fn agreement(tx: &mut Tx<'_>, endpoint: &str, revision: &str, since: Timestamp) -> Result<Agreement> {
    let rows = tx.query(
        "SELECT compared, disagreed, errors, difference, dropped FROM shadow_comparisons \
         WHERE endpoint = $1 AND revision_id = $2 AND at >= $3",
        &params![endpoint, revision, since],
    )?;
    let mut sum = Agreement::default();
    for row in &rows {
        let count = |row: &Row, name| row.get::<i64>(name).map(i64::cast_unsigned);
        sum.compared += count(row, "compared")?;
        sum.disagreed += count(row, "disagreed")?;
        sum.errors += count(row, "errors")?;
        sum.dropped += count(row, "dropped")?;
        sum.difference += row.get::<f64>("difference")?;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_compared_by_the_most_probable_and_numbers_by_nearness() {
        let mut found = Found::default();
        found.scores(&[0.4, 0.6], &[0.45, 0.55]);
        assert_eq!((found.compared, found.disagreed), (1, 0));
        found.scores(&[0.4, 0.6], &[0.6, 0.4]);
        found.scores(&[10.0], &[10.05]);
        found.scores(&[10.0], &[11.0]);
        assert_eq!((found.compared, found.disagreed), (4, 2));
        let comparisons = Comparisons::default();
        comparisons.add(&found);
        let taken = comparisons.take();
        assert_eq!(taken.disagreement(), Some(0.5));
        assert!(comparisons.take().is_empty());
        comparisons.put_back(&taken);
        assert_eq!(comparisons.take(), taken);
        comparisons.count(|counts| &counts.dropped, 1);
        let all = comparisons.all();
        assert_eq!((all.compared, all.disagreed, all.dropped), (4, 2, 1), "what is written stays counted");
    }
}
