//! Why a prediction is what it is: the explanation, and everything that it came from.

use flyball_core::model::{Interface, Method, Unit};
use flyball_core::{Column, Contribution, Permit, Read, Result, Table, Timestamp};
use flyball_data::DatasetVersion;
use flyball_registry::{PackagedVersion, packages as registry};
use flyball_serving::FoundRecord;
use flyball_serving::model::{Revision, TruthValue};
use flyball_serving::truth;
use flyball_tracking::lineage::Lineage;
use flyball_tracking::{Run, runs};
use serde::Serialize;

use crate::explain::{self, Counterfactual, ExplainOptions, Explained, WantedChange};
use crate::platform::Platform;
use crate::train::load_reference;

/// Training rows whose explanations are averaged to say how much a feature moves answers usually.
const USUAL_ROWS: usize = 500;

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
    /// The answer before any feature is looked at; with all contributions it sums to the answer in `unit`.
    pub expected: Option<f64>,
    /// What each feature did, strongest first; `None` where nothing explains the model.
    pub contributions: Option<Vec<Contribution>>,
    /// Why there are no contributions.
    pub unexplained: Option<String>,
    /// What contributions are in.
    pub unit: Option<Unit>,
    /// How they were made.
    pub method: Option<Method>,
    /// Whether they are exact rather than estimated.
    pub exact: bool,
    /// How each feature stands among the rows that the version was trained on, in the order of the contributions; empty
    /// where it keeps none.
    pub standing: Vec<Standing>,
    /// What would have changed the answer; empty for answers that are no class.
    pub counterfactuals: Vec<Counterfactual>,
    /// Who answered.
    pub revision: Revision,
    /// The version behind it, when a loop made it.
    pub version: Option<PackagedVersion>,
    /// The run that made the version.
    pub run: Option<Run>,
    /// What the run learnt from.
    pub lineage: Option<Lineage>,
    /// The data that the run learnt from.
    pub dataset: Option<DatasetVersion>,
}

/// How a feature's value stands among training rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standing {
    /// The feature.
    pub feature: String,
    /// The share of known numbers that are smaller; `None` for texts and missing values.
    pub share_below: Option<f64>,
    /// The share of rows with the same text, or where the number is missing too; `None` for known numbers.
    pub share_same: Option<f64>,
    /// How much the feature moves an answer usually: its mean absolute contribution. `None` without an exact explanation.
    pub usual: Option<f64>,
}

/// Explains a prediction and traces it back to its data.
///
/// # Errors
/// `NotFound` when there is no such prediction, and those of the database and of the store. A model that cannot be explained
/// is no error.
pub fn explain(platform: &Platform, permit: &Permit<Read>, prediction_id: &str) -> Result<Why> {
    let record = platform.serving.find_record(prediction_id)?;
    let revision = record.revision.clone();
    let (version, run, truth) = platform.db.read(|tx| {
        let version = registry::find(tx, permit, &revision.model, revision.version)?;
        let run = version.as_ref().map(|version| runs::get(tx, permit, &version.run_id)).transpose()?;
        let truth = match &record.key {
            Some(key) => truth::truths_of(tx, &revision.endpoint, &[key.as_str()])?.remove(key),
            None => None,
        };
        Ok((version, run, truth))
    })?;
    let lineage = run.as_ref().and_then(|run| run.lineage.clone());
    let dataset =
        lineage.as_ref().map(|lineage| platform.datasets.get(permit, &lineage.dataset_version)).transpose()?;
    let (explained, unexplained) = match explained(platform, permit, &record) {
        Ok(explained) => (Some(explained), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let contributions = explained.as_ref().map(contributions);
    let standing = match (&version, &explained) {
        (Some(version), Some(explained)) => standing(platform, version, explained)?,
        _ => Vec::new(),
    };
    let classes = match (&explained, &version) {
        (Some(explained), _) => explained.classes.clone(),
        (None, version) => version.as_ref().map_or(Vec::new(), |version| version.signature.classes.clone()),
    };
    let attributions = explained.as_ref().map(|explained| &explained.attributions);
    Ok(Why {
        prediction_id: prediction_id.to_owned(),
        endpoint: revision.endpoint.to_string(),
        at: record.at,
        key: record.key.clone(),
        score: record.score,
        classes,
        error: record.error.clone(),
        truth: truth.map(|stored| stored.truth.value),
        expected: attributions.map(|found| found.base),
        unit: attributions.map(|found| found.unit),
        method: attributions.map(|found| found.method),
        exact: attributions.is_some_and(|found| found.exact),
        contributions,
        unexplained,
        standing,
        counterfactuals: explained.and_then(|explained| explained.counterfactuals?.pop()).unwrap_or_default(),
        revision,
        version,
        run,
        lineage,
        dataset,
    })
}

fn explained(platform: &Platform, permit: &Permit<Read>, record: &FoundRecord) -> Result<Explained> {
    let interface = platform.serving.load(record.revision.artifact)?.interface();
    let classifies = matches!(interface, Interface::Rows(signature) if !signature.classes.is_empty());
    let counterfactual = classifies.then(WantedChange::default);
    explain::explain_record(platform, permit, record, &ExplainOptions { counterfactual, ..ExplainOptions::default() })
}

/// The contributions to the one row, the strongest first.
fn contributions(explained: &Explained) -> Vec<Contribution> {
    let features = explained.rows.columns().zip(&explained.attributions.amounts);
    let contribution = |((feature, column), amount): ((&str, &Column), &f64)| Contribution {
        feature: feature.to_owned(),
        value: column.value(0).text(),
        amount: *amount,
    };
    let mut all: Vec<Contribution> = features.map(contribution).collect();
    all.sort_by(|a, b| b.amount.abs().total_cmp(&a.amount.abs()));
    all
}

/// How the one row's values stand among what the version was trained on.
fn standing(platform: &Platform, version: &PackagedVersion, explained: &Explained) -> Result<Vec<Standing>> {
    let learnt = load_reference(platform, version)?.learnt;
    let held = platform.serving.load(version.artifact)?;
    let usual = match &*held {
        flyball_core::model::Loaded::Rows(model) => explain::attributions(model.as_ref(), &learnt, USUAL_ROWS)?,
        flyball_core::model::Loaded::Tensors(_) => None,
    };
    let usual = |name: &str| usual.as_ref()?.iter().find(|(feature, _)| feature == name).map(|(_, usual)| *usual);
    let of = |contribution: Contribution| {
        let (share_below, share_same) = shares(&explained.rows, &learnt, &contribution.feature);
        Standing { usual: usual(&contribution.feature), share_below, share_same, feature: contribution.feature }
    };
    Ok(contributions(explained).into_iter().map(of).collect())
}

/// The share of training rows with a smaller number, or with the same text.
fn shares(row: &Table, learnt: &Table, feature: &str) -> (Option<f64>, Option<f64>) {
    let (Ok(own), Ok(column)) = (row.column(feature), learnt.column(feature)) else { return (None, None) };
    let count = column.len() as f64;
    if count == 0.0 {
        return (None, None);
    }
    let number = own.number(0);
    if number.is_finite() && !matches!(column, Column::Text(_)) {
        let known: Vec<f64> = column.numbers().into_iter().filter(|other| other.is_finite()).collect();
        let below = known.iter().filter(|other| **other < number).count();
        return ((!known.is_empty()).then(|| below as f64 / known.len() as f64), None);
    }
    let text = own.value(0).text();
    let alike = (0..column.len()).filter(|&row| column.value(row).text() == text).count();
    (None, Some(alike as f64 / count))
}
