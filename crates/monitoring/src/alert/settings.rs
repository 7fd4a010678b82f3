//! What a loop's file says about its alerts, as kept beside them.

use flyball_core::{Edit, Error, Permit, Read, Result};
use flyball_store::{Tx, params};
use serde::{Deserialize, Serialize};

use super::policy::AlertPolicy;
use crate::notify::Route;

/// Policy and routes of a loop.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AlertSettings {
    /// When findings become alerts.
    pub policy: AlertPolicy,
    /// Who is told.
    pub routes: Vec<Route>,
}

/// Notes what a loop's file says, as part of applying it.
///
/// # Errors
/// Those of the database.
pub fn declare(tx: &mut Tx<'_>, permit: &Permit<Edit>, loop_name: &str, settings: &AlertSettings) -> Result<()> {
    let text = serde_json::to_string(settings).map_err(Error::internal)?;
    tx.execute(
        "INSERT INTO alerting (workspace, loop_name, settings) VALUES ($1, $2, $3) \
         ON CONFLICT (workspace, loop_name) DO UPDATE SET settings = excluded.settings",
        &params![permit.workspace(), loop_name, text],
    )
    .map(drop)
}

/// The settings of a loop, or the usual ones.
///
/// # Errors
/// Those of the database.
pub fn of(tx: &mut Tx<'_>, permit: &Permit<Read>, loop_name: &str) -> Result<AlertSettings> {
    let row = tx.query_one(
        "SELECT settings FROM alerting WHERE workspace = $1 AND loop_name = $2",
        &params![permit.workspace(), loop_name],
    )?;
    match row {
        None => Ok(AlertSettings::default()),
        Some(row) => serde_json::from_str(&row.get::<String>("settings")?).map_err(Error::internal),
    }
}

/// The settings of every loop that has any, by name.
///
/// # Errors
/// Those of the database.
pub fn all(tx: &mut Tx<'_>, permit: &Permit<Read>) -> Result<Vec<(String, AlertSettings)>> {
    let rows = tx.query(
        "SELECT loop_name, settings FROM alerting WHERE workspace = $1 ORDER BY loop_name",
        &params![permit.workspace()],
    )?;
    let one = |row: &flyball_store::Row| {
        Ok((row.get("loop_name")?, serde_json::from_str(&row.get::<String>("settings")?).map_err(Error::internal)?))
    };
    rows.iter().map(one).collect()
}
