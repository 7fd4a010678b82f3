//! Runs, their parameters and tags, and what they used and made.

use std::sync::Arc;

use axum::extract::State;
use flyball_core::{Error, Result, Timestamp};
use flyball_tracking::batch;
use flyball_tracking::runs::Update;
use flyball_tracking::search::{self, RunSearch};
use flyball_tracking::{DatasetInput, LoggedDataset, ModelUse, NewRun, Pair, RunStatus, inputs, rules, runs};
use serde_json::{Value, json};

use super::call::{Answer, Body, Call, edit};
use super::experiments::{experiment_id, max_results, number_of, pairs, view};
use super::fields::Fields;
use super::routes::{DialectRoute, get, post};
use super::run_shapes::{self, RunPage};
use super::{metrics, read_batch::read_batch};
use crate::access::Policy::{Edit, Read};
use crate::app::App;

/// The tag in which old clients' models are listed.
const MODEL_HISTORY: &str = "mlflow.log-model.history";

pub(super) fn routes() -> Vec<DialectRoute> {
    vec![
        post(Edit, "/api/2.0/mlflow/runs/create", create),
        get(Read, "/api/2.0/mlflow/runs/get", by_id),
        post(Edit, "/api/2.0/mlflow/runs/update", update),
        post(Edit, "/api/2.0/mlflow/runs/delete", delete),
        post(Edit, "/api/2.0/mlflow/runs/restore", restore),
        post(Read, "/api/2.0/mlflow/runs/search", search),
        post(Edit, "/api/2.0/mlflow/runs/log-parameter", log_parameter),
        post(Edit, "/api/2.0/mlflow/runs/log-batch", log_batch),
        post(Edit, "/api/2.0/mlflow/runs/set-tag", set_tag),
        post(Edit, "/api/2.0/mlflow/runs/delete-tag", delete_tag),
        post(Edit, "/api/2.0/mlflow/runs/log-inputs", log_inputs),
        post(Edit, "/api/2.0/mlflow/runs/outputs", log_outputs),
        post(Edit, "/api/2.0/mlflow/runs/log-model", log_model),
    ]
}

/// The run that a call is about; old clients name it `run_uuid`.
pub(super) fn run_id(fields: &Fields) -> Result<String> {
    let id = fields.text("run_id")?.filter(|id| !id.is_empty());
    match id {
        Some(id) => Ok(id),
        None => fields.text("run_uuid")?.filter(|id| !id.is_empty()).ok_or_else(|| fields.missing("run_id")),
    }
}

async fn create(State(app): State<Arc<App>>, call: Call) -> Answer {
    let id = app.ids.fresh_hex();
    call.edit(app, move |tx, permit, fields, now| {
        let new = NewRun {
            id,
            experiment_id: experiment_id(fields, "experiment_id")?,
            name: fields.text("run_name")?,
            user_id: fields.text("user_id")?.unwrap_or_default(),
            started_at: Timestamp(fields.integer("start_time")?.unwrap_or(0)),
            tags: pairs(fields, "tags")?,
        };
        let run = runs::create(tx, permit, &new, now)?;
        Ok(json!({ "run": run_shapes::new_run(&run) }))
    })
    .await
}

async fn by_id(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let run = runs::get(tx, permit, &run_id(fields)?)?;
        Ok(json!({ "run": run_shapes::run(&run) }))
    })
    .await
}

async fn update(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, _now| {
        let words: Vec<(&str, i64)> = RunStatus::ALL.iter().map(|status| status.as_str()).zip(1..).collect();
        let status = fields.choice("status", &words)?;
        let change = Update {
            status: status.and_then(|number| RunStatus::ALL.get(usize::try_from(number - 1).ok()?).copied()),
            ended_at: fields.integer("end_time")?.map(|at| Some(Timestamp(at))),
            name: fields.text("run_name")?,
        };
        let id = run_id(fields)?;
        runs::update(tx, permit, &id, &change)?;
        Ok(json!({ "run_info": run_shapes::info(&runs::get(tx, permit, &id)?) }))
    })
    .await
}

async fn delete(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        runs::delete(tx, permit, &fields.required_text("run_id")?, now)?;
        Ok(json!({}))
    })
    .await
}

async fn restore(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        runs::restore(tx, permit, &fields.required_text("run_id")?, now)?;
        Ok(json!({}))
    })
    .await
}

/// How many runs a page has when nothing is said.
const PAGE: i64 = 1_000;

async fn search(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let ids = fields.texts("experiment_ids")?;
        let search = RunSearch {
            experiment_ids: ids.iter().map(|id| number_of(id)).collect::<Result<_>>()?,
            filter: fields.text("filter")?.unwrap_or_default(),
            view: view(fields, "run_view_type")?,
            max_results: max_results(fields.integer("max_results")?.unwrap_or(PAGE))?,
            order_by: fields.texts("order_by")?,
            page_token: fields.text("page_token")?,
        };
        let (numbers, token) = search::runs(tx, permit, &search)?;
        Ok(RunPage { runs: runs::load(tx, permit, &numbers)?, next_page_token: token })
    })
    .await
}

/// A key with its value, which may be left out and is empty then.
fn pair(fields: &Fields) -> Result<Pair> {
    Ok(Pair { key: fields.required_text("key")?, value: fields.text("value")?.unwrap_or_default() })
}

async fn log_parameter(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, _now| {
        batch::log_param(tx, permit, &run_id(fields)?, &pair(fields)?)?;
        Ok(json!({}))
    })
    .await
}

async fn set_tag(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, _now| {
        batch::set_tag(tx, permit, &run_id(fields)?, &pair(fields)?)?;
        Ok(json!({}))
    })
    .await
}

async fn delete_tag(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, _now| {
        runs::delete_tag(tx, permit, &run_id(fields)?, &fields.required_text("key")?)?;
        Ok(json!({}))
    })
    .await
}

async fn log_batch(State(app): State<Arc<App>>, body: Body) -> Answer {
    // Read and checked before the one writer is asked: it has other calls to serve.
    let (id, batch, of_models) = read_batch(&body.0)?;
    edit(app, move |tx, permit, _now| {
        batch::log(tx, permit, &id, &batch)?;
        metrics::log_to_models(tx, permit, &id, of_models)?;
        Ok(json!({}))
    })
    .await
}

pub(super) fn fields_id(fields: &Fields) -> Result<String> {
    let id = run_id(fields)?;
    rules::check_run_id(&id)?;
    Ok(id)
}

async fn log_inputs(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, _now| {
        let id = fields_id(fields)?;
        let datasets = fields.objects("datasets")?.iter().map(dataset_input).collect::<Result<Vec<_>>>()?;
        datasets.iter().try_for_each(inputs::check)?;
        let models = fields.objects("models")?.iter().map(model_use).collect::<Result<Vec<_>>>()?;
        inputs::log(tx, permit, &id, &datasets, &models)?;
        Ok(json!({}))
    })
    .await
}

fn dataset_input(fields: &Fields) -> Result<DatasetInput> {
    let dataset = fields.object("dataset")?.ok_or_else(|| fields.missing("dataset"))?;
    let dataset = LoggedDataset {
        name: dataset.required_text("name")?,
        digest: dataset.required_text("digest")?,
        source_type: dataset.required_text("source_type")?,
        source: dataset.required_text("source")?,
        schema: dataset.text("schema")?,
        profile: dataset.text("profile")?,
    };
    Ok(DatasetInput { dataset, tags: pairs(fields, "tags")? })
}

fn model_use(fields: &Fields) -> Result<ModelUse> {
    Ok(ModelUse { model_id: fields.required_text("model_id")?, step: fields.integer("step")?.unwrap_or(0) })
}

async fn log_outputs(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, _now| {
        let models = fields.objects("models")?;
        if models.is_empty() {
            return Err(fields.missing("models"));
        }
        let models = models.iter().map(model_use).collect::<Result<Vec<_>>>()?;
        inputs::log_outputs(tx, permit, &fields.required_text("run_id")?, &models)?;
        Ok(json!({}))
    })
    .await
}

/// What clients of the second major version call when they log a model: its description joins a list in a tag.
async fn log_model(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, _now| {
        let (id, text) = (fields.required_text("run_id")?, fields.required_text("model_json")?);
        let model: Value = serde_json::from_str(&text)
            .map_err(|_| Error::invalid("Malformed model info: model_json is not valid JSON"))?;
        let absent: Vec<&str> = ["artifact_path", "flavors", "utc_time_created", "run_id"]
            .into_iter()
            .filter(|name| model.get(*name).is_none())
            .collect();
        if !absent.is_empty() {
            return Err(Error::invalid(format!("model_json is missing mandatory fields: {}", absent.join(", "))));
        }
        let run = runs::get(tx, permit, &id)?;
        let before = run.tags.iter().find(|tag| tag.key == MODEL_HISTORY).map_or("[]", |tag| tag.value.as_str());
        let mut history: Vec<Value> = serde_json::from_str(before).unwrap_or_default();
        history.push(model);
        let tag = Pair::new(MODEL_HISTORY, Value::Array(history).to_string());
        batch::set_tag(tx, permit, &id, &tag)?;
        Ok(json!({}))
    })
    .await
}
