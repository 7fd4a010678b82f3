//! Where the artifacts of a run or of a logged model begin.

use flyball_core::{Error, ErrorCode, Permit, Result};
use flyball_store::{Tx, params};

use crate::{rules, runs};

/// The artifact URI of a run, deleted or not.
///
/// # Errors
/// `NotFound` when there is no such run.
pub fn of_run<L>(tx: &mut Tx<'_>, permit: &Permit<L>, run_id: &str) -> Result<String> {
    let run = runs::place(tx, permit, run_id)?;
    let row = tx.query_one("SELECT artifact_uri FROM runs WHERE no = $1", &params![run.no])?;
    row.ok_or_else(|| Error::internal("a run vanished within a transaction"))?.get("artifact_uri")
}

/// The artifact URI of a logged model.
///
/// # Errors
/// `NotFound` when there is no such model or it is deleted.
pub fn of_model<L>(tx: &mut Tx<'_>, permit: &Permit<L>, model_id: &str) -> Result<String> {
    let row = tx.query_one(
        "SELECT artifact_uri FROM logged_models WHERE id = $1 AND workspace = $2 AND lifecycle = 'active'",
        &params![model_id, permit.workspace()],
    )?;
    let missing = || {
        let message = format!("Logged model with ID {} not found", rules::shown(model_id));
        Error::new(ErrorCode::NotFound, message)
    };
    row.ok_or_else(missing)?.get("artifact_uri")
}
