//! What a loop runs on: the services of every stage, one clock, and the engines that the binary was built with.

use std::path::PathBuf;
use std::sync::Arc;

use flyball_core::model::{Engine, Trainer};
use flyball_core::{Clock, Edit, Error, ErrorCode, Name, Permit, Result};
use flyball_data::{Datasets, QueryEngine};
use flyball_governance::identity;
use flyball_serving::Serving;
use flyball_store::{Blobs, Db};

pub use crate::references::References;

/// The services that loops use. Production and simulations differ only in the clock.
#[derive(Clone)]
pub struct Platform {
    /// Metadata.
    pub db: Db,
    /// Content-addressed blobs.
    pub blobs: Blobs,
    /// The time: the machine's, or a virtual one.
    pub clock: Arc<dyn Clock>,
    /// Datasets and their versions.
    pub datasets: Arc<Datasets>,
    /// Answers SQL over tables in memory.
    pub query: Arc<dyn QueryEngine>,
    /// Endpoints.
    pub serving: Arc<Serving>,
    /// What versions are judged by.
    pub references: Arc<References>,
    /// Load models.
    pub engines: Vec<Arc<dyn Engine>>,
    /// Learn models.
    pub trainers: Vec<Arc<dyn Trainer>>,
    /// The folder that relative paths of a loop file start from.
    pub project_root: PathBuf,
    /// The address of the server, for the environment of training commands.
    pub address: Option<String>,
}

impl Platform {
    /// The trainer called `name`.
    pub fn trainer(&self, name: &str) -> Result<&Arc<dyn Trainer>> {
        self.trainers.iter().find(|trainer| trainer.name() == name).ok_or_else(|| {
            let known: Vec<&str> = self.trainers.iter().map(|trainer| trainer.name()).collect();
            Error::new(ErrorCode::InvalidLoopFile, format!("there is no trainer '{name}'"))
                .hint(format!("train.uses knows: {}; or run a command of yours with train.run", known.join(", ")))
        })
    }
}

/// The permit under which a loop acts by itself.
pub fn permit_of(name: &Name) -> Result<Permit<Edit>> {
    Ok(identity::for_loop(name)?.edit())
}
