//! Bringing in what another registry keeps, as it was there: with its numbers, times and stages. Nobody is told of it by
//! webhook: nothing new happened.

use flyball_core::{Edit, Error, Permit, Result, Timestamp};
use flyball_governance::{Event, audit};
use flyball_store::{OnConflict, Param, Tx, params};
use flyball_tracking::Pair;
use serde_json::json;

use crate::model::{ModelVersion, RegisteredModel};
use crate::{models, rules};

/// Makes a registered model as it is given, with its aliases, whose versions come later. `last_version` is the highest
/// number that was ever given to one.
///
/// # Errors
/// `InvalidName` for a name that is not accepted, `Conflict` when it is taken.
pub fn put_model(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    new: &RegisteredModel,
    last_version: i64,
    now: Timestamp,
) -> Result<()> {
    rules::model_name("name", &new.name)?;
    let row = tx.query_one(
        "INSERT INTO registered_models (workspace, name, description, created_at, updated_at, last_version) \
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING no",
        &params![permit.workspace(), &new.name, new.description.as_ref(), new.created_at, new.updated_at, last_version],
    )?;
    let no: i64 = row.ok_or_else(|| Error::internal("an insert gave no row"))?.get("no")?;
    tx.insert_rows("registered_model_tags", &["model_no", "key", "value"], &rows(no, &new.tags), OnConflict::Fail)?;
    let aliases: Vec<Vec<Param>> =
        new.aliases.iter().map(|(alias, version)| params![no, alias.as_str(), *version].to_vec()).collect();
    tx.insert_rows("model_aliases", &["model_no", "alias", "version"], &aliases, OnConflict::Fail)?;
    audit::record(tx, &Event::done(permit, now, "model.import", format!("model/{}", new.name)))
}

/// Makes a version as it is given; `location` is where its files are.
///
/// # Errors
/// `NotFound` when there is no such model, `Conflict` when it has a version of this number.
pub fn put_version(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    new: &ModelVersion,
    location: &str,
    now: Timestamp,
) -> Result<()> {
    let model_no = models::number(tx, permit, &new.model)?;
    let row = tx.query_one(
        "INSERT INTO model_versions (workspace, model_no, version, created_at, updated_at, stage, status, \
         status_message, user_id, description, source, location, run_id, run_link, model_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING no",
        &params![
            permit.workspace(),
            model_no,
            new.version,
            new.created_at,
            new.updated_at,
            new.stage.as_str(),
            new.status.as_str(),
            new.status_message.as_ref(),
            new.user_id.as_ref(),
            new.description.as_ref(),
            new.source.as_str(),
            location,
            new.run_id.as_str(),
            new.run_link.as_str(),
            new.model_id.as_ref()
        ],
    )?;
    let no: i64 = row.ok_or_else(|| Error::internal("an insert gave no row"))?.get("no")?;
    tx.insert_rows("model_version_tags", &["version_no", "key", "value"], &rows(no, &new.tags), OnConflict::Fail)?;
    tx.execute(
        "UPDATE registered_models SET last_version = $2 WHERE no = $1 AND last_version < $2",
        &params![model_no, new.version],
    )?;
    let event = Event::done(permit, now, "model.import_version", format!("model/{}/{}", new.model, new.version));
    audit::record(tx, &event.details(json!({ "run": new.run_id, "source": new.source })))
}

/// The highest number that was ever given to a version of a model.
///
/// # Errors
/// `NotFound` when there is no such model.
pub fn last_version<L>(tx: &mut Tx<'_>, permit: &Permit<L>, model: &str) -> Result<i64> {
    let no = models::number(tx, permit, model)?;
    let row = tx.query_one("SELECT last_version FROM registered_models WHERE no = $1", &params![no])?;
    row.map_or(Ok(0), |row| row.get("last_version"))
}

/// Whether the name of a model is taken.
///
/// # Errors
/// `InvalidName` for a name that is not accepted.
pub fn is_taken<L>(tx: &mut Tx<'_>, permit: &Permit<L>, model: &str) -> Result<bool> {
    rules::model_name("name", model)?;
    Ok(crate::rows::model(tx, permit, model)?.is_some())
}

fn rows(owner: i64, pairs: &[Pair]) -> Vec<Vec<Param>> {
    pairs.iter().map(|pair| params![owner, pair.key.as_str(), pair.value.as_str()].to_vec()).collect()
}
