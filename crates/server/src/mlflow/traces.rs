//! Traces: descriptions, reading, tags, links, deletion. Spans come in by [`super::otlp`].

mod legacy;
mod spans;
mod times;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use flyball_core::{Error, ErrorCode, Result, Timestamp, limits};
use flyball_traces::search::{self, TraceSearch};
use flyball_traces::service::{self, Selection};
use flyball_traces::{Trace, TraceInfo, TraceState, read};
use serde_json::{Map, Value, json};

pub(super) use times::{duration_of, rfc3339, seconds, timestamp_of};

use super::assessments;
use super::call::{Answer, Call, JsonText};
use super::fields::Fields;
use super::routes::{DialectRoute, delete, get, patch, post};
use super::shapes::{page, put, put_list};
use crate::access::Policy::{Edit, Read};
use crate::app::App;
use crate::blocking;
use crate::routes::api::reader;

/// Longest key and values that answers show of metadata and tags, in characters, as clients expect.
const METADATA_SHOWN: usize = 250;
const TAG_SHOWN: usize = 4096;
/// Traces of a page unless the call says how many.
const PAGE: i64 = 100;
/// How often a trace that is not complete is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

pub(super) fn routes() -> Vec<DialectRoute> {
    let mut routes = vec![
        post(Edit, "/api/3.0/mlflow/traces", describe),
        get(Read, "/api/3.0/mlflow/traces/{trace_id}", info),
        get(Read, "/api/3.0/mlflow/traces/get", whole),
        get(Read, "/api/3.0/mlflow/traces/batchGet", several),
        post(Read, "/api/3.0/mlflow/traces/batchGetInfos", infos),
        post(Read, "/api/3.0/mlflow/traces/search", search),
        patch(Edit, "/api/2.0/mlflow/traces/{trace_id}/tags", set_tag),
        patch(Edit, "/api/3.0/mlflow/traces/{trace_id}/tags", set_tag),
        delete(Edit, "/api/2.0/mlflow/traces/{trace_id}/tags", delete_tag),
        delete(Edit, "/api/3.0/mlflow/traces/{trace_id}/tags", delete_tag),
        post(Edit, "/api/2.0/mlflow/traces/delete-traces", delete_traces),
        post(Edit, "/api/3.0/mlflow/traces/delete-traces", delete_traces),
        post(Edit, "/api/2.0/mlflow/traces/link-to-run", link_to_run),
        post(Edit, "/api/2.0/mlflow/traces/link-prompts", link_prompts),
        get(Read, "/ajax-api/2.0/mlflow/get-trace-artifact", artifact),
        get(Read, "/ajax-api/3.0/mlflow/get-trace-artifact", artifact),
    ];
    routes.extend(legacy::routes());
    routes
}

async fn describe(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        let trace = fields.object("trace")?.ok_or_else(|| fields.missing("trace"))?;
        let given = trace.object("trace_info")?.ok_or_else(|| trace.missing("trace_info"))?;
        let described = service::describe(tx, permit, info_of(&given)?, now)?;
        Ok(json!({ "trace": { "trace_info": info_shape(&described) } }))
    })
    .await
}

async fn info(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.read(app, move |tx, permit, _fields| {
        Ok(json!({ "trace": { "trace_info": info_shape(&read::info(tx, permit, &id)?) } }))
    })
    .await
}

/// A trace with its spans. Spans may still be on their way, so that an incomplete one is waited for.
async fn whole(State(app): State<Arc<App>>, call: Call) -> Answer {
    let id = call.fields.required_text("trace_id")?;
    let partial = call.fields.flag("allow_partial")?.unwrap_or(false);
    let looks = limits::TRACE_WAIT_SECONDS * 1000 / LOOK_AGAIN.as_millis() as u64;
    for look in 0..=looks {
        if look > 0 {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        let (app, id) = (Arc::clone(&app), id.clone());
        let found = blocking(move || {
            let permit = reader()?;
            app.platform.db.read(|tx| read::trace(tx, &permit, &id, partial))
        });
        if let Some(trace) = found.await? {
            return Ok(JsonText::of(&json!({ "trace": trace_shape(&trace) }))?);
        }
    }
    let message = format!("Trace with ID {} is not fully exported yet", id.escape_debug());
    Err(Error::new(ErrorCode::NotFound, message).hint("try again later").into())
}

async fn several(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let (ids, experiments) = asked(fields)?;
        let traces = read::traces(tx, permit, &ids, experiments.as_deref())?;
        Ok(page("traces", traces.iter().map(trace_shape).collect(), None))
    })
    .await
}

async fn infos(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let (ids, experiments) = asked(fields)?;
        let infos = read::infos(tx, permit, &ids, experiments.as_deref())?;
        Ok(page("trace_infos", infos.iter().map(info_shape).collect(), None))
    })
    .await
}

/// The traces that are asked for, and the experiments that they must be in if that is said.
fn asked(fields: &Fields) -> Result<(Vec<String>, Option<Vec<String>>)> {
    let ids = fields.texts("trace_ids")?;
    if ids.is_empty() {
        return Err(fields.missing("trace_ids"));
    }
    let limited = fields.value("experiment_ids")?.is_some();
    Ok((ids, limited.then(|| fields.texts("experiment_ids")).transpose()?))
}

async fn search(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let locations = fields.objects("locations")?;
        if locations.is_empty() {
            return Err(fields.missing("locations"));
        }
        let experiment = |location: &Fields| match location.object("mlflow_experiment") {
            Ok(Some(experiment)) => Some(experiment.required_text("experiment_id")),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        };
        let search = TraceSearch {
            experiments: locations.iter().filter_map(experiment).collect::<Result<_>>()?,
            filter: fields.text("filter")?.unwrap_or_default(),
            order_by: fields.texts("order_by")?,
            max_results: fields.integer("max_results")?.unwrap_or(PAGE),
            page_token: fields.text("page_token")?,
        };
        let (found, token) = search::traces(tx, permit, &search)?;
        Ok(page("traces", found.iter().map(info_shape).collect(), token))
    })
    .await
}

async fn set_tag(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.edit(app, move |tx, permit, fields, _now| {
        let (key, value) = (fields.required_text("key")?, fields.text("value")?.unwrap_or_default());
        service::set_tag(tx, permit, &id, &key, &value).map(|()| json!({}))
    })
    .await
}

async fn delete_tag(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.edit(app, move |tx, permit, fields, _now| {
        service::delete_tag(tx, permit, &id, &fields.required_text("key")?).map(|()| json!({}))
    })
    .await
}

async fn delete_traces(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, now| {
        let experiment = fields.required_text("experiment_id")?;
        let (ids, until) = (fields.texts("request_ids")?, fields.integer("max_timestamp_millis")?);
        let most = fields.integer("max_traces")?;
        let selection = match (ids.is_empty(), until) {
            (true, None) => {
                let message = "Either `max_timestamp_millis` or `trace_ids` must be specified.";
                return Err(Error::invalid(message));
            }
            (false, Some(_)) => {
                let message = "Only one of `max_timestamp_millis` and `trace_ids` can be specified.";
                return Err(Error::invalid(message));
            }
            (false, None) if most.is_some() => {
                return Err(Error::invalid("`max_traces` can't be specified if `trace_ids` is specified."));
            }
            _ if most.is_some_and(|most| most <= 0) => {
                return Err(Error::invalid("`max_traces` must be a positive integer"));
            }
            (false, None) => Selection::Ids(ids),
            (true, Some(until)) => Selection::Until(Timestamp(until), most),
        };
        let deleted = service::delete(tx, permit, &experiment, &selection, now)?;
        Ok(json!({ "traces_deleted": deleted }))
    })
    .await
}

async fn link_to_run(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, _now| {
        let (ids, _) = asked(fields)?;
        service::link_to_run(tx, permit, &ids, &fields.required_text("run_id")?).map(|()| json!({}))
    })
    .await
}

async fn link_prompts(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.edit(app, |tx, permit, fields, _now| {
        let id = fields.required_text("trace_id")?;
        let versions = fields.objects("prompt_versions")?;
        if versions.is_empty() {
            return Err(fields.missing("prompt_versions"));
        }
        let version = |fields: &Fields| Ok((fields.required_text("name")?, fields.required_integer("version")?));
        let versions = versions.iter().map(version).collect::<Result<Vec<_>>>()?;
        service::link_prompts(tx, permit, &id, &versions).map(|()| json!({}))
    })
    .await
}

/// The spans as the file that clients without a store keep them in.
async fn artifact(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let id = fields.required_text("request_id")?;
        if fields.text("path")?.is_some() {
            return Err(Error::new(ErrorCode::NotFound, "the trace has no such attachment"));
        }
        let trace = read::trace(tx, permit, &id, true)?;
        let spans = trace.iter().flat_map(|trace| &trace.spans).map(spans::file_shape);
        Ok(json!({ "spans": spans.collect::<Vec<_>>() }))
    })
    .await
}

/// What a client says of a trace.
fn info_of(fields: &Fields) -> Result<TraceInfo> {
    let location = fields.object("trace_location")?.unwrap_or_default();
    let experiment = location.object("mlflow_experiment")?.unwrap_or_default().integer("experiment_id")?;
    let missing =
        || Error::invalid("Missing value for required parameter 'trace_location.mlflow_experiment.experiment_id'");
    let states = TraceState::ALL.map(|(state, name)| (name, state as i64));
    let state = fields.choice("state", &states)?;
    let state = TraceState::ALL.iter().map(|(named, _)| *named).find(|named| Some(*named as i64) == state);
    Ok(TraceInfo {
        id: fields.required_text("trace_id")?,
        experiment_id: experiment.ok_or_else(missing)?,
        started_at: timestamp_of(fields, "request_time")?.unwrap_or_default(),
        duration: duration_of(fields, "execution_duration")?,
        state: state.unwrap_or_default(),
        client_request_id: fields.text("client_request_id")?,
        request_preview: fields.text("request_preview")?,
        response_preview: fields.text("response_preview")?,
        metadata: map_of(fields, "trace_metadata")?,
        tags: map_of(fields, "tags")?,
        assessments: fields.objects("assessments")?.iter().map(assessments::assessment_of).collect::<Result<_>>()?,
    })
}

/// An object of texts.
pub(super) fn map_of(fields: &Fields, name: &str) -> Result<BTreeMap<String, String>> {
    let wrong =
        || Error::invalid(format!("Invalid value for parameter '{name}' supplied: an object of texts is wanted"));
    match fields.value(name)? {
        None => Ok(BTreeMap::new()),
        Some(Value::Object(map)) => {
            map.iter().map(|(key, value)| Ok((key.clone(), value.as_str().ok_or_else(wrong)?.to_owned()))).collect()
        }
        Some(_) => Err(wrong()),
    }
}

/// A trace without its spans.
pub(super) fn info_shape(info: &TraceInfo) -> Value {
    let mut shape = json!({ "trace_id": info.id });
    put(&mut shape, "client_request_id", info.client_request_id.clone());
    let experiment = json!({ "experiment_id": info.experiment_id.to_string() });
    put(&mut shape, "trace_location", Some(json!({ "type": "MLFLOW_EXPERIMENT", "mlflow_experiment": experiment })));
    put(&mut shape, "request_preview", info.request_preview.clone());
    put(&mut shape, "response_preview", info.response_preview.clone());
    put(&mut shape, "request_time", Some(rfc3339(info.started_at)));
    put(&mut shape, "execution_duration", info.duration.map(seconds));
    put(&mut shape, "state", Some(info.state.as_str()));
    put_map(&mut shape, "trace_metadata", &info.metadata, METADATA_SHOWN);
    put_map(&mut shape, "tags", &info.tags, TAG_SHOWN);
    let assessments = info.assessments.iter().map(|assessment| assessments::shape(assessment, &info.id));
    put_list(&mut shape, "assessments", assessments.collect());
    shape
}

/// Adds texts by key, unless there are none.
fn put_map(shape: &mut Value, name: &str, map: &BTreeMap<String, String>, most: usize) {
    let map: Map<String, Value> = shown(map, most).map(|(key, value)| (key, value.into())).collect();
    put(shape, name, (!map.is_empty()).then_some(Value::Object(map)));
}

/// Texts by key, cut to what clients expect.
fn shown(map: &BTreeMap<String, String>, most: usize) -> impl Iterator<Item = (String, String)> {
    let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
    map.iter().map(move |(key, value)| (cut(key, METADATA_SHOWN), cut(value, most)))
}

/// A trace with its spans.
fn trace_shape(trace: &Trace) -> Value {
    let mut shape = json!({ "trace_info": info_shape(&trace.info) });
    put_list(&mut shape, "spans", trace.spans.iter().map(spans::shape).collect());
    shape
}
