//! Logging metrics: the history grows by one packed chunk per metric and batch, and the latest value is kept beside it.

use std::collections::{HashMap, HashSet};

use flyball_core::{Edit, Error, Permit, Result};
use flyball_store::{OnConflict, Param, Tx, params};

use crate::model::{Metric, Point};
use crate::points::{pack, put_in_order};
use crate::rules;
use crate::runs::{self, Place};

/// Up to so many metrics their latest values are asked for one by one; for more, all of the run are read at once.
const ASKED_ALONE: usize = 8;

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

struct Latest {
    point: Point,
    chunks: i64,
}

/// Appends checked metrics to a run.
pub(crate) fn append(tx: &mut Tx<'_>, place: Place, metrics: &[Metric]) -> Result<()> {
    let mut by_key: Vec<(&str, Vec<Point>)> = Vec::new();
    let mut positions: HashMap<&str, usize> = HashMap::new();
    for metric in metrics {
        let position = *positions.entry(&metric.key).or_insert_with(|| {
            by_key.push((&metric.key, Vec::new()));
            by_key.len() - 1
        });
        by_key[position].1.push(Point { value: rules::finite(metric.point.value), ..metric.point });
    }
    let keys: Vec<&str> = by_key.iter().map(|(key, _)| *key).collect();
    let mut known = latest(tx, place.no, &keys)?;
    let (mut chunks, mut fresh) = (Vec::with_capacity(keys.len()), Vec::new());
    for (key, mut points) in by_key {
        put_in_order(&mut points);
        let Some(newest) = points.iter().copied().reduce(|a, b| if rules::is_later(&b, &a) { b } else { a }) else {
            continue;
        };
        let before = known.remove(key);
        let chunk = before.as_ref().map_or(0, |latest| latest.chunks);
        chunks.push(params![place.no, key, chunk, pack(points.iter())].to_vec());
        match before {
            None => fresh.push(latest_row(place, key, &newest)),
            Some(before) if rules::is_later(&newest, &before.point) => {
                tx.execute(
                    "UPDATE latest_metrics SET value = $3, is_nan = $4, timestamp = $5, step = $6, chunks = $7 \
                     WHERE run_no = $1 AND key = $2",
                    &params![
                        place.no,
                        key,
                        rules::number(&newest),
                        newest.value.is_nan(),
                        newest.timestamp,
                        newest.step,
                        chunk + 1
                    ],
                )?;
            }
            Some(_) => {
                tx.execute(
                    "UPDATE latest_metrics SET chunks = $3 WHERE run_no = $1 AND key = $2",
                    &params![place.no, key, chunk + 1],
                )?;
            }
        }
    }
    tx.insert_rows("metric_points", &["run_no", "key", "chunk", "points"], &chunks, OnConflict::Fail)?;
    let columns = ["run_no", "key", "experiment_id", "value", "is_nan", "timestamp", "step", "chunks"];
    tx.insert_rows("latest_metrics", &columns, &fresh, OnConflict::Fail)?;
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

fn latest(tx: &mut Tx<'_>, run_no: i64, keys: &[&str]) -> Result<HashMap<String, Latest>> {
    let columns = "SELECT key, value, is_nan, timestamp, step, chunks FROM latest_metrics WHERE run_no = $1";
    let rows = if keys.len() <= ASKED_ALONE {
        let sql = format!("{columns} AND key = $2");
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys {
            rows.extend(tx.query_one(&sql, &params![run_no, *key])?);
        }
        rows
    } else {
        tx.query(columns, &params![run_no])?
    };
    let wanted: HashSet<&str> = keys.iter().copied().collect();
    let mut known = HashMap::with_capacity(rows.len());
    for row in rows {
        let key: String = row.get("key")?;
        if wanted.contains(key.as_str()) {
            known.insert(key, Latest { point: runs::latest_point(&row)?, chunks: row.get("chunks")? });
        }
    }
    Ok(known)
}
