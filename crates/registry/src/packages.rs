//! Versions that Flyball can serve: how loops register them and find them again.

use flyball_core::{Edit, Error, Permit, Read, Result, Timestamp};
use flyball_store::{Row, Tx, params};

use crate::model::{NewPackage, PackagedVersion};
use crate::sources::Origin;
use crate::versions::Details;
use crate::webhooks::events;
use crate::{aliases, models, rows, versions};

/// Registers the next version of a model, with its package. Repeating it for the same run answers the version that the
/// run made before.
///
/// # Errors
/// Those of the database.
pub fn register(tx: &mut Tx<'_>, permit: &Permit<Edit>, new: &NewPackage, now: Timestamp) -> Result<i64> {
    let made = tx.query_one(
        "SELECT v.version FROM model_versions v JOIN registered_models m ON m.no = v.model_no \
         JOIN model_packages p ON p.version_no = v.no WHERE v.run_id = $1 AND m.workspace = $2 AND m.name = $3",
        &params![&new.run_id, permit.workspace(), &new.model],
    )?;
    if let Some(row) = made {
        return row.get("version");
    }
    models::ensure(tx, permit, &new.model, now)?;
    let source = format!("runs:/{}/{}", new.run_id, new.output);
    let origin = Origin { location: source.clone(), source, run_id: new.run_id.clone(), model_id: None };
    let details = Details { run_link: "", description: None, user_id: Some(permit.actor()), tags: &[] };
    let version = versions::insert(tx, permit, &new.model, &origin, &details, now)?;
    let signature = serde_json::to_string(&new.package.signature).map_err(Error::internal)?;
    tx.execute(
        "INSERT INTO model_packages (version_no, artifact, signature, reference, evaluation) VALUES ($1, $2, $3, $4, $5)",
        &params![version.no, new.package.artifact, signature, new.package.reference, &new.package.evaluation],
    )?;
    events::version_created(tx, permit, &version, false, now)?;
    Ok(version.version)
}

const PACKAGED: &str = "SELECT v.no, m.name AS model, v.version, v.created_at, v.run_id, p.artifact, p.signature, \
     p.reference, p.evaluation FROM registered_models m JOIN model_versions v ON v.model_no = m.no \
     JOIN model_packages p ON p.version_no = v.no WHERE m.workspace = $1";

/// A version that has a package.
///
/// # Errors
/// `NotFound` when there is no such version, or Flyball cannot serve it.
pub fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, model: &str, version: i64) -> Result<PackagedVersion> {
    find(tx, permit, model, version)?.ok_or_else(|| Error::not_found("model version", format!("{model}/{version}")))
}

/// A version that has a package; `None` also when there is the version but Flyball cannot serve it.
///
/// # Errors
/// Those of the database.
pub fn find(tx: &mut Tx<'_>, permit: &Permit<Read>, model: &str, version: i64) -> Result<Option<PackagedVersion>> {
    let sql = format!("{PACKAGED} AND m.name = $2 AND v.version = $3");
    let row = tx.query_one(&sql, &params![permit.workspace(), model, version])?;
    row.map(|row| packaged(tx, &row)).transpose()
}

/// The version with a package that an alias points at.
///
/// # Errors
/// Those of the database.
pub fn by_alias(tx: &mut Tx<'_>, permit: &Permit<Read>, model: &str, alias: &str) -> Result<Option<PackagedVersion>> {
    let sql = format!(
        "{PACKAGED} AND m.name = $2 AND v.version = \
         (SELECT a.version FROM model_aliases a WHERE a.model_no = m.no AND a.alias = $3)"
    );
    let row = tx.query_one(&sql, &params![permit.workspace(), model, alias])?;
    row.map(|row| packaged(tx, &row)).transpose()
}

/// The newest versions of a model that have a package.
///
/// # Errors
/// Those of the database.
pub fn list(tx: &mut Tx<'_>, permit: &Permit<Read>, model: &str, limit: usize) -> Result<Vec<PackagedVersion>> {
    let sql = format!("{PACKAGED} AND m.name = $2 ORDER BY v.version DESC LIMIT $3");
    let rows = tx.query(&sql, &params![permit.workspace(), model, limit])?;
    rows.iter().map(|row| packaged(tx, row)).collect()
}

fn packaged(tx: &mut Tx<'_>, row: &Row) -> Result<PackagedVersion> {
    let no: i64 = row.get("no")?;
    let aliases = tx.query(
        "SELECT a.alias FROM model_versions v JOIN model_aliases a ON a.model_no = v.model_no AND a.version = v.version \
         WHERE v.no = $1 ORDER BY a.alias",
        &params![no],
    )?;
    Ok(PackagedVersion {
        model: row.get("model")?,
        version: row.get("version")?,
        created_at: row.get("created_at")?,
        run_id: row.get("run_id")?,
        artifact: row.get("artifact")?,
        signature: serde_json::from_str(&row.get::<String>("signature")?).map_err(Error::internal)?,
        reference: row.get("reference")?,
        evaluation: row.get("evaluation")?,
        aliases: aliases.iter().map(|row| row.get("alias")).collect::<Result<_>>()?,
    })
}

/// Points an alias at a version, with the reason. A version that somebody deleted meanwhile serves on without it.
///
/// # Errors
/// Those of the database.
pub fn set_alias(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    model: &str,
    alias: &str,
    version: i64,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    match find(tx, &permit.read(), model, version)? {
        Some(_) => aliases::set(tx, permit, model, alias, version, Some(reason), now),
        None => Ok(()),
    }
}

/// Takes an alias away, with the reason; when it or the model is gone already, nothing happens.
///
/// # Errors
/// Those of the database.
pub fn remove_alias(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    model: &str,
    alias: &str,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    match rows::model(tx, permit, model)? {
        Some(_) => aliases::remove(tx, permit, model, alias, Some(reason), now),
        None => Ok(()),
    }
}
