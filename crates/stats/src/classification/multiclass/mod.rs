//! Metrics over several classes: labels are class indexes, probabilities rows of one value per class.

mod matrix;
mod metrics;
mod probabilities;

pub use matrix::{Average, ClassScore, ConfusionMatrix};
pub use metrics::multiclass_metrics;
pub use probabilities::MulticlassProbabilities;
