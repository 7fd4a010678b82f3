//! Registered models, versions, aliases, tags and stages.

use std::sync::Arc;

use axum::extract::State;
use flyball_core::{Error, Result};
use flyball_registry::search::{self, Search};
use flyball_registry::{ModelVersion, NewModel, NewModelVersion, RegisteredModel, aliases, models, tags, versions};
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::experiments::pairs;
use super::fields::Fields;
use super::routes::{DialectRoute, delete, get, patch, post};
use super::shapes;
use crate::access::Policy::{Edit, Read};
use crate::app::App;

const MODELS: &str = "/api/2.0/mlflow/registered-models";
const VERSIONS: &str = "/api/2.0/mlflow/model-versions";
/// How many models a page of a search holds when nothing is said, and at most.
const MODELS_PAGE: (i64, i64) = (100, 1_000);
/// The same for versions.
const VERSIONS_PAGE: (i64, i64) = (200_000, 200_000);

pub(super) fn routes() -> Vec<DialectRoute> {
    let model = |path: &str| format!("{MODELS}/{path}");
    let version = |path: &str| format!("{VERSIONS}/{path}");
    vec![
        post(Edit, &model("create"), create_model),
        get(Read, &model("get"), get_model),
        patch(Edit, &model("update"), update_model),
        post(Edit, &model("rename"), rename_model),
        get(Read, &model("search"), search_models),
        delete(Edit, &model("delete"), delete_model),
        get(Read, &model("get-latest-versions"), latest_versions),
        post(Read, &model("get-latest-versions"), latest_versions),
        post(Edit, &model("set-tag"), set_model_tag),
        delete(Edit, &model("delete-tag"), delete_model_tag),
        get(Read, &model("alias"), get_by_alias),
        post(Edit, &model("alias"), set_alias),
        delete(Edit, &model("alias"), delete_alias),
        post(Edit, &version("create"), create_version),
        get(Read, &version("get"), get_version),
        get(Read, &version("search"), search_versions),
        patch(Edit, &version("update"), update_version),
        delete(Edit, &version("delete"), delete_version),
        post(Edit, &version("transition-stage"), transition_stage),
        get(Read, &version("get-download-uri"), download_uri),
        post(Edit, &version("set-tag"), set_version_tag),
        delete(Edit, &version("delete-tag"), delete_version_tag),
    ]
}

/// A model in the protocol's shape.
pub(super) fn model(model: &RegisteredModel) -> Value {
    let mut shape = json!({
        "name": model.name,
        "creation_timestamp": model.created_at.0,
        "last_updated_timestamp": model.updated_at.0,
    });
    let description = model.description.as_deref().filter(|description| !description.is_empty());
    shapes::put(&mut shape, "description", description);
    shapes::put_list(&mut shape, "latest_versions", model.latest_versions.iter().map(version).collect());
    shapes::put_list(&mut shape, "tags", shapes::pairs(&model.tags));
    let alias = |(alias, version): &(String, i64)| json!({ "alias": alias, "version": version.to_string() });
    shapes::put_list(&mut shape, "aliases", model.aliases.iter().map(alias).collect());
    shape
}

/// A version in the protocol's shape, in which its number is a text.
pub(super) fn version(version: &ModelVersion) -> Value {
    let mut shape = json!({
        "name": version.model,
        "version": version.version.to_string(),
        "creation_timestamp": version.created_at.0,
        "last_updated_timestamp": version.updated_at.0,
        "current_stage": version.stage.as_str(),
        "source": version.source,
        "run_id": version.run_id,
        "run_link": version.run_link,
        "status": version.status,
    });
    shapes::put(&mut shape, "description", version.description.as_deref());
    shapes::put(&mut shape, "user_id", version.user_id.as_deref());
    shapes::put(&mut shape, "status_message", version.status_message.as_deref());
    shapes::put_list(&mut shape, "tags", shapes::pairs(&version.tags));
    shapes::put_list(&mut shape, "aliases", version.aliases.iter().map(|alias| json!(alias)).collect());
    shape
}

/// The name of the model and the number of the version that a call is about.
fn name_and_version(fields: &Fields) -> Result<(String, i64)> {
    Ok((fields.required_text("name")?, versions::number(&fields.required_text("version")?)?))
}

fn one_model(found: &RegisteredModel) -> Value {
    json!({ "registered_model": model(found) })
}

fn one_version(found: &ModelVersion) -> Value {
    json!({ "model_version": version(found) })
}

async fn create_model(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        let new = NewModel {
            name: fields.required_text("name")?,
            description: fields.text("description")?,
            tags: pairs(fields, "tags")?,
        };
        Ok(one_model(&models::create(tx, permit, &new, now)?))
    })
    .await
}

async fn get_model(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| Ok(one_model(&models::get(tx, permit, &fields.required_text("name")?)?))).await
}

async fn update_model(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        let description = fields.text("description")?;
        let name = fields.required_text("name")?;
        Ok(one_model(&models::describe(tx, permit, &name, description.as_deref(), now)?))
    })
    .await
}

async fn rename_model(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        let (name, new_name) = (fields.required_text("name")?, fields.required_text("new_name")?);
        Ok(one_model(&models::rename(tx, permit, &name, &new_name, now)?))
    })
    .await
}

async fn delete_model(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        models::delete(tx, permit, &fields.required_text("name")?, now)?;
        Ok(json!({}))
    })
    .await
}

async fn latest_versions(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let name = fields.required_text("name")?;
        let found = models::latest_versions(tx, permit, &name, &fields.texts("stages")?)?;
        Ok(shapes::page("model_versions", found.iter().map(version).collect(), None))
    })
    .await
}

/// The search that a call asks for, with its page size: the usual one and the largest.
fn search_of(fields: &Fields, (usual, most): (i64, i64)) -> Result<Search> {
    let size = fields.integer("max_results")?.unwrap_or(usual);
    if !(1..=most).contains(&size) {
        return Err(Error::invalid(format!(
            "Invalid value for request parameter max_results. It must be a positive integer of at most {most}, but got \
             value {size}"
        )));
    }
    Ok(Search {
        filter: fields.text("filter")?.unwrap_or_default(),
        max_results: usize::try_from(size).map_err(Error::internal)?,
        order_by: fields.texts("order_by")?,
        page_token: fields.text("page_token")?,
    })
}

async fn search_models(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let (found, token) = search::models(tx, permit, &search_of(fields, MODELS_PAGE)?)?;
        Ok(shapes::page("registered_models", found.iter().map(model).collect(), token))
    })
    .await
}

async fn search_versions(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let (found, token) = search::versions(tx, permit, &search_of(fields, VERSIONS_PAGE)?)?;
        Ok(shapes::page("model_versions", found.iter().map(version).collect(), token))
    })
    .await
}

async fn set_model_tag(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        let (name, key) = (fields.required_text("name")?, fields.required_text("key")?);
        tags::set_on_model(tx, permit, &name, &key, &fields.text("value")?.unwrap_or_default(), now)?;
        Ok(json!({}))
    })
    .await
}

async fn delete_model_tag(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        let (name, key) = (fields.required_text("name")?, fields.required_text("key")?);
        tags::delete_on_model(tx, permit, &name, &key, now)?;
        Ok(json!({}))
    })
    .await
}

async fn get_by_alias(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let (name, alias) = (fields.required_text("name")?, fields.required_text("alias")?);
        Ok(one_version(&aliases::get(tx, permit, &name, &alias)?))
    })
    .await
}

async fn set_alias(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        let alias = fields.required_text("alias")?;
        let (name, version) = name_and_version(fields)?;
        aliases::set(tx, permit, &name, &alias, version, None, now)?;
        Ok(json!({}))
    })
    .await
}

async fn delete_alias(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        let (name, alias) = (fields.required_text("name")?, fields.required_text("alias")?);
        aliases::remove(tx, permit, &name, &alias, None, now)?;
        Ok(json!({}))
    })
    .await
}

async fn create_version(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        let new = NewModelVersion {
            model: fields.required_text("name")?,
            source: fields.required_text("source")?,
            run_id: fields.text("run_id")?,
            model_id: fields.text("model_id")?,
            run_link: fields.text("run_link")?.unwrap_or_default(),
            description: Some(fields.text("description")?.unwrap_or_default()),
            tags: pairs(fields, "tags")?,
        };
        Ok(one_version(&versions::create(tx, permit, &new, now)?))
    })
    .await
}

async fn get_version(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let (name, version) = name_and_version(fields)?;
        Ok(one_version(&versions::get(tx, permit, &name, version)?))
    })
    .await
}

async fn update_version(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        let description = fields.text("description")?;
        let (name, version) = name_and_version(fields)?;
        Ok(one_version(&versions::describe(tx, permit, &name, version, description.as_deref(), now)?))
    })
    .await
}

async fn delete_version(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        let (name, version) = name_and_version(fields)?;
        versions::delete(tx, permit, &name, version, now)?;
        Ok(json!({}))
    })
    .await
}

async fn transition_stage(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        let (stage, archive) = (fields.required_text("stage")?, fields.flag("archive_existing_versions")?);
        let (name, version) = name_and_version(fields)?;
        let moved = versions::transition(tx, permit, &name, version, &stage, archive.unwrap_or(false), now)?;
        Ok(one_version(&moved))
    })
    .await
}

async fn download_uri(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let (name, version) = name_and_version(fields)?;
        Ok(json!({ "artifact_uri": versions::download_uri(tx, permit, &name, version)? }))
    })
    .await
}

async fn set_version_tag(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        let (key, value) = (fields.required_text("key")?, fields.text("value")?.unwrap_or_default());
        let (name, version) = name_and_version(fields)?;
        tags::set_on_version(tx, permit, &name, version, (&key, &value), now)?;
        Ok(json!({}))
    })
    .await
}

async fn delete_version_tag(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        let key = fields.required_text("key")?;
        let (name, version) = name_and_version(fields)?;
        tags::delete_on_version(tx, permit, &name, version, &key, now)?;
        Ok(json!({}))
    })
    .await
}
