//! Evaluation datasets. Tags, schema, profile and records travel as JSON in texts.

use std::sync::Arc;

use axum::extract::{Path, State};
use flyball_core::{Error, Result};
use flyball_traces::datasets::{self, Dataset, DatasetSearch, Record};
use flyball_traces::json_text;
use serde_json::{Map, Value, json};

use super::call::{Answer, Call};
use super::fields::Fields;
use super::routes::{DialectRoute, delete, get, patch, post};
use super::shapes::{page, put, put_list};
use crate::access::Policy::{Edit, Read};
use crate::app::App;

/// Datasets or records of a page unless the call says how many.
const PAGE: i64 = 1000;

pub(super) fn routes() -> Vec<DialectRoute> {
    const ONE: &str = "/api/3.0/mlflow/datasets/{dataset_id}";
    let of = |rest: &str| format!("{ONE}/{rest}");
    vec![
        post(Edit, "/api/3.0/mlflow/datasets/create", create),
        get(Read, "/api/3.0/mlflow/datasets/search", search),
        post(Read, "/api/3.0/mlflow/datasets/search", search),
        get(Read, ONE, read),
        delete(Edit, ONE, remove),
        patch(Edit, &of("tags"), set_tags),
        delete(Edit, &of("tags/{key}"), delete_tag),
        post(Edit, &of("records"), upsert),
        get(Read, &of("records"), records),
        delete(Edit, &of("records"), delete_records),
        get(Read, &of("experiment-ids"), experiment_ids),
        post(Edit, &of("add-experiments"), add),
        post(Edit, &of("remove-experiments"), take_out),
    ]
}

async fn create(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        let (name, experiments) = (fields.required_text("name")?, fields.texts("experiment_ids")?);
        let tags = map_in(fields, "tags")?.unwrap_or_default();
        let dataset = datasets::create(tx, permit, &name, &tags, &experiments, now)?;
        let mut shape = shape(&dataset);
        put_list(&mut shape, "experiment_ids", experiments.into_iter().map(Value::from).collect());
        Ok(json!({ "dataset": shape }))
    })
    .await
}

async fn read(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.read(app, move |tx, permit, _fields| Ok(json!({ "dataset": shape(&datasets::get(tx, permit, &id)?) }))).await
}

async fn remove(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.edit(app, move |tx, permit, _fields, now| datasets::delete(tx, permit, &id, now).map(|()| json!({}))).await
}

async fn search(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let search = DatasetSearch {
            experiments: fields.texts("experiment_ids")?,
            filter: fields.text("filter_string")?.unwrap_or_default(),
            order_by: fields.texts("order_by")?,
            max_results: fields.integer("max_results")?.unwrap_or(PAGE),
            page_token: fields.text("page_token")?,
        };
        let (found, token) = datasets::search(tx, permit, &search)?;
        Ok(page("datasets", found.iter().map(shape).collect(), token))
    })
    .await
}

async fn set_tags(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.edit(app, move |tx, permit, fields, _now| {
        let tags = map_in(fields, "tags")?.ok_or_else(|| fields.missing("tags"))?;
        datasets::set_tags(tx, permit, &id, &tags).map(|()| json!({}))
    })
    .await
}

async fn delete_tag(State(app): State<Arc<App>>, Path((id, key)): Path<(String, String)>, call: Call) -> Answer {
    call.edit(app, move |tx, permit, _fields, _now| datasets::delete_tag(tx, permit, &id, &key).map(|()| json!({})))
        .await
}

async fn upsert(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.edit(app, move |tx, permit, fields, now| {
        let text = fields.required_text("records")?;
        let records: Vec<Value> = serde_json::from_str(&text)
            .map_err(|cause| Error::invalid("'records' must be the JSON of a list of objects").cause(cause))?;
        let (inserted, updated) = datasets::upsert_records(tx, permit, &id, &records, now)?;
        Ok(json!({ "inserted_count": inserted, "updated_count": updated }))
    })
    .await
}

async fn records(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.read(app, move |tx, permit, fields| {
        let most = fields.integer("max_results")?.filter(|most| *most > 0).unwrap_or(PAGE);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let (found, token) = datasets::records_page(tx, permit, &id, most, fields.text("page_token")?.as_deref())?;
        let list: Value = found.iter().map(record_shape).collect();
        let mut answer = json!({ "records": json_text::of(&list) });
        put(&mut answer, "next_page_token", token);
        Ok(answer)
    })
    .await
}

async fn delete_records(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.edit(app, move |tx, permit, fields, now| {
        let deleted = datasets::delete_records(tx, permit, &id, &fields.texts("dataset_record_ids")?, now)?;
        Ok(json!({ "deleted_count": deleted }))
    })
    .await
}

async fn experiment_ids(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.read(app, move |tx, permit, _fields| {
        let ids = datasets::experiments_of(tx, permit, &id)?;
        Ok(page("experiment_ids", ids.iter().map(|id| id.to_string().into()).collect(), None))
    })
    .await
}

async fn add(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.edit(app, move |tx, permit, fields, now| {
        let dataset = datasets::add_to(tx, permit, &id, &fields.texts("experiment_ids")?, now)?;
        Ok(json!({ "dataset": shape(&dataset) }))
    })
    .await
}

async fn take_out(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.edit(app, move |tx, permit, fields, now| {
        let dataset = datasets::remove_from(tx, permit, &id, &fields.texts("experiment_ids")?, now)?;
        Ok(json!({ "dataset": shape(&dataset) }))
    })
    .await
}

/// An object that a text holds as JSON.
fn map_in(fields: &Fields, name: &str) -> Result<Option<Map<String, Value>>> {
    let Some(text) = fields.text(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
    let wrong = |cause| Error::invalid(format!("'{name}' must be the JSON of an object")).cause(cause);
    serde_json::from_str(&text).map(Some).map_err(wrong)
}

/// A dataset.
fn shape(dataset: &Dataset) -> Value {
    let mut shape = json!({
        "dataset_id": dataset.id,
        "name": dataset.name,
        "tags": json_text::of(&json!(dataset.tags)),
        "digest": dataset.digest,
        "created_time": dataset.created_at.0,
        "last_update_time": dataset.updated_at.0,
    });
    put(&mut shape, "schema", dataset.schema.as_ref().map(json_text::of));
    let profile = json!({ "num_records": dataset.records });
    put(&mut shape, "profile", (dataset.records > 0).then(|| json_text::of(&profile)));
    put(&mut shape, "created_by", dataset.created_by.clone());
    put(&mut shape, "last_updated_by", dataset.updated_by.clone());
    shape
}

fn record_shape(record: &Record) -> Value {
    let mut shape = json!({ "dataset_record_id": record.id, "dataset_id": record.dataset_id });
    for name in ["inputs", "outputs", "expectations", "tags", "source"] {
        put(&mut shape, name, record.content.get(name).filter(|value| !value.is_null()).cloned());
    }
    if let Some(source) = record.content.get("source") {
        let id = if source["source_type"] == "TRACE" { "trace_id" } else { "source_id" };
        put(&mut shape, "source_id", source["source_data"][id].as_str());
        put(&mut shape, "source_type", source["source_type"].as_str());
    }
    put(&mut shape, "created_time", Some(record.created_at.0));
    put(&mut shape, "last_update_time", Some(record.updated_at.0));
    put(&mut shape, "created_by", record.created_by.clone());
    put(&mut shape, "last_updated_by", record.updated_by.clone());
    shape
}
