//! The words of serving: endpoints, revisions, traffic, requests and answers.

use std::fmt;
use std::sync::Arc;

use flyball_core::model::Interface;
use flyball_core::{Digest, Error, Name, Table, Tensor, Timestamp, Value};
use serde::Serialize;

use crate::settings::Settings;

/// A whole endpoint's traffic, in the unit of shares: 1000 ‰.
pub const WHOLE: u16 = 1000;

/// A stable name that serves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Endpoint {
    /// The name in the URL.
    pub name: Name,
    /// The workspace that owns it.
    pub workspace: String,
    /// The loop that declared it.
    pub loop_name: Option<String>,
    /// Where it stands: dev, staging, production.
    pub environment: String,
    /// What it is told about its traffic, its records and its limits.
    pub settings: Settings,
    /// Since when it exists.
    pub created_at: Timestamp,
}

/// A model version as configured at an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revision {
    /// Follows from the endpoint, model, version and artifact, so that making it twice gives one revision.
    pub id: Arc<str>,
    /// The endpoint.
    pub endpoint: Arc<str>,
    /// The registered model.
    pub model: Arc<str>,
    /// The version of the model.
    pub version: i64,
    /// The content address of the model: of its graph, or of the list of its files.
    pub artifact: Digest,
    /// The loop that made it.
    pub loop_name: Option<String>,
    /// What its model takes and gives; `None` for revisions made before that was kept.
    #[serde(skip)]
    pub interface: Option<Interface>,
    /// What its model keeps in memory, in bytes; an estimate.
    pub memory: u64,
    /// Since when it exists.
    pub created_at: Timestamp,
}

/// A share of an endpoint's traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Who gets it.
    pub revision_id: Arc<str>,
    /// How much, of 1000.
    pub per_mille: u16,
    /// The part of all requests whose copy goes to it as well, of 1000; its answers are compared and never given.
    pub mirror_per_mille: u16,
}

impl Share {
    /// A share without a shadow.
    pub fn new(revision_id: impl Into<Arc<str>>, per_mille: u16) -> Self {
        Self { revision_id: revision_id.into(), per_mille, mirror_per_mille: 0 }
    }
}

/// Whether an endpoint answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", content = "error", rename_all = "lowercase")]
pub enum EndpointState {
    /// It has no traffic yet.
    Empty,
    /// All its revisions are loaded.
    Ready,
    /// A revision could not be loaded, for this reason; its share goes to the first that could.
    Degraded(String),
    /// No revision could be loaded, for this reason.
    Failed(String),
}

impl EndpointState {
    /// Whether it answers requests.
    pub fn answers(&self) -> bool {
        matches!(self, EndpointState::Ready | EndpointState::Degraded(_))
    }

    /// Why it does not answer, or not with all of its revisions.
    pub fn reason(&self) -> Option<&str> {
        match self {
            EndpointState::Empty | EndpointState::Ready => None,
            EndpointState::Degraded(why) | EndpointState::Failed(why) => Some(why),
        }
    }

    /// The word for it, without the reason.
    pub fn as_str(&self) -> &'static str {
        match self {
            EndpointState::Empty => "empty",
            EndpointState::Ready => "ready",
            EndpointState::Degraded(_) => "degraded",
            EndpointState::Failed(_) => "failed",
        }
    }
}

impl fmt::Display for EndpointState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One row to answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct RowRequest<'a> {
    /// What joins the prediction with what really happens, and keeps its traffic on one revision.
    pub key: Option<&'a str>,
    /// The event time; the clock's time when absent.
    pub at: Option<Timestamp>,
    /// One value per column of the endpoint's contract, in its order.
    pub values: &'a [Value],
    /// Ask this version of the model instead of following the split.
    pub version: Option<i64>,
}

/// Rows to answer together.
#[derive(Clone, Copy, Debug)]
pub struct TableRequest<'a> {
    /// The rows, with a column for each feature of the revision that answers; others are ignored.
    pub rows: &'a Table,
    /// A key for each row. Without keys all rows go to one revision.
    pub keys: Option<&'a [String]>,
    /// An event time for each row; the clock's time when absent.
    pub times: Option<&'a [Timestamp]>,
    /// Ask this version of the model instead of following the split.
    pub version: Option<i64>,
}

/// Tensors to answer. They go to one revision together.
#[derive(Clone, Copy, Debug)]
pub struct TensorRequest<'a> {
    /// The inputs of the model.
    pub inputs: &'a [Tensor],
    /// The outputs that are needed; all when `None`.
    pub wanted: Option<&'a [&'a str]>,
    /// A key for each row, or one for all; the first decides which revision answers.
    pub keys: Option<&'a [String]>,
    /// The event time; the clock's time when absent.
    pub at: Option<Timestamp>,
    /// Ask this version of the model instead of following the split.
    pub version: Option<i64>,
}

/// What a model of tensors answered.
#[derive(Clone, Debug)]
pub struct TensorAnswer {
    /// The id of each row's prediction.
    pub prediction_ids: Vec<String>,
    /// Who answered.
    pub revision: Arc<Revision>,
    /// What it gave.
    pub outputs: Vec<Tensor>,
}

/// What was answered for a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The id under which the prediction is kept.
    pub prediction_id: String,
    /// Who answered.
    pub revision: Arc<Revision>,
    /// The probability of each class, or the predicted value.
    pub scores: Vec<f64>,
}

/// What was answered for some rows.
#[derive(Clone, Debug)]
pub struct Answers {
    /// The id of each prediction.
    pub prediction_ids: Vec<String>,
    /// Who answered: the distinct revisions.
    pub revisions: Vec<Arc<Revision>>,
    /// For each row the index into `revisions`.
    pub answered_by: Vec<u32>,
    /// The names of the classes, empty for regression.
    pub classes: Arc<[String]>,
    /// `max(1, classes)` numbers for each row.
    pub scores: Vec<f64>,
}

/// What really happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum TruthValue {
    /// A measured number.
    Number(f64),
    /// The name of the class.
    Class(String),
}

/// What really happened to the thing that `key` names.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Truth {
    /// The key of the prediction.
    pub key: String,
    /// What happened.
    pub value: TruthValue,
    /// When it happened.
    pub happened_at: Timestamp,
}

pub(crate) fn unknown_endpoint(name: &str, known: &[&str]) -> Error {
    let shown: String = name.chars().take(60).collect();
    let error = Error::not_found("endpoint", &shown);
    if known.is_empty() {
        return error.hint("nothing is deployed yet; `flyball apply` deploys a loop");
    }
    error.hint(flyball_data::nearest::hint(&shown, known.iter().copied(), "endpoints"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_endpoint_names_the_one_that_was_meant() {
        let hint = |name: &str, known: &[&str]| unknown_endpoint(name, known).next_step().unwrap().to_owned();
        assert_eq!(hint("flight-delay", &["flight-delays", "churn"]), "did you mean flight-delays?");
        assert_eq!(hint("zebra", &["flight-delays", "churn"]), "the endpoints are: flight-delays, churn");
        assert!(hint(&"é".repeat(5000), &[]).contains("flyball apply"));
    }
}
