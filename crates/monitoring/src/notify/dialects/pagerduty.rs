//! Events v2 of PagerDuty.

use flyball_core::Digest;
use serde_json::{Value, json};

use super::super::message::Message;
use super::{Call, clipped};
use crate::notify::Event;

/// Where events go, unless a route says otherwise.
const SERVER: &str = "https://events.pagerduty.com";
const PATH: &str = "/v2/enqueue";
/// PagerDuty's limits in characters: of the key, of the summary.
const KEY_CHARS: usize = 255;
const SUMMARY_CHARS: usize = 1024;

/// What is posted.
pub(in crate::notify) fn call(server: Option<&str>, routing_key: &str, message: &Message) -> Call {
    let url = format!("{}{PATH}", server.unwrap_or(SERVER).trim_end_matches('/'));
    let mut body = json!({
        "routing_key": routing_key, "event_action": message.event.as_str(), "dedup_key": key(message),
    });
    if message.event == Event::Trigger {
        body["payload"] = payload(message);
        body["client"] = "Flyball".into();
        if let Some(link) = message.first_link() {
            body["client_url"] = link.into();
        }
        let runbook = message.runbook().filter(|url| url.starts_with("http"));
        body["links"] = runbook.map(|href| json!({ "href": href, "text": "Runbook" })).into_iter().collect();
    }
    Call::json(url, &body)
}

fn payload(message: &Message) -> Value {
    json!({
        "summary": clipped(&message.title(), SUMMARY_CHARS), "source": message.loop_name,
        "severity": message.severity(), "timestamp": message.since().to_string(), "component": message.loop_name,
        "group": message.workspace, "class": message.kind, "custom_details": message.data(),
    })
}

/// The same trouble has the same key; one that is too long stands for itself by its digest.
fn key(message: &Message) -> String {
    let key = message.key();
    if key.chars().count() <= KEY_CHARS { key } else { format!("flyball/{}", Digest::of(key.as_bytes())) }
}
