//! The second version of the protocol, in which a trace is begun, ended and listed without spans. Clients before MLflow 3
//! speak it; labels are lists of keys and values.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use flyball_core::{Result, Timestamp};
use flyball_traces::search::{self, TraceSearch};
use flyball_traces::{TraceInfo, TraceState, read, service};
use serde_json::{Value, json};

use super::{METADATA_SHOWN, PAGE, TAG_SHOWN, shown};
use crate::access::Policy::{Edit, Read};
use crate::app::App;
use crate::mlflow::call::{Answer, Call};
use crate::mlflow::fields::Fields;
use crate::mlflow::routes::{DialectRoute, get, patch, post};
use crate::mlflow::shapes::{page, put_list};

pub(super) fn routes() -> Vec<DialectRoute> {
    vec![
        post(Edit, "/api/2.0/mlflow/traces", begin),
        patch(Edit, "/api/2.0/mlflow/traces/{request_id}", end),
        get(Read, "/api/2.0/mlflow/traces/{request_id}/info", info),
        get(Read, "/api/2.0/mlflow/traces", list),
    ]
}

async fn begin(State(app): State<Arc<App>>, call: Call) -> Answer {
    let id = app.ids.fresh_hex();
    call.edit(app, move |tx, permit, fields, now| {
        let new = TraceInfo {
            id,
            experiment_id: fields.required_integer("experiment_id")?,
            started_at: Timestamp(fields.required_integer("timestamp_ms")?),
            metadata: labels(fields, "request_metadata")?,
            tags: labels(fields, "tags")?,
            ..TraceInfo::default()
        };
        Ok(json!({ "trace_info": shape(&service::begin(tx, permit, new, now)?) }))
    })
    .await
}

async fn end(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.edit(app, move |tx, permit, fields, _now| {
        let ended_at = Timestamp(fields.required_integer("timestamp_ms")?);
        let words = [("TRACE_STATUS_UNSPECIFIED", 0), ("OK", 1), ("ERROR", 2), ("IN_PROGRESS", 3)];
        let state = match fields.choice("status", &words)? {
            Some(1) => TraceState::Ok,
            Some(2) => TraceState::Error,
            Some(3) => TraceState::InProgress,
            _ => TraceState::Unspecified,
        };
        let (metadata, tags) = (labels(fields, "request_metadata")?, labels(fields, "tags")?);
        let ended = service::end(tx, permit, &id, ended_at, state, metadata, tags)?;
        Ok(json!({ "trace_info": shape(&ended) }))
    })
    .await
}

async fn info(State(app): State<Arc<App>>, Path(id): Path<String>, call: Call) -> Answer {
    call.read(app, move |tx, permit, _fields| Ok(json!({ "trace_info": shape(&read::info(tx, permit, &id)?) }))).await
}

async fn list(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let experiments = fields.texts("experiment_ids")?;
        if experiments.is_empty() {
            return Err(fields.missing("experiment_ids"));
        }
        let search = TraceSearch {
            experiments,
            filter: fields.text("filter")?.unwrap_or_default(),
            order_by: fields.texts("order_by")?,
            max_results: fields.integer("max_results")?.unwrap_or(PAGE),
            page_token: fields.text("page_token")?,
        };
        let (found, token) = search::traces(tx, permit, &search)?;
        Ok(page("traces", found.iter().map(shape).collect(), token))
    })
    .await
}

fn labels(fields: &Fields, name: &str) -> Result<BTreeMap<String, String>> {
    let pair = |pair: &Fields| Ok((pair.required_text("key")?, pair.text("value")?.unwrap_or_default()));
    fields.objects(name)?.iter().map(pair).collect()
}

fn shape(info: &TraceInfo) -> Value {
    let status = match info.state {
        TraceState::Unspecified => "TRACE_STATUS_UNSPECIFIED",
        state => state.as_str(),
    };
    let mut shape = json!({
        "request_id": info.id,
        "experiment_id": info.experiment_id.to_string(),
        "timestamp_ms": info.started_at.0,
        "execution_time_ms": info.duration.map_or(0, |duration| duration.0),
        "status": status,
    });
    let pairs = |map, most| shown(map, most).map(|(key, value)| json!({ "key": key, "value": value })).collect();
    put_list(&mut shape, "request_metadata", pairs(&info.metadata, METADATA_SHOWN));
    put_list(&mut shape, "tags", pairs(&info.tags, TAG_SHOWN));
    shape
}
