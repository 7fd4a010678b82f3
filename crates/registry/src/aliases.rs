//! Aliases: names that point at one version of a model.

use flyball_core::{Edit, Error, ErrorCode, Permit, Read, Result, Timestamp};
use flyball_governance::{Event, audit};
use flyball_store::{Tx, params};
use serde_json::json;

use crate::model::ModelVersion;
use crate::rules::{self, LATEST};
use crate::webhooks::events;
use crate::{models, rows, versions};

/// Points an alias at a version, with the reason when somebody gave one.
///
/// # Errors
/// `NotFound` when there is no such version, `InvalidName` when the alias is not accepted.
pub fn set(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    model: &str,
    alias: &str,
    version: i64,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    rules::new_alias(alias)?;
    versions::bare(tx, permit, model, version)?;
    let no = models::number(tx, permit, model)?;
    tx.execute(
        "INSERT INTO model_aliases (model_no, alias, version) VALUES ($1, $2, $3) \
         ON CONFLICT (model_no, alias) DO UPDATE SET version = excluded.version",
        &params![no, alias, version],
    )?;
    let event = Event::done(permit, now, "model.alias", format!("model/{model}/{version}"))
        .details(json!({ "alias": alias, "reason": reason }));
    audit::record(tx, &event)?;
    events::alias(tx, permit, model, alias, Some(version), now)
}

/// Takes an alias away; one that is not there is no error.
///
/// # Errors
/// `InvalidName` when the alias is not accepted.
pub fn remove(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    model: &str,
    alias: &str,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    rules::alias(alias)?;
    let no = models::number(tx, permit, model)?;
    let removed = tx.execute("DELETE FROM model_aliases WHERE model_no = $1 AND alias = $2", &params![no, alias])?;
    if removed == 0 {
        return Ok(());
    }
    let event = Event::done(permit, now, "model.alias_removed", format!("model/{model}"))
        .details(json!({ "alias": alias, "reason": reason }));
    audit::record(tx, &event)?;
    events::alias(tx, permit, model, alias, None, now)
}

/// Fills in the aliases of versions.
///
/// # Errors
/// Those of the database.
pub fn attach(tx: &mut Tx<'_>, versions: &mut [ModelVersion]) -> Result<()> {
    rows::attach_aliases(tx, versions)
}

/// The version that an alias points at; `latest` in any case is the one with the highest number.
///
/// # Errors
/// `NotFound` when there is no such model, or no version for `latest`; `InvalidInput` when there is no such alias, which
/// is what clients expect.
pub fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, model: &str, alias: &str) -> Result<ModelVersion> {
    rules::model_name("name", model)?;
    rules::alias(alias)?;
    let no = models::number(tx, permit, model)?;
    if alias.eq_ignore_ascii_case(LATEST) {
        let sql = "SELECT MAX(version) AS last FROM model_versions WHERE model_no = $1";
        let last = tx.query_one(sql, &params![no])?.map_or(Ok(None), |row| row.get::<Option<i64>>("last"))?;
        let none = || Error::new(ErrorCode::NotFound, format!("Latest version not found for model {model}."));
        return versions::get(tx, permit, model, last.ok_or_else(none)?);
    }
    let sql = "SELECT version FROM model_aliases WHERE model_no = $1 AND alias = $2";
    let row = tx.query_one(sql, &params![no, alias])?;
    let row = row.ok_or_else(|| Error::invalid(format!("Registered model alias {alias} not found.")))?;
    versions::get(tx, permit, model, row.get("version")?)
}
