//! A span as we keep it: ids of one length, each attribute once.

use flyball_core::{Error, ErrorCode, Result};
use serde_json::{Map, Number, Value, json};

use crate::json_text;
use crate::otlp::messages::{self, Any, AnyValue, ArrayValue, KeyValue, KeyValueList};

/// Bytes of the id of a trace and of a span.
const TRACE_ID: usize = 16;
const SPAN_ID: usize = 8;

/// A span, valid and in its one form.
#[derive(Clone, Debug, PartialEq)]
pub struct Span(messages::Span);

impl Span {
    /// Takes a span in from outside.
    ///
    /// # Errors
    /// `InvalidData` when an id is missing or too long.
    pub(crate) fn receive(mut span: messages::Span) -> Result<Self> {
        span.kind = 0;
        span.trace_id = padded(&span.trace_id, TRACE_ID)?;
        span.span_id = padded(&span.span_id, SPAN_ID)?;
        if span.parent_span_id.iter().all(|byte| *byte == 0) {
            span.parent_span_id.clear();
        } else {
            span.parent_span_id = padded(&span.parent_span_id, SPAN_ID)?;
        }
        // Links to ids that cannot be are dropped, not the span that holds them.
        span.links.retain_mut(|link| match (padded(&link.trace_id, TRACE_ID), padded(&link.span_id, SPAN_ID)) {
            (Ok(trace), Ok(span)) => {
                (link.trace_id, link.span_id) = (trace, span);
                true
            }
            _ => false,
        });
        let attributes = std::mem::take(&mut span.attributes);
        let mut own = Self(span);
        own.0.attributes = distinct(attributes);
        Ok(own)
    }

    /// A span that was stored.
    pub(crate) fn stored(span: messages::Span) -> Self {
        Self(span)
    }

    /// The message, to read all of it.
    pub fn message(&self) -> &messages::Span {
        &self.0
    }

    pub(crate) fn into_message(self) -> messages::Span {
        self.0
    }

    /// The id of its trace: `tr-` and 32 hexadecimal digits.
    pub(crate) fn trace_id(&self) -> String {
        self.0.trace_id.iter().fold(String::from("tr-"), |text, byte| text + &format!("{byte:02x}"))
    }

    /// Its id.
    pub(crate) fn id(&self) -> u64 {
        number(&self.0.span_id)
    }

    /// The id of the span that it is part of; `None` for a root.
    pub(crate) fn parent(&self) -> Option<u64> {
        (!self.0.parent_span_id.is_empty()).then(|| number(&self.0.parent_span_id))
    }

    /// `OK`, `ERROR` or `UNSET`.
    pub(crate) fn status(&self) -> &'static str {
        match self.0.status.as_ref().map(|status| status.code) {
            Some(1) => "OK",
            Some(2) => "ERROR",
            _ => "UNSET",
        }
    }

    /// The attribute, when it is there.
    pub(crate) fn attribute(&self, key: &str) -> Option<&AnyValue> {
        self.0.attributes.iter().find(|pair| pair.key == key).map(|pair| pair.value.as_ref().unwrap_or(&NOTHING))
    }

    /// The attribute as text, when it is one.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        match self.attribute(key)?.value.as_ref()? {
            Any::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Sets or replaces an attribute.
    pub(crate) fn set(&mut self, key: &str, value: AnyValue) {
        match self.0.attributes.iter_mut().find(|pair| pair.key == key) {
            Some(pair) => pair.value = Some(value),
            None => self.0.attributes.push(KeyValue { key: key.to_owned(), value: Some(value) }),
        }
    }

    /// Changes the values of attributes in place.
    pub(crate) fn attributes_mut(&mut self) -> impl Iterator<Item = &mut AnyValue> {
        self.0.attributes.iter_mut().filter_map(|pair| pair.value.as_mut())
    }

    /// All of it as text, for searching.
    pub fn content(&self) -> String {
        let pairs =
            |pairs: &[KeyValue]| AnyValue { value: Some(Any::Map(KeyValueList { values: pairs.into() })) }.to_json();
        let events: Vec<Value> = self
            .0
            .events
            .iter()
            .map(|event| json!({ "name": event.name, "attributes": pairs(&event.attributes) }))
            .collect();
        let status = self.0.status.as_ref().map_or("", |status| status.message.as_str());
        json_text::of(&json!({
            "name": self.0.name,
            "attributes": pairs(&self.0.attributes),
            "events": events,
            "status": { "code": self.status(), "message": status },
        }))
    }
}

static NOTHING: AnyValue = AnyValue { value: None };

/// The id with zeros in front.
fn padded(id: &[u8], length: usize) -> Result<Vec<u8>> {
    let significant = id.iter().position(|byte| *byte != 0).map_or(&[][..], |first| &id[first..]);
    if id.is_empty() || significant.len() > length {
        return Err(Error::new(ErrorCode::InvalidData, "Cannot convert the OpenTelemetry span")
            .hint("the ids of a trace and a span have 16 and 8 bytes"));
    }
    Ok([&vec![0; length - significant.len()][..], significant].concat())
}

fn number(id: &[u8]) -> u64 {
    id.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Each key once: at its first place, with its last value.
fn distinct(attributes: Vec<KeyValue>) -> Vec<KeyValue> {
    let mut places = std::collections::HashMap::with_capacity(attributes.len());
    let mut kept: Vec<KeyValue> = Vec::with_capacity(attributes.len());
    for pair in attributes {
        match places.get(&pair.key) {
            Some(&place) => kept[place] = pair,
            None => {
                places.insert(pair.key.clone(), kept.len());
                kept.push(pair);
            }
        }
    }
    kept
}

impl AnyValue {
    /// The value as JSON; bytes become base64, numbers that JSON cannot write become texts.
    pub fn to_json(&self) -> Value {
        use base64::Engine;
        match &self.value {
            None => Value::Null,
            Some(Any::Text(text)) => Value::String(text.clone()),
            Some(Any::Flag(flag)) => Value::Bool(*flag),
            Some(Any::Int(number)) => Value::from(*number),
            Some(Any::Double(number)) => {
                Number::from_f64(*number).map_or_else(|| number.to_string().into(), Value::Number)
            }
            Some(Any::List(list)) => list.values.iter().map(Self::to_json).collect(),
            Some(Any::Map(map)) => {
                let pair = |pair: &KeyValue| (pair.key.clone(), pair.value.as_ref().map_or(Value::Null, Self::to_json));
                Value::Object(map.values.iter().map(pair).collect::<Map<_, _>>())
            }
            Some(Any::Bytes(bytes)) => base64::engine::general_purpose::STANDARD.encode(bytes).into(),
        }
    }
}

/// The value of JSON.
pub(crate) fn value_of(json: Value) -> AnyValue {
    let value = match json {
        Value::Null => None,
        Value::Bool(flag) => Some(Any::Flag(flag)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Some(Any::Int(whole)),
            None => number.as_f64().map(Any::Double),
        },
        Value::String(text) => Some(Any::Text(text)),
        Value::Array(values) => Some(Any::List(ArrayValue { values: values.into_iter().map(value_of).collect() })),
        Value::Object(map) => {
            let values = map.into_iter().map(|(key, value)| KeyValue { key, value: Some(value_of(value)) }).collect();
            Some(Any::Map(KeyValueList { values }))
        }
    };
    AnyValue { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_get_one_length_and_attributes_one_value() {
        let pair = |key: &str, number| KeyValue { key: key.to_owned(), value: Some(value_of(json!(number))) };
        let message = messages::Span {
            trace_id: vec![0xab],
            span_id: [vec![0; 9], vec![1, 2]].concat(),
            parent_span_id: vec![0; 8],
            attributes: vec![pair("a", 1), pair("b", 2), pair("a", 3)],
            links: vec![messages::Link { trace_id: vec![1; 17], span_id: vec![1], attributes: vec![] }],
            ..messages::Span::default()
        };
        let span = Span::receive(message.clone()).unwrap();
        assert_eq!(span.trace_id(), format!("tr-{}ab", "0".repeat(30)));
        assert_eq!((span.id(), span.parent(), span.message().links.len()), (0x102, None, 0));
        assert_eq!(span.message().attributes, [pair("a", 3), pair("b", 2)]);
        for bad in [
            messages::Span { trace_id: vec![], ..message.clone() },
            messages::Span { span_id: vec![1; 9], ..message.clone() },
            messages::Span { parent_span_id: vec![1; 9], ..message },
        ] {
            assert_eq!(Span::receive(bad).unwrap_err().code(), ErrorCode::InvalidData);
        }
    }

    #[test]
    fn values_survive_the_way_through_json() {
        let json = json!({"a": [1, 2.5, null, true, "x"], "b": {"c": {}}});
        assert_eq!(value_of(json.clone()).to_json(), json);
        assert_eq!(AnyValue { value: Some(Any::Double(f64::NAN)) }.to_json(), json!("NaN"));
    }
}
