//! Logging metrics: the history grows by one packed chunk per metric and batch, and the latest value is kept beside it.

use std::collections::BTreeMap;

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
     RETURNING key, chunks";

/// Appends checked metrics to a run.
pub(crate) fn append(tx: &mut Tx<'_>, place: Place, metrics: &[Metric]) -> Result<()> {
    let mut by_key: BTreeMap<&str, Vec<Point>> = BTreeMap::new();
    for metric in metrics {
        let point = Point { value: rules::finite(metric.point.value), ..metric.point };
        by_key.entry(&metric.key).or_default().push(point);
    }
    let mut latest = Vec::with_capacity(by_key.len());
    for (key, points) in &mut by_key {
        put_in_order(points);
        let newest = points.iter().copied().reduce(|a, b| if rules::is_later(&b, &a) { b } else { a });
        latest.extend(newest.map(|newest| latest_row(place, key, &newest)));
    }
    let columns = ["run_no", "key", "experiment_id", "value", "is_nan", "timestamp", "step", "chunks"];
    let counted = tx.upsert_rows("latest_metrics", &columns, &latest, KEEP_LATEST)?;
    let mut chunks = Vec::with_capacity(counted.len());
    for row in counted {
        let (key, count): (String, i64) = (row.get("key")?, row.get("chunks")?);
        if let Some(points) = by_key.get(key.as_str()) {
            chunks.push(params![place.no, key, count - 1, pack(points.iter())].to_vec());
        }
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
