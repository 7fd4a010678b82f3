//! The shapes of the protocol: snake_case, numbers as numbers, NaN as a text, empty lists and unset fields left out.

use flyball_tracking::{Experiment, Pair, Point};
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
