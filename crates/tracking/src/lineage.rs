//! Trainings: runs that a loop starts, with what they learnt from.

use std::collections::HashMap;

use flyball_core::{Digest, Edit, Error, Permit, Result, Timestamp};
use flyball_store::{Row, Tx, params};
use serde::Serialize;

use crate::batch::{self, Batch};
use crate::model::{Metric, NewRun, Pair, Point, RunStatus};
use crate::runs::{self, Update};
use crate::{experiments, metrics, sql};

/// What is known of a training when it starts. Its lineage is complete from the first moment.
#[derive(Clone, Debug)]
pub struct NewTraining {
    /// The run's id, derived from what the training is for, so that a repeated attempt finds it.
    pub id: String,
    /// The experiment, by default the loop's name.
    pub experiment: String,
    /// What it learns from, and why.
    pub lineage: Lineage,
}

/// What a run learnt from.
#[derive(Clone, Debug, Serialize)]
pub struct Lineage {
    /// Why it was started (`first training`, `remedy 1: drift and …`).
    pub cause: String,
    /// The dataset version.
    pub dataset_version: String,
    /// The event times of the rows: from (inclusive) and to (exclusive).
    pub window: Option<(Timestamp, Timestamp)>,
    /// How many rows.
    pub rows: u64,
    /// The digest of the row keys, so that the very rows can be told.
    pub rows_digest: Digest,
    /// The commit of the project's code, when it is a git repository.
    pub code_commit: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// The importance of each feature, largest first.
    pub importance: Vec<(String, f64)>,
}

/// Starts a training. Repeating it with the same id changes nothing.
pub fn start(tx: &mut Tx<'_>, permit: &Permit<Edit>, new: &NewTraining, now: Timestamp) -> Result<()> {
    let known = tx.query_one("SELECT no FROM runs WHERE id = $1", &params![new.id.as_str()])?;
    if known.is_some() {
        return Ok(());
    }
    let experiment_id = experiments::named(tx, permit, &new.experiment, now)?;
    let tags = [
        Some(Pair::new("mlflow.user", permit.actor())),
        Some(Pair::new("mlflow.source.type", "JOB")),
        new.lineage.code_commit.as_ref().map(|commit| Pair::new("mlflow.source.git.commit", commit)),
    ];
    let run = NewRun {
        id: new.id.clone(),
        experiment_id,
        name: None,
        user_id: permit.actor().to_owned(),
        started_at: now,
        tags: tags.into_iter().flatten().collect(),
    };
    runs::create(tx, permit, &run, now)?;
    let lineage = &new.lineage;
    tx.execute(
        "INSERT INTO run_lineage (run_id, cause, dataset_version, window_from, window_to, row_count, rows_digest, \
         code_commit, importance) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '[]')",
        &params![
            new.id.as_str(),
            lineage.cause.as_str(),
            lineage.dataset_version.as_str(),
            lineage.window.map(|window| window.0),
            lineage.window.map(|window| window.1),
            lineage.rows,
            lineage.rows_digest,
            lineage.code_commit.clone()
        ],
    )?;
    Ok(())
}

/// Ends a training, well or with an error.
pub fn finish(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    id: &str,
    now: Timestamp,
    error: Option<&str>,
    importance: &[(String, f64)],
) -> Result<()> {
    let status = if error.is_some() { RunStatus::Failed } else { RunStatus::Finished };
    runs::update(tx, permit, id, &Update { status: Some(status), ended_at: Some(Some(now)), name: None })?;
    let importance = serde_json::to_string(importance).map_err(Error::internal)?;
    tx.execute(
        "UPDATE run_lineage SET error = $2, importance = $3 WHERE run_id = $1",
        &params![id, error.map(str::to_owned), importance],
    )?;
    Ok(())
}

/// Logs parameters of a training; a value that is longer than clients may send is cut.
pub fn log_params(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str, params: &[(String, String)]) -> Result<()> {
    let params = params.iter().map(|(key, value)| Pair::new(key, value)).collect();
    batch::log(tx, permit, id, &Batch { params, ..Batch::default() })
}

/// Logs the values of a metric at steps 0, 1, …; values that are not finite are left out.
pub fn log_metric(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    id: &str,
    key: &str,
    values: &[f64],
    now: Timestamp,
) -> Result<()> {
    let point = |(step, value): (usize, &f64)| Metric {
        key: key.to_owned(),
        point: Point { value: *value, timestamp: now.0, step: step as i64 },
    };
    let points: Vec<Metric> = values.iter().enumerate().filter(|(_, value)| value.is_finite()).map(point).collect();
    if points.is_empty() {
        return Ok(());
    }
    let place = runs::active_place(tx, permit, id)?;
    metrics::append(tx, place, &points)
}

/// What a run learnt from, when a loop trained it.
pub(crate) fn get(tx: &mut Tx<'_>, run_id: &str) -> Result<Option<Lineage>> {
    let row = tx.query_one(
        "SELECT cause, dataset_version, window_from, window_to, row_count, rows_digest, code_commit, error, importance \
         FROM run_lineage WHERE run_id = $1",
        &params![run_id],
    )?;
    row.as_ref().map(from_row).transpose()
}

/// The same of the runs of these numbers, by id.
pub(crate) fn of_many(tx: &mut Tx<'_>, runs: &[i64]) -> Result<HashMap<String, Lineage>> {
    let (among, list) = sql::among(tx.kind(), "r.no", 1, runs);
    let rows = tx.query(
        &format!(
            "SELECT l.run_id, l.cause, l.dataset_version, l.window_from, l.window_to, l.row_count, l.rows_digest, \
             l.code_commit, l.error, l.importance FROM runs r JOIN run_lineage l ON l.run_id = r.id WHERE {among}"
        ),
        &[list],
    )?;
    rows.iter().map(|row| Ok((row.get("run_id")?, from_row(row)?))).collect()
}

fn from_row(row: &Row) -> Result<Lineage> {
    let window: (Option<Timestamp>, Option<Timestamp>) = (row.get("window_from")?, row.get("window_to")?);
    Ok(Lineage {
        cause: row.get("cause")?,
        dataset_version: row.get("dataset_version")?,
        window: window.0.zip(window.1),
        rows: row.get("row_count")?,
        rows_digest: row.get("rows_digest")?,
        code_commit: row.get("code_commit")?,
        error: row.get("error")?,
        importance: serde_json::from_str(&row.get::<String>("importance")?).map_err(Error::internal)?,
    })
}
