//! Logged models.

use std::sync::Arc;

use axum::extract::{Path, State};
use flyball_core::{Error, Result};
use flyball_tracking::logged_models::{self, LoggedModel, ModelMetric, ModelStatus, NewLoggedModel};
use flyball_tracking::search::{self, ModelOrder, ModelSearch, OnDataset};
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::experiments::{experiment_id, max_results, number_of, pairs};
use super::fields::Fields;
use super::routes::{DialectRoute, delete, get, patch, post};
use super::shapes;
use crate::access::Policy::{Edit, Read};
use crate::app::App;

pub(super) fn routes() -> Vec<DialectRoute> {
    vec![
        post(Edit, "/api/2.0/mlflow/logged-models", create),
        post(Read, "/api/2.0/mlflow/logged-models/search", search),
        get(Read, "/api/2.0/mlflow/logged-models/{model_id}", by_id),
        patch(Edit, "/api/2.0/mlflow/logged-models/{model_id}", finalize),
        delete(Edit, "/api/2.0/mlflow/logged-models/{model_id}", remove),
        post(Edit, "/api/2.0/mlflow/logged-models/{model_id}/params", log_params),
        patch(Edit, "/api/2.0/mlflow/logged-models/{model_id}/tags", set_tags),
        delete(Edit, "/api/2.0/mlflow/logged-models/{model_id}/tags/{key}", delete_tag),
    ]
}

async fn create(State(app): State<Arc<App>>, call: Call) -> Answer {
    let id = format!("m-{}", app.ids.fresh_hex());
    call.edit(app, move |tx, permit, fields, now| {
        let new = NewLoggedModel {
            id,
            experiment_id: experiment_id(fields, "experiment_id")?,
            name: fields.text("name")?,
            model_type: fields.text("model_type")?.unwrap_or_default(),
            source_run_id: fields.text("source_run_id")?.unwrap_or_default(),
            params: pairs(fields, "params")?,
            tags: pairs(fields, "tags")?,
        };
        Ok(json!({ "model": model(&logged_models::create(tx, permit, &new, now)?) }))
    })
    .await
}

async fn by_id(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.read(app, move |tx, permit, fields| {
        let deleted_too = fields.flag("allow_deleted")?.unwrap_or(false);
        Ok(json!({ "model": model(&logged_models::get(tx, permit, &id, deleted_too)?) }))
    })
    .await
}

async fn finalize(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.edit(app, move |tx, permit, fields, now| {
        check_same(fields, &id)?;
        let words: Vec<(&str, i64)> = ModelStatus::ALL.iter().map(|status| status.as_str()).zip(0..).collect();
        let number = fields.choice("status", &words)?.ok_or_else(|| fields.missing("status"))?;
        let status = usize::try_from(number).ok().and_then(|place| ModelStatus::ALL.get(place).copied());
        let status = status.ok_or_else(|| fields.missing("status"))?;
        Ok(json!({ "model": model(&logged_models::finalize(tx, permit, &id, status, now)?) }))
    })
    .await
}

/// The id is said in the path and again in the body.
fn check_same(fields: &Fields, id: &str) -> Result<()> {
    if fields.required_text("model_id")? == id {
        return Ok(());
    }
    Err(Error::invalid("Invalid value for parameter 'model_id' supplied: it is not the model of the path"))
}

async fn remove(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.edit(app, move |tx, permit, _fields, now| {
        logged_models::delete(tx, permit, &id, now)?;
        Ok(json!({}))
    })
    .await
}

async fn log_params(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.edit(app, move |tx, permit, fields, _now| {
        check_same(fields, &id)?;
        logged_models::log_params(tx, permit, &id, &pairs(fields, "params")?)?;
        Ok(json!({}))
    })
    .await
}

async fn set_tags(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.edit(app, move |tx, permit, fields, _now| {
        logged_models::set_tags(tx, permit, &id, &pairs(fields, "tags")?)?;
        Ok(json!({}))
    })
    .await
}

async fn delete_tag(State(app): State<Arc<App>>, Path((id, key)): Path<(String, String)>, call: Call) -> Answer {
    call.edit(app, move |tx, permit, _fields, _now| {
        logged_models::delete_tag(tx, permit, &id, &key)?;
        Ok(json!({}))
    })
    .await
}

/// How many models a page has when nothing is said, and when 0 is.
const PAGES: (i64, i64) = (50, 100);

async fn search(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        if fields.value("experiment_ids")?.is_none() {
            return Err(fields.missing("experiment_ids"));
        }
        let ids = fields.texts("experiment_ids")?;
        let most = match fields.integer("max_results")?.unwrap_or(PAGES.0) {
            0 => PAGES.1,
            given => given,
        };
        let search = ModelSearch {
            experiment_ids: ids.iter().map(|id| number_of(id)).collect::<Result<_>>()?,
            filter: fields.text("filter")?.unwrap_or_default(),
            datasets: fields.objects("datasets")?.iter().map(on_dataset).collect::<Result<_>>()?,
            max_results: max_results(most)?,
            order_by: fields.objects("order_by")?.iter().map(order).collect::<Result<_>>()?,
            page_token: fields.text("page_token")?,
        };
        let (ids, token) = search::logged_models(tx, permit, &search)?;
        let found = logged_models::load(tx, permit, &ids)?;
        Ok(shapes::page("models", found.iter().map(model).collect(), token))
    })
    .await
}

fn on_dataset(fields: &Fields) -> Result<OnDataset> {
    let name = fields.text("dataset_name")?.unwrap_or_default();
    Ok(OnDataset { name, digest: fields.text("dataset_digest")?.filter(|digest| !digest.is_empty()) })
}

fn order(fields: &Fields) -> Result<ModelOrder> {
    let given = |name: &str| Ok::<_, Error>(fields.text(name)?.filter(|text| !text.is_empty()));
    Ok(ModelOrder {
        field: fields.required_text("field_name")?,
        ascending: fields.flag("ascending")?.unwrap_or(true),
        dataset_name: given("dataset_name")?,
        dataset_digest: given("dataset_digest")?,
    })
}

fn model(model: &LoggedModel) -> Value {
    let mut info = json!({
        "model_id": model.id,
        "experiment_id": model.experiment_id.to_string(),
        "name": model.name,
        "creation_timestamp_ms": model.created_at.0,
        "last_updated_timestamp_ms": model.updated_at.0,
        "artifact_uri": model.artifact_uri,
        "status": model.status.as_str(),
        "model_type": model.model_type,
        "source_run_id": model.source_run_id,
    });
    shapes::put(&mut info, "status_message", model.status_message.clone());
    shapes::put_list(&mut info, "tags", shapes::pairs(&model.tags));
    let mut data = json!({});
    shapes::put_list(&mut data, "params", shapes::pairs(&model.params));
    let metrics = model.metrics.iter().map(|(metric, run_id)| point(metric, run_id, &model.id));
    shapes::put_list(&mut data, "metrics", metrics.collect());
    json!({ "info": info, "data": data })
}

fn point(metric: &ModelMetric, run_id: &str, model_id: &str) -> Value {
    let mut shape = shapes::point(&metric.key, &metric.point);
    for (name, text) in [("dataset_name", &metric.dataset_name), ("dataset_digest", &metric.dataset_digest)] {
        shapes::put(&mut shape, name, Some(text.as_str()).filter(|text| !text.is_empty()));
    }
    shapes::put(&mut shape, "model_id", Some(model_id));
    shapes::put(&mut shape, "run_id", Some(run_id));
    shape
}
