//! What matters to a model as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use flyball_core::model::{Attributions, ExplainRequest, Loaded, Model, Unit};
use flyball_core::rng::Rng;
use flyball_core::{Column, Error, Permit, Read, Result, Table, Task, TextColumn};
use flyball_monitoring::reference::TRUTH;
use flyball_serving::LiveEndpoint;
use flyball_stats::explain::effects::{
    LocalEffects, grid, individual_curves, local_effects, partial_dependence, spread,
};
use flyball_stats::explain::permutation_importance;
use serde::{Deserialize, Serialize};

use super::ask::Asked;
use super::background::{Source, like, sample};
use super::{ExplainOptions, chosen, exactly, sampled};
use crate::platform::Platform;

/// Rows whose explanations are averaged: the mean of absolute values is known to some percent then.
const AVERAGED_ROWS: usize = 1_000;
/// The same for models that are explained by sampling, where each row costs thousands of answers.
const SAMPLED_AVERAGED_ROWS: usize = 20;
/// Coalitions asked for each of those.
const SAMPLED_BUDGET: usize = 256;
/// Rows that a feature is moved in, for its effect and its importance.
const MOVED_ROWS: usize = 1_000;
/// How often a feature's values are dealt out anew.
const DEALS: usize = 5;
/// Points of a curve: more than the eye tells apart.
const POINTS: usize = 21;

/// What is asked about a model.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GlobalRequest {
    /// The class; the last (positive) one when absent.
    pub class: Option<String>,
    /// The feature whose effect is wanted too.
    pub feature: Option<String>,
    /// Where rows come from; see the explanation of rows.
    pub background: Option<String>,
    /// Ask this version instead of the one with the largest share.
    pub version: Option<i64>,
    /// The seed of every random choice.
    pub seed: u64,
}

/// How much a feature matters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Importance {
    /// The feature.
    pub feature: String,
    /// The mean absolute Shapley value.
    pub mean_absolute: f64,
    /// How much larger the loss is on held-out rows when the feature's values are dealt out anew; `None` where no held-out
    /// rows with labels are kept.
    pub loss_increase: Option<f64>,
    /// The standard deviation of that over the deals.
    pub loss_deviation: Option<f64>,
}

/// How answers move with one feature.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// The feature.
    pub feature: String,
    /// Where the curves have their points.
    pub grid: Vec<serde_json::Value>,
    /// The mean answer when all rows have that value.
    pub partial_dependence: Vec<f64>,
    /// The answers below which a tenth of the rows are there, and above which a tenth.
    pub individual_range: Vec<[f64; 2]>,
    /// How much the curve moves: its standard deviation.
    pub spread: Option<f64>,
    /// Accumulated local effects, of numbers: their edges and the effect at each.
    pub local_effects: Option<(Vec<f64>, Vec<f64>)>,
}

/// What matters to a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Importances {
    /// The model.
    pub model: Arc<str>,
    /// Its version.
    pub version: i64,
    /// The revision.
    pub revision: Arc<str>,
    /// The class whose score it is about; `None` for regression.
    pub class: Option<String>,
    /// What absolute values are in.
    pub unit: Unit,
    /// Whether the values behind the means are exact.
    pub exact: bool,
    /// Over how many rows means are taken, and where those come from.
    pub rows: (usize, String),
    /// What the loss is: `log_loss` or `squared_error`.
    pub loss: &'static str,
    /// By feature, the most important one first.
    pub features: Vec<Importance>,
    /// The effect of the feature that was asked for.
    pub effect: Option<Effect>,
}

/// The mean absolute Shapley value of each feature over at most `limit` of the rows, evenly spread; `None` without rows,
/// or for a model that has no exact explanation.
///
/// # Errors
/// What the model fails with.
pub fn attributions(model: &dyn Model, rows: &Table, limit: usize) -> Result<Option<Vec<(String, f64)>>> {
    let count = rows.rows().min(limit);
    if count == 0 {
        return Ok(None);
    }
    let some = rows.take(&(0..count).map(|at| at * rows.rows() / count).collect::<Vec<_>>());
    let few: Vec<usize> = (0..count.min(super::BACKGROUND_ROWS)).collect();
    let found = exact(model, &some, &some.take(&few))?;
    Ok(found.map(|found| {
        let names = model.signature().features.iter().map(|feature| feature.name.clone());
        names.zip(mean_absolute(&found.amounts, found.features)).collect()
    }))
}

/// The Shapley values of rows by what the model remembers of its training, or where it forgot that against background rows;
/// `None` for a model that has no exact explanation.
///
/// # Errors
/// What the model fails with.
pub(crate) fn exact(model: &dyn Model, rows: &Table, background: &Table) -> Result<Option<Attributions>> {
    match model.explain(rows, &ExplainRequest::default())? {
        Some(found) => Ok(Some(found)),
        None => model.explain(rows, &ExplainRequest { background: Some(background), ..ExplainRequest::default() }),
    }
}

/// The mean absolute value of each column of rows of `width` values.
fn mean_absolute(amounts: &[f64], width: usize) -> Vec<f64> {
    let rows = amounts.len() / width.max(1);
    let mean = |at: usize| amounts.iter().skip(at).step_by(width).map(|amount| amount.abs()).sum::<f64>() / rows as f64;
    (0..width).map(mean).collect()
}

/// What matters to the model that answers at an endpoint.
///
/// # Errors
/// `InvalidInput` when there are no rows to look at, or for a feature or class that is not there; what the model fails with.
pub fn importance(
    platform: &Platform,
    permit: &Permit<Read>,
    endpoint: &LiveEndpoint,
    request: &GlobalRequest,
) -> Result<Importances> {
    endpoint.ready()?;
    let live = chosen(endpoint, request.version)?;
    let held = platform.serving.load(live.revision.artifact)?;
    let options = ExplainOptions {
        background: request.background.clone(),
        seed: request.seed,
        budget: Some(SAMPLED_BUDGET),
        ..ExplainOptions::default()
    };
    let source = Source { platform, permit, revision: &live.revision, options: &options };
    let (known, from) = source.whole(&empty(&held, endpoint)?)?.ok_or_else(|| {
        Error::invalid("there are no rows to look at yet")
            .hint("name a dataset that has the model's features as background, or ask again after some predictions")
    })?;
    let rows = sample(&known, AVERAGED_ROWS, request.seed);
    let asked = Asked::new(platform, &held, &rows, endpoint.within());
    let class = request.class.as_deref().map(|class| asked.class(class)).transpose()?;
    // What the training remembers is exact without a background; one is asked for where rows are named.
    let (found, count) = match exactly(&asked, &rows, class, &source)? {
        Some((found, _)) => (found, rows.rows()),
        None => {
            let few = sample(&rows, SAMPLED_AVERAGED_ROWS, request.seed);
            (sampled::explain(&asked, &few, class, &source)?.0, few.rows())
        }
    };
    let losses = losses(&asked, &source, &rows)?;
    let mut features: Vec<Importance> = rows
        .names()
        .iter()
        .zip(mean_absolute(&found.amounts, found.features))
        .map(|(feature, mean_absolute)| {
            let loss = losses.get(feature);
            Importance {
                feature: feature.clone(),
                mean_absolute,
                loss_increase: loss.map(|loss| loss.increase),
                loss_deviation: loss.and_then(|loss| loss.deviation),
            }
        })
        .collect();
    features.sort_by(|a, b| b.mean_absolute.total_cmp(&a.mean_absolute));
    let effect = request.feature.as_deref().map(|feature| effect(&asked, &rows, feature, class)).transpose()?;
    Ok(Importances {
        model: Arc::clone(&live.revision.model),
        version: live.revision.version,
        revision: Arc::clone(&live.revision.id),
        class: asked.classes().get(class.unwrap_or(asked.classes().len().saturating_sub(1))).cloned(),
        unit: found.unit,
        exact: found.exact,
        rows: (count, from),
        loss: if asked.classes().is_empty() { "squared_error" } else { "log_loss" },
        features,
        effect,
    })
}

/// A table with the model's features and no rows.
fn empty(model: &Loaded, endpoint: &LiveEndpoint) -> Result<Table> {
    let features = match model {
        Loaded::Rows(model) => &model.signature().features,
        Loaded::Tensors(_) => &endpoint.contract.signature.features,
    };
    let column = |feature: &flyball_core::Feature| {
        let column = match feature.kind {
            flyball_core::FeatureKind::Number => Column::Float(Vec::new()),
            flyball_core::FeatureKind::Text => Column::Text(TextColumn::default()),
        };
        (feature.name.clone(), column)
    };
    Table::new(features.iter().map(column).collect())
}

/// Permutation importance on the held-out rows that the version keeps; empty where it keeps none with labels.
fn losses(
    asked: &Asked<'_>,
    source: &Source<'_>,
    rows: &Table,
) -> Result<BTreeMap<String, flyball_stats::explain::Importance>> {
    let Loaded::Rows(model) = asked.model else { return Ok(BTreeMap::new()) };
    let Some(kept) = source.kept()? else { return Ok(BTreeMap::new()) };
    let whole = rows.names().iter().all(|name| kept.heldout.position(name).is_some());
    if !whole || kept.heldout.position(TRUTH).is_none() || model.signature().width() > 2 {
        return Ok(BTreeMap::new());
    }
    let truth = kept.heldout.column(TRUTH)?.numbers();
    let labelled: Vec<usize> = (0..truth.len()).filter(|&row| truth[row].is_finite()).collect();
    let heldout = sample(&kept.heldout.take(&labelled), MOVED_ROWS, source.options.seed);
    let truth = heldout.column(TRUTH)?.numbers();
    let heldout = like(&heldout, rows)?;
    if truth.is_empty() {
        return Ok(BTreeMap::new());
    }
    let classifies = model.signature().task == Task::Classification;
    let loss = |table: &Table| -> Result<f64> {
        let scores = asked.score(table, None)?;
        let one = |(&score, &truth): (&f64, &f64)| {
            if classifies {
                // As far from 0 and 1 as 32-bit probabilities are.
                let score = score.clamp(1e-7, 1.0 - 1e-7);
                -(truth * score.ln() + (1.0 - truth) * (1.0 - score).ln())
            } else {
                (score - truth).powi(2)
            }
        };
        Ok(scores.iter().zip(&truth).map(one).sum::<f64>() / truth.len() as f64)
    };
    let mut rng = Rng::seeded(source.options.seed);
    let orders: Vec<Vec<usize>> = (0..DEALS)
        .map(|_| {
            let mut order: Vec<usize> = (0..truth.len()).collect();
            rng.shuffle(&mut order);
            order
        })
        .collect();
    let as_is = loss(&heldout)?;
    let found = permutation_importance(rows.names().len(), as_is, &orders, &mut |feature, order| {
        loss(&replaced(&heldout, feature, heldout.at(feature).take(order))?)
    })?;
    Ok(rows.names().iter().cloned().zip(found.unwrap_or_default()).collect())
}

/// The table with another column in one place.
fn replaced(table: &Table, place: usize, column: Column) -> Result<Table> {
    let mut column = Some(column);
    let own = |(at, (name, own)): (usize, (&str, &Column))| {
        let chosen = if at == place { column.take() } else { None };
        (name.to_owned(), chosen.unwrap_or_else(|| own.clone()))
    };
    Table::new(table.columns().enumerate().map(own).collect())
}

/// How answers move with a feature.
fn effect(asked: &Asked<'_>, rows: &Table, name: &str, class: Option<usize>) -> Result<Effect> {
    let place = rows.position(name).ok_or_else(|| {
        Error::invalid(format!("the model has no feature '{name}'"))
            .hint(format!("its features are: {}", rows.names().join(", ")))
    })?;
    let rows = sample(rows, MOVED_ROWS, 0);
    let (columns, shown): (Vec<Column>, Vec<serde_json::Value>) = match rows.at(place) {
        Column::Text(texts) => {
            let mut levels: Vec<&Arc<str>> = (0..rows.rows()).filter_map(|row| texts.get(row)).collect();
            levels.sort_unstable();
            let mut counted: Vec<(usize, &Arc<str>)> =
                levels.chunk_by(|a, b| a == b).map(|same| (same.len(), same[0])).collect();
            counted.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
            let level = |(_, level): &(usize, &Arc<str>)| {
                let column = TextColumn { codes: vec![0; rows.rows()], levels: Arc::new(vec![Arc::clone(level)]) };
                (Column::Text(column), level.as_ref().into())
            };
            counted.iter().take(POINTS).map(level).unzip()
        }
        numbers => {
            let point = |&value: &f64| (Column::Float(vec![value; rows.rows()]), value.into());
            grid(&numbers.numbers(), POINTS).iter().map(point).unzip()
        }
    };
    let curves = individual_curves(columns.len(), &mut |point| {
        asked.score(&replaced(&rows, place, columns[point].clone())?, class)
    })?;
    let dependence = partial_dependence(&curves).unwrap_or_default();
    let local = match rows.at(place) {
        Column::Text(_) => None,
        numbers => local_effects(&numbers.numbers(), POINTS - 1, &mut |moved| {
            asked.score(&replaced(&rows, place, Column::Float(moved.to_vec()))?, class)
        })?,
    };
    Ok(Effect {
        feature: name.to_owned(),
        grid: shown,
        individual_range: curves.iter().map(|answers| tenths(answers)).collect(),
        spread: spread(&dependence),
        partial_dependence: dependence,
        local_effects: local.map(|LocalEffects { edges, effects, .. }| (edges, effects)),
    })
}

/// The numbers below and above which a tenth of the answers are.
fn tenths(answers: &[f64]) -> [f64; 2] {
    let mut sorted = answers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted.get(((sorted.len().saturating_sub(1)) as f64 * share).round() as usize);
    [at(0.1), at(0.9)].map(|answer| answer.copied().unwrap_or(f64::NAN))
}
