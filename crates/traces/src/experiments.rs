//! What traces need to know of experiments and runs.

use flyball_core::{Error, Permit, Read, Result};
use flyball_store::{Tx, params};

/// An active experiment.
pub(crate) struct Experiment {
    pub(crate) id: i64,
    artifact_location: String,
}

impl Experiment {
    /// Where files of a trace go.
    pub(crate) fn trace_location(&self, trace_id: &str) -> String {
        format!("{}/traces/{trace_id}/artifacts", self.artifact_location.trim_end_matches('/'))
    }
}

/// The id of an experiment as a number.
pub(crate) fn id_of(text: &str) -> Result<i64> {
    text.trim().parse().map_err(|_| {
        Error::invalid(format!("Invalid experiment ID '{}'", text.escape_debug()))
            .hint("experiment IDs are whole numbers")
    })
}

/// The experiment, which must be active.
pub(crate) fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<Experiment> {
    let number = id_of(id)?;
    let sql = "SELECT artifact_location, lifecycle FROM experiments WHERE workspace = $1 AND id = $2";
    let row = tx.query_one(sql, &params![permit.workspace(), number])?;
    let row = row.ok_or_else(|| {
        Error::new(flyball_core::ErrorCode::NotFound, format!("No Experiment with id={number} exists"))
    })?;
    let lifecycle: String = row.get("lifecycle")?;
    if lifecycle != "active" {
        let message = format!("The experiment {number} must be in the 'active' state. Current state is {lifecycle}.");
        return Err(Error::invalid(message).hint("restore the experiment first"));
    }
    Ok(Experiment { id: number, artifact_location: row.get("artifact_location")? })
}

/// Whether there is such a run.
pub(crate) fn run_exists(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<bool> {
    let sql = "SELECT 1 AS found FROM runs WHERE workspace = $1 AND id = $2";
    Ok(tx.query_one(sql, &params![permit.workspace(), id])?.is_some())
}
