//! Reading and writing ONNX files.

pub(crate) mod build;
pub(crate) mod proto;
pub(crate) mod read;

/// The domain of the operators for classical machine learning.
pub(crate) const ML_DOMAIN: &str = "ai.onnx.ml";
/// The key under which a model's `Signature` stands in the metadata, as JSON.
pub(crate) const SIGNATURE_KEY: &str = "flyball.signature";
/// The key of the mean of each model column over the training rows (a JSON list), which linear explanations start from.
pub(crate) const MEANS_KEY: &str = "flyball.means";
