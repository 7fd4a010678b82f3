//! What the tests share: permits, times, and short ways to make things.

use flyball_core::{Edit, Error, ErrorCode, Permit, Read, Result, Timestamp};
use flyball_governance::identity;
use flyball_store::{Db, Tx};
use flyball_tracking::{Metric, NewExperiment, NewRun, Pair, Point, Run, experiments, runs};

pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);

pub(crate) fn editor() -> Permit<Edit> {
    identity::local_user().unwrap().edit()
}

pub(crate) fn reader() -> Permit<Read> {
    editor().read()
}

/// Runs a change with the local user's permit.
pub(crate) fn edit<T: Send + 'static>(
    db: &Db,
    work: impl FnOnce(&mut Tx<'_>, &Permit<Edit>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let permit = editor();
    db.write(move |tx| work(tx, &permit))
}

pub(crate) fn experiment(db: &Db, name: &str) -> i64 {
    let new = NewExperiment { name: name.to_owned(), ..NewExperiment::default() };
    edit(db, move |tx, permit| experiments::create(tx, permit, &new, NOW)).unwrap()
}

pub(crate) fn run(db: &Db, experiment_id: i64, id: &str) -> Run {
    let new = NewRun { id: id.to_owned(), experiment_id, started_at: NOW, ..NewRun::default() };
    edit(db, move |tx, permit| runs::create(tx, permit, &new, NOW)).unwrap()
}

pub(crate) fn stored(db: &Db, id: &str) -> Run {
    db.read(|tx| runs::get(tx, &reader(), id)).unwrap()
}

pub(crate) fn metric(key: &str, step: i64, timestamp: i64, value: f64) -> Metric {
    Metric { key: key.to_owned(), point: Point { value, timestamp, step } }
}

pub(crate) fn pairs(pairs: &[(&str, &str)]) -> Vec<Pair> {
    pairs.iter().map(|(key, value)| Pair::new(*key, *value)).collect()
}

pub(crate) fn code<T: std::fmt::Debug>(outcome: Result<T>) -> ErrorCode {
    outcome.as_ref().map_err(Error::code).unwrap_err()
}
