//! Bringing in what another tracking server keeps, as it was there: with its ids, times and states. What is written here
//! was checked there, so names and keys are taken as they are.

mod models;

use flyball_core::{Edit, Error, Permit, Result, Timestamp};
use flyball_governance::{Event, audit};
use flyball_store::{OnConflict, Param, Tx, params};
use serde_json::json;

use crate::metrics;
use crate::model::{Experiment, Lifecycle, Metric, Pair, Run};
use crate::{experiments, inputs, runs};

pub use models::{forget_logged_model, has_logged_model, put_logged_model};

/// The number that a new experiment gets: the wanted one when it is free, otherwise the next.
///
/// # Errors
/// `Unavailable` when the database does not answer.
pub fn experiment_number(tx: &mut Tx<'_>, wanted: Option<i64>) -> Result<i64> {
    if let Some(wanted) = wanted.filter(|wanted| *wanted >= 0)
        && tx.query_one("SELECT id FROM experiments WHERE id = $1", &params![wanted])?.is_none()
    {
        return Ok(wanted);
    }
    let row = tx.query_one("SELECT COALESCE(MAX(id), 0) + 1 AS next FROM experiments", &[])?;
    row.map_or(Ok(1), |row| row.get("next"))
}

/// Makes an experiment as it is given, or gives the one of this number that name, place, state, times and tags.
///
/// # Errors
/// `Conflict` when another experiment has the name.
pub fn put_experiment(tx: &mut Tx<'_>, permit: &Permit<Edit>, new: &Experiment, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO experiments (id, workspace, name, artifact_location, lifecycle, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET name = excluded.name, \
         artifact_location = excluded.artifact_location, lifecycle = excluded.lifecycle, \
         created_at = excluded.created_at, updated_at = excluded.updated_at",
        &params![
            new.id,
            permit.workspace(),
            new.name.as_str(),
            new.artifact_location.as_str(),
            new.lifecycle.as_str(),
            new.created_at,
            new.updated_at
        ],
    )?;
    tx.execute("DELETE FROM experiment_tags WHERE experiment_id = $1", &params![new.id])?;
    tx.insert_rows("experiment_tags", &["experiment_id", "key", "value"], &pairs(new.id, &new.tags), OnConflict::Fail)?;
    let event = Event::done(permit, now, "experiment.import", format!("experiment/{}", new.id));
    audit::record(tx, &event.details(json!({ "name": new.name })))
}

/// Whether nothing was ever done with an experiment: it has no runs, no models and no tags.
///
/// # Errors
/// `NotFound` when there is no such experiment.
pub fn is_untouched(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: i64) -> Result<bool> {
    if !experiments::get(tx, permit, id)?.tags.is_empty() {
        return Ok(false);
    }
    for table in ["runs", "logged_models"] {
        let sql = format!("SELECT 1 AS one FROM {table} WHERE experiment_id = $1 LIMIT 1");
        if tx.query_one(&sql, &params![id])?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether there is a run of this id, in any workspace.
///
/// # Errors
/// `Unavailable` when the database does not answer.
pub fn has_run(tx: &mut Tx<'_>, id: &str) -> Result<bool> {
    Ok(tx.query_one("SELECT no FROM runs WHERE id = $1", &params![id])?.is_some())
}

/// Makes a run as it is given, without its metrics.
///
/// # Errors
/// `Conflict` when there is a run of this id.
pub fn put_run(tx: &mut Tx<'_>, permit: &Permit<Edit>, new: &Run, now: Timestamp) -> Result<()> {
    let row = tx.query_one(
        "INSERT INTO runs (id, workspace, experiment_id, name, user_id, status, lifecycle, started_at, ended_at, \
         artifact_uri) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING no",
        &params![
            new.id.as_str(),
            permit.workspace(),
            new.experiment_id,
            new.name.as_str(),
            new.user_id.as_str(),
            new.status.as_str(),
            new.lifecycle.as_str(),
            new.started_at,
            new.ended_at,
            new.artifact_uri.as_str()
        ],
    )?;
    let no: i64 = row.ok_or_else(|| Error::internal("an insert gave no row"))?.get("no")?;
    for (table, given) in [("run_params", &new.params), ("run_tags", &new.tags)] {
        let rows: Vec<Vec<Param>> = given
            .iter()
            .map(|pair| params![no, pair.key.as_str(), new.experiment_id, pair.value.as_str()].to_vec())
            .collect();
        tx.insert_rows(table, &["run_no", "key", "experiment_id", "value"], &rows, OnConflict::Fail)?;
    }
    let place = runs::Place { no, experiment_id: new.experiment_id, lifecycle: Lifecycle::Active };
    inputs::put(tx, place, &new.inputs.datasets, &new.inputs.models, &new.inputs.outputs)?;
    audit::record(tx, &Event::done(permit, now, "run.import", format!("run/{}", new.id)))
}

/// Adds points to the metrics of a run, deleted or not.
///
/// # Errors
/// `NotFound` when there is no such run.
pub fn add_metrics(tx: &mut Tx<'_>, permit: &Permit<Edit>, run_id: &str, points: &[Metric]) -> Result<()> {
    let place = runs::place(tx, permit, run_id)?;
    metrics::append(tx, place, points)
}

/// Removes a run of which only a part came in, as if it had never been.
///
/// # Errors
/// `Unavailable` when the database does not answer.
pub fn forget_run(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str) -> Result<()> {
    let Some(row) =
        tx.query_one("SELECT no FROM runs WHERE id = $1 AND workspace = $2", &params![id, permit.workspace()])?
    else {
        return Ok(());
    };
    let no: i64 = row.get("no")?;
    for table in ["run_params", "run_tags", "latest_metrics", "metric_points", "run_datasets", "run_models"] {
        tx.execute(&format!("DELETE FROM {table} WHERE run_no = $1"), &params![no])?;
    }
    tx.execute("DELETE FROM runs WHERE no = $1", &params![no])?;
    Ok(())
}

/// Where the artifacts of a run or logged model were before it came here, and where they are, if that differs. The former
/// place is kept in the tag `key`.
///
/// # Errors
/// `Unavailable` when the database does not answer.
pub fn moved_artifacts<L>(
    tx: &mut Tx<'_>,
    permit: &Permit<L>,
    id: &str,
    key: &str,
) -> Result<Option<(String, String)>> {
    let row = tx.query_one(
        "SELECT t.value AS former, r.artifact_uri AS here FROM runs r JOIN run_tags t ON t.run_no = r.no \
         WHERE r.workspace = $1 AND r.id = $2 AND t.key = $3 UNION ALL \
         SELECT t.value AS former, m.artifact_uri AS here FROM logged_models m JOIN logged_model_tags t \
         ON t.model_id = m.id WHERE m.workspace = $1 AND m.id = $2 AND t.key = $3",
        &params![permit.workspace(), id, key],
    )?;
    row.map(|row| Ok((row.get("former")?, row.get("here")?))).transpose()
}

fn pairs(owner: i64, pairs: &[Pair]) -> Vec<Vec<Param>> {
    pairs.iter().map(|pair| params![owner, pair.key.as_str(), pair.value.as_str()].to_vec()).collect()
}
