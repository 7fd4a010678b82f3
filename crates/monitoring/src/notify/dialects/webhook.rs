//! Any HTTP receiver: CloudEvents 1.0 in both modes, signed by Standard Webhooks where the route has a secret.

use flyball_core::{Result, Timestamp};
use flyball_egress::signature;
use serde_json::json;

use super::super::message::Message;
use super::{Call, alertmanager};
use crate::notify::{Event, Format};

const SPECIFICATION: &str = "1.0";

/// Where a webhook leads, with its secrets.
pub(in crate::notify) struct Target<'a> {
    pub(in crate::notify) url: &'a str,
    pub(in crate::notify) secret: Option<&'a str>,
    pub(in crate::notify) format: Format,
    pub(in crate::notify) route: &'a str,
}

/// What is posted.
///
/// # Errors
/// `InvalidInput` when the secret is not one of Standard Webhooks.
pub(in crate::notify) fn call(target: &Target<'_>, message: &Message, now: Timestamp) -> Result<Call> {
    let mut call = match target.format {
        Format::Alertmanager => Call::json(target.url, &alertmanager::webhook(message, target.route)),
        Format::Cloudevents => Call { media_type: "application/cloudevents+json", ..structured(target.url, message) },
        Format::CloudeventsBinary => binary(target.url, message),
    };
    if let Some(secret) = target.secret {
        // The time of this try: receivers refuse old ones, so that nobody can play a delivery back to them.
        let timestamp = now.0.div_euclid(1000).to_string();
        let signed = signature::sign(&signature::key_of(secret)?, &message.id, &timestamp, &call.body)?;
        call.headers.push(("webhook-id", message.id.clone()));
        call.headers.push(("webhook-timestamp", timestamp));
        call.headers.push(("webhook-signature", signed));
    }
    Ok(call)
}

/// The attributes of the event, in the order of the specification.
fn attributes(message: &Message) -> [(&'static str, String); 6] {
    let name = match message.event {
        Event::Trigger => "dev.flyball.alert.firing",
        Event::Acknowledge => "dev.flyball.alert.acknowledged",
        Event::Resolve => "dev.flyball.alert.resolved",
    };
    [
        ("specversion", SPECIFICATION.to_owned()),
        ("id", message.id.clone()),
        ("source", format!("/flyball/{}/loops/{}", message.workspace, message.loop_name)),
        ("type", name.to_owned()),
        ("subject", message.key()),
        ("time", message.at.to_string()),
    ]
}

fn structured(url: &str, message: &Message) -> Call {
    let mut event: serde_json::Map<String, serde_json::Value> =
        attributes(message).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    event.insert("datacontenttype".to_owned(), "application/json".into());
    event.insert("data".to_owned(), message.data());
    Call::json(url, &json!(event))
}

fn binary(url: &str, message: &Message) -> Call {
    // Names of loops and workspaces, ids and times need no encoding in a header.
    const HEADERS: [&str; 6] = ["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-subject", "ce-time"];
    let values = attributes(message).into_iter().map(|(_, value)| value);
    Call { headers: HEADERS.into_iter().zip(values).collect(), ..Call::json(url, &message.data()) }
}
