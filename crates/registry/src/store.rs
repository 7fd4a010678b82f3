//! The SQL of versions and aliases. Each function works inside the caller's transaction.

use flyball_core::{Edit, Error, Permit, Read, Result, Timestamp};
use flyball_governance::{Event, audit};
use flyball_store::{Row, Tx, params};
use serde_json::json;

use crate::model::{ModelVersion, NewVersion};

/// Registers the next version of a model. Repeating it for the same run answers the version that the run made before.
pub fn register(tx: &mut Tx<'_>, permit: &Permit<Edit>, new: &NewVersion, now: Timestamp) -> Result<i64> {
    if let Some(row) =
        tx.query_one("SELECT version FROM model_versions WHERE run_id = $1", &params![new.run_id.as_str()])?
    {
        return row.get("version");
    }
    let row = tx.query_one(
        "SELECT COALESCE(MAX(version), 0) AS last FROM model_versions WHERE workspace = $1 AND model = $2",
        &params![permit.workspace(), new.model.as_str()],
    )?;
    let version = row.map_or(Ok(0), |row| row.get::<i64>("last"))? + 1;
    let signature = serde_json::to_string(&new.signature).map_err(Error::internal)?;
    tx.execute(
        "INSERT INTO model_versions (workspace, model, version, created_at, run_id, artifact, signature, reference, \
         evaluation) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &params![
            permit.workspace(),
            new.model.as_str(),
            version,
            now,
            new.run_id.as_str(),
            new.artifact,
            signature,
            new.reference,
            new.evaluation.to_string()
        ],
    )?;
    let event = Event::done(permit, now, "model.register", format!("model/{}/{version}", new.model))
        .details(json!({ "run": new.run_id, "artifact": new.artifact }));
    audit::record(tx, &event)?;
    Ok(version)
}

/// Points an alias at a version, with the reason.
pub fn set_alias(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    model: &str,
    alias: &str,
    version: i64,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    get(tx, &permit.read(), model, version)?;
    tx.execute(
        "INSERT INTO model_aliases (workspace, model, alias, version, set_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (workspace, model, alias) DO UPDATE SET version = excluded.version, set_at = excluded.set_at",
        &params![permit.workspace(), model, alias, version, now],
    )?;
    let event = Event::done(permit, now, "model.alias", format!("model/{model}/{version}"))
        .details(json!({ "alias": alias, "reason": reason }));
    audit::record(tx, &event)
}

/// Takes an alias away; one that is not there is no error.
pub fn remove_alias(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    model: &str,
    alias: &str,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    let removed = tx.execute(
        "DELETE FROM model_aliases WHERE workspace = $1 AND model = $2 AND alias = $3",
        &params![permit.workspace(), model, alias],
    )?;
    if removed == 0 {
        return Ok(());
    }
    let event = Event::done(permit, now, "model.alias_removed", format!("model/{model}"))
        .details(json!({ "alias": alias, "reason": reason }));
    audit::record(tx, &event)
}

const COLUMNS: &str = "model, version, created_at, run_id, artifact, signature, reference, evaluation";

/// A version of a model.
pub fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, model: &str, version: i64) -> Result<ModelVersion> {
    let sql = format!("SELECT {COLUMNS} FROM model_versions WHERE workspace = $1 AND model = $2 AND version = $3");
    let row = tx
        .query_one(&sql, &params![permit.workspace(), model, version])?
        .ok_or_else(|| Error::not_found("model version", format!("{model}/{version}")))?;
    with_aliases(tx, permit, from_row(&row)?)
}

/// The version that an alias points at.
pub fn by_alias(tx: &mut Tx<'_>, permit: &Permit<Read>, model: &str, alias: &str) -> Result<Option<ModelVersion>> {
    let row = tx.query_one(
        "SELECT version FROM model_aliases WHERE workspace = $1 AND model = $2 AND alias = $3",
        &params![permit.workspace(), model, alias],
    )?;
    match row {
        Some(row) => get(tx, permit, model, row.get("version")?).map(Some),
        None => Ok(None),
    }
}

/// The newest versions, of one model or of all.
pub fn list(tx: &mut Tx<'_>, permit: &Permit<Read>, model: Option<&str>, limit: usize) -> Result<Vec<ModelVersion>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM model_versions WHERE workspace = $1 AND ($2 = '' OR model = $2) \
         ORDER BY created_at DESC, model, version DESC LIMIT $3"
    );
    let rows = tx.query(&sql, &params![permit.workspace(), model.unwrap_or(""), limit as i64])?;
    rows.iter().map(from_row).collect::<Result<Vec<_>>>()?.into_iter().map(|v| with_aliases(tx, permit, v)).collect()
}

fn with_aliases(tx: &mut Tx<'_>, permit: &Permit<Read>, mut version: ModelVersion) -> Result<ModelVersion> {
    let rows = tx.query(
        "SELECT alias FROM model_aliases WHERE workspace = $1 AND model = $2 AND version = $3 ORDER BY alias",
        &params![permit.workspace(), version.model.as_str(), version.version],
    )?;
    version.aliases = rows.iter().map(|row| row.get("alias")).collect::<Result<_>>()?;
    Ok(version)
}

fn from_row(row: &Row) -> Result<ModelVersion> {
    Ok(ModelVersion {
        model: row.get("model")?,
        version: row.get("version")?,
        created_at: row.get("created_at")?,
        run_id: row.get("run_id")?,
        artifact: row.get("artifact")?,
        signature: serde_json::from_str(&row.get::<String>("signature")?).map_err(Error::internal)?,
        reference: row.get("reference")?,
        evaluation: row.get("evaluation")?,
        aliases: Vec::new(),
    })
}
