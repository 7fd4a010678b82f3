//! What happens in the registry, as webhooks are told of it. Called inside the transaction of the change. A change of a
//! prompt is told as one of a prompt only.

use std::collections::BTreeMap;

use flyball_core::{Edit, Permit, Result, Timestamp};
use flyball_jobs::{NewJob, enqueue};
use flyball_store::{Tx, params};
use flyball_tracking::Pair;
use serde_json::{Value, json};

use super::model::{Action, Entity, Status};
use crate::model::{ModelVersion, NewModel};
use crate::models;
use crate::rules::PROMPT_TAG;

/// The kind of the job that delivers one event to one webhook.
pub(super) const KIND: &str = "webhook.deliver";
/// How often a delivery is tried: once, and three times more.
const ATTEMPTS: u32 = 4;

/// Tags of a prompt that are of no use to whoever is told.
const TYPE_TAG: &str = "_mlflow_prompt_type";
const TEXT_TAG: &str = "mlflow.prompt.text";

pub(crate) fn model_created(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    new: &NewModel,
    prompt: bool,
    now: Timestamp,
) -> Result<()> {
    let (entity, hidden): (_, &[&str]) =
        if prompt { (Entity::Prompt, &[PROMPT_TAG, TYPE_TAG]) } else { (Entity::RegisteredModel, &[]) };
    let data = json!({
        "name": new.name,
        "tags": shown(&new.tags, hidden),
        "description": new.description.as_deref().unwrap_or_default(),
    });
    announce(tx, permit, entity, Action::Created, data, now)
}

pub(crate) fn version_created(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    version: &ModelVersion,
    prompt: bool,
    now: Timestamp,
) -> Result<()> {
    let something = |text: &str| if text.is_empty() { Value::Null } else { Value::from(text) };
    let mut data = json!({ "name": version.model, "version": version.version.to_string() });
    let entity = if prompt {
        data["template"] = version.tags.iter().find(|tag| tag.key == TEXT_TAG).map(|tag| tag.value.clone()).into();
        data["tags"] = shown(&version.tags, &[PROMPT_TAG, TYPE_TAG, TEXT_TAG]);
        Entity::PromptVersion
    } else {
        data["source"] = version.source.clone().into();
        data["run_id"] = something(&version.run_id);
        data["tags"] = shown(&version.tags, &[]);
        Entity::ModelVersion
    };
    data["description"] = something(version.description.as_deref().unwrap_or_default());
    announce(tx, permit, entity, Action::Created, data, now)
}

/// A tag of a model was set, or deleted when it has no value. Only prompts have such an event.
pub(crate) fn model_tag(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    model: &str,
    key: &str,
    value: Option<&str>,
    prompt: bool,
    now: Timestamp,
) -> Result<()> {
    if !prompt {
        return Ok(());
    }
    tag(tx, permit, Entity::PromptTag, json!({ "name": model, "key": key }), value, now)
}

/// A tag of a version was set, or deleted when it has no value.
pub(crate) fn version_tag(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    version: &ModelVersion,
    key: &str,
    value: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    let no = models::number(tx, permit, &version.model)?;
    let entity = if models::is_prompt(tx, no)? { Entity::PromptVersionTag } else { Entity::ModelVersionTag };
    let data = json!({ "name": version.model, "version": version.version.to_string(), "key": key });
    tag(tx, permit, entity, data, value, now)
}

fn tag(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    entity: Entity,
    mut data: Value,
    value: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    let Some(value) = value else { return announce(tx, permit, entity, Action::Deleted, data, now) };
    data["value"] = value.into();
    announce(tx, permit, entity, Action::Set, data, now)
}

/// An alias was pointed at a version, or taken away when there is none.
pub(crate) fn alias(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    model: &str,
    alias: &str,
    version: Option<i64>,
    now: Timestamp,
) -> Result<()> {
    let no = models::number(tx, permit, model)?;
    let entity = if models::is_prompt(tx, no)? { Entity::PromptAlias } else { Entity::ModelVersionAlias };
    let mut data = json!({ "name": model, "alias": alias });
    let Some(version) = version else { return announce(tx, permit, entity, Action::Deleted, data, now) };
    data["version"] = version.to_string().into();
    announce(tx, permit, entity, Action::Created, data, now)
}

/// Enqueues a delivery for every webhook that wants to be told.
fn announce(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    entity: Entity,
    action: Action,
    data: Value,
    now: Timestamp,
) -> Result<()> {
    let told = tx.query(
        "SELECT w.id, w.deliveries FROM webhook_events e JOIN webhooks w ON w.id = e.webhook_id \
         WHERE e.entity = $1 AND e.action = $2 AND w.workspace = $3 AND w.status = $4 ORDER BY w.created_at, w.id",
        &params![entity.as_str(), action.as_str(), permit.workspace(), Status::Active.as_str()],
    )?;
    for row in told {
        let (id, number): (String, i64) = (row.get("id")?, row.get::<i64>("deliveries")? + 1);
        tx.execute("UPDATE webhooks SET deliveries = $1 WHERE id = $2", &params![number, &id])?;
        let owner = format!("webhook/{id}");
        let payload = json!({
            "webhook": id, "entity": entity.as_str(), "action": action.as_str(), "at": now.0, "data": data,
        });
        let job = NewJob::new(KIND, format!("{owner}/{number}"), owner, payload, now).max_attempts(ATTEMPTS);
        enqueue(tx, &job, now)?;
    }
    Ok(())
}

/// Tags as one object, without those that are hidden.
fn shown(tags: &[Pair], hidden: &[&str]) -> Value {
    let kept = tags.iter().filter(|tag| !hidden.contains(&tag.key.as_str()));
    json!(kept.map(|tag| (tag.key.as_str(), tag.value.as_str())).collect::<BTreeMap<_, _>>())
}
