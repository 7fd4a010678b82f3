//! Alertmanager: what it takes (API v2), and what it sends (webhooks, version 4).

use std::collections::BTreeMap;

use flyball_core::{Digest, Duration, Timestamp};
use serde_json::{Value, json};

use super::super::evidence::Evidence;
use super::super::message::Message;
use super::Call;
use crate::alert::{Alert, AlertState};
use crate::notify::Event;

/// How often an open alert is pushed again: Alertmanager forgets what is not, and everything when it starts.
pub(in crate::notify) const REFRESH: Duration = Duration::hours(1);
/// For how long a push holds. Two lost ones do no harm; when this side is gone for good, so are its alerts.
const HOLDS: Duration = Duration::hours(3);
const PATH: &str = "/api/v2/alerts";
/// How Alertmanager writes that there is no moment.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// What is pushed to an Alertmanager at `url`.
pub(in crate::notify) fn call(url: &str, message: &Message, now: Timestamp) -> Call {
    let pushed = |alert: &Alert| {
        let ends = alert.resolved_at.unwrap_or(now + HOLDS);
        let mut pushed = json!({
            "labels": labels(alert), "annotations": annotations(alert), "startsAt": starts(alert).to_string(),
            "endsAt": ends.to_string(),
        });
        if let Some(link) = message.link(alert) {
            pushed["generatorURL"] = link.into();
        }
        pushed
    };
    let url = format!("{}{PATH}", url.trim_end_matches('/').trim_end_matches(PATH));
    Call::json(url, &message.alerts.iter().map(pushed).collect())
}

/// What a receiver of Alertmanager's own webhooks understands.
pub(super) fn webhook(message: &Message, receiver: &str) -> Value {
    let alerts: Vec<Value> = message
        .alerts
        .iter()
        .map(|alert| {
            json!({
                "status": status(alert.state == AlertState::Resolved), "labels": labels(alert),
                "annotations": annotations(alert), "startsAt": starts(alert).to_string(),
                "endsAt": alert.resolved_at.map_or_else(|| NEVER.to_owned(), |at| at.to_string()),
                "generatorURL": message.link(alert).unwrap_or_default(), "fingerprint": fingerprint(alert),
            })
        })
        .collect();
    let all: Vec<BTreeMap<String, String>> = message.alerts.iter().map(labels).collect();
    let notes: Vec<BTreeMap<String, String>> = message.alerts.iter().map(annotations).collect();
    json!({
        "version": "4", "groupKey": format!("{{}}:{{kind=\"{}\", loop=\"{}\"}}", message.kind.as_str(), message.loop_name),
        "truncatedAlerts": message.truncated, "status": status(message.event == Event::Resolve), "receiver": receiver,
        "groupLabels": { "kind": message.kind, "loop": message.loop_name },
        "commonLabels": common(&all), "commonAnnotations": common(&notes),
        "externalURL": message.base.as_deref().unwrap_or_default(), "alerts": alerts,
    })
}

fn status(resolved: bool) -> &'static str {
    if resolved { "resolved" } else { "firing" }
}

fn labels(alert: &Alert) -> BTreeMap<String, String> {
    let mut labels = alert.all_labels();
    labels.retain(|_, value| !value.is_empty());
    labels
}

fn annotations(alert: &Alert) -> BTreeMap<String, String> {
    let evidence = Evidence::of(alert.kind, &alert.details);
    let facts = evidence.facts.iter().map(|(name, value)| format!("{name}: {value}"));
    let lines: Vec<String> = evidence.diagnosis.iter().cloned().chain(facts).collect();
    let mut notes = BTreeMap::from([
        ("summary".to_owned(), alert.summary.clone()),
        ("description".to_owned(), lines.join("\n")),
        ("next".to_owned(), evidence.next.join("\n")),
    ]);
    if let Some(by) = &alert.acknowledged_by {
        notes.insert("acknowledged_by".to_owned(), by.clone());
    }
    if let Some(runbook) = &alert.runbook {
        notes.insert("runbook_url".to_owned(), runbook.clone());
    }
    notes.retain(|_, value| !value.is_empty());
    notes
}

fn starts(alert: &Alert) -> Timestamp {
    alert.fired_at.unwrap_or(alert.opened_at)
}

fn fingerprint(alert: &Alert) -> String {
    Digest::of(alert.fingerprint.as_bytes()).to_string().chars().take(16).collect()
}

/// What all of them have with the same value.
fn common(all: &[BTreeMap<String, String>]) -> BTreeMap<String, String> {
    let Some((first, others)) = all.split_first() else { return BTreeMap::new() };
    let shared = |(name, value): &(&String, &String)| others.iter().all(|other| other.get(*name) == Some(*value));
    first.iter().filter(shared).map(|(name, value)| (name.clone(), value.clone())).collect()
}
