//! What a model takes and gives.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Error, Kind, Result};

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

/// A loaded model, ready to answer.
pub trait Model: Send + Sync {
    /// What it takes and gives.
    fn signature(&self) -> &Signature;

    /// Answers many rows. The table holds at least the features; other columns are ignored.
    fn predict(&self, rows: &crate::Table) -> Result<Predictions>;

    /// Answers one row, whose values stand in the order of `signature().features`; the scores are appended to `scores`
    /// (`signature().width()` of them).
    fn predict_row(&self, row: &[crate::Value], scores: &mut Vec<f64>) -> Result<()>;

    /// Explains one row: the expected raw value and the contribution of each feature. The sum of all is the raw score.
    /// Models without an exact method answer `None`.
    fn explain_row(&self, row: &[crate::Value]) -> Result<Option<(f64, Vec<Contribution>)>>;
}

/// Loads models of the formats it knows.
pub trait Engine: Send + Sync {
    /// The name of the engine, as in `flyball engines`.
    fn name(&self) -> &'static str;

    /// Loads a model from the bytes of its artifact (an ONNX file). An error says which operator or type is missing.
    fn load(&self, artifact: &[u8]) -> Result<Arc<dyn Model>>;
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

/// The engine among `engines` that can load `artifact`, with the model; else the errors of all, joined.
pub fn load(engines: &[Arc<dyn Engine>], artifact: &[u8]) -> Result<Arc<dyn Model>> {
    let mut refusals = Vec::new();
    for engine in engines {
        match engine.load(artifact) {
            Ok(model) => return Ok(model),
            Err(error) => refusals.push(format!("{}: {error}", engine.name())),
        }
    }
    Err(Error::new(
        crate::ErrorCode::UnsupportedModel,
        format!("no engine can load the model ({})", refusals.join("; ")),
    )
    .hint("export the model to ONNX with the operators that docs/reference/engines.md lists"))
}
