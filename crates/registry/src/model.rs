//! Registered models, their versions, and the packages of those that Flyball can serve.

use flyball_core::{Digest, Signature, Timestamp};
use flyball_tracking::Pair;
use serde::Serialize;

use crate::rules::Stage;

/// The alias of the version that serves.
pub const CHAMPION: &str = "champion";
/// The alias of the version that wants to.
pub const CHALLENGER: &str = "challenger";

/// What a new registered model is made of.
#[derive(Clone, Debug, Default)]
pub struct NewModel {
    /// The name, one of its kind in the workspace.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Tags; the last value of a key holds. A tag can make it a prompt.
    pub tags: Vec<Pair>,
}

/// A registered model: a name with numbered versions. Prompts are registered models with a tag that says so.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RegisteredModel {
    /// Its number inside the database.
    #[serde(skip)]
    pub no: i64,
    /// The name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was renamed or described, or a version came, went or changed its stage.
    pub updated_at: Timestamp,
    /// The tags, by key.
    pub tags: Vec<Pair>,
    /// The aliases with the versions that they point at, by name.
    pub aliases: Vec<(String, i64)>,
    /// The newest version of each stage, without their aliases.
    pub latest_versions: Vec<ModelVersion>,
}

/// What a client says of a new version.
#[derive(Clone, Debug, Default)]
pub struct NewModelVersion {
    /// The registered model.
    pub model: String,
    /// Where its files are, as the client names it.
    pub source: String,
    /// The run that made it, when the client says so, be it with an empty text.
    pub run_id: Option<String>,
    /// The logged model that it is, when the client says so.
    pub model_id: Option<String>,
    /// A link to the run, for people.
    pub run_link: String,
    /// What is to be known of it.
    pub description: Option<String>,
    /// Tags; the last value of a key holds. A tag can make it the version of a prompt.
    pub tags: Vec<Pair>,
}

/// A version of a registered model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelVersion {
    /// Its number inside the database.
    #[serde(skip)]
    pub no: i64,
    /// The registered model.
    pub model: String,
    /// The number, from 1.
    pub version: i64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was described or its stage changed.
    pub updated_at: Timestamp,
    /// Its stage, which aliases have replaced.
    pub stage: Stage,
    /// `READY`, or what another registry that it was imported from said.
    pub status: String,
    /// Why it is not ready.
    pub status_message: Option<String>,
    /// Who registered it, when that is known.
    pub user_id: Option<String>,
    /// What is to be known of it.
    pub description: Option<String>,
    /// Where its files are, as the client named it.
    pub source: String,
    /// The run that made it; empty when it is not known.
    pub run_id: String,
    /// A link to the run, for people; may be empty.
    pub run_link: String,
    /// The logged model that it is.
    pub model_id: Option<String>,
    /// The tags, by key.
    pub tags: Vec<Pair>,
    /// The aliases that point at it, by name.
    pub aliases: Vec<String>,
}

/// What Flyball needs to serve and to watch a version.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Package {
    /// The blob of the ONNX graph.
    pub artifact: Digest,
    /// The contract.
    pub signature: Signature,
    /// The blob of the reference sample that monitors compare with.
    pub reference: Digest,
    /// The evaluation on the holdout rows, as JSON.
    pub evaluation: serde_json::Value,
}

/// What a training registers.
#[derive(Clone, Debug)]
pub struct NewPackage {
    /// The registered model, by default the loop's name; it is made when it is missing.
    pub model: String,
    /// The run that made it; a run makes one version of a model at the most.
    pub run_id: String,
    /// Which of the run's models it is: the last part of its source `runs:/RUN/OUTPUT`.
    pub output: &'static str,
    /// The package.
    pub package: Package,
}

/// A version that Flyball can serve. Everything in it is immutable but the aliases that point at it.
#[derive(Clone, Debug, Serialize)]
pub struct PackagedVersion {
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
