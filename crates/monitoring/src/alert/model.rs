//! The types of alerts.

use std::collections::BTreeMap;

use flyball_core::{Error, Result, Timestamp};
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$variant_doc:meta])* $variant:ident => $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// All of them, in their order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The word for it.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }

            /// Reads the word.
            ///
            /// # Errors
            /// `InvalidInput` when there is no such word.
            pub fn parse(text: &str) -> Result<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text).ok_or_else(|| {
                    let known: Vec<&str> = Self::ALL.iter().map(|one| one.as_str()).collect();
                    let shown: String = text.chars().take(40).collect();
                    Error::invalid(format!("'{}' is not {}", shown.escape_debug(), $what))
                        .hint(format!("one of: {}", known.join(", ")))
                })
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What an alert is about.
    AlertKind, "a kind of alert" {
        /// What is sent to the model is broken at its source. It explains drift, so it holds that back.
        Data => "data",
        /// The served data or the answers differ from the reference.
        Drift => "drift",
        /// Groups of people are treated less alike than is asked for.
        Fairness => "fairness",
        /// A metric is past its floor.
        Performance => "performance",
        /// A training failed or its version did not pass the gates.
        Training => "training",
        /// A rollout was aborted.
        Rollout => "rollout",
        /// A remedy asked for a person.
        Page => "page",
        /// Windows cannot be judged: nobody watches.
        Monitor => "monitor",
    }
}

words! {
    /// How bad it is, the worst first.
    Severity, "a severity" {
        /// Somebody must act now.
        Critical => "critical",
        /// Something failed; somebody should act today.
        Error => "error",
        /// Somebody should look.
        Warning => "warning",
        /// Good to know.
        Info => "info",
    }
}

words! {
    /// Where an alert stands.
    AlertState, "a state of an alert" {
        /// Seen, but not for long enough; nobody is told.
        Pending => "pending",
        /// There, and nobody has taken it on.
        Firing => "firing",
        /// There, and somebody has taken it on.
        Acknowledged => "acknowledged",
        /// Gone.
        Resolved => "resolved",
    }
}

impl AlertKind {
    /// How bad such an alert is unless its finding says otherwise.
    pub fn severity(self) -> Severity {
        match self {
            AlertKind::Performance | AlertKind::Page => Severity::Critical,
            AlertKind::Data | AlertKind::Rollout | AlertKind::Monitor => Severity::Error,
            AlertKind::Drift | AlertKind::Fairness | AlertKind::Training => Severity::Warning,
        }
    }

    /// Whether it is judged window by window, so that it can come and go by chance. The others tell of something that
    /// happened.
    pub fn is_measured(self) -> bool {
        matches!(self, AlertKind::Data | AlertKind::Drift | AlertKind::Fairness | AlertKind::Performance)
    }

    /// Whether it can only be told when the labels of a window are due.
    pub fn needs_labels(self) -> bool {
        self == AlertKind::Performance
    }

    /// Whether an alert of the other kind, in the same loop, is only a consequence of this one.
    pub fn explains(self, other: AlertKind) -> bool {
        self == AlertKind::Data && matches!(other, AlertKind::Drift | AlertKind::Performance)
    }
}

/// How a finding stands at a moment: it is there, or it is not.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What it is about.
    pub kind: AlertKind,
    /// Which feature, segment or group of the loop, when it is not about the loop as a whole. Each has its own alert;
    /// alerts of one kind are told together.
    pub subject: Option<String>,
    /// Whether it is there now.
    pub present: bool,
    /// Not there, but too near for an open alert to count as gone.
    pub near: bool,
    /// How bad it is.
    pub severity: Severity,
    /// One line for a person.
    pub summary: String,
    /// The numbers behind it. Pages and notifications know `from`, `to`, `rows`, `columns`, `metric`, `measured`, `floor`,
    /// `diagnosis`, `done` and `next`; whatever else is there is shown as it is.
    pub details: serde_json::Value,
}

impl Finding {
    /// A finding on the loop as a whole, as bad as its kind.
    pub fn new(kind: AlertKind, present: bool, summary: impl Into<String>, details: serde_json::Value) -> Self {
        let (subject, near, severity) = (None, false, kind.severity());
        Self { kind, subject, present, near, severity, summary: summary.into(), details }
    }

    /// The same about one feature, segment or group.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// What stays the same however often it is found.
    pub fn fingerprint(&self, loop_name: &str) -> String {
        let base = format!("{loop_name}/{}", self.kind.as_str());
        self.subject.as_ref().map_or(base.clone(), |subject| format!("{base}/{subject}"))
    }
}

/// An alert as stored.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alert {
    /// The id.
    pub id: String,
    /// The loop.
    pub loop_name: String,
    /// What it is about.
    pub kind: AlertKind,
    /// Which feature, segment or group; empty for the loop as a whole.
    pub subject: String,
    /// What stays the same however often it opens.
    pub fingerprint: String,
    /// Where it stands.
    pub state: AlertState,
    /// How bad it is.
    pub severity: Severity,
    /// When it was first seen.
    pub opened_at: Timestamp,
    /// Since when it has been firing.
    pub fired_at: Option<Timestamp>,
    /// When it was last seen.
    pub seen_at: Timestamp,
    /// In how many windows in a row.
    pub windows: i64,
    /// When somebody took it on, and who.
    pub acknowledged_at: Option<Timestamp>,
    /// Who took it on.
    pub acknowledged_by: Option<String>,
    /// Since when it was not seen any more, while it still counts as open.
    pub clear_since: Option<Timestamp>,
    /// In how many windows in a row it was not seen.
    pub clear_windows: i64,
    /// When it went away.
    pub resolved_at: Option<Timestamp>,
    /// The alert that explains this one; nobody is told of this one meanwhile.
    pub inhibited_by: Option<String>,
    /// One line for a person.
    pub summary: String,
    /// The numbers behind it.
    pub details: serde_json::Value,
    /// What the loop's file puts on its alerts.
    pub labels: BTreeMap<String, String>,
    /// Where it is written what to do.
    pub runbook: Option<String>,
}

impl Alert {
    /// Whether it concerns anybody: it fires or was taken on.
    pub fn is_open(&self) -> bool {
        matches!(self.state, AlertState::Firing | AlertState::Acknowledged)
    }

    /// All labels, those that every alert has and those of the file; what silences match and receivers route by.
    pub fn all_labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.labels.clone();
        let mut own = |name: &str, value: &str| labels.insert(name.to_owned(), value.to_owned());
        own("alertname", &format!("flyball_{}", self.kind.as_str()));
        own("loop", &self.loop_name);
        own("kind", self.kind.as_str());
        own("severity", self.severity.as_str());
        if !self.subject.is_empty() {
            own("subject", &self.subject);
        }
        labels
    }
}

/// One step of an alert's course.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// Where it stood from then on.
    pub state: AlertState,
    /// Who or what moved it.
    pub actor: String,
    /// Why.
    pub note: String,
}
