//! What an endpoint is told about its traffic, its records and its limits.

use std::collections::BTreeMap;

use flyball_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// Most header rules of an endpoint: each is looked at for every request.
const RULES: usize = 16;
/// Longest wait for a batch to fill, in microseconds: more would be felt.
const BATCH_DELAY_MICROS: u64 = 1_000_000;

/// How many requests are answered at the same time by models of features, which compute on one thread, unless the
/// settings say otherwise.
pub const CONCURRENCY: usize = 4;

/// The settings of an endpoint. Absent ones have the defaults that are named here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The request header whose value keeps its traffic on one version, when the request names no key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_header: Option<String>,
    /// Requests with these headers go to one version, whatever the split.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<HeaderRoute>,
    /// How many requests are answered at the same time; by default as many as the model can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_concurrency: Option<usize>,
    /// How many wait for their turn before others are turned away; 100 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_queue_size: Option<usize>,
    /// How long a request may wait and be answered, in milliseconds; 30,000 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Whether requests are put together into batches, and how; off by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic_batching: Option<Batching>,
    /// Whether its models stay in memory when others must make room.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// What is recorded of its predictions.
    #[serde(skip_serializing_if = "Capture::is_default")]
    pub capture: Capture,
    /// What the columns of a request may hold.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, ColumnRule>,
    /// SQL over the table `request` whose result is what the model sees: clients send raw records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features_sql: Option<String>,
}

/// Requests whose header has this value go to this version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderRoute {
    /// The header.
    pub header: String,
    /// Its value; any when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The version of the model that answers.
    pub version: i64,
}

/// How requests are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batching {
    /// Most rows of a batch.
    pub max_batch_size: usize,
    /// How long the first request waits for others, in microseconds.
    pub max_queue_delay_microseconds: u64,
}

/// What is recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Capture {
    /// The share of the predictions that are recorded, from 0 (none) to 1 (all).
    pub share: f64,
    /// Columns that are not recorded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mask: Vec<String>,
    /// How many days records are kept; for good when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
}

impl Default for Capture {
    fn default() -> Self {
        Self { share: 1.0, mask: Vec::new(), retention_days: None }
    }
}

impl Capture {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What a column may hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ColumnRule {
    /// The smallest number that is in range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The largest number that is in range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// The texts that are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
    /// Whether a value must be there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// What happens with a value that is out of range or unknown.
    pub otherwise: Otherwise,
}

/// What happens with a value that a rule does not allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Otherwise {
    /// The request is refused.
    #[default]
    Reject,
    /// The value counts as missing.
    Missing,
    /// A number becomes the nearest that is in range; a text counts as missing.
    Clip,
}

impl Settings {
    /// Checks what can be checked without the model.
    ///
    /// # Errors
    /// `InvalidInput` that names the setting.
    pub fn check(&self) -> Result<()> {
        let wrong = |what: &str, hint: &str| Err(Error::invalid(format!("the setting {what}")).hint(hint.to_owned()));
        if !(0.0..=1.0).contains(&self.capture.share) {
            return wrong("capture.share is not from 0 to 1", "0 records nothing, 1 every prediction");
        }
        if self.capture.retention_days == Some(0) {
            return wrong("capture.retention_days is 0", "set capture.share to 0 to record nothing");
        }
        if self.routes.len() > RULES {
            return wrong(&format!("routes has more than {RULES} rules"), "use keys for many clients");
        }
        let headers = self.routes.iter().map(|route| &route.header).chain(&self.key_header);
        for header in headers {
            let token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            if header.is_empty() || header.len() > 100 || !header.bytes().all(token) {
                return wrong("routes or key_header names no header", "for example x-user");
            }
        }
        if self.max_concurrency == Some(0) || self.timeout_ms == Some(0) {
            return wrong("max_concurrency or timeout_ms is 0", "leave it out for the default");
        }
        if let Some(batching) = self.dynamic_batching
            && (batching.max_batch_size < 2 || batching.max_queue_delay_microseconds > BATCH_DELAY_MICROS)
        {
            let hint =
                format!("max_batch_size is at least 2, max_queue_delay_microseconds at most {BATCH_DELAY_MICROS}");
            return wrong("dynamic_batching is out of range", &hint);
        }
        for (name, rule) in &self.columns {
            if rule.min.zip(rule.max).is_some_and(|(min, max)| min > max || min.is_nan() || max.is_nan()) {
                return wrong(&format!("columns.{name} has a min above its max"), "swap them");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_round_trip_and_wrong_ones_are_named() {
        let text = r#"{"key_header":"x-user","routes":[{"header":"x-beta","value":"1","version":3}],
            "capture":{"share":0.1,"mask":["name"]},"columns":{"age":{"min":0.0,"max":120.0,"otherwise":"clip"}}}"#;
        let settings: Settings = serde_json::from_str(text).unwrap();
        settings.check().unwrap();
        let again = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&again).unwrap(), settings);
        assert_eq!(serde_json::to_string(&Settings::default()).unwrap(), "{}");
        for wrong in [
            r#"{"capture":{"share":2.0}}"#,
            r#"{"key_header":"a b"}"#,
            r#"{"timeout_ms":0}"#,
            r#"{"dynamic_batching":{"max_batch_size":1,"max_queue_delay_microseconds":10}}"#,
            r#"{"columns":{"a":{"min":2.0,"max":1.0}}}"#,
        ] {
            assert!(serde_json::from_str::<Settings>(wrong).unwrap().check().is_err(), "{wrong}");
        }
        assert!(serde_json::from_str::<Settings>(r#"{"capsure":{}}"#).is_err());
    }
}
