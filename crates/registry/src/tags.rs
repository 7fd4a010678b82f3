//! Tags of registered models and of versions. Deleting one that is not there is no error.

use flyball_core::{Edit, Permit, Result, Timestamp};
use flyball_store::{Tx, params};

use crate::webhooks::events;
use crate::{models, rules, versions};

/// Sets a tag of a model.
///
/// # Errors
/// `NotFound` when there is no such model, `InvalidName` or `LimitExceeded` when the tag is not accepted.
pub fn set_on_model(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    model: &str,
    key: &str,
    value: &str,
    now: Timestamp,
) -> Result<()> {
    rules::tag(key, value)?;
    let no = models::number(tx, permit, model)?;
    tx.execute(
        "INSERT INTO registered_model_tags (model_no, key, value) VALUES ($1, $2, $3) \
         ON CONFLICT (model_no, key) DO UPDATE SET value = excluded.value",
        &params![no, key, value],
    )?;
    let prompt = models::is_prompt(tx, no)?;
    events::model_tag(tx, permit, model, key, Some(value), prompt, now)
}

/// Deletes a tag of a model.
///
/// # Errors
/// `NotFound` when there is no such model, `InvalidName` when the key is not accepted.
pub fn delete_on_model(tx: &mut Tx<'_>, permit: &Permit<Edit>, model: &str, key: &str, now: Timestamp) -> Result<()> {
    rules::tag_key(key)?;
    let no = models::number(tx, permit, model)?;
    let removed =
        tx.execute("DELETE FROM registered_model_tags WHERE model_no = $1 AND key = $2", &params![no, key])?;
    let prompt = models::is_prompt(tx, no)?;
    if removed == 0 { Ok(()) } else { events::model_tag(tx, permit, model, key, None, prompt, now) }
}

/// Sets a tag of a version.
///
/// # Errors
/// As [`set_on_model`].
pub fn set_on_version(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    model: &str,
    version: i64,
    (key, value): (&str, &str),
    now: Timestamp,
) -> Result<()> {
    rules::tag(key, value)?;
    let found = versions::bare(tx, permit, model, version)?;
    tx.execute(
        "INSERT INTO model_version_tags (version_no, key, value) VALUES ($1, $2, $3) \
         ON CONFLICT (version_no, key) DO UPDATE SET value = excluded.value",
        &params![found.no, key, value],
    )?;
    events::version_tag(tx, permit, &found, key, Some(value), now)
}

/// Deletes a tag of a version.
///
/// # Errors
/// As [`delete_on_model`].
pub fn delete_on_version(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    model: &str,
    version: i64,
    key: &str,
    now: Timestamp,
) -> Result<()> {
    rules::tag_key(key)?;
    let found = versions::bare(tx, permit, model, version)?;
    let removed =
        tx.execute("DELETE FROM model_version_tags WHERE version_no = $1 AND key = $2", &params![found.no, key])?;
    if removed == 0 { Ok(()) } else { events::version_tag(tx, permit, &found, key, None, now) }
}
