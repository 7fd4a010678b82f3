//! The SQL of runs. Each function works inside the caller's transaction.

use flyball_core::{Error, Permit, Read, Result, Timestamp, permit::Edit};
use flyball_store::{OnConflict, Param, Row, Tx, params};

use crate::model::{NewRun, Run, RunStatus};

/// Starts a run. Repeating it with the same id changes nothing.
pub fn start(tx: &mut Tx<'_>, permit: &Permit<Edit>, run: &NewRun, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO runs (id, workspace, experiment, cause, status, started_at, dataset_version, window_from, window_to, \
         row_count, rows_digest, code_commit, importance) \
         VALUES ($1, $2, $3, $4, 'running', $5, $6, $7, $8, $9, $10, $11, '[]') ON CONFLICT DO NOTHING",
        &params![
            run.id.as_str(),
            permit.workspace(),
            run.experiment.as_str(),
            run.cause.as_str(),
            now,
            run.dataset_version.as_str(),
            run.window.map(|w| w.0),
            run.window.map(|w| w.1),
            run.rows as i64,
            run.rows_digest,
            run.code_commit.clone()
        ],
    )?;
    Ok(())
}

/// Ends a run, well or with an error.
pub fn finish(
    tx: &mut Tx<'_>,
    _permit: &Permit<Edit>,
    id: &str,
    now: Timestamp,
    error: Option<&str>,
    importance: &[(String, f64)],
) -> Result<()> {
    let status = if error.is_some() { RunStatus::Failed } else { RunStatus::Finished };
    let importance = serde_json::to_string(importance).map_err(Error::internal)?;
    tx.execute(
        "UPDATE runs SET status = $2, ended_at = $3, error = $4, importance = $5 WHERE id = $1",
        &params![id, status.as_str(), now, error.map(str::to_owned), importance],
    )?;
    Ok(())
}

/// Logs parameters; a parameter that is there already keeps its first value.
pub fn log_params(tx: &mut Tx<'_>, _permit: &Permit<Edit>, id: &str, params: &[(String, String)]) -> Result<()> {
    let rows: Vec<Vec<Param>> =
        params.iter().map(|(name, value)| params![id, name.as_str(), value.as_str()].to_vec()).collect();
    tx.insert_rows("run_params", &["run_id", "name", "value"], &rows, OnConflict::Ignore)?;
    Ok(())
}

/// Logs the values of a metric at steps 0, 1, …; values that are not finite are left out.
pub fn log_metric(
    tx: &mut Tx<'_>,
    _permit: &Permit<Edit>,
    id: &str,
    name: &str,
    values: &[f64],
    now: Timestamp,
) -> Result<()> {
    let rows: Vec<Vec<Param>> = values
        .iter()
        .enumerate()
        .filter(|(_, value)| value.is_finite())
        .map(|(step, value)| params![id, name, step as i64, *value, now].to_vec())
        .collect();
    tx.insert_rows("run_metrics", &["run_id", "name", "step", "value", "at"], &rows, OnConflict::Ignore)?;
    Ok(())
}

/// All values of a metric, by step.
pub fn metric_history(tx: &mut Tx<'_>, _permit: &Permit<Read>, id: &str, name: &str) -> Result<Vec<(i64, f64)>> {
    let rows = tx.query(
        "SELECT step, value FROM run_metrics WHERE run_id = $1 AND name = $2 ORDER BY step",
        &params![id, name],
    )?;
    rows.iter().map(|row| Ok((row.get("step")?, row.get("value")?))).collect()
}

const COLUMNS: &str = "id, experiment, cause, status, started_at, ended_at, dataset_version, window_from, window_to, \
     row_count, rows_digest, code_commit, error, importance";

/// The run with this id.
pub fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<Run> {
    let sql = format!("SELECT {COLUMNS} FROM runs WHERE workspace = $1 AND id = $2");
    let row = tx.query_one(&sql, &params![permit.workspace(), id])?.ok_or_else(|| Error::not_found("run", id))?;
    let mut run = from_row(&row)?;
    let rows = tx.query("SELECT name, value FROM run_params WHERE run_id = $1 ORDER BY name", &params![id])?;
    run.params = rows.iter().map(|row| Ok((row.get("name")?, row.get("value")?))).collect::<Result<_>>()?;
    let rows = tx.query(
        "SELECT m.name, m.value FROM run_metrics m JOIN (SELECT name, MAX(step) AS step FROM run_metrics \
         WHERE run_id = $1 GROUP BY name) last ON last.name = m.name AND last.step = m.step \
         WHERE m.run_id = $1 ORDER BY m.name",
        &params![id],
    )?;
    run.metrics = rows.iter().map(|row| Ok((row.get("name")?, row.get("value")?))).collect::<Result<_>>()?;
    Ok(run)
}

/// The newest runs, of one experiment or of all. Parameters and metrics are left empty.
pub fn list(tx: &mut Tx<'_>, permit: &Permit<Read>, experiment: Option<&str>, limit: usize) -> Result<Vec<Run>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM runs WHERE workspace = $1 AND ($2 = '' OR experiment = $2) \
         ORDER BY started_at DESC, id LIMIT $3"
    );
    let rows = tx.query(&sql, &params![permit.workspace(), experiment.unwrap_or(""), limit as i64])?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<Run> {
    let status = match row.get::<String>("status")?.as_str() {
        "running" => RunStatus::Running,
        "finished" => RunStatus::Finished,
        _ => RunStatus::Failed,
    };
    let window: (Option<Timestamp>, Option<Timestamp>) = (row.get("window_from")?, row.get("window_to")?);
    Ok(Run {
        id: row.get("id")?,
        experiment: row.get("experiment")?,
        cause: row.get("cause")?,
        status,
        started_at: row.get("started_at")?,
        ended_at: row.get("ended_at")?,
        dataset_version: row.get("dataset_version")?,
        window: window.0.zip(window.1),
        rows: row.get::<i64>("row_count")?.unsigned_abs(),
        rows_digest: row.get("rows_digest")?,
        code_commit: row.get("code_commit")?,
        error: row.get("error")?,
        importance: serde_json::from_str(&row.get::<String>("importance")?).map_err(Error::internal)?,
        params: Vec::new(),
        metrics: Vec::new(),
    })
}
