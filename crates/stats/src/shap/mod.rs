//! Shapley values: how much each feature moved one prediction away from the average one.

mod linear;
mod quadrature;
mod tree;

pub use linear::{LinearModel, linear_shap};
pub use tree::{Comparison, Ensemble, Explainer, Explanation, InvalidTree, Node, Tree};
