//! What a model takes and gives.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::package::{self, Format, Lone, Package};
use crate::tensor::{Tensor, TensorSignature};
use crate::{Digest, Error, ErrorCode, Kind, Result};

/// What a model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Says how probable each of some classes is.
    Classification,
    /// Predicts a number.
    Regression,
}

/// How a model reads a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeatureKind {
    /// A number; missing is allowed.
    Number,
    /// A category; missing and unknown levels are allowed.
    Text,
}

impl From<Kind> for FeatureKind {
    fn from(kind: Kind) -> Self {
        if kind.is_number() { FeatureKind::Number } else { FeatureKind::Text }
    }
}

/// One input of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    /// The name of the column.
    pub name: String,
    /// How it is read.
    pub kind: FeatureKind,
}

/// What a model takes and gives: its contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The task.
    pub task: Task,
    /// The inputs, in the model's order.
    pub features: Vec<Feature>,
    /// The names of the classes, in the order of the scores; empty for regression. With two classes the second one is
    /// the positive class.
    pub classes: Vec<String>,
}

impl Signature {
    /// How many numbers a prediction has: one per class, or one for regression.
    pub fn width(&self) -> usize {
        self.classes.len().max(1)
    }
}

/// The answers of a model for some rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predictions {
    /// Numbers per row: the probability of each class, or the one predicted value.
    pub width: usize,
    /// The numbers, row after row.
    pub scores: Vec<f64>,
}

impl Predictions {
    /// How many rows.
    pub fn rows(&self) -> usize {
        self.scores.len() / self.width.max(1)
    }

    /// The scores of one row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.scores[row * self.width..(row + 1) * self.width]
    }

    /// For each row the one number that metrics and monitors look at: the probability of the last (positive) class, or
    /// the predicted value.
    pub fn headline(&self) -> Vec<f64> {
        self.scores.chunks_exact(self.width.max(1)).filter_map(|row| row.last().copied()).collect()
    }
}

/// How much one feature moved one prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// The feature.
    pub feature: String,
    /// Its value, as text.
    pub value: Option<String>,
    /// The Shapley value, in the model's raw units (log-odds for a classifier, the target's unit for a regressor).
    pub amount: f64,
}

/// How a model is asked to explain its own answers.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExplainRequest<'a> {
    /// The position of the class; the last (positive) one when `None`. Without meaning to a regressor.
    pub class: Option<usize>,
    /// Rows that the values of features outside a coalition are taken from. `None` for what the model remembers of its
    /// training.
    pub background: Option<&'a crate::Table>,
    /// Whether the interactions of features are wanted too.
    pub interactions: bool,
}

/// How attributions were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Exact on trees, features outside a coalition following the training rows that passed each split.
    Tree,
    /// Exact on trees, against background rows.
    TreeInterventional,
    /// Exact on a linear model, against the means of its features.
    Linear,
    /// KernelSHAP against background rows.
    Kernel,
    /// Sampled orders of the features, against background rows.
    Permutation,
}

/// What attributions add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// The logarithm of the odds of the class.
    LogOdds,
    /// The probability of the class.
    Probability,
    /// The predicted value, in the target's unit.
    Target,
    /// The model's own score, before what makes a prediction of it.
    Score,
}

impl Unit {
    /// The words for people; empty for the target's own unit.
    pub fn words(self) -> &'static str {
        match self {
            Unit::LogOdds => "log-odds",
            Unit::Probability => "probability",
            Unit::Target => "",
            Unit::Score => "score",
        }
    }
}

/// Why some rows are answered as they are: for each row the base value and its amounts sum to the answer in `unit`.
#[derive(Clone, Debug, PartialEq)]
pub struct Attributions {
    /// The answer before anything is known of a row.
    pub base: f64,
    /// How many features there are, in the order of the signature.
    pub features: usize,
    /// The Shapley value of each feature, row after row.
    pub amounts: Vec<f64>,
    /// The interaction values: for each row a symmetric matrix whose lines sum to the amounts.
    pub interactions: Option<Vec<f64>>,
    /// The standard error of each amount, when they are estimates.
    pub errors: Option<Vec<f64>>,
    /// Whether the amounts are exact.
    pub exact: bool,
    /// How they were made.
    pub method: Method,
    /// What they add up to.
    pub unit: Unit,
}

/// A loaded model, ready to answer.
pub trait Model: Send + Sync {
    /// What it takes and gives.
    fn signature(&self) -> &Signature;

    /// Answers many rows. The table holds at least the features; other columns are ignored.
    fn predict(&self, rows: &crate::Table) -> Result<Predictions>;

    /// Answers one row, whose values stand in the order of `signature().features`; the scores are appended to `scores`
    /// (`signature().width()` of them).
    fn predict_row(&self, row: &[crate::Value], scores: &mut Vec<f64>) -> Result<()>;

    /// Explains many rows exactly, in the model's raw units. `None` where the model has no exact method for the request;
    /// it may have one against a background.
    ///
    /// # Errors
    /// `InvalidInput` for a class that it does not have, and as `predict` for rows that do not fit.
    fn explain(&self, _rows: &crate::Table, _request: &ExplainRequest<'_>) -> Result<Option<Attributions>> {
        Ok(None)
    }

    /// What it keeps in memory, in bytes; an estimate.
    fn memory_bytes(&self) -> u64;
}

/// A loaded model of tensors, ready to answer.
pub trait TensorModel: Send + Sync {
    /// What it takes and gives.
    fn signature(&self) -> &TensorSignature;

    /// Answers. The inputs were checked against the signature; `wanted` names the outputs that are needed, all when it is
    /// `None`. It may give more than those.
    ///
    /// # Errors
    /// `Overloaded` or `Unavailable` when it cannot answer now, `DeadlineExceeded` when `within` was not enough, and what
    /// the model fails with.
    fn run(&self, inputs: &[Tensor], wanted: Option<&[&str]>, within: Duration) -> Result<Vec<Tensor>>;

    /// How many requests it answers at the same time; more of them wait.
    fn parallel(&self) -> usize;

    /// What it keeps in memory, in bytes, processes of its own included; an estimate.
    fn memory_bytes(&self) -> u64;
}

/// What a model takes and gives, of either kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interface {
    /// Features in, scores out.
    Rows(Signature),
    /// Named tensors in and out.
    Tensors(TensorSignature),
}

/// A model that an engine loaded.
#[derive(Clone)]
pub enum Loaded {
    /// One of rows: features in, scores out.
    Rows(Arc<dyn Model>),
    /// One of tensors.
    Tensors(Arc<dyn TensorModel>),
}

impl Loaded {
    /// The model of rows.
    ///
    /// # Errors
    /// `UnsupportedModel` when it is one of tensors.
    pub fn rows(self) -> Result<Arc<dyn Model>> {
        match self {
            Loaded::Rows(model) => Ok(model),
            Loaded::Tensors(_) => Err(Error::new(
                ErrorCode::UnsupportedModel,
                "the model takes tensors; a loop needs one that takes features and gives scores",
            )),
        }
    }

    /// What it takes and gives.
    pub fn interface(&self) -> Interface {
        match self {
            Loaded::Rows(model) => Interface::Rows(model.signature().clone()),
            Loaded::Tensors(model) => Interface::Tensors(model.signature().clone()),
        }
    }

    /// What it keeps in memory, in bytes; an estimate.
    pub fn memory_bytes(&self) -> u64 {
        match self {
            Loaded::Rows(model) => model.memory_bytes(),
            Loaded::Tensors(model) => model.memory_bytes(),
        }
    }
}

/// Loads models of the formats it knows.
pub trait Engine: Send + Sync {
    /// The name of the engine, as in `flyball engines list`.
    fn name(&self) -> &'static str;

    /// Whether it may be asked for models of this format.
    fn reads(&self, format: Format) -> bool;

    /// Whether it can work on this machine: one line that says with what, or an error that says what is missing and how
    /// to get it.
    ///
    /// # Errors
    /// `UnsupportedModel` with the next step.
    fn state(&self) -> Result<String>;

    /// Loads a model.
    ///
    /// # Errors
    /// `UnsupportedModel` that says which operator, type or library is missing; `InvalidData` for a broken file.
    fn load(&self, package: &Package<'_>) -> Result<Loaded>;
}

/// What a trainer is asked for.
#[derive(Clone, Debug)]
pub struct TrainRequest<'a> {
    /// What to learn.
    pub task: Task,
    /// Features and label, rows without a label already left out.
    pub rows: &'a crate::Table,
    /// The column to predict.
    pub label: &'a str,
    /// The columns to learn from.
    pub features: &'a [String],
    /// How much each row counts; all alike when absent.
    pub weights: Option<&'a [f64]>,
    /// Rows to watch for early stopping; never learned from.
    pub validation: Option<&'a crate::Table>,
    /// The trainer's parameters, as in the loop file's `with`.
    pub parameters: &'a serde_json::Map<String, serde_json::Value>,
    /// The seed of every random choice.
    pub seed: u64,
}

/// What training gave.
#[derive(Clone, Debug)]
pub struct Trained {
    /// One ONNX graph: encoders included, one named input per feature.
    pub artifact: Vec<u8>,
    /// The contract of the model.
    pub signature: Signature,
    /// The parameters as used, defaults included.
    pub parameters: serde_json::Map<String, serde_json::Value>,
    /// The validation metric by iteration, when there were validation rows: its name and its values.
    pub curve: Option<(String, Vec<f64>)>,
    /// The mean absolute contribution or gain of each feature, largest first.
    pub importance: Vec<(String, f64)>,
}

/// Learns models.
pub trait Trainer: Send + Sync {
    /// The name under which a loop file asks for it (`gbdt`, `linear`).
    fn name(&self) -> &'static str;

    /// Learns a model. The same request gives the same bytes.
    fn train(&self, request: &TrainRequest<'_>) -> Result<Trained>;
}

/// The model of a package, from the first of `engines` that can load it; else the errors of all that tried, joined.
///
/// # Errors
/// `UnsupportedModel` that says what each engine lacks; what a lone engine fails with.
pub fn load(engines: &[Arc<dyn Engine>], package: &Package<'_>) -> Result<Loaded> {
    let format = package.format();
    let mut refusals: Vec<(&str, Error)> = Vec::new();
    for engine in engines.iter().filter(|engine| engine.reads(format)) {
        match engine.load(package) {
            Ok(model) => return Ok(model),
            // A damaged file or a store that does not answer is not the engine's fault; another one would not help.
            Err(error) if error.code().status() >= 500 => return Err(error),
            Err(error) => refusals.push((engine.name(), error)),
        }
    }
    if refusals.is_empty() {
        let error = Error::new(ErrorCode::UnsupportedModel, format!("no engine here loads {} models", format.as_str()));
        return Err(error.hint(if format.runs_code() {
            "they run code of their own: start the server without --no-model-code, or log the model as ONNX"
        } else {
            "`flyball engines list` says what there is"
        }));
    }
    if refusals.len() == 1 {
        return Err(refusals.swap_remove(0).1);
    }
    let told: Vec<String> = refusals.iter().map(|(name, error)| format!("{name}: {error}")).collect();
    let message = format!("no engine can load the {} model ({})", format.as_str(), told.join("; "));
    let next = refusals.iter().rev().find_map(|(_, error)| error.next_step());
    Err(Error::new(ErrorCode::UnsupportedModel, message)
        .hint(next.unwrap_or("`flyball engines list` says what each engine needs").to_owned()))
}

/// The model of rows in the bytes of an ONNX file, as loops keep theirs.
///
/// # Errors
/// As [`load`]; `UnsupportedModel` when it takes tensors.
pub fn load_graph(engines: &[Arc<dyn Engine>], graph: &[u8]) -> Result<Arc<dyn Model>> {
    let digest = Digest::of(graph);
    let manifest = package::lone(Format::Onnx, digest, graph.len());
    load(engines, &Package::new(digest, &manifest, &Lone(graph)))?.rows()
}
