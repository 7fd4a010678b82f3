//! What traces need to know of experiments and runs.

use flyball_core::{Error, ErrorCode, Permit, Read, Result};
use flyball_store::Tx;
use flyball_tracking::{Lifecycle, experiments, runs};

/// An active experiment.
pub(crate) struct Home {
    pub(crate) id: i64,
    artifact_location: String,
}

impl Home {
    /// Where files of a trace go.
    pub(crate) fn trace_location(&self, trace_id: &str) -> String {
        format!("{}/traces/{trace_id}/artifacts", self.artifact_location.trim_end_matches('/'))
    }
}

/// The id of an experiment as a number.
pub(crate) fn id_of(text: &str) -> Result<i64> {
    text.trim().parse().map_err(|_| {
        let shown: String = text.chars().take(100).collect();
        Error::invalid(format!("Invalid experiment ID '{}'", shown.escape_debug()))
            .hint("experiment IDs are whole numbers")
    })
}

/// The experiment for new traces, which must be active.
pub(crate) fn home(tx: &mut Tx<'_>, permit: &Permit<Read>, id: i64) -> Result<Home> {
    let experiment = experiments::get(tx, permit, id)?;
    if experiment.lifecycle != Lifecycle::Active {
        let message = format!("The experiment {id} must be in the 'active' state; it is deleted");
        return Err(Error::new(ErrorCode::Conflict, message).hint("restore the experiment"));
    }
    Ok(Home { id, artifact_location: experiment.artifact_location })
}

/// Whether there is such a run.
pub(crate) fn run_exists(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<bool> {
    match runs::place(tx, permit, id) {
        Ok(_) => Ok(true),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
