//! What is moved, one record each: the lines of an exported folder, and what every source and target speaks.

use serde::{Deserialize, Serialize};

/// A key with its value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pair {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

impl Pair {
    /// A pair of these texts.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// An experiment. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Experiment {
    /// Its number, as text.
    pub id: String,
    /// The name.
    pub name: String,
    /// Where its artifacts are.
    pub artifact_location: String,
    /// Whether it is in the bin.
    pub deleted: bool,
    /// When it was made.
    pub created_at: i64,
    /// When its name or state changed last.
    pub updated_at: i64,
    /// Its tags.
    pub tags: Vec<Pair>,
}

/// A run without its metrics and artifacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The id.
    pub id: String,
    /// The number of its experiment, as text.
    pub experiment_id: String,
    /// The name.
    pub name: String,
    /// Who started it.
    pub user_id: String,
    /// `RUNNING`, `SCHEDULED`, `FINISHED`, `FAILED` or `KILLED`.
    pub status: String,
    /// Whether it is in the bin.
    pub deleted: bool,
    /// When it started.
    pub started_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// Where its artifacts are.
    pub artifact_uri: String,
    /// The parameters.
    pub params: Vec<Pair>,
    /// The tags.
    pub tags: Vec<Pair>,
    /// The datasets that it used.
    pub datasets: Vec<Dataset>,
    /// The logged models that it took in.
    pub models_in: Vec<ModelUse>,
    /// The logged models that it made.
    pub models_out: Vec<ModelUse>,
}

/// A dataset that a run used, with the tags of the use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dataset {
    /// The name.
    pub name: String,
    /// What tells its contents from others of the name.
    pub digest: String,
    /// The kind of its source.
    pub source_type: String,
    /// Where it is from.
    pub source: String,
    /// Its columns.
    pub schema: Option<String>,
    /// Its statistics.
    pub profile: Option<String>,
    /// The tags of the use.
    pub tags: Vec<Pair>,
}

/// A logged model that a run took in or made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ModelUse {
    /// The model.
    pub model_id: String,
    /// The step at which it was made; 0 for one that was taken in.
    pub step: i64,
}

/// A point of a metric: when (milliseconds), at which step, how much.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point(pub i64, pub i64, #[serde(with = "number")] pub f64);

/// A logged model without its artifacts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoggedModel {
    /// The id.
    pub id: String,
    /// The number of its experiment, as text.
    pub experiment_id: String,
    /// The name.
    pub name: String,
    /// The kind of model, as the client says.
    pub model_type: String,
    /// The run that made it; empty when it is not known.
    pub source_run_id: String,
    /// 1 pending, 2 ready, 3 upload failed; 0 unknown.
    pub status: i64,
    /// Why it is not ready.
    pub status_message: Option<String>,
    /// Whether it is in the bin.
    pub deleted: bool,
    /// When it was made.
    pub created_at: i64,
    /// When it changed last.
    pub updated_at: i64,
    /// Where its artifacts are.
    pub artifact_uri: String,
    /// The parameters.
    pub params: Vec<Pair>,
    /// The tags.
    pub tags: Vec<Pair>,
    /// What was measured of it.
    pub metrics: Vec<ModelMetric>,
}

/// A value that a run measured of a logged model; dataset fields are empty when it names none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelMetric {
    /// The metric.
    pub key: String,
    /// The point.
    pub point: Point,
    /// The run.
    pub run_id: String,
    /// The name of the dataset that it was measured on.
    pub dataset_name: String,
    /// The digest of that dataset.
    pub dataset_digest: String,
}

/// A registered model, or a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredModel {
    /// The name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: i64,
    /// When it changed last.
    pub updated_at: i64,
    /// The highest number of a version so far, deleted ones counted.
    pub last_version: i64,
    /// The tags.
    pub tags: Vec<Pair>,
    /// The aliases with the versions they point at.
    pub aliases: Vec<Alias>,
}

/// An alias of a version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Alias {
    /// The alias.
    pub alias: String,
    /// The number of the version.
    pub version: i64,
}

/// A version of a registered model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelVersion {
    /// The registered model.
    pub model: String,
    /// The number.
    pub version: i64,
    /// When it was registered.
    pub created_at: i64,
    /// When it changed last.
    pub updated_at: i64,
    /// `None`, `Staging`, `Production` or `Archived`.
    pub stage: String,
    /// `READY` and the like.
    pub status: String,
    /// Why it is not ready.
    pub status_message: Option<String>,
    /// Who registered it.
    pub user_id: Option<String>,
    /// What is to be known of it.
    pub description: Option<String>,
    /// Where its files are, as the client named it.
    pub source: String,
    /// Where its files are, with other versions and logged models followed.
    pub location: String,
    /// The run that made it; empty when it is not known.
    pub run_id: String,
    /// A link to the run; may be empty.
    pub run_link: String,
    /// The logged model that it is.
    pub model_id: Option<String>,
    /// The tags.
    pub tags: Vec<Pair>,
}

/// A number in JSON, where the ones that JSON has no word for are texts.
mod number {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Form {
        Number(f64),
        Text(String),
    }

    pub(super) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() { Form::Number(*value) } else { Form::Text(text(*value).to_owned()) }.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        match Form::deserialize(from)? {
            Form::Number(value) => Ok(value),
            Form::Text(text) => super::number_named(&text).ok_or_else(|| D::Error::custom("not a number")),
        }
    }

    fn text(value: f64) -> &'static str {
        match value {
            value if value.is_nan() => "NaN",
            value if value > 0.0 => "Infinity",
            _ => "-Infinity",
        }
    }
}

/// The number that a text stands for, those that JSON has no word for included.
pub(crate) fn number_named(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        text => text.parse().ok(),
    }
}

/// Puts what has no order of its own into the order of its keys, so that equal records have equal lines.
pub(crate) trait Ordered {
    fn ordered(self) -> Self;
}

impl Ordered for Experiment {
    fn ordered(mut self) -> Self {
        self.tags.sort();
        self
    }
}

impl Ordered for Run {
    fn ordered(mut self) -> Self {
        self.params.sort();
        self.tags.sort();
        self.datasets.iter_mut().for_each(|dataset| dataset.tags.sort());
        self.datasets.sort();
        self.models_in.sort();
        self.models_out.sort();
        self
    }
}

impl Ordered for LoggedModel {
    fn ordered(mut self) -> Self {
        self.params.sort();
        self.tags.sort();
        self.metrics.sort_by(|a, b| {
            let Point(time, step, value) = a.point;
            let Point(other_time, other_step, other) = b.point;
            (&a.key, time, step, &a.run_id, &a.dataset_name, &a.dataset_digest)
                .cmp(&(&b.key, other_time, other_step, &b.run_id, &b.dataset_name, &b.dataset_digest))
                .then(value.total_cmp(&other))
        });
        self
    }
}

impl Ordered for RegisteredModel {
    fn ordered(mut self) -> Self {
        self.tags.sort();
        self.aliases.sort();
        self
    }
}

impl Ordered for ModelVersion {
    fn ordered(mut self) -> Self {
        self.tags.sort();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back_from_its_line() {
        for value in [0.1, -0.0, f64::MAX, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5e-324] {
            let line = serde_json::to_string(&Point(1, -2, value)).unwrap();
            let Point(time, step, back) = serde_json::from_str(&line).unwrap();
            assert_eq!((time, step, back.to_bits()), (1, -2, value.to_bits()), "{line}");
        }
        assert!(serde_json::from_str::<Point>(r#"[1,2,"much"]"#).is_err());
    }
}
