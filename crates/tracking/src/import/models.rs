//! Logged models that come from elsewhere.

use flyball_core::{Edit, Permit, Result, Timestamp};
use flyball_governance::{Event, audit};
use flyball_store::{OnConflict, Param, Tx, params};

use crate::logged_models::{self, LoggedModel, METRIC_COLUMNS};

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
            new.status as i64,
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
    let mut rows = Vec::with_capacity(new.metrics.len());
    for (metric, run_id) in &new.metrics {
        rows.push(logged_models::metric_row(&new.id, new.experiment_id, run_id, metric));
    }
    tx.insert_rows("logged_model_metrics", &METRIC_COLUMNS, &rows, OnConflict::Ignore)?;
    audit::record(tx, &Event::done(permit, now, "logged_model.import", format!("logged_model/{}", new.id)))
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
