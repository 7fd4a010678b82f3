//! Exact explanations of the fused plan's models, per feature, in raw units (log-odds for most classifiers).

use std::sync::OnceLock;

use flyball_core::model::{Attributions, Method, Unit};
use flyball_stats::shap::{Explainer, LinearModel, linear_shap};
use rayon::prelude::*;

use crate::boosters::sum::{Boosted, Link};
use crate::explain_trees::{Verdicts, ensemble};
use crate::graph::PostTransform;
use crate::graph::ensemble::{Aggregate, Ensemble, Leaves, Output};
use crate::graph::linear::Linear;
use crate::plan::{Head, Plan};

/// Rows per piece of a batch: what one walk over the trees takes, and the unit of work of the threads.
const PIECE_ROWS: usize = 2_048;

/// What explains a model.
pub(crate) struct Explainers {
    /// For each raw score of a model of trees what explains it by its covers, made when it is first asked for; `None`
    /// inside when there are none.
    by_cover: Vec<OnceLock<Option<Explainer>>>,
    /// The mean of each column over the training rows, when a linear model says so.
    means: Option<Vec<f64>>,
}

/// What is explained.
pub(crate) struct Asked<'a> {
    /// How many features the signature has.
    pub(crate) width: usize,
    /// The position of the class.
    pub(crate) class: usize,
    /// Filled rows, one behind the other.
    pub(crate) rows: &'a [f64],
    /// Filled rows that features outside a coalition are taken from.
    pub(crate) background: Option<&'a [f64]>,
    pub(crate) interactions: bool,
}

/// A raw score as an answer of one class.
#[derive(Clone, Copy)]
struct Side {
    score: usize,
    /// The score speaks for the other one of two classes.
    against: bool,
    unit: Unit,
}

impl Explainers {
    /// The explainers of a model; `None` if its raw scores are no sums.
    pub(crate) fn of(plan: &Plan, means: Option<Vec<f64>>) -> Option<Self> {
        let scores = match &plan.head {
            Head::Trees(model) if matches!(model.aggregate, Aggregate::Min | Aggregate::Max) => return None,
            Head::Trees(model) => model.scores,
            Head::Boosted(model) => model.terms.scores(),
            Head::Linear(_) => 0,
        };
        let means = means.filter(|means| means.len() == plan.columns);
        Some(Self { by_cover: (0..scores).map(|_| OnceLock::new()).collect(), means })
    }

    /// Explains rows; `None` if the model lacks what it needs.
    pub(crate) fn explain(&self, plan: &Plan, asked: &Asked<'_>) -> Option<Attributions> {
        let side = side(plan, asked.class);
        let mut found = match &plan.head {
            Head::Linear(model) => self.linear(plan, model, side, asked)?,
            _ => self.trees(plan, side, asked)?,
        };
        if side.against {
            found.amounts.iter_mut().for_each(|amount| *amount = -*amount);
            found.interactions.iter_mut().flatten().for_each(|amount| *amount = -*amount);
            found.base = if side.unit == Unit::Probability { 1.0 - found.base } else { -found.base };
        }
        Some(found)
    }

    fn trees(&self, plan: &Plan, side: Side, asked: &Asked<'_>) -> Option<Attributions> {
        let verdicts = Verdicts::of(plan)?;
        let against;
        let (explainer, method) = match asked.background {
            None => {
                let made = || Explainer::new(&ensemble(plan, &verdicts, asked.width, side.score, true)?).ok();
                (self.by_cover.get(side.score)?.get_or_init(made).as_ref()?, Method::Tree)
            }
            Some(background) => {
                let trees = ensemble(plan, &verdicts, asked.width, side.score, false)?;
                against = Explainer::against(&trees, verdicts.extend(plan, background))?.ok()?;
                (&against, Method::TreeInterventional)
            }
        };
        let pieces = asked.rows.par_chunks(PIECE_ROWS * plan.columns.max(1)).map(|piece| {
            let rows = verdicts.extend(plan, piece);
            let amounts = explainer.explain_rows(&rows)?.values;
            let interactions = if asked.interactions { explainer.interactions(&rows)? } else { Vec::new() };
            Some((amounts, interactions))
        });
        let (amounts, interactions): (Vec<_>, Vec<_>) = pieces.collect::<Option<Vec<_>>>()?.into_iter().unzip();
        let interactions = asked.interactions.then(|| interactions.concat());
        Some(exact(explainer.expected_value(), amounts.concat(), interactions, method, side, asked))
    }

    fn linear(&self, plan: &Plan, model: &Linear, side: Side, asked: &Asked<'_>) -> Option<Attributions> {
        if plan.columns != model.features {
            return None;
        }
        let columns = plan.columns.max(1);
        let means = match asked.background {
            Some(rows) => means(rows, columns)?,
            None => self.means.clone()?,
        };
        let weights = model.coefficients.chunks_exact(model.features).nth(side.score)?;
        let coefficients: Vec<f64> = weights.iter().copied().map(f64::from).collect();
        let intercept = f64::from(*model.intercepts.get(side.score)?);
        let model = LinearModel { intercept, coefficients: &coefficients, means: &means };
        let features = plan.features_of_columns();
        let width = asked.width;
        let mut amounts = vec![0.0; asked.rows.len() / columns * width];
        for (row, amounts) in asked.rows.chunks_exact(columns).zip(amounts.chunks_exact_mut(width.max(1))) {
            let explained = linear_shap(&model, row)?;
            features.iter().zip(explained.values).for_each(|(&feature, value)| amounts[feature] += value);
        }
        let interactions = asked.interactions.then(|| diagonals(&amounts, width));
        let base = linear_shap(&model, &means)?.expected_value;
        Some(exact(base, amounts, interactions, Method::Linear, side, asked))
    }
}

fn exact(
    base: f64,
    amounts: Vec<f64>,
    interactions: Option<Vec<f64>>,
    method: Method,
    side: Side,
    asked: &Asked<'_>,
) -> Attributions {
    Attributions {
        base,
        features: asked.width,
        amounts,
        interactions,
        errors: None,
        exact: true,
        method,
        unit: side.unit,
    }
}

/// The mean of each column; `None` without rows.
fn means(rows: &[f64], columns: usize) -> Option<Vec<f64>> {
    let count = rows.len() / columns;
    let mean = |column: usize| rows.iter().skip(column).step_by(columns).sum::<f64>() / count as f64;
    (count > 0).then(|| (0..columns).map(mean).collect())
}

/// Features that do not interact: each row's amounts on the diagonal of a matrix.
fn diagonals(amounts: &[f64], width: usize) -> Vec<f64> {
    let mut matrices = vec![0.0; amounts.len() * width];
    for (at, amount) in amounts.iter().enumerate() {
        matrices[at * width + at % width] = *amount;
    }
    matrices
}

/// Which raw score speaks for a class, and in what unit.
fn side(plan: &Plan, class: usize) -> Side {
    // What is normalized afterwards is neither a probability nor one's log-odds yet.
    let plain = |unit| if plan.norms.is_empty() { unit } else { Unit::Score };
    match &plan.head {
        Head::Trees(model) => of_trees(model, class, plain),
        Head::Boosted(model) => of_booster(model, class),
        Head::Linear(model) => {
            let logistic = model.post == PostTransform::Logistic;
            let scores = model.intercepts.len();
            let unit = match (logistic, model.second_class) {
                // Two scores that mirror each other are normalized already.
                (true, _) if scores <= 2 => Unit::LogOdds,
                (true, _) => plain(Unit::LogOdds),
                (false, false) if scores == 1 => plain(Unit::Target),
                (false, _) => Unit::Score,
            };
            let score = if model.second_class { 0 } else { class };
            Side { score, against: model.second_class && class == 0, unit }
        }
    }
}

fn of_trees(model: &Ensemble, class: usize, plain: impl Fn(Unit) -> Unit) -> Side {
    match (model.output, model.post) {
        (Output::Targets, PostTransform::None) => Side { score: class, against: false, unit: plain(Unit::Target) },
        (Output::Targets, _) => Side { score: class, against: false, unit: Unit::Score },
        (Output::Binary { probability }, post) => {
            let unit = match post {
                PostTransform::Logistic => Unit::LogOdds,
                _ if probability => Unit::Probability,
                _ => Unit::Score,
            };
            Side { score: 0, against: class == 0, unit: plain(unit) }
        }
        (Output::Classes, post) => {
            let shares = match &model.leaves {
                Leaves::Single(weights) => weights.iter().all(|weight| *weight >= 0.0),
                Leaves::Multiple { weights, .. } => weights.iter().all(|(_, weight)| *weight >= 0.0),
            };
            let unit = match post {
                PostTransform::Logistic => Unit::LogOdds,
                PostTransform::None if shares => Unit::Probability,
                _ => Unit::Score,
            };
            Side { score: class, against: false, unit: plain(unit) }
        }
    }
}

fn of_booster(model: &Boosted, class: usize) -> Side {
    let unit = match model.link {
        Link::Identity => Unit::Target,
        Link::Logistic(1.0) => Unit::LogOdds,
        _ => Unit::Score,
    };
    let score = if model.pair { 0 } else { class };
    Side { score, against: model.pair && class == 0, unit }
}
