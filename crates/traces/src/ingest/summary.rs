//! What the spans of one trace in a batch say of it.

use std::collections::{BTreeMap, HashMap};

use flyball_core::{Result, Timestamp};
use serde_json::Value;

use crate::Span;
use crate::json_text;
use crate::labels;
use crate::model::TraceState;
use crate::otlp::messages::{AnyValue, KeyValue};
use crate::store::spans::{self, Fact};

use super::conventions::{self, INPUTS, OUTPUTS};
use super::preview;
use super::usage::Node;

/// The spans of a trace as they are found in a batch.
#[derive(Default)]
pub(super) struct Gathered {
    spans: Vec<Span>,
    places: HashMap<u64, usize>,
    tags: BTreeMap<String, String>,
}

/// What is stored of them.
#[derive(Debug)]
pub(super) struct Summary {
    pub(super) id: String,
    pub(super) packed: Vec<u8>,
    /// Size before packing.
    pub(super) bytes: i64,
    pub(super) facts: Vec<Fact>,
    pub(super) started_at: Timestamp,
    /// The last end, when any span has ended.
    pub(super) ended_at: Option<Timestamp>,
    /// How the root ended, when it is among them.
    pub(super) root_state: Option<TraceState>,
    pub(super) request_preview: Option<String>,
    pub(super) response_preview: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) session: Option<String>,
    pub(super) user: Option<String>,
    pub(super) tokens: Vec<Node>,
    pub(super) costs: Vec<Node>,
}

impl Gathered {
    /// Adds a span; one with the same id gives way to it.
    pub(super) fn add(&mut self, span: Span, resource: &[KeyValue]) {
        if self.tags.is_empty() {
            self.tags = resource_tags(resource);
        }
        match self.places.get(&span.id()) {
            Some(&place) => self.spans[place] = span,
            None => {
                self.places.insert(span.id(), self.spans.len());
                self.spans.push(span);
            }
        }
    }

    pub(super) fn summary(mut self, id: String) -> Result<Summary> {
        let root = self.spans.iter().rev().find(|span| span.parent().is_none());
        let shown =
            |key, role| root.and_then(|root| conventions::json(root, key)).map(|value| text(preview::of(&value, role)));
        let (request_preview, response_preview) = (shown(INPUTS, "user"), shown(OUTPUTS, "assistant"));
        let first = |keys: &[&str]| {
            self.spans.iter().find_map(|span| keys.iter().find_map(|key| conventions::json(span, key))).map(plain)
        };
        let (session, user) = (first(&conventions::SESSIONS), first(&[conventions::USER]));
        let millis = |nanos: u64| Timestamp(i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX));
        let times = |time: fn(&Span) -> u64| self.spans.iter().map(time);
        let started_at = times(|span| span.message().start_time_unix_nano).min().map(millis).unwrap_or_default();
        let ended_at = times(|span| span.message().end_time_unix_nano).max().filter(|end| *end > 0).map(millis);
        // Of several roots the first decides how the trace ended, the last what is shown of it.
        let decisive = self.spans.iter().find(|span| span.parent().is_none());
        let root_state = decisive.map(|root| if root.status() == "ERROR" { TraceState::Error } else { TraceState::Ok });
        let root_tags = root.map(root_tags).unwrap_or_default();
        let tokens = self.spans.iter().map(|span| Node::of(span, conventions::TOKENS)).collect();
        let costs = self.spans.iter().map(|span| Node::of(span, conventions::COST)).collect();
        let facts = self.spans.iter().map(fact).collect();
        self.tags.extend(root_tags);
        let (packed, bytes) = spans::pack(self.spans)?;
        Ok(Summary {
            id,
            packed,
            bytes,
            facts,
            started_at,
            ended_at,
            root_state,
            request_preview,
            response_preview,
            tags: self.tags,
            session,
            user,
            tokens,
            costs,
        })
    }
}

fn fact(span: &Span) -> Fact {
    Fact {
        id: span.id(),
        name: text(span.message().name.clone()),
        kind: text(span.text(conventions::TYPE).unwrap_or_default().to_owned()),
        status: span.status(),
    }
}

/// What is known of the service becomes tags; what the SDK says of itself does not, and nothing may pass for ours.
fn resource_tags(resource: &[KeyValue]) -> BTreeMap<String, String> {
    let own = |key: &str| !key.starts_with("telemetry.sdk.") && !key.starts_with("mlflow.");
    let tag = |pair: &KeyValue| {
        let value = plain(pair.value.as_ref().map_or(Value::Null, AnyValue::to_json));
        labels::valid_tag(&pair.key, &value).ok()
    };
    resource.iter().filter(|pair| own(&pair.key)).filter_map(tag).collect()
}

/// Tags that travelled with the root span.
fn root_tags(root: &Span) -> BTreeMap<String, String> {
    let tag = |pair: &KeyValue| {
        let key = pair.key.strip_prefix(conventions::TAG_PREFIX)?;
        let value = plain(pair.value.as_ref().map_or(Value::Null, AnyValue::to_json));
        labels::valid_tag(key, &value).ok()
    };
    root.message().attributes.iter().filter_map(tag).collect()
}

/// A text as it is, anything else as JSON.
fn plain(value: Value) -> String {
    match value {
        Value::String(words) => text(words),
        other => text(json_text::of(&other)),
    }
}

/// The text as a database can keep it.
fn text(words: String) -> String {
    if words.contains('\0') { words.replace('\0', "\u{fffd}") } else { words }
}
