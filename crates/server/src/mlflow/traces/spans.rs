//! Spans as JSON: OpenTelemetry's protobuf form in snake_case with ids in base64, and the form of the file `traces.json`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flyball_traces::Span;
use flyball_traces::json_text;
use flyball_traces::otlp::messages::{Any, AnyValue, Event, KeyValue, Link, Status};
use serde_json::{Map, Value, json};

use crate::mlflow::shapes::{put, put_list};

/// A span as answers hold it. Times are nanoseconds as numbers; what is 0 or empty is left out.
pub(super) fn shape(span: &Span) -> Value {
    let span = span.message();
    let mut shape = json!({ "trace_id": STANDARD.encode(&span.trace_id), "span_id": STANDARD.encode(&span.span_id) });
    put(&mut shape, "parent_span_id", filled(&STANDARD.encode(&span.parent_span_id)));
    put(&mut shape, "name", filled(&span.name));
    put(&mut shape, "start_time_unix_nano", Some(span.start_time_unix_nano).filter(|time| *time > 0));
    put(&mut shape, "end_time_unix_nano", Some(span.end_time_unix_nano).filter(|time| *time > 0));
    put_list(&mut shape, "attributes", pairs(&span.attributes));
    put_list(&mut shape, "events", span.events.iter().map(event).collect());
    put_list(&mut shape, "links", span.links.iter().map(link).collect());
    put(&mut shape, "status", Some(status(span.status.as_ref())));
    shape
}

fn status(status: Option<&Status>) -> Value {
    let mut shape = json!({});
    let Some(status) = status else { return shape };
    put(&mut shape, "message", filled(&status.message));
    put(&mut shape, "code", (status.code == 1 || status.code == 2).then(|| code(status.code)));
    shape
}

fn code(code: i32) -> &'static str {
    match code {
        1 => "STATUS_CODE_OK",
        2 => "STATUS_CODE_ERROR",
        _ => "STATUS_CODE_UNSET",
    }
}

fn event(event: &Event) -> Value {
    let mut shape = json!({});
    put(&mut shape, "time_unix_nano", Some(event.time_unix_nano).filter(|time| *time > 0));
    put(&mut shape, "name", filled(&event.name));
    put_list(&mut shape, "attributes", pairs(&event.attributes));
    shape
}

fn link(link: &Link) -> Value {
    let mut shape = json!({ "trace_id": STANDARD.encode(&link.trace_id), "span_id": STANDARD.encode(&link.span_id) });
    put_list(&mut shape, "attributes", pairs(&link.attributes));
    shape
}

fn pairs(pairs: &[KeyValue]) -> Vec<Value> {
    let nothing = AnyValue { value: None };
    let pair = |pair: &KeyValue| json!({ "key": pair.key, "value": typed(pair.value.as_ref().unwrap_or(&nothing)) });
    pairs.iter().map(pair).collect()
}

/// A value under the name of its type; nothing is an empty object.
fn typed(value: &AnyValue) -> Value {
    let mut list = json!({});
    match &value.value {
        None => list,
        Some(Any::Text(text)) => json!({ "string_value": text }),
        Some(Any::Flag(flag)) => json!({ "bool_value": flag }),
        Some(Any::Int(number)) => json!({ "int_value": number }),
        Some(Any::Double(number)) => json!({ "double_value": double(*number) }),
        Some(Any::Bytes(bytes)) => json!({ "bytes_value": STANDARD.encode(bytes) }),
        Some(Any::List(values)) => {
            put_list(&mut list, "values", values.values.iter().map(typed).collect());
            json!({ "array_value": list })
        }
        Some(Any::Map(values)) => {
            put_list(&mut list, "values", pairs(&values.values));
            json!({ "kvlist_value": list })
        }
    }
}

/// A number; those that JSON has no form for are texts.
fn double(number: f64) -> Value {
    match number {
        _ if number.is_finite() => number.into(),
        _ if number.is_nan() => "NaN".into(),
        _ if number > 0.0 => "Infinity".into(),
        _ => "-Infinity".into(),
    }
}

fn filled(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// A span as it stands in the file: attributes as JSON texts, absent values as null.
pub(super) fn file_shape(span: &Span) -> Value {
    let span = span.message();
    let ended = Some(span.end_time_unix_nano).filter(|time| *time > 0);
    let attributes: Map<String, Value> =
        span.attributes.iter().map(|pair| (pair.key.clone(), json_text::of(&plain(pair)).into())).collect();
    let event = |event: &Event| {
        let attributes: Map<String, Value> =
            event.attributes.iter().map(|pair| (pair.key.clone(), plain(pair))).collect();
        json!({ "name": event.name, "time_unix_nano": event.time_unix_nano, "attributes": attributes })
    };
    let status = span.status.clone().unwrap_or_default();
    json!({
        "trace_id": STANDARD.encode(&span.trace_id),
        "span_id": STANDARD.encode(&span.span_id),
        "parent_span_id": filled(&STANDARD.encode(&span.parent_span_id)),
        "name": span.name,
        "start_time_unix_nano": span.start_time_unix_nano,
        "end_time_unix_nano": ended,
        "events": span.events.iter().map(event).collect::<Vec<_>>(),
        "status": { "code": code(status.code), "message": status.message },
        "attributes": attributes,
        "links": span.links.iter().map(link).collect::<Vec<_>>(),
    })
}

fn plain(pair: &KeyValue) -> Value {
    pair.value.as_ref().map_or(Value::Null, AnyValue::to_json)
}
