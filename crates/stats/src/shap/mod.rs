//! Shapley values: how much each feature moved one prediction away from the average one.
//!
//! Two games are played. *Path-dependent*: a split on a feature outside the coalition sends the row both ways, by
//! training cover (Lundberg et al., "Consistent Individualized Feature Attribution for Tree Ensembles", 2018).
//! *Interventional*: features outside the coalition take their values from a background row, and the mean over the
//! background counts (Janzing et al., 2020).

mod background;
mod compiled;
mod cover;
mod explainer;
mod linear;
mod model;
mod path;
mod quadrature;
mod walk;

pub use explainer::{Explainer, Explanation, Explanations};
pub use linear::{LinearModel, linear_shap};
pub use model::{Comparison, Ensemble, InvalidTree, Node, Tree};
