//! Fields of answers. Servers leave out what is empty, and write some numbers as texts.

use serde_json::Value;

use crate::record::{Pair, Point, number_named};

pub(super) fn text(value: &Value, field: &str) -> String {
    match &value[field] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

pub(super) fn some_text(value: &Value, field: &str) -> Option<String> {
    value[field].as_str().map(str::to_owned)
}

pub(super) fn integer(value: &Value, field: &str) -> i64 {
    some_integer(value, field).unwrap_or(0)
}

pub(super) fn some_integer(value: &Value, field: &str) -> Option<i64> {
    match &value[field] {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

pub(super) fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn pairs(value: &Value, field: &str) -> Vec<Pair> {
    list(value, field).iter().map(|pair| Pair { key: text(pair, "key"), value: text(pair, "value") }).collect()
}

pub(super) fn point(metric: &Value) -> Point {
    let value = match &metric["value"] {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => number_named(text),
        _ => Some(0.0),
    };
    Point(integer(metric, "timestamp"), integer(metric, "step"), value.unwrap_or(f64::NAN))
}

pub(super) fn next_page(answer: &Value) -> Option<String> {
    answer["next_page_token"].as_str().filter(|token| !token.is_empty()).map(str::to_owned)
}
