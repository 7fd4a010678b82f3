//! Alerts: findings that someone must know of, with a state that outlives a window.

use flyball_core::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::window::WindowReport;

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// The served data or the answers differ from the reference.
    Drift,
    /// A metric is past its floor.
    Performance,
    /// A training failed or its version did not pass the gates.
    Training,
    /// A rollout was aborted.
    Rollout,
    /// A remedy asked for a person.
    Page,
}

impl AlertKind {
    /// The word for the kind.
    pub fn as_str(self) -> &'static str {
        match self {
            AlertKind::Drift => "drift",
            AlertKind::Performance => "performance",
            AlertKind::Training => "training",
            AlertKind::Rollout => "rollout",
            AlertKind::Page => "page",
        }
    }

    /// Whether it can only be told when the labels of a window are due.
    pub fn needs_labels(self) -> bool {
        self == AlertKind::Performance
    }
}

/// How a finding stands at a moment: it is there, or it is not.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What it is about.
    pub kind: AlertKind,
    /// Whether it is there now.
    pub present: bool,
    /// One line for a person.
    pub summary: String,
    /// The numbers behind it.
    pub details: serde_json::Value,
}

/// An alert as stored.
#[derive(Clone, Debug, Serialize)]
pub struct Alert {
    /// The id.
    pub id: String,
    /// The loop.
    pub loop_name: String,
    /// What it is about.
    pub kind: String,
    /// `firing` or `resolved`.
    pub state: String,
    /// When it was first seen.
    pub opened_at: Timestamp,
    /// When it was last seen.
    pub seen_at: Timestamp,
    /// In how many windows in a row.
    pub windows: i64,
    /// When it went away.
    pub resolved_at: Option<Timestamp>,
    /// One line for a person.
    pub summary: String,
    /// The numbers behind it.
    pub details: serde_json::Value,
}

/// The findings of a window: drift, and the metric against its floor. A window that was not judged finds nothing and
/// resolves nothing.
pub fn findings(report: &WindowReport, floor: Option<(&str, f64, bool)>) -> Vec<Finding> {
    if report.note.is_some() {
        return Vec::new();
    }
    let drifted = report.drifted();
    let top: Vec<String> =
        drifted.iter().take(3).map(|c| format!("{} ({} {:.2})", c.column, c.effect_name, c.effect)).collect();
    let mut found = vec![Finding {
        kind: AlertKind::Drift,
        present: report.drift,
        summary: match drifted.len() {
            0 => "no drift".to_owned(),
            n => format!("{n} of {} columns drifted: {}", report.columns.len(), top.join(", ")),
        },
        details: json!({ "from": report.from, "to": report.to, "rows": report.rows, "columns": drifted }),
    }];
    if let Some((metric, limit, higher_is_better)) = floor
        && report.labels_due
        && let Some(measure) = report.performance.get(metric)
    {
        let past = if higher_is_better { measure.value < limit } else { measure.value > limit };
        found.push(Finding {
            kind: AlertKind::Performance,
            present: past,
            summary: format!("{metric} is {:.3}, its floor is {limit}", measure.value),
            details: json!({ "from": report.from, "to": report.to, "metric": metric, "measured": measure, "floor": limit }),
        });
    }
    found
}
