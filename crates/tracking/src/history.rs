//! Reading the history of a metric.

use flyball_core::{Error, Permit, Read, Result, limits};
use flyball_store::{Tx, params};

use crate::model::Point;
use crate::points;
use crate::runs;

/// All points of a metric of a run, by time, step and value, each once.
///
/// # Errors
/// `NotFound` when there is no such run.
pub fn of(tx: &mut Tx<'_>, permit: &Permit<Read>, run_id: &str, key: &str) -> Result<Vec<Point>> {
    let place = runs::place(tx, permit, run_id)?;
    read(tx, place.no, key)
}

fn read(tx: &mut Tx<'_>, run_no: i64, key: &str) -> Result<Vec<Point>> {
    let mut history = Vec::new();
    tx.for_each(
        "SELECT points FROM metric_points WHERE run_no = $1 AND key = $2 ORDER BY chunk",
        &params![run_no, key],
        |row| points::unpack(row.get(0)?, &mut history),
    )?;
    points::put_in_order(&mut history);
    Ok(history)
}

/// The points of a metric of several runs, by run id, at most so many in all. Runs that are not there are left out.
///
/// # Errors
/// `LimitExceeded` for more than a hundred runs.
pub fn of_many(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    run_ids: &[String],
    key: &str,
    most: usize,
) -> Result<Vec<(String, Point)>> {
    let mut all = Vec::new();
    for id in sorted(run_ids)? {
        let room = most.min(limits::HISTORY_POINTS).saturating_sub(all.len());
        if let Some(history) = of_one(tx, permit, &id, key)? {
            all.extend(history.into_iter().take(room).map(|point| (id.clone(), point)));
        }
    }
    Ok(all)
}

/// At most `most` points of each run, spread evenly over the steps, the first and the last among them; of one run after
/// the other. All runs are sampled at the same steps, so that their curves can be compared.
///
/// # Errors
/// `LimitExceeded` for more than a hundred runs.
pub fn sampled(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    run_ids: &[String],
    key: &str,
    steps: Option<(i64, i64)>,
    most: usize,
) -> Result<Vec<(String, Point)>> {
    let within = |point: &Point| steps.is_none_or(|(from, to)| (from..=to).contains(&point.step));
    let mut histories = Vec::new();
    for id in sorted(run_ids)? {
        let Some(mut history) = of_one(tx, permit, &id, key)? else { continue };
        history.retain(within);
        history.sort_by_key(|point| (point.step, point.timestamp));
        histories.push((id, history));
    }
    let mut taken = Vec::new();
    for (id, history) in histories {
        taken.extend(evenly(&history, most).map(|point| (id.clone(), point)));
    }
    Ok(taken)
}

/// `most` of the points: the first of each of so many parts of about equal size, the larger parts in front; in place of the
/// last part's the last point.
fn evenly(history: &[Point], most: usize) -> impl Iterator<Item = Point> {
    let parts = history.len().min(most.max(1));
    let (size, larger) = (history.len() / parts.max(1), history.len() % parts.max(1));
    let place = move |part: usize| match part + 1 {
        last if last == parts => history.len() - 1,
        _ => part * size + part.min(larger),
    };
    (0..parts).map(move |part| history[place(part)])
}

fn of_one(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str, key: &str) -> Result<Option<Vec<Point>>> {
    match runs::place(tx, permit, id) {
        Ok(place) => read(tx, place.no, key).map(Some),
        Err(error) if error.code() == flyball_core::ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn sorted(run_ids: &[String]) -> Result<Vec<String>> {
    if run_ids.len() > limits::HISTORY_RUNS {
        return Err(Error::invalid(format!(
            "a history of several runs takes at most {} run_ids, and cannot specify more than that; received {}",
            limits::HISTORY_RUNS,
            run_ids.len()
        ))
        .hint("ask for fewer runs at once"));
    }
    let mut ids = run_ids.to_vec();
    ids.sort();
    ids.dedup();
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_even_and_hold_both_ends() {
        let history: Vec<Point> = (0..10).map(|step| Point { value: 0.0, timestamp: 0, step }).collect();
        let steps = |most| evenly(&history, most).map(|point| point.step).collect::<Vec<_>>();
        assert_eq!(steps(1), [9]);
        assert_eq!(steps(2), [0, 9]);
        assert_eq!(steps(4), [0, 3, 6, 9]);
        assert_eq!(steps(7), [0, 2, 4, 6, 7, 8, 9]);
        assert_eq!(steps(10), (0..10).collect::<Vec<_>>());
        assert_eq!(steps(99).len(), 10);
        assert_eq!(evenly(&[], 3).count(), 0);
    }
}
