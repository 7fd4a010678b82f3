//! Explanations of any model that answers batches of rows: sampled Shapley values, importance, effects of a feature, and
//! what would have changed an answer.

pub mod coalition;
pub mod counterfactual;
pub mod effects;
mod importance;
mod kernel;
mod normal_equations;
mod permutation;

pub use coalition::{Coalition, Estimate, Game};
pub use importance::{Importance, Loss, permutation_importance};
pub use kernel::kernel_shap;
pub use permutation::permutation_shap;
