use flyball_core::Timestamp;
use flyball_egress::signature;
use serde_json::{Value, json};

use super::super::message::Message;
use super::super::plan::Event;
use super::super::route::Format;
use super::*;
use crate::alert::{Alert, AlertKind, AlertState, Severity};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn message(event: Event) -> Message {
    let sample = Message::sample("flights", "ntf_1".into(), NOW, Some("https://flyball.example".into()));
    let base = Alert {
        id: "alt_1".into(),
        kind: AlertKind::Drift,
        severity: Severity::Warning,
        subject: String::new(),
        fingerprint: "flights/drift".into(),
        summary: "2 of 9 columns drifted: <wind> & temp".into(),
        labels: [("team".to_owned(), "ml".to_owned())].into(),
        details: json!({ "rows": 900, "columns": [{ "column": "wind", "effect": 0.3, "effect_name": "D", "adjusted_p": 1e-9 }] }),
        runbook: Some("https://runbooks.example/drift".into()),
        ..sample.alerts[0].clone()
    };
    let resolved_at = (event == Event::Resolve).then_some(NOW);
    let state = if resolved_at.is_some() { AlertState::Resolved } else { AlertState::Firing };
    let first = Alert { state, resolved_at, ..base };
    let second = Alert {
        id: "alt_2".into(),
        subject: "JFK".into(),
        fingerprint: "flights/drift/JFK".into(),
        severity: Severity::Critical,
        ..first.clone()
    };
    Message { event, kind: AlertKind::Drift, workspace: "default".into(), alerts: vec![first, second], ..sample }
}

fn body(call: &Call) -> Value {
    serde_json::from_str(&call.body).unwrap()
}

#[test]
fn pagerduty_gets_one_key_from_trigger_to_resolve() {
    let fired = pagerduty::call(None, "key", &message(Event::Trigger));
    assert_eq!(fired.url, "https://events.pagerduty.com/v2/enqueue");
    let fired = body(&fired);
    assert_eq!(fired["event_action"], "trigger");
    assert_eq!(fired["payload"]["severity"], "critical", "the worst of both");
    assert_eq!(fired["links"][0]["href"], "https://runbooks.example/drift");
    assert_eq!(fired["payload"]["custom_details"]["alerts"].as_array().unwrap().len(), 2);
    for (event, action) in [(Event::Acknowledge, "acknowledge"), (Event::Resolve, "resolve")] {
        let told = pagerduty::call(Some("http://127.0.0.1:1/"), "key", &message(event));
        assert_eq!(told.url, "http://127.0.0.1:1/v2/enqueue");
        let told = body(&told);
        assert_eq!((&told["event_action"], &told["dedup_key"]), (&json!(action), &fired["dedup_key"]));
        assert!(told.get("payload").is_none());
    }
    let long = Message { loop_name: "l".repeat(300), ..message(Event::Trigger) };
    let key = body(&pagerduty::call(None, "key", &long))["dedup_key"].as_str().unwrap().len();
    assert!(key <= 255, "{key}");
}

#[test]
fn slack_gets_blocks_within_its_limits() {
    let call = slack::call("https://hooks.example/x", &message(Event::Trigger));
    let told = body(&call);
    assert!(call.body.contains("&lt;wind&gt; &amp; temp") && !call.body.contains("<wind> &a"), "{}", call.body);
    let kinds: Vec<&str> = told["blocks"].as_array().unwrap().iter().map(|b| b["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["header", "section", "section", "context", "actions"]);
    assert_eq!(told["blocks"][4]["elements"][0]["url"], "https://flyball.example/alerts/alt_1");
    let mut huge = message(Event::Trigger);
    let many: serde_json::Map<String, Value> = (0..40).map(|i| (format!("k{i}"), "v".repeat(5000).into())).collect();
    let alert = Alert { summary: "s".repeat(9000), details: many.into(), ..huge.alerts[0].clone() };
    huge.alerts = vec![alert; 50];
    let told = body(&slack::call("u", &huge));
    let blocks = told["blocks"].as_array().unwrap();
    assert!(blocks.len() <= 50 && blocks[0]["text"]["text"].as_str().unwrap().chars().count() <= 150);
    for section in blocks.iter().filter(|block| block["type"] == "section") {
        assert!(section["text"]["text"].as_str().unwrap().chars().count() <= 3000);
        let fields = section["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert!(fields.len() <= 10 && fields.iter().all(|f| f["text"].as_str().unwrap().chars().count() <= 2000));
    }
}

#[test]
fn alertmanager_gets_alerts_that_end() {
    let call = alertmanager::call("http://am.example:9093/", &message(Event::Trigger), NOW);
    assert_eq!(call.url, "http://am.example:9093/api/v2/alerts");
    let pushed = body(&call);
    assert_eq!(
        pushed[1]["labels"],
        json!({
            "alertname": "flyball_drift", "kind": "drift", "loop": "flights", "severity": "critical", "subject": "JFK",
            "team": "ml",
        })
    );
    assert_eq!(pushed[0]["endsAt"], "2023-11-15T01:13:20Z");
    assert_eq!(pushed[0]["annotations"]["runbook_url"], "https://runbooks.example/drift");
    assert_eq!(pushed[0]["generatorURL"], "https://flyball.example/alerts/alt_1");
    let over = body(&alertmanager::call("http://am.example", &message(Event::Resolve), Timestamp(NOW.0 + 5)));
    assert_eq!(over[0]["endsAt"], "2023-11-14T22:13:20Z");
    assert_eq!(over[0]["labels"], pushed[0]["labels"], "it is the same alert");
}

#[test]
fn webhooks_get_cloudevents_in_both_modes_and_what_alertmanager_sends() {
    let target = |format, secret| webhook::Target { url: "https://x", secret, format, route: "webhook" };
    let call = webhook::call(&target(Format::Cloudevents, None), &message(Event::Trigger), NOW).unwrap();
    assert_eq!((call.media_type, call.headers.len()), ("application/cloudevents+json", 0));
    let event = body(&call);
    assert_eq!((&event["specversion"], &event["id"]), (&json!("1.0"), &json!("ntf_1")));
    assert_eq!(
        (&event["type"], &event["subject"]),
        (&json!("dev.flyball.alert.firing"), &json!("flyball/default/flights/drift"))
    );
    assert_eq!(event["data"]["alerts"][0]["evidence"]["wind"], "D 0.300, p 1.00e-9");
    let binary =
        webhook::call(&target(Format::CloudeventsBinary, Some("hush")), &message(Event::Trigger), NOW).unwrap();
    let header = |name: &str| binary.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
    assert_eq!((binary.media_type, header("ce-type")), ("application/json", Some("dev.flyball.alert.firing")));
    assert_eq!(body(&binary), event["data"]);
    let signed = signature::sign(b"hush", "ntf_1", "1700000000", &binary.body).unwrap();
    assert_eq!((header("webhook-id"), header("webhook-timestamp")), (Some("ntf_1"), Some("1700000000")));
    assert_eq!(header("webhook-signature"), Some(signed.as_str()));
    let like = webhook::call(&target(Format::Alertmanager, None), &message(Event::Resolve), NOW).unwrap();
    let like = body(&like);
    assert_eq!(
        (&like["version"], &like["status"], &like["receiver"]),
        (&json!("4"), &json!("resolved"), &json!("webhook"))
    );
    assert_eq!(like["commonLabels"].get("subject"), None);
    assert_eq!((&like["commonLabels"]["team"], &like["alerts"][0]["status"]), (&json!("ml"), &json!("resolved")));
    assert_eq!(like["alerts"][0]["fingerprint"].as_str().unwrap().len(), 16);
    let bad = webhook::call(&target(Format::Cloudevents, Some("whsec_?")), &message(Event::Trigger), NOW);
    assert!(bad.is_err());
}

#[test]
fn mail_says_everything_in_plain_text() {
    let mail = email::mail("a@example.com", "b@example.com", &message(Event::Trigger));
    assert_eq!(mail.subject, "[FIRING] flights: 2 drift alerts");
    for part in
        ["Severity: critical", "wind: D 0.300", "What to do:\n- ", "https://flyball.example/alerts/alt_1", "Runbook: "]
    {
        assert!(mail.text.contains(part), "{part}: {}", mail.text);
    }
}
