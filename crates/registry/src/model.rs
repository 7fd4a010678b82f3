//! Model versions and aliases.

use flyball_core::{Digest, Signature, Timestamp};
use serde::Serialize;

/// The alias of the version that serves.
pub const CHAMPION: &str = "champion";
/// The alias of the version that wants to.
pub const CHALLENGER: &str = "challenger";

/// What a new version is made of.
#[derive(Clone, Debug)]
pub struct NewVersion {
    /// The registered model, by default the loop's name.
    pub model: String,
    /// The run that made it; a run makes one version at the most.
    pub run_id: String,
    /// The blob of the ONNX graph.
    pub artifact: Digest,
    /// The contract.
    pub signature: Signature,
    /// The blob of the reference sample that monitors compare with.
    pub reference: Digest,
    /// The evaluation on the holdout rows, as JSON.
    pub evaluation: serde_json::Value,
}

/// A version as stored. Everything in it is immutable but the aliases that point at it.
#[derive(Clone, Debug, Serialize)]
pub struct ModelVersion {
    /// The registered model.
    pub model: String,
    /// The number, from 1.
    pub version: i64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// The run that made it.
    pub run_id: String,
    /// The blob of the ONNX graph.
    pub artifact: Digest,
    /// The contract.
    pub signature: Signature,
    /// The blob of the reference sample.
    pub reference: Digest,
    /// The evaluation on the holdout rows.
    pub evaluation: serde_json::Value,
    /// The aliases that point at it now.
    pub aliases: Vec<String>,
}
