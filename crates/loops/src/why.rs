//! Why a prediction is what it is: the explanation, and everything that it came from.

use flyball_core::{Contribution, Error, Permit, Read, Result, Timestamp};
use flyball_data::DatasetVersion;
use flyball_registry::{PackagedVersion, packages as registry};
use flyball_serving::model::{Revision, TruthValue};
use flyball_serving::truth;
use flyball_tracking::lineage::Lineage;
use flyball_tracking::{Run, runs};
use serde::Serialize;

use crate::platform::Platform;

/// A prediction with its explanation and its lineage.
#[derive(Clone, Debug, Serialize)]
pub struct Why {
    /// The prediction.
    pub prediction_id: String,
    /// The endpoint.
    pub endpoint: String,
    /// The event time.
    pub at: Timestamp,
    /// What joins it with what really happened.
    pub key: Option<String>,
    /// The probability of the positive class, or the predicted value.
    pub score: Option<f64>,
    /// The names of the classes; empty for regression.
    pub classes: Vec<String>,
    /// Why there is no answer, when the model failed.
    pub error: Option<String>,
    /// What really happened, when it is known.
    pub truth: Option<TruthValue>,
    /// The expected raw value of the model; with all contributions it sums to the raw score.
    pub expected: Option<f64>,
    /// What each feature did, strongest first; `None` where the model has no exact explanation.
    pub contributions: Option<Vec<Contribution>>,
    /// Who answered.
    pub revision: Revision,
    /// The version behind it.
    pub version: PackagedVersion,
    /// The run that made the version.
    pub run: Run,
    /// What the run learnt from.
    pub lineage: Lineage,
    /// The data that the run learnt from.
    pub dataset: DatasetVersion,
}

/// Explains a prediction and traces it back to its data.
pub fn explain(platform: &Platform, permit: &Permit<Read>, prediction_id: &str) -> Result<Why> {
    let record = platform.serving.find_record(prediction_id)?;
    let revision = record.revision.clone();
    let (version, run, truth) = platform.db.read(|tx| {
        let version = registry::get(tx, permit, &revision.model, revision.version)?;
        let run = runs::get(tx, permit, &version.run_id)?;
        let truth = match &record.key {
            Some(key) => truth::truths_of(tx, &revision.endpoint, &[key.as_str()])?.remove(key),
            None => None,
        };
        Ok((version, run, truth))
    })?;
    let lineage = run.lineage.clone().ok_or_else(|| Error::not_found("lineage of the run", &run.id))?;
    let dataset = platform.datasets.get(permit, &lineage.dataset_version)?;
    let (expected, contributions) = match platform.serving.explain(&record)? {
        Some(explanation) => (Some(explanation.base), Some(explanation.contributions)),
        None => (None, None),
    };
    Ok(Why {
        prediction_id: prediction_id.to_owned(),
        endpoint: revision.endpoint.to_string(),
        at: record.at,
        key: record.key.clone(),
        score: record.score,
        classes: version.signature.classes.clone(),
        error: record.error.clone(),
        truth: truth.map(|stored| stored.truth.value),
        expected,
        contributions,
        revision,
        version,
        run,
        lineage,
        dataset,
    })
}
