//! What the registry asks of runs and logged models: where their files are.

use flyball_core::{Error, ErrorCode, Permit, Result};
use flyball_store::{Tx, params};

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
