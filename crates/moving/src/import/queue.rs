//! What is ready to be written, many things in one transaction.

use std::sync::Arc;

use flyball_core::{Digest, Edit, ErrorCode, Permit, Result, Timestamp};
use flyball_store::Tx;
use flyball_tracking::artifacts::{self, TreePath};
use flyball_tracking::{Metric, Run, import};

use super::Home;
use super::journal::{self, Entry, Thing};
use super::own::stored_point;
use crate::record::Point;

/// Most things of one transaction: a commit costs as much as the writing of some dozens.
const THINGS: usize = 100;
/// Most points of metrics in memory, 24 bytes each: 5 MB.
pub(crate) const POINTS: usize = 200_000;

/// What is written of a thing.
pub(crate) enum Body {
    /// A run.
    Run(Box<Run>),
    /// A logged model.
    LoggedModel(Box<flyball_tracking::LoggedModel>),
    /// The rest of a thing whose beginning was written before.
    Rest,
}

/// A run or logged model, or a part of one, that is ready to be written.
pub(crate) struct Ready {
    pub(crate) thing: Thing,
    pub(crate) entry: Entry,
    pub(crate) body: Body,
    pub(crate) points: Vec<(String, Vec<Point>)>,
    pub(crate) files: Vec<(TreePath, Digest, u64)>,
    /// Whether an earlier call brought in a part of it, which goes away first.
    pub(crate) anew: bool,
}

/// What became of the things in the queue, in order.
pub(crate) type Outcomes = Vec<(Ready, Option<String>)>;

/// The queue.
#[derive(Default)]
pub(crate) struct Queue {
    ready: Vec<Ready>,
    points: usize,
}

impl Queue {
    pub(crate) fn push(&mut self, ready: Ready) {
        self.points += ready.points.iter().map(|(_, points)| points.len()).sum::<usize>();
        self.ready.push(ready);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.ready.len() >= THINGS || self.points >= POINTS
    }

    /// Writes everything; answers with each thing and, when it could not be written, the reason.
    pub(crate) fn write(&mut self, home: &Home, origin: &str) -> Result<Outcomes> {
        self.points = 0;
        let all = Arc::new(std::mem::take(&mut self.ready));
        let outcome = match all.len() {
            0 => Ok(()),
            _ => attempt(home, origin, &all, 0..all.len()),
        };
        let mut reasons: Vec<Option<String>> = all.iter().map(|_| None).collect();
        if outcome.is_err() {
            // One of them is at fault: alone, the others come in.
            for (at, reason) in reasons.iter_mut().enumerate() {
                match attempt(home, origin, &all, at..at + 1) {
                    Err(error) if is_fault_of_thing(error.code()) => *reason = Some(error.message().to_owned()),
                    outcome => outcome?,
                }
            }
        }
        let all = Arc::try_unwrap(all).map_err(|_| flyball_core::Error::internal("a writer kept what it wrote"))?;
        Ok(all.into_iter().zip(reasons).collect())
    }
}

fn is_fault_of_thing(code: ErrorCode) -> bool {
    use ErrorCode::{AlreadyExists, Conflict, InvalidData, InvalidInput, InvalidName, LimitExceeded, NotFound};
    matches!(code, AlreadyExists | Conflict | InvalidData | InvalidInput | InvalidName | LimitExceeded | NotFound)
}

fn attempt(home: &Home, origin: &str, all: &Arc<Vec<Ready>>, which: std::ops::Range<usize>) -> Result<()> {
    let (all, origin, permit, now) = (all.clone(), origin.to_owned(), home.permit.clone(), home.clock.now());
    home.db.write(move |tx| all[which].iter().try_for_each(|ready| put(tx, &permit, &origin, ready, now)))
}

fn put(tx: &mut Tx<'_>, permit: &Permit<Edit>, origin: &str, ready: &Ready, now: Timestamp) -> Result<()> {
    let id = ready.entry.target_id.as_str();
    match &ready.body {
        Body::Run(run) => {
            if ready.anew {
                import::forget_run(tx, permit, id)?;
            }
            import::put_run(tx, permit, run, now)?;
        }
        Body::LoggedModel(model) => {
            if ready.anew {
                import::forget_logged_model(tx, permit, id)?;
            }
            import::put_logged_model(tx, permit, model, now)?;
        }
        Body::Rest => {}
    }
    if !ready.points.is_empty() {
        let metric = |key: &String, point: &Point| Metric { key: key.clone(), point: stored_point(point) };
        let of_key = |(key, points): &(String, Vec<Point>)| points.iter().map(|p| metric(key, p)).collect::<Vec<_>>();
        let metrics: Vec<Metric> = ready.points.iter().flat_map(of_key).collect();
        import::add_metrics(tx, permit, id, &metrics)?;
    }
    for (path, digest, size) in &ready.files {
        artifacts::put(tx, permit, path, digest, *size, now)?;
    }
    journal::note(tx, permit, origin, ready.thing, &ready.entry)
}
