//! Names of attributes. Spans of instrumentations that follow another convention get the attributes that ours is built on,
//! beside their own: what went in and out, tokens, model, type.

use serde_json::{Map, Value, json};

use crate::Span;
use crate::otlp::messages::{Any, AnyValue};
use crate::span::value_of;

pub(crate) const REQUEST_ID: &str = "mlflow.traceRequestId";
pub(crate) const TYPE: &str = "mlflow.spanType";
pub(crate) const INPUTS: &str = "mlflow.spanInputs";
pub(crate) const OUTPUTS: &str = "mlflow.spanOutputs";
pub(crate) const TOKENS: &str = "mlflow.chat.tokenUsage";
pub(crate) const COST: &str = "mlflow.llm.cost";
pub(crate) const TAG_PREFIX: &str = "mlflow.traceTag.";
pub(crate) const SESSIONS: [&str; 2] = ["session.id", "gen_ai.conversation.id"];
pub(crate) const USER: &str = "user.id";
const TOOLS: &str = "mlflow.chat.tools";
const MODEL: &str = "mlflow.llm.model";
const PROVIDER: &str = "mlflow.llm.provider";
/// The type of a span that says nothing better.
const UNKNOWN: &str = "UNKNOWN";

/// What a convention calls things; lists are in order of preference.
struct Convention {
    kind: &'static str,
    types: &'static [(&'static str, &'static str)],
    inputs: &'static [&'static str],
    outputs: &'static [&'static str],
    /// Tokens in, out, in total.
    tokens: [&'static str; 3],
    cache_read: &'static str,
    cache_written: &'static [&'static str],
    models: &'static [&'static str],
    provider: &'static str,
    tools: &'static str,
}

/// OpenInference, OpenTelemetry's own for generative AI, and OpenLLMetry, in the order in which they are asked.
static CONVENTIONS: [Convention; 3] = [
    Convention {
        kind: "openinference.span.kind",
        types: &[
            ("TOOL", "TOOL"),
            ("CHAIN", "CHAIN"),
            ("LLM", "LLM"),
            ("RETRIEVER", "RETRIEVER"),
            ("EMBEDDING", "EMBEDDING"),
            ("AGENT", "AGENT"),
            ("RERANKER", "RERANKER"),
            ("GUARDRAIL", "GUARDRAIL"),
            ("EVALUATOR", "EVALUATOR"),
        ],
        inputs: &["input.value"],
        outputs: &["output.value"],
        tokens: ["llm.token_count.prompt", "llm.token_count.completion", "llm.token_count.total"],
        cache_read: "llm.token_count.prompt_details.cache_read",
        cache_written: &["llm.token_count.prompt_details.cache_write"],
        models: &["llm.response.model_name", "llm.model_name", "llm.request.model_name", "embedding.model_name"],
        provider: "llm.provider",
        tools: "",
    },
    Convention {
        kind: "gen_ai.operation.name",
        types: &[
            ("chat", "CHAT_MODEL"),
            ("create_agent", "AGENT"),
            ("embeddings", "EMBEDDING"),
            ("execute_tool", "TOOL"),
            ("generate_content", "LLM"),
            ("invoke_agent", "AGENT"),
            ("text_completion", "LLM"),
            ("response", "LLM"),
        ],
        inputs: &["gen_ai.input.messages", "gen_ai.tool.call.arguments"],
        outputs: &["gen_ai.output.messages", "gen_ai.tool.call.result"],
        tokens: ["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", ""],
        cache_read: "gen_ai.usage.cache_read.input_tokens",
        cache_written: &["gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens"],
        models: &["gen_ai.response.model", "gen_ai.request.model"],
        provider: "gen_ai.provider.name",
        tools: "gen_ai.tool.definitions",
    },
    Convention {
        kind: "traceloop.span.kind",
        types: &[("workflow", "WORKFLOW"), ("task", "TASK"), ("agent", "AGENT"), ("tool", "TOOL")],
        inputs: &["traceloop.entity.input", "gen_ai.prompt.0.content"],
        outputs: &["traceloop.entity.output", "gen_ai.completion.0.content"],
        tokens: ["gen_ai.usage.prompt_tokens", "gen_ai.usage.completion_tokens", "llm.usage.total_tokens"],
        cache_read: "",
        cache_written: &[],
        models: &[],
        provider: "gen_ai.system",
        tools: "",
    },
];

/// Brings a received span into our convention.
pub(crate) fn adopt(span: &mut Span) {
    let id = span.trace_id();
    span.set(REQUEST_ID, value_of(json!(id)));
    span.attributes_mut().for_each(unwrap);
    if matches!(span.text(TYPE), None | Some(UNKNOWN))
        && let Some(kind) = CONVENTIONS.iter().find_map(|convention| convention.type_of(span))
    {
        span.set(TYPE, value_of(json!(kind)));
    }
    fill(span, INPUTS, |convention, span| first(span, convention.inputs));
    fill(span, OUTPUTS, |convention, span| first(span, convention.outputs));
    fill(span, TOKENS, Convention::tokens_of);
    fill(span, TOOLS, |convention, span| first(span, &[convention.tools]));
    fill(span, MODEL, |convention, span| first(span, convention.models));
    if span.attribute(MODEL).is_none()
        && let Some(model) = [INPUTS, OUTPUTS].iter().find_map(|side| member(span.attribute(side)?, "model"))
    {
        span.set(MODEL, model);
    }
    fill(span, PROVIDER, |convention, span| first(span, &[convention.provider]));
}

/// Sets an attribute that is absent to what the first convention that knows says.
fn fill(span: &mut Span, key: &str, known: impl Fn(&Convention, &Span) -> Option<AnyValue>) {
    if span.attribute(key).is_none()
        && let Some(value) = CONVENTIONS.iter().find_map(|convention| known(convention, span))
    {
        span.set(key, value);
    }
}

impl Convention {
    fn type_of(&self, span: &Span) -> Option<&'static str> {
        let kind = span.text(self.kind)?;
        self.types.iter().find(|(theirs, _)| *theirs == kind).map(|(_, ours)| *ours)
    }

    fn tokens_of(&self, span: &Span) -> Option<AnyValue> {
        let [input, output, total] = self.tokens.map(|key| count(span, key));
        let total = total.or_else(|| input?.checked_add(output?));
        let written = self.cache_written.iter().find_map(|key| count(span, key));
        let counts = [
            ("input_tokens", input),
            ("output_tokens", output),
            ("total_tokens", total),
            ("cache_read_input_tokens", count(span, self.cache_read)),
            ("cache_creation_input_tokens", written),
        ];
        let given = |(key, count): (&str, Option<i64>)| Some((key.to_owned(), json!(count?)));
        let used: Map<String, Value> = counts.into_iter().filter_map(given).collect();
        (input.is_some() || output.is_some() || total.is_some()).then(|| value_of(used.into()))
    }
}

/// The first of the attributes that says something.
fn first(span: &Span, keys: &[&str]) -> Option<AnyValue> {
    keys.iter().filter_map(|key| span.attribute(key)).find(|value| says_something(value)).cloned()
}

fn says_something(value: &AnyValue) -> bool {
    match &value.value {
        None => false,
        Some(Any::Text(text)) => !text.is_empty(),
        Some(Any::Flag(flag)) => *flag,
        Some(Any::Int(number)) => *number != 0,
        Some(Any::Double(number)) => *number != 0.0,
        Some(Any::List(list)) => !list.values.is_empty(),
        Some(Any::Map(map)) => !map.values.is_empty(),
        Some(Any::Bytes(bytes)) => !bytes.is_empty(),
    }
}

/// A count, as a number or as text.
fn count(span: &Span, key: &str) -> Option<i64> {
    match span.attribute(key)?.value.as_ref()? {
        Any::Int(number) => Some(*number),
        Any::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The text of a member of a map.
fn member(value: &AnyValue, key: &str) -> Option<AnyValue> {
    let Some(Any::Map(map)) = &value.value else { return None };
    let found = map.values.iter().find(|pair| pair.key == key)?.value.as_ref()?;
    matches!(&found.value, Some(Any::Text(text)) if !text.is_empty()).then(|| found.clone())
}

/// Takes a text that holds JSON of a text, list or object for what it holds: OpenTelemetry attributes of other clients
/// cannot be structured, so they send them written out.
fn unwrap(value: &mut AnyValue) {
    let Some(Any::Text(text)) = &value.value else { return };
    if text.starts_with(['"', '[', '{'])
        && let Ok(inner) = serde_json::from_str::<Value>(text)
    {
        *value = value_of(inner);
    }
}

/// The attribute as JSON.
pub(crate) fn json(span: &Span, key: &str) -> Option<Value> {
    span.attribute(key).filter(|value| value.value.is_some()).map(AnyValue::to_json)
}

#[cfg(test)]
mod tests {
    use crate::otlp::messages::{self, KeyValue};

    use super::*;

    fn adopted(attributes: Value) -> Span {
        let attributes = attributes.as_object().unwrap().clone().into_iter();
        let attributes = attributes.map(|(key, value)| KeyValue { key, value: Some(value_of(value)) }).collect();
        let message = messages::Span { trace_id: vec![1], span_id: vec![1], attributes, ..messages::Span::default() };
        let mut span = Span::receive(message).unwrap();
        adopt(&mut span);
        span
    }

    #[test]
    fn conventions_of_others_fill_what_is_absent() {
        let span = adopted(json!({
            "gen_ai.operation.name": "chat",
            "gen_ai.usage.input_tokens": 3,
            "gen_ai.usage.output_tokens": "4",
            "gen_ai.usage.cache_creation.input_tokens": 1,
            "gen_ai.input.messages": r#"[{"role": "user", "content": "hi"}]"#,
            "gen_ai.request.model": "m",
            "gen_ai.provider.name": "p",
        }));
        assert_eq!(json(&span, TYPE), Some(json!("CHAT_MODEL")));
        assert_eq!(json(&span, INPUTS), Some(json!([{"role": "user", "content": "hi"}])));
        assert_eq!(
            json(&span, TOKENS),
            Some(json!({"input_tokens": 3, "output_tokens": 4, "total_tokens": 7, "cache_creation_input_tokens": 1}))
        );
        assert_eq!((json(&span, MODEL), json(&span, PROVIDER)), (Some(json!("m")), Some(json!("p"))));
        assert_eq!(json(&span, OUTPUTS), None);
    }

    #[test]
    fn own_attributes_stay_and_the_type_unknown_gives_way() {
        let span = adopted(json!({
            INPUTS: {"model": "from-inputs"}, "input.value": "other", TYPE: "UNKNOWN", "openinference.span.kind": "TOOL",
            "written.out": "{\"a\": 1}", "number.text": "1",
        }));
        assert_eq!(json(&span, INPUTS), Some(json!({"model": "from-inputs"})));
        assert_eq!((json(&span, TYPE), json(&span, MODEL)), (Some(json!("TOOL")), Some(json!("from-inputs"))));
        assert_eq!((json(&span, "written.out"), json(&span, "number.text")), (Some(json!({"a": 1})), Some(json!("1"))));
        assert_eq!(json(&span, REQUEST_ID), Some(json!(format!("tr-{}01", "0".repeat(30)))));
        let own = adopted(json!({TYPE: "LLM", "traceloop.span.kind": "tool"}));
        assert_eq!(json(&own, TYPE), Some(json!("LLM")));
    }
}
