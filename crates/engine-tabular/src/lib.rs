//! Flyball's own engine for tabular models, and its built-in trainers.
//!
//! [`TabularEngine`] evaluates ONNX graphs of the classical machine-learning operators (tree ensembles, linear models,
//! encoders, scalers and the arithmetic around them) as ONNX Runtime does, without any library. [`Gbdt`] and [`Linear`]
//! learn models and export them as such graphs, with one named input per feature, so that any ONNX runtime serves them.

mod explain;
mod graph;
mod model;
mod onnx;
mod plan;
mod signature;
mod train;

use std::sync::Arc;

use flyball_core::Result;
use flyball_core::model::{Engine, Model, Trainer};

pub use train::gbdt::Gbdt;
pub use train::linear::Linear;

/// The engine `tabular`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TabularEngine;

impl Engine for TabularEngine {
    fn name(&self) -> &'static str {
        "tabular"
    }

    fn load(&self, artifact: &[u8]) -> Result<Arc<dyn Model>> {
        model::load(artifact)
    }
}

/// The built-in trainers.
pub fn trainers() -> Vec<Arc<dyn Trainer>> {
    vec![Arc::new(Gbdt), Arc::new(Linear)]
}
