//! Incoming webhooks of Slack: a text for notifications, and blocks for the channel.

use serde_json::{Value, json};

use super::super::evidence::Evidence;
use super::super::message::Message;
use super::{Call, clipped};
use crate::alert::{Alert, Severity};
use crate::notify::Event;

/// Slack's limits: characters of a header, of a section's text, of a field; fields of a section.
const HEADER_CHARS: usize = 150;
const SECTION_CHARS: usize = 2900;
const FIELD_CHARS: usize = 1900;
const FIELDS: usize = 10;
/// How many alerts are told in full.
const TOLD: usize = 5;

/// What is posted to the webhook.
pub(in crate::notify) fn call(url: &str, message: &Message) -> Call {
    let title = message.title();
    let mut blocks = vec![
        json!({ "type": "header", "text": { "type": "plain_text", "text": clipped(&format!("{} {title}", icon(message)), HEADER_CHARS) } }),
    ];
    for alert in message.alerts.iter().take(TOLD) {
        blocks.extend(told(message, alert));
    }
    let more = message.alerts.len().saturating_sub(TOLD) + message.truncated;
    if more > 0 {
        blocks.push(section(&format!("and {more} more")));
    }
    let context = format!("since {} · {}", message.since(), message.severity().as_str());
    blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": escaped(&context) }] }));
    let buttons: Vec<Value> = [("Look at it", message.first_link()), ("Runbook", message.runbook().map(str::to_owned))]
        .into_iter()
        .filter_map(|(text, url)| Some((text, url.filter(|url| url.starts_with("http"))?)))
        .map(|(text, url)| json!({ "type": "button", "text": { "type": "plain_text", "text": text }, "url": url }))
        .collect();
    if !buttons.is_empty() {
        blocks.push(json!({ "type": "actions", "elements": buttons }));
    }
    Call::json(url, &json!({ "text": escaped(&title), "blocks": blocks }))
}

fn told(message: &Message, alert: &Alert) -> Vec<Value> {
    let evidence = Evidence::of(alert.kind, &alert.details);
    let mut text = format!("*{}*", escaped(&alert.summary));
    if message.event == Event::Acknowledge {
        text.push_str(&format!("\ntaken on by {}", escaped(alert.acknowledged_by.as_deref().unwrap_or("somebody"))));
    }
    let lists = [("Why", &evidence.diagnosis), ("Done", &evidence.done), ("Next", &evidence.next)];
    for (heading, lines) in lists.iter().filter(|(_, lines)| !lines.is_empty() && message.event == Event::Trigger) {
        text.push_str(&format!("\n*{heading}*"));
        lines.iter().for_each(|line| text.push_str(&format!("\n• {}", escaped(line))));
    }
    let mut section = section(&text);
    let facts = evidence.facts.iter().take(FIELDS);
    let fields: Vec<Value> = facts
        .map(|(name, value)| format!("*{}*\n{}", escaped(name), escaped(value)))
        .map(|text| json!({ "type": "mrkdwn", "text": clipped(&text, FIELD_CHARS) }))
        .collect();
    if message.event == Event::Trigger && !fields.is_empty() {
        section["fields"] = fields.into();
    }
    vec![section]
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": clipped(text, SECTION_CHARS) } })
}

fn icon(message: &Message) -> &'static str {
    match (message.event, message.severity()) {
        (Event::Resolve, _) => "✅",
        (Event::Acknowledge, _) => "👀",
        (Event::Trigger, Severity::Critical | Severity::Error) => "🔴",
        (Event::Trigger, Severity::Warning) => "🟠",
        (Event::Trigger, Severity::Info) => "🔵",
    }
}

/// What Slack reads as the beginning of a link, a mention or an entity.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
