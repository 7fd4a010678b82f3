//! What the registry asks of runs and logged models: where their files are, and that a logged model was registered.

use flyball_core::{Error, ErrorCode, Permit, Result};
use flyball_store::{Tx, params};
use serde_json::{Value, json};

/// The tag of a logged model that lists the versions that it became.
const VERSIONS_TAG: &str = "mlflow.modelVersions";

/// A logged model, as far as its registration needs it.
pub(crate) struct LoggedModel {
    /// Where its files are.
    pub(crate) root: String,
    /// The run that made it; may be empty.
    pub(crate) run_id: String,
}

/// Where the files of a run are.
pub(crate) fn run_root<L>(tx: &mut Tx<'_>, permit: &Permit<L>, run_id: &str) -> Result<Option<String>> {
    let sql = "SELECT artifact_uri FROM runs WHERE workspace = $1 AND id = $2";
    tx.query_one(sql, &params![permit.workspace(), run_id])?.map(|row| row.get("artifact_uri")).transpose()
}

/// A logged model that is not deleted.
pub(crate) fn logged_model<L>(tx: &mut Tx<'_>, permit: &Permit<L>, id: &str) -> Result<Option<LoggedModel>> {
    let sql = "SELECT artifact_uri, source_run_id FROM logged_models \
         WHERE workspace = $1 AND id = $2 AND lifecycle = 'active'";
    let row = tx.query_one(sql, &params![permit.workspace(), id])?;
    row.map(|row| Ok(LoggedModel { root: row.get("artifact_uri")?, run_id: row.get("source_run_id")? })).transpose()
}

/// The error for a logged model that is not there.
pub(crate) fn no_logged_model(id: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("Logged model with ID '{id}' not found."))
}

/// Adds a version to those that a logged model became.
pub(crate) fn note_version(tx: &mut Tx<'_>, model_id: &str, name: &str, version: i64) -> Result<()> {
    let sql = "SELECT value FROM logged_model_tags WHERE model_id = $1 AND key = $2";
    let known =
        tx.query_one(sql, &params![model_id, VERSIONS_TAG])?.map(|row| row.get::<String>("value")).transpose()?;
    // A user may have written the tag too; what is no list is replaced.
    let mut versions: Vec<Value> = known.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let this = json!({ "name": name, "version": version });
    if versions.contains(&this) {
        return Ok(());
    }
    versions.push(this);
    tx.execute(
        "INSERT INTO logged_model_tags (model_id, key, value) VALUES ($1, $2, $3) \
         ON CONFLICT (model_id, key) DO UPDATE SET value = excluded.value",
        &params![model_id, VERSIONS_TAG, Value::Array(versions)],
    )?;
    Ok(())
}
