//! Explanations of what endpoints answer: of single rows, and of the model as a whole.
//!
//! A model that knows an exact way explains itself; any other one is asked about mixtures of the row and of background
//! rows, and the Shapley values are estimated from its answers.

mod ask;
mod background;
mod counterfactual;
mod global;
mod sampled;

use std::sync::Arc;
use std::time::Duration;

use flyball_core::model::{Attributions, ExplainRequest, Loaded, Method, Unit};
use flyball_core::{
    Column, Error, ErrorCode, FeatureKind, Kind, Permit, Predictions, Read, Result, Table, TextColumn, Value, limits,
};
use flyball_serving::model::Revision;
use flyball_serving::{FoundRecord, LiveEndpoint, LiveRevision};
use serde::{Deserialize, Serialize};

use crate::platform::Platform;
use ask::Asked;

pub use counterfactual::{Change, Counterfactual, Direction, WantedChange};
pub(crate) use global::exact;
pub use global::{Effect, GlobalRequest, Importance, Importances, attributions, importance};

/// Most rows that one request explains: a page of them is what people and programs read.
pub const EXPLAINED_ROWS: usize = 10_000;
/// Most rows that one request explains by sampling, each of which asks the model for thousands of answers.
pub const SAMPLED_ROWS: usize = 100;
/// Background rows where the request does not say: the usual size, past which values hardly change.
pub const BACKGROUND_ROWS: usize = 100;
/// Most background rows: time and memory grow with them.
pub const MOST_BACKGROUND_ROWS: usize = 1_000;
/// Most coalitions that are asked for one row.
pub const MOST_COALITIONS: usize = 65_536;
/// Most features whose interactions are answered: a row's matrix has the square of their number.
pub const INTERACTING_FEATURES: usize = 200;

/// By which method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WantedMethod {
    /// The exact one of the model where it has one, else KernelSHAP, for many features permutations.
    #[default]
    Auto,
    /// Exact on trees.
    Tree,
    /// Exact on a linear model.
    Linear,
    /// KernelSHAP.
    Kernel,
    /// Sampled orders of the features, with their reverses.
    Permutation,
}

/// How rows are to be explained.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExplainOptions {
    /// By which method.
    pub method: WantedMethod,
    /// The class whose score is explained; the last (positive) one when absent.
    pub class: Option<String>,
    /// Where background rows come from: `reference` (what the version was trained on), `records` (what the endpoint was
    /// asked lately), or a dataset as NAME or NAME@NUMBER. When absent, exact explanations follow the training where the
    /// model remembers it, and all others take the first of these that there is.
    pub background: Option<String>,
    /// How many background rows at most.
    pub max_rows: Option<usize>,
    /// Whether interactions are wanted too; only exact methods have them.
    pub interactions: bool,
    /// How many coalitions are asked for each row, where values are estimated.
    pub budget: Option<usize>,
    /// The seed of every random choice.
    pub seed: u64,
    /// Explain with this version instead of the one with the largest share.
    pub version: Option<i64>,
    /// Which changes to each row would have changed its answer.
    pub counterfactual: Option<WantedChange>,
}

/// Explained rows.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Who explains.
    pub revision: Arc<Revision>,
    /// The class whose score is explained; `None` for regression.
    pub class: Option<String>,
    /// The classes of the model, in the order of the predictions.
    pub classes: Vec<String>,
    /// The rows as the model saw them, with its features in order.
    pub rows: Table,
    /// What the model answers to them.
    pub predictions: Predictions,
    /// Why.
    pub attributions: Attributions,
    /// Where background rows came from, and how many; `None` when none were needed.
    pub background: Option<(String, usize)>,
    /// For each row what would have changed its answer, when that was asked for.
    pub counterfactuals: Option<Vec<Vec<Counterfactual>>>,
}

/// One row's explanation.
#[derive(Clone, Debug, Serialize)]
pub struct Contributed {
    /// The feature.
    pub feature: String,
    /// Its value.
    pub value: serde_json::Value,
    /// How much it moved the answer.
    pub amount: f64,
    /// The standard error of the amount; absent where it is exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<f64>,
}

impl Explained {
    /// The contributions to a row's answer, the strongest first.
    pub fn contributions(&self, row: usize) -> Vec<Contributed> {
        let found = &self.attributions;
        let mut all: Vec<Contributed> = (0..found.features)
            .map(|feature| Contributed {
                feature: self.rows.names().get(feature).cloned().unwrap_or_default(),
                value: self.rows.at(feature).value(row).json(),
                amount: found.amounts[row * found.features + feature],
                standard_error: found.errors.as_ref().map(|errors| errors[row * found.features + feature]),
            })
            .collect();
        all.sort_by(|a, b| b.amount.abs().total_cmp(&a.amount.abs()));
        all
    }
}

/// Explains rows with the model that answers at an endpoint.
///
/// # Errors
/// `InvalidInput` for rows or options that do not fit the model, `LimitExceeded` for too many rows, `NotFound` for a version
/// or dataset that is not there, `DeadlineExceeded` when the endpoint's time is not enough, and what the model fails with.
pub fn explain(
    platform: &Platform,
    permit: &Permit<Read>,
    endpoint: &LiveEndpoint,
    rows: &Table,
    options: &ExplainOptions,
) -> Result<Explained> {
    endpoint.ready()?;
    let live = chosen(endpoint, options.version)?;
    if rows.rows() == 0 {
        return Err(Error::invalid("there are no rows to explain"));
    }
    if rows.rows() > EXPLAINED_ROWS {
        let message = format!("there are {} rows, at most {EXPLAINED_ROWS} are explained at once", rows.rows());
        return Err(Error::new(ErrorCode::LimitExceeded, message).hint("send the rows in several requests"));
    }
    let rows = endpoint.fit(live, rows)?;
    let held = platform.serving.load(live.revision.artifact)?;
    let asked = Asked::new(platform, &held, &rows, endpoint.within());
    of_model(platform, permit, &live.revision, &asked, rows, options)
}

/// Explains what an endpoint once answered, with the model that did; `None` when that model cannot be explained.
///
/// # Errors
/// As [`explain`].
pub fn explain_record(
    platform: &Platform,
    permit: &Permit<Read>,
    record: &FoundRecord,
    options: &ExplainOptions,
) -> Result<Explained> {
    let held = platform.serving.load(record.revision.artifact)?;
    let known =
        |name: &str| record.features.iter().find(|(feature, _)| feature == name).map(|(_, value)| value.clone());
    let row: Vec<(String, Column)> = match &*held {
        Loaded::Rows(model) => {
            let features = model.signature().features.iter();
            features.map(|feature| (feature.name.clone(), cell(feature.kind, known(&feature.name)))).collect()
        }
        Loaded::Tensors(_) => {
            let kind = |value: &Value| FeatureKind::from(kind_of(value));
            let values = record.features.iter();
            values.map(|(name, value)| (name.clone(), cell(kind(value), Some(value.clone())))).collect()
        }
    };
    let rows = Table::new(row)?;
    let within = Duration::from_secs(limits::INFER_SECONDS);
    let asked = Asked::new(platform, &held, &rows, within);
    of_model(platform, permit, &Arc::new(record.revision.clone()), &asked, rows, options)
}

/// Explains all rows of a table, which may be long, with a revision's model: the names of the features, and the values.
///
/// # Errors
/// As [`explain`].
pub(crate) fn of_table(
    platform: &Platform,
    permit: &Permit<Read>,
    revision: &Arc<Revision>,
    model: &Loaded,
    rows: &Table,
    within: Duration,
) -> Result<(Vec<String>, Attributions)> {
    let rows = match model {
        Loaded::Rows(model) => {
            let names: Vec<&str> = model.signature().features.iter().map(|feature| feature.name.as_str()).collect();
            rows.select(&names)?
        }
        Loaded::Tensors(_) => rows.clone(),
    };
    let asked = Asked::new(platform, model, &rows, within);
    let options = ExplainOptions::default();
    let source = background::Source { platform, permit, revision, options: &options };
    let (found, _) = match exactly(&asked, &rows, None, &source)? {
        Some(found) => found,
        None => sampled::explain(&asked, &rows, None, &source)?,
    };
    Ok((rows.names().to_vec(), found))
}

fn kind_of(value: &Value) -> Kind {
    if matches!(value, Value::Text(_)) { Kind::Text } else { Kind::Float }
}

/// A column of one value.
fn cell(kind: FeatureKind, value: Option<Value>) -> Column {
    match kind {
        FeatureKind::Number => Column::Float(vec![value.map_or(f64::NAN, |value| value.number())]),
        FeatureKind::Text => {
            let text = value.and_then(|value| value.text());
            Column::Text(TextColumn::from_texts([text.as_deref()]))
        }
    }
}

/// The revision that explains: the asked version, or that with the largest share.
fn chosen(endpoint: &LiveEndpoint, version: Option<i64>) -> Result<&Arc<LiveRevision>> {
    match version {
        Some(version) => endpoint.version(version),
        None => {
            endpoint.revisions.iter().max_by_key(|live| live.per_mille).ok_or_else(|| {
                Error::new(ErrorCode::Unavailable, format!("nothing serves at {}", endpoint.endpoint.name))
            })
        }
    }
}

fn of_model(
    platform: &Platform,
    permit: &Permit<Read>,
    revision: &Arc<Revision>,
    asked: &Asked<'_>,
    rows: Table,
    options: &ExplainOptions,
) -> Result<Explained> {
    let class = options.class.as_deref().map(|class| asked.class(class)).transpose()?;
    let features = rows.names().len();
    if options.interactions && features > INTERACTING_FEATURES {
        let message = format!("interactions of {features} features are too many, {INTERACTING_FEATURES} are the most");
        return Err(Error::new(ErrorCode::LimitExceeded, message).hint("ask without interactions"));
    }
    let source = background::Source { platform, permit, revision, options };
    let exact = match options.method {
        WantedMethod::Kernel | WantedMethod::Permutation => None,
        _ => exactly(asked, &rows, class, &source)?,
    };
    let (attributions, background) = match exact {
        Some(found) => found,
        None => sampled::explain(asked, &rows, class, &source)?,
    };
    let predictions = asked.scores(&rows)?;
    let counterfactuals = match &options.counterfactual {
        Some(wanted) => Some(counterfactual::search(asked, &rows, &predictions, wanted, &source)?),
        None => None,
    };
    Ok(Explained {
        revision: Arc::clone(revision),
        class: asked.classes().get(class.unwrap_or(asked.classes().len().saturating_sub(1))).cloned(),
        classes: asked.classes().to_vec(),
        rows,
        predictions,
        attributions,
        background,
        counterfactuals,
    })
}

/// Attributions, with where their background came from and how many rows it had.
type Found = (Attributions, Option<(String, usize)>);

/// By the model's own method; `None` when it has none and any other one will do.
fn exactly(
    asked: &Asked<'_>,
    rows: &Table,
    class: Option<usize>,
    source: &background::Source<'_>,
) -> Result<Option<Found>> {
    let options = source.options;
    let request = ExplainRequest { class, background: None, interactions: options.interactions };
    let mut found = None;
    if let Loaded::Rows(model) = asked.model {
        if options.background.is_none() {
            found = model.explain(rows, &request)?.map(|attributions| (attributions, None));
        }
        if found.is_none()
            && let Some((table, from)) = source.table(rows)?
        {
            let told = Some((from, table.rows()));
            found = model
                .explain(rows, &ExplainRequest { background: Some(&table), ..request })?
                .map(|attributions| (attributions, told));
        }
    }
    let fits = |method: Method| match options.method {
        WantedMethod::Tree => matches!(method, Method::Tree | Method::TreeInterventional),
        WantedMethod::Linear => method == Method::Linear,
        _ => true,
    };
    match (found, options.method) {
        (Some(found), _) if fits(found.0.method) => Ok(Some(found)),
        (None, WantedMethod::Auto) => Ok(None),
        (_, wanted) => {
            let word = if wanted == WantedMethod::Tree { "tree" } else { "linear" };
            Err(Error::invalid(format!("the model cannot be explained by the method '{word}'"))
                .hint("leave the method out, or ask for kernel or permutation; see docs/guide/explaining.md"))
        }
    }
}

/// The unit of a model's answers, for methods that look at these only.
fn unit_of_answers(asked: &Asked<'_>) -> Unit {
    match asked.model {
        Loaded::Rows(_) if !asked.classes().is_empty() => Unit::Probability,
        Loaded::Rows(_) => Unit::Target,
        Loaded::Tensors(_) => Unit::Score,
    }
}
