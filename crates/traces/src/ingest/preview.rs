//! The short text that lists show for what went into a request and what came out.

use flyball_core::limits;
use serde_json::{Map, Value};

use crate::json_text;

/// The preview of an input or output: the last message of `role` when it is a conversation, otherwise the JSON of it, cut.
pub(crate) fn of(value: &Value, role: &str) -> String {
    let spoken = messages(value).and_then(|messages| last(&messages, role)).filter(|text| !text.is_empty());
    let text = spoken.unwrap_or_else(|| json_text::of(value));
    cut(&text)
}

fn cut(text: &str) -> String {
    if text.chars().count() <= limits::TRACE_PREVIEW_CHARACTERS {
        return text.to_owned();
    }
    text.chars().take(limits::TRACE_PREVIEW_CHARACTERS - 3).chain("...".chars()).collect()
}

/// The messages of a conversation, in the forms of the common chat interfaces.
fn messages(value: &Value) -> Option<Vec<&Map<String, Value>>> {
    let mut object = value.as_object()?;
    loop {
        for list in ["messages", "choices", "input", "output"] {
            let Some(items) = object.get(list).and_then(Value::as_array).filter(|items| !items.is_empty()) else {
                continue;
            };
            if list == "choices" {
                let first = items[0].get("message").and_then(message);
                if first.is_some() {
                    return first.map(|message| vec![message]);
                }
                continue;
            }
            return Some(items.iter().filter_map(message).collect());
        }
        object = object.get("request")?.as_object()?;
    }
}

fn message(value: &Value) -> Option<&Map<String, Value>> {
    value.as_object().filter(|object| object.contains_key("role") && object.contains_key("content"))
}

/// What the last message of `role` says, or the last message at all.
fn last(messages: &[&Map<String, Value>], role: &str) -> Option<String> {
    let wanted = messages.iter().rev().find(|message| message["role"] == role).or(messages.last())?;
    match &wanted["content"] {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => parts.iter().find_map(|part| match part {
            Value::String(text) => Some(text.clone()),
            part if part["type"] == "text" || part["type"] == "output_text" => part["text"].as_str().map(str::to_owned),
            _ => None,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_conversation_shows_its_last_message_and_anything_else_its_json() {
        let message = |role: &str, content: Value| json!({"role": role, "content": content});
        let chat = json!({"messages": [message("system", json!("s")), message("user", json!("é")), message("assistant", json!("a"))]});
        assert_eq!(of(&chat, "user"), "é");
        assert_eq!(of(&json!({"request": chat}), "tool"), "a");
        assert_eq!(of(&json!({"choices": [{"message": message("assistant", json!("hello"))}]}), "assistant"), "hello");
        let parts = json!([{"type": "image"}, {"type": "text", "text": "look"}]);
        assert_eq!(of(&json!({"input": [message("user", parts)]}), "user"), "look");
        assert_eq!(of(&json!({"messages": []}), "user"), r#"{"messages": []}"#);
        assert_eq!(of(&json!({"messages": ["x"], "x": 1}), "user"), r#"{"messages": ["x"], "x": 1}"#);
        assert_eq!(of(&json!("plain"), "user"), "\"plain\"");
        assert_eq!(of(&json!(42), "user"), "42");
        let long = of(&json!("é".repeat(2000)), "user");
        assert!(long.chars().count() == limits::TRACE_PREVIEW_CHARACTERS && long.ends_with("é..."));
    }
}
