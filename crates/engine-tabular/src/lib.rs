//! Flyball's own engine for tabular models, and its built-in trainers.
//!
//! [`TabularEngine`] evaluates ONNX graphs of the classical machine-learning operators (tree ensembles, linear models,
//! encoders, scalers and the arithmetic around them) as ONNX Runtime does, without any library, and boosters of XGBoost
//! and LightGBM as these do. [`Gbdt`] and [`Linear`] learn models and export them as such graphs, with one named input
//! per feature, so that any ONNX runtime serves them.

mod boosters;
mod explain;
mod explain_trees;
mod forest;
mod graph;
mod model;
mod onnx;
mod plan;
mod signature;
mod train;

use std::sync::Arc;

use flyball_core::model::{Engine, Loaded, Trainer};
use flyball_core::{Format, Package, Result};

pub use train::gbdt::Gbdt;
pub use train::linear::Linear;

/// The engine `tabular`.
///
/// Boosters answer with what `predict` of their library gives, classifiers with the probability of each class. XGBoost
/// reads 32-bit floats and LightGBM 64-bit ones, and so are they compared here. A category that the model does not know
/// is missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct TabularEngine;

impl Engine for TabularEngine {
    fn name(&self) -> &'static str {
        "tabular"
    }

    fn reads(&self, format: Format) -> bool {
        matches!(format, Format::Onnx | Format::Xgboost | Format::Lightgbm)
    }

    fn state(&self) -> Result<String> {
        Ok("built in".to_owned())
    }

    fn load(&self, package: &Package<'_>) -> Result<Loaded> {
        model::load(package).map(Loaded::Rows)
    }
}

/// The built-in trainers.
pub fn trainers() -> Vec<Arc<dyn Trainer>> {
    vec![Arc::new(Gbdt), Arc::new(Linear)]
}
