//! Whether the rows of a window can be told from those of the reference, and by what: a classifier learns to.

use serde::{Deserialize, Serialize};

/// How well the rows of a window are told from those of the reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToldApart {
    /// The area under the ROC curve on rows that were not learnt from: 0.5 when they cannot be told apart, 1 when always.
    pub auc: f64,
    /// The least that it is, with 95 % confidence.
    pub low: f64,
    /// The most that it is.
    pub high: f64,
    /// The probability of such an area where nothing changed.
    pub p_value: f64,
    /// Rows of each side that were looked at.
    pub rows: usize,
    /// The features that tell them apart together, each with its share, the largest first; empty while chance explains the
    /// area.
    pub features: Vec<(String, f64)>,
}
