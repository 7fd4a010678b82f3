//! Registered models.

use flyball_core::{Edit, Error, ErrorCode, Permit, Read, Result, Timestamp};
use flyball_governance::{Event, audit};
use flyball_store::{OnConflict, Param, Tx, params};
use serde_json::json;

use crate::model::{ModelVersion, NewModel, RegisteredModel};
use crate::rows;
use crate::rules::{self, Stage};
use crate::webhooks::events;

/// Registers a model.
///
/// # Errors
/// `AlreadyExists` when the name is taken, `InvalidName` or `LimitExceeded` when it or a tag is not accepted.
pub fn create(tx: &mut Tx<'_>, permit: &Permit<Edit>, new: &NewModel, now: Timestamp) -> Result<RegisteredModel> {
    rules::model_name("name", &new.name)?;
    let tags = rules::tags(&new.tags)?;
    let prompt = rules::is_prompt(&new.tags);
    if let Some(taken) = rows::model(tx, permit, &new.name)? {
        return Err(taken_by(&new.name, prompt, rules::is_prompt(&taken.tags)));
    }
    let row = tx.query_one(
        "INSERT INTO registered_models (workspace, name, description, created_at, updated_at, last_version) \
         VALUES ($1, $2, $3, $4, $4, 0) RETURNING no",
        &params![permit.workspace(), &new.name, new.description.as_ref(), now],
    )?;
    let no: i64 = row.map_or(Ok(0), |row| row.get("no"))?;
    let values: Vec<Vec<Param>> = tags.into_iter().map(|(key, value)| params![no, key, value].to_vec()).collect();
    tx.insert_rows("registered_model_tags", &["model_no", "key", "value"], &values, OnConflict::Fail)?;
    audit::record(tx, &Event::done(permit, now, "model.create", format!("model/{}", new.name)))?;
    events::model_created(tx, permit, new, prompt, now)?;
    get(tx, &permit.read(), &new.name)
}

/// Registers a model unless there is one of the name.
///
/// # Errors
/// `InvalidName` when the name is not accepted.
pub fn ensure(tx: &mut Tx<'_>, permit: &Permit<Edit>, name: &str, now: Timestamp) -> Result<()> {
    if rows::model(tx, permit, name)?.is_none() {
        create(tx, permit, &NewModel { name: name.to_owned(), ..NewModel::default() }, now)?;
    }
    Ok(())
}

/// The model called `name`.
///
/// # Errors
/// `NotFound` when there is none.
pub fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &str) -> Result<RegisteredModel> {
    rules::model_name("name", name)?;
    rows::model(tx, permit, name)?.ok_or_else(|| missing(name))
}

/// Describes a model anew; without a description it has none afterwards.
///
/// # Errors
/// As [`get`].
pub fn describe(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    name: &str,
    description: Option<&str>,
    now: Timestamp,
) -> Result<RegisteredModel> {
    let no = number(tx, permit, name)?;
    tx.execute(
        "UPDATE registered_models SET description = $1, updated_at = $2 WHERE no = $3",
        &params![description, now, no],
    )?;
    get(tx, &permit.read(), name)
}

/// Gives a model another name; its versions, tags and aliases come along.
///
/// # Errors
/// `NotFound` when there is none of the old name, `AlreadyExists` when there is one of the new name.
pub fn rename(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    name: &str,
    new_name: &str,
    now: Timestamp,
) -> Result<RegisteredModel> {
    rules::model_name("new_name", new_name)?;
    let no = number(tx, permit, name)?;
    if new_name != name && rows::model(tx, permit, new_name)?.is_some() {
        let message = format!("Registered Model (name={new_name}) already exists.");
        return Err(Error::new(ErrorCode::AlreadyExists, message));
    }
    tx.execute("UPDATE registered_models SET name = $1, updated_at = $2 WHERE no = $3", &params![new_name, now, no])?;
    tx.execute("UPDATE model_versions SET updated_at = $1 WHERE model_no = $2", &params![now, no])?;
    let event = Event::done(permit, now, "model.rename", format!("model/{name}")).details(json!({ "name": new_name }));
    audit::record(tx, &event)?;
    get(tx, &permit.read(), new_name)
}

/// Deletes a model with its versions.
///
/// # Errors
/// As [`get`].
pub fn delete(tx: &mut Tx<'_>, permit: &Permit<Edit>, name: &str, now: Timestamp) -> Result<()> {
    let no = number(tx, permit, name)?;
    for table in ["model_version_tags", "model_packages"] {
        let sql =
            format!("DELETE FROM {table} WHERE version_no IN (SELECT no FROM model_versions WHERE model_no = $1)");
        tx.execute(&sql, &params![no])?;
    }
    for table in ["model_versions", "model_aliases", "registered_model_tags"] {
        tx.execute(&format!("DELETE FROM {table} WHERE model_no = $1"), &params![no])?;
    }
    tx.execute("DELETE FROM registered_models WHERE no = $1", &params![no])?;
    audit::record(tx, &Event::done(permit, now, "model.delete", format!("model/{name}")))
}

/// The newest version of each of these stages, of all when none is named, with their aliases.
///
/// # Errors
/// As [`get`]; `InvalidInput` for a stage that is none.
pub fn latest_versions(
    tx: &mut Tx<'_>,
    permit: &Permit<Read>,
    name: &str,
    stages: &[String],
) -> Result<Vec<ModelVersion>> {
    let mut versions = get(tx, permit, name)?.latest_versions;
    let stages = stages.iter().map(|stage| Stage::named(stage)).collect::<Result<Vec<_>>>()?;
    versions.retain(|version| stages.is_empty() || stages.contains(&version.stage));
    rows::attach_aliases(tx, &mut versions)?;
    Ok(versions)
}

/// The number of a model inside the database.
pub(crate) fn number<L>(tx: &mut Tx<'_>, permit: &Permit<L>, name: &str) -> Result<i64> {
    rules::model_name("name", name)?;
    let sql = "SELECT no FROM registered_models WHERE workspace = $1 AND name = $2";
    let row = tx.query_one(sql, &params![permit.workspace(), name])?;
    row.ok_or_else(|| missing(name))?.get("no")
}

/// Whether the model with this number is a prompt.
pub(crate) fn is_prompt(tx: &mut Tx<'_>, no: i64) -> Result<bool> {
    let sql = "SELECT value FROM registered_model_tags WHERE model_no = $1 AND key = $2";
    let row = tx.query_one(sql, &params![no, rules::PROMPT_TAG])?;
    row.map_or(Ok(false), |row| Ok(row.get::<String>("value")?.eq_ignore_ascii_case("true")))
}

/// Marks a model as changed.
pub(crate) fn touch(tx: &mut Tx<'_>, no: i64, now: Timestamp) -> Result<()> {
    tx.execute("UPDATE registered_models SET updated_at = $1 WHERE no = $2", &params![now, no]).map(drop)
}

fn missing(name: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("Registered Model with name={name} not found"))
}

fn taken_by(name: &str, prompt: bool, taken_by_prompt: bool) -> Error {
    let kind = |prompt| if prompt { "Prompt" } else { "Registered Model" };
    let message = if prompt == taken_by_prompt {
        format!("{} (name={name}) already exists.", kind(prompt))
    } else {
        format!(
            "Tried to create a {} with name '{name}', but the name is already taken by a {}.",
            kind(prompt).to_lowercase(),
            kind(taken_by_prompt).to_lowercase()
        )
    };
    Error::new(ErrorCode::AlreadyExists, message)
}
