//! Logged models that come from elsewhere.

use flyball_core::{Edit, Error, Permit, Result, Timestamp};
use flyball_governance::{Event, audit};
use flyball_store::{OnConflict, Param, Tx, params};

use crate::model::{Lifecycle, Pair, Point};
use crate::{rules, runs};

/// A logged model with all that was said and measured of it.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedModel {
    /// The id.
    pub id: String,
    /// The experiment's number.
    pub experiment_id: i64,
    /// The name.
    pub name: String,
    /// The kind of model, as the client says; may be empty.
    pub model_type: String,
    /// The run that made it; empty when it is not known.
    pub source_run_id: String,
    /// The number of its status in the tracking API.
    pub status: i64,
    /// Why it is not ready.
    pub status_message: Option<String>,
    /// Whether it is in use.
    pub lifecycle: Lifecycle,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// Where its artifacts are.
    pub artifact_uri: String,
    /// The parameters.
    pub params: Vec<Pair>,
    /// The tags.
    pub tags: Vec<Pair>,
    /// What runs measured of it.
    pub metrics: Vec<ModelMetric>,
}

/// A value that a run measured of a logged model; dataset fields are empty when it names none.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelMetric {
    /// The metric.
    pub key: String,
    /// The point.
    pub point: Point,
    /// The run.
    pub run_id: String,
    /// The name of the dataset.
    pub dataset_name: String,
    /// The digest of the dataset.
    pub dataset_digest: String,
}

/// Whether there is a logged model of this id, in any workspace.
///
/// # Errors
/// `Unavailable` when the database does not answer.
pub fn has_logged_model(tx: &mut Tx<'_>, id: &str) -> Result<bool> {
    Ok(tx.query_one("SELECT id FROM logged_models WHERE id = $1", &params![id])?.is_some())
}

/// Makes a logged model as it is given.
///
/// # Errors
/// `Conflict` when there is one of this id.
pub fn put_logged_model(tx: &mut Tx<'_>, permit: &Permit<Edit>, new: &LoggedModel, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO logged_models (id, workspace, experiment_id, name, model_type, source_run_id, status, \
         status_message, lifecycle, created_at, updated_at, artifact_uri) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        &params![
            new.id.as_str(),
            permit.workspace(),
            new.experiment_id,
            new.name.as_str(),
            new.model_type.as_str(),
            new.source_run_id.as_str(),
            new.status,
            new.status_message.clone(),
            new.lifecycle.as_str(),
            new.created_at,
            new.updated_at,
            new.artifact_uri.as_str()
        ],
    )?;
    for (table, given) in [("logged_model_params", &new.params), ("logged_model_tags", &new.tags)] {
        let rows: Vec<Vec<Param>> = given
            .iter()
            .map(|pair| params![new.id.as_str(), pair.key.as_str(), pair.value.as_str()].to_vec())
            .collect();
        tx.insert_rows(table, &["model_id", "key", "value"], &rows, OnConflict::Fail)?;
    }
    let rows: Vec<Vec<Param>> = new.metrics.iter().map(|metric| metric_row(new, metric)).collect();
    tx.insert_rows("logged_model_metrics", &METRIC_COLUMNS, &rows, OnConflict::Ignore)?;
    audit::record(tx, &Event::done(permit, now, "logged_model.import", format!("logged_model/{}", new.id)))
}

const METRIC_COLUMNS: [&str; 10] = [
    "model_id",
    "key",
    "timestamp",
    "step",
    "run_id",
    "value",
    "is_nan",
    "experiment_id",
    "dataset_name",
    "dataset_digest",
];

fn metric_row(model: &LoggedModel, metric: &ModelMetric) -> Vec<Param> {
    params![
        model.id.as_str(),
        metric.key.as_str(),
        metric.point.timestamp,
        metric.point.step,
        metric.run_id.as_str(),
        rules::number(&metric.point),
        metric.point.value.is_nan(),
        model.experiment_id,
        metric.dataset_name.as_str(),
        metric.dataset_digest.as_str()
    ]
    .to_vec()
}

/// The logged model of this id, deleted or not, with all that was said and measured of it.
///
/// # Errors
/// `NotFound` when there is none.
pub fn logged_model<L>(tx: &mut Tx<'_>, permit: &Permit<L>, id: &str) -> Result<LoggedModel> {
    let row = tx.query_one(
        "SELECT id, experiment_id, name, model_type, source_run_id, status, status_message, lifecycle, created_at, \
         updated_at, artifact_uri FROM logged_models WHERE id = $1 AND workspace = $2",
        &params![id, permit.workspace()],
    )?;
    let row = row.ok_or_else(|| Error::not_found("logged model", rules::shown(id)))?;
    let mut pairs = |table: &str| -> Result<Vec<Pair>> {
        let rows =
            tx.query(&format!("SELECT key, value FROM {table} WHERE model_id = $1 ORDER BY key"), &params![id])?;
        rows.iter().map(runs::pair).collect()
    };
    let (params, tags) = (pairs("logged_model_params")?, pairs("logged_model_tags")?);
    let metrics = tx.query(
        "SELECT key, timestamp, step, run_id, value, is_nan, dataset_name, dataset_digest FROM logged_model_metrics \
         WHERE model_id = $1 ORDER BY key, timestamp, step, run_id, value, is_nan, dataset_name, dataset_digest",
        &params![id],
    )?;
    let metric = |row: &flyball_store::Row| {
        Ok(ModelMetric {
            key: row.get("key")?,
            point: runs::latest_point(row)?,
            run_id: row.get("run_id")?,
            dataset_name: row.get("dataset_name")?,
            dataset_digest: row.get("dataset_digest")?,
        })
    };
    Ok(LoggedModel {
        id: row.get("id")?,
        experiment_id: row.get("experiment_id")?,
        name: row.get("name")?,
        model_type: row.get("model_type")?,
        source_run_id: row.get("source_run_id")?,
        status: row.get("status")?,
        status_message: row.get("status_message")?,
        lifecycle: Lifecycle::of(&row.get::<String>("lifecycle")?),
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        artifact_uri: row.get("artifact_uri")?,
        params,
        tags,
        metrics: metrics.iter().map(metric).collect::<Result<_>>()?,
    })
}

/// Removes a logged model of which only a part came in, as if it had never been.
///
/// # Errors
/// `Unavailable` when the database does not answer.
pub fn forget_logged_model(tx: &mut Tx<'_>, permit: &Permit<Edit>, id: &str) -> Result<()> {
    let gone =
        tx.execute("DELETE FROM logged_models WHERE id = $1 AND workspace = $2", &params![id, permit.workspace()])?;
    if gone == 0 {
        return Ok(());
    }
    for table in ["logged_model_params", "logged_model_tags", "logged_model_metrics"] {
        tx.execute(&format!("DELETE FROM {table} WHERE model_id = $1"), &params![id])?;
    }
    Ok(())
}
