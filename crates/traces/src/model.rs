//! Traces as callers see them.

use std::collections::BTreeMap;

use flyball_core::{Duration, Timestamp};

use crate::Span;
use crate::assessments::Assessment;

/// How a trace stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TraceState {
    /// It was not said.
    #[default]
    Unspecified,
    /// It ended well.
    Ok,
    /// It ended with an error.
    Error,
    /// It goes on.
    InProgress,
}

impl TraceState {
    /// The states with their stable texts, which searches compare with.
    pub const ALL: [(TraceState, &'static str); 4] = [
        (TraceState::Unspecified, "STATE_UNSPECIFIED"),
        (TraceState::Ok, "OK"),
        (TraceState::Error, "ERROR"),
        (TraceState::InProgress, "IN_PROGRESS"),
    ];

    /// Its text.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, text)| text)
    }

    /// The state with this text; an unknown one is unspecified.
    pub fn named(text: &str) -> Self {
        Self::ALL.iter().find(|(_, name)| *name == text).map_or_else(Self::default, |(state, _)| *state)
    }

    /// Whether spans may still decide it.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, TraceState::InProgress | TraceState::Unspecified)
    }
}

/// What is known of a trace without its spans.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TraceInfo {
    /// Its id: `tr-` and 32 hexadecimal digits for OpenTelemetry's, or any text that a client chose.
    pub id: String,
    /// The experiment that it belongs to.
    pub experiment_id: i64,
    /// When the request came in.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration: Option<Duration>,
    /// How it stands.
    pub state: TraceState,
    /// The id that the caller's own system gave the request.
    pub client_request_id: Option<String>,
    /// What went in, in short.
    pub request_preview: Option<String>,
    /// What came out, in short.
    pub response_preview: Option<String>,
    /// What the client knows of it; does not change afterwards.
    pub metadata: BTreeMap<String, String>,
    /// What people say of it; changes at will.
    pub tags: BTreeMap<String, String>,
    /// Judgements of it and of its spans, oldest first.
    pub assessments: Vec<Assessment>,
}

/// A trace with its spans: roots first, then by start.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// What is known of it.
    pub info: TraceInfo,
    /// Its spans.
    pub spans: Vec<Span>,
}

/// Names of tags and metadata that have a meaning here.
pub(crate) mod names {
    /// Tag: where the spans are; [`IN_STORE`] once some are here.
    pub(crate) const SPANS_LOCATION: &str = "mlflow.trace.spansLocation";
    pub(crate) const IN_STORE: &str = "TRACKING_STORE";
    /// Tag: where clients put files of the trace.
    pub(crate) const ARTIFACT_LOCATION: &str = "mlflow.artifactLocation";
    /// Tag: the name of the trace.
    pub(crate) const TRACE_NAME: &str = "mlflow.traceName";
    /// Metadata: its description came in, so that spans decide nothing any more.
    pub(crate) const FINALIZED: &str = "mlflow.trace.infoFinalized";
    /// Metadata: JSON with `num_spans`, the number of spans that the client made.
    pub(crate) const SIZE_STATS: &str = "mlflow.trace.sizeStats";
    pub(crate) const SESSION: &str = "mlflow.trace.session";
    pub(crate) const USER: &str = "mlflow.trace.user";
    pub(crate) const TOKENS: &str = "mlflow.trace.tokenUsage";
    pub(crate) const COST: &str = "mlflow.trace.cost";
    /// Metadata: the run that it was made in.
    pub(crate) const SOURCE_RUN: &str = "mlflow.sourceRun";
}
