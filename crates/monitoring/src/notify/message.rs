//! What is told: how the alerts of one kind of a loop stand, ready to be put into a dialect.

use flyball_core::Timestamp;
use serde_json::{Value, json};

use super::evidence::Evidence;
use super::plan::Event;
use crate::alert::{Alert, AlertKind, AlertState, Severity};

/// Most alerts that one message holds; a receiver is not helped by more.
pub(super) const MOST_ALERTS: usize = 50;
/// Largest details that are sent as they are; what is larger is told in words only.
const DETAILS_BYTES: usize = 16 * 1024;
/// Longest subject line.
const TITLE_CHARS: usize = 200;

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// What makes it unique; the same however often it is tried.
    pub id: String,
    /// What it says.
    pub event: Event,
    /// The workspace.
    pub workspace: String,
    /// The loop.
    pub loop_name: String,
    /// Of which kind its alerts are.
    pub kind: AlertKind,
    /// The moment that it tells of.
    pub at: Timestamp,
    /// The alerts, the oldest first; never empty.
    pub alerts: Vec<Alert>,
    /// How many alerts more there are.
    pub truncated: usize,
    /// Where Flyball is, when it is known: links start here.
    pub base: Option<String>,
}

impl Message {
    /// What receivers recognise the same trouble by, from its beginning to its end.
    pub fn key(&self) -> String {
        format!("flyball/{}/{}/{}", self.workspace, self.loop_name, self.kind.as_str())
    }

    /// How the alerts stand together.
    pub fn status(&self) -> &'static str {
        match self.event {
            Event::Trigger => "firing",
            Event::Acknowledge => "acknowledged",
            Event::Resolve => "resolved",
        }
    }

    /// The worst severity.
    pub fn severity(&self) -> Severity {
        self.alerts.iter().map(|alert| alert.severity).min().unwrap_or(Severity::Info)
    }

    /// One line.
    pub fn title(&self) -> String {
        let what = match self.alerts.as_slice() {
            [alert] => alert.summary.clone(),
            alerts => format!("{} {} alerts", alerts.len() + self.truncated, self.kind.as_str()),
        };
        let line = format!("[{}] {}: {what}", self.status().to_uppercase(), self.loop_name);
        line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TITLE_CHARS).collect()
    }

    /// Since when.
    pub fn since(&self) -> Timestamp {
        self.alerts.iter().map(|alert| alert.fired_at.unwrap_or(alert.opened_at)).min().unwrap_or(self.at)
    }

    /// The page of an alert.
    pub fn link(&self, alert: &Alert) -> Option<String> {
        self.base.as_ref().map(|base| format!("{base}/alerts/{}", alert.id))
    }

    /// The page of the first alert.
    pub fn first_link(&self) -> Option<String> {
        self.alerts.first().and_then(|alert| self.link(alert))
    }

    /// Where it is written what to do.
    pub fn runbook(&self) -> Option<&str> {
        self.alerts.iter().find_map(|alert| alert.runbook.as_deref())
    }

    /// All of it as an object, for programs.
    pub fn data(&self) -> Value {
        let alerts: Vec<Value> = self.alerts.iter().map(|alert| self.described(alert)).collect();
        json!({
            "status": self.status(), "loop": self.loop_name, "kind": self.kind, "severity": self.severity(),
            "summary": self.title(), "key": self.key(), "since": self.since().to_string(), "at": self.at.to_string(),
            "link": self.first_link(), "runbook": self.runbook(), "truncated_alerts": self.truncated,
            "alerts": alerts,
        })
    }

    fn described(&self, alert: &Alert) -> Value {
        let evidence = Evidence::of(alert.kind, &alert.details);
        let moment = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let small = alert.details.to_string().len() <= DETAILS_BYTES;
        let facts: serde_json::Map<String, Value> =
            evidence.facts.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        json!({
            "id": alert.id, "fingerprint": alert.fingerprint, "state": alert.state, "severity": alert.severity,
            "subject": alert.subject, "summary": alert.summary, "labels": alert.all_labels(),
            "opened_at": alert.opened_at.to_string(), "fired_at": moment(alert.fired_at),
            "acknowledged_at": moment(alert.acknowledged_at), "acknowledged_by": alert.acknowledged_by,
            "resolved_at": moment(alert.resolved_at), "windows": alert.windows, "evidence": facts,
            "diagnosis": evidence.diagnosis, "done": evidence.done, "next": evidence.next,
            "details": if small { alert.details.clone() } else { Value::Null }, "link": self.link(alert),
        })
    }

    /// A made-up message, for trying a route out.
    pub(super) fn sample(loop_name: &str, id: String, now: Timestamp, base: Option<String>) -> Self {
        let kind = AlertKind::Page;
        let alert = Alert {
            id: "test".to_owned(),
            loop_name: loop_name.to_owned(),
            kind,
            subject: String::new(),
            fingerprint: format!("{loop_name}/test"),
            state: AlertState::Firing,
            severity: Severity::Info,
            opened_at: now,
            fired_at: Some(now),
            seen_at: now,
            windows: 1,
            acknowledged_at: None,
            acknowledged_by: None,
            clear_since: None,
            clear_windows: 0,
            resolved_at: None,
            inhibited_by: None,
            summary: "a test of this route; nothing is wrong".to_owned(),
            details: json!({ "next": "nothing: somebody wanted to see that this arrives" }),
            labels: [("test".to_owned(), "true".to_owned())].into(),
            runbook: None,
        };
        let (event, workspace) = (Event::Trigger, "test".to_owned());
        Self {
            id,
            event,
            workspace,
            loop_name: loop_name.to_owned(),
            kind,
            at: now,
            alerts: vec![alert],
            truncated: 0,
            base,
        }
    }
}
