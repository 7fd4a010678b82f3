//! The shapes of the protocol: snake_case, numbers as numbers, NaN as a text, empty lists and unset fields left out.

use flyball_tracking::{DatasetInput, Experiment, Metric, ModelUse, Pair, Point, Run};
use serde_json::{Map, Value, json};

/// Adds a list under a name unless it is empty.
pub(super) fn put_list(object: &mut Value, name: &str, list: Vec<Value>) {
    if let Some(object) = object.as_object_mut().filter(|_| !list.is_empty()) {
        object.insert(name.to_owned(), Value::Array(list));
    }
}

/// Adds a value under a name when there is one.
pub(super) fn put(object: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let (Some(object), Some(value)) = (object.as_object_mut(), value) {
        object.insert(name.to_owned(), value.into());
    }
}

/// The answer of a search: its list, and the token of the next page if there is one.
pub(super) fn page(name: &str, list: Vec<Value>, token: Option<String>) -> Value {
    let mut answer = Value::Object(Map::new());
    put_list(&mut answer, name, list);
    put(&mut answer, "next_page_token", token);
    answer
}

/// A number; NaN is a text, because JSON has none.
pub(super) fn number(value: f64) -> Value {
    if value.is_nan() { Value::from("NaN") } else { Value::from(value) }
}

/// Keys with their values.
pub(super) fn pairs(pairs: &[Pair]) -> Vec<Value> {
    pairs.iter().map(|pair| json!({ "key": pair.key, "value": pair.value })).collect()
}

pub(super) fn metric(metric: &Metric) -> Value {
    point(&metric.key, &metric.point)
}

/// A point of a metric.
pub(super) fn point(key: &str, point: &Point) -> Value {
    json!({ "key": key, "value": number(point.value), "timestamp": point.timestamp, "step": point.step })
}

pub(super) fn experiment(experiment: &Experiment) -> Value {
    let mut shape = json!({
        "experiment_id": experiment.id.to_string(),
        "name": experiment.name,
        "artifact_location": experiment.artifact_location,
        "lifecycle_stage": experiment.lifecycle.as_str(),
        "last_update_time": experiment.updated_at.0,
        "creation_time": experiment.created_at.0,
        "workspace": super::call::WORKSPACE,
    });
    put_list(&mut shape, "tags", pairs(&experiment.tags));
    shape
}

pub(super) fn run_info(run: &Run) -> Value {
    let mut info = json!({
        "run_uuid": run.id,
        "experiment_id": run.experiment_id.to_string(),
        "run_name": run.name,
        "user_id": run.user_id,
        "status": run.status.as_str(),
        "start_time": run.started_at.0,
        "artifact_uri": run.artifact_uri,
        "lifecycle_stage": run.lifecycle.as_str(),
        "run_id": run.id,
    });
    put(&mut info, "end_time", run.ended_at.map(|at| at.0));
    info
}

/// A run as it is answered when it is made.
pub(super) fn new_run(run: &Run) -> Value {
    let mut data = json!({});
    put_list(&mut data, "metrics", run.metrics.iter().map(metric).collect());
    put_list(&mut data, "params", pairs(&run.params));
    put_list(&mut data, "tags", pairs(&run.tags));
    let mut inputs = json!({});
    put_list(&mut inputs, "dataset_inputs", run.inputs.datasets.iter().map(dataset_input).collect());
    put_list(
        &mut inputs,
        "model_inputs",
        run.inputs.models.iter().map(|model| json!({ "model_id": model.model_id })).collect(),
    );
    json!({ "info": run_info(run), "data": data, "inputs": inputs })
}

/// A run as it is answered from then on.
pub(super) fn run(run: &Run) -> Value {
    let mut shape = new_run(run);
    let mut outputs = json!({});
    put_list(&mut outputs, "model_outputs", run.inputs.outputs.iter().map(output).collect());
    put(&mut shape, "outputs", Some(outputs));
    shape
}

fn output(model: &ModelUse) -> Value {
    json!({ "model_id": model.model_id, "step": model.step })
}

fn dataset_input(input: &DatasetInput) -> Value {
    let dataset = &input.dataset;
    let mut shape = json!({
        "name": dataset.name,
        "digest": dataset.digest,
        "source_type": dataset.source_type,
        "source": dataset.source,
    });
    put(&mut shape, "schema", dataset.schema.clone());
    put(&mut shape, "profile", dataset.profile.clone());
    let mut whole = json!({ "dataset": shape });
    put_list(&mut whole, "tags", pairs(&input.tags));
    whole
}
