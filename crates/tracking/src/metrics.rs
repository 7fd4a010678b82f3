//! Logging metrics: the history grows by one packed chunk per metric and batch, and the latest value is kept beside it.

use std::collections::{BTreeMap, BTreeSet};

use flyball_core::{Edit, Error, Permit, Result};
use flyball_store::{OnConflict, Param, Tx, params};

use crate::model::{Metric, Point};
use crate::points::{pack, put_in_order};
use crate::rules;
use crate::runs::{self, Place};

/// Logs one point.
///
/// # Errors
/// `NotFound` for no run, `Conflict` for a deleted one, `InvalidInput` for a bad key or a negative time.
pub fn log(tx: &mut Tx<'_>, permit: &Permit<Edit>, run_id: &str, metric: &Metric) -> Result<()> {
    check(metric)?;
    let place = runs::active_place(tx, permit, run_id)?;
    append(tx, place, std::slice::from_ref(metric))
}

/// Logs checked points of several runs, given by their ids, with as many statements as for one. Each has an outcome of its
/// own: those of [`log`].
///
/// # Errors
/// Those of the database, for all of them.
pub fn log_many(tx: &mut Tx<'_>, permit: &Permit<Edit>, points: &[(String, Metric)]) -> Result<Vec<Result<()>>> {
    let ids: BTreeSet<&str> = points.iter().map(|(run_id, _)| run_id.as_str()).collect();
    let places = runs::places(tx, permit, &ids)?;
    let mut outcomes = Vec::with_capacity(points.len());
    let mut kept = Vec::with_capacity(points.len());
    for (run_id, metric) in points {
        let place = places.get(run_id.as_str()).ok_or_else(|| runs::no_such_run(run_id));
        let place = place.and_then(|place| runs::in_use(*place, run_id));
        outcomes.push(place.map(|place| kept.push((place, metric))));
    }
    append_all(tx, kept)?;
    Ok(outcomes)
}

/// Checks a metric.
///
/// # Errors
/// `InvalidInput` for a bad key or a negative time.
pub fn check(metric: &Metric) -> Result<()> {
    rules::check_key("metric", &metric.key)?;
    if metric.point.timestamp < 0 {
        return Err(Error::invalid(format!(
            "Got invalid timestamp {} for metric {}: timestamps are milliseconds from 1970 on",
            metric.point.timestamp,
            rules::shown(&metric.key)
        )));
    }
    Ok(())
}

/// Keeps the later of two points (by step, time, value) and counts the chunk that comes; answers how many there are then.
const KEEP_LATEST: &str = " ON CONFLICT (run_no, key) DO UPDATE SET chunks = latest_metrics.chunks + 1, \
     value = CASE WHEN (excluded.step, excluded.timestamp, excluded.value) >= \
     (latest_metrics.step, latest_metrics.timestamp, latest_metrics.value) THEN excluded.value ELSE latest_metrics.value END, \
     is_nan = CASE WHEN (excluded.step, excluded.timestamp, excluded.value) >= \
     (latest_metrics.step, latest_metrics.timestamp, latest_metrics.value) THEN excluded.is_nan ELSE latest_metrics.is_nan END, \
     timestamp = CASE WHEN (excluded.step, excluded.timestamp) >= (latest_metrics.step, latest_metrics.timestamp) \
     THEN excluded.timestamp ELSE latest_metrics.timestamp END, \
     step = CASE WHEN excluded.step >= latest_metrics.step THEN excluded.step ELSE latest_metrics.step END \
     RETURNING run_no, key, chunks";

/// Appends checked metrics to a run.
pub(crate) fn append(tx: &mut Tx<'_>, place: Place, metrics: &[Metric]) -> Result<()> {
    append_all(tx, metrics.iter().map(|metric| (place, metric)))
}

fn append_all<'a>(tx: &mut Tx<'_>, metrics: impl IntoIterator<Item = (Place, &'a Metric)>) -> Result<()> {
    let mut by_key: BTreeMap<(i64, &str), (Place, Vec<Point>)> = BTreeMap::new();
    for (place, metric) in metrics {
        let point = Point { value: rules::finite(metric.point.value), ..metric.point };
        by_key.entry((place.no, &metric.key)).or_insert((place, Vec::new())).1.push(point);
    }
    let mut latest = Vec::with_capacity(by_key.len());
    for ((_, key), (place, points)) in &mut by_key {
        put_in_order(points);
        let newest = points.iter().copied().reduce(|a, b| if rules::is_later(&b, &a) { b } else { a });
        latest.extend(newest.map(|newest| latest_row(*place, key, &newest)));
    }
    let columns = ["run_no", "key", "experiment_id", "value", "is_nan", "timestamp", "step", "chunks"];
    let counted = tx.upsert_rows("latest_metrics", &columns, &latest, KEEP_LATEST)?;
    let mut chunks = Vec::with_capacity(counted.len());
    for row in counted {
        let (run_no, key, count): (i64, String, i64) = (row.get("run_no")?, row.get("key")?, row.get("chunks")?);
        let packed = by_key.get(&(run_no, key.as_str())).map(|(_, points)| pack(points.iter()));
        chunks.extend(packed.map(|packed| params![run_no, key, count - 1, packed].to_vec()));
    }
    tx.insert_rows("metric_points", &["run_no", "key", "chunk", "points"], &chunks, OnConflict::Fail)?;
    Ok(())
}

fn latest_row(place: Place, key: &str, point: &Point) -> Vec<Param> {
    params![
        place.no,
        key,
        place.experiment_id,
        rules::number(point),
        point.value.is_nan(),
        point.timestamp,
        point.step,
        1_i64
    ]
    .to_vec()
}
