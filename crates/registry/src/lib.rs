//! The registry: named models with numbered versions, their tags, aliases and stages, and who is told of changes.
//!
//! One registry for both worlds: what clients of MLflow register, and what loops make. A version that Flyball can serve
//! has a [`Package`]; loops and serving see only those, through [`packages`].

pub mod aliases;
pub mod import;
mod lineage;
pub mod model;
pub mod models;
pub mod packages;
pub mod provenance;
mod rows;
mod rules;
pub mod search;
mod sources;
pub mod tags;
pub mod versions;
pub mod webhooks;

pub use model::{
    CHALLENGER, CHAMPION, ModelVersion, NewModel, NewModelVersion, NewPackage, Package, PackagedVersion,
    RegisteredModel,
};
pub use rules::{PROMPT_TAG, Stage};
pub use versions::artifact_uri;
