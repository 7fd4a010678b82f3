//! Have columns changed together, though perhaps none alone?
//!
//! Four ways to see it: [`Pca`] (do rows still lie where those of the reference lay?), [`domain_classifier`] (can rows
//! be told from those of the reference, and by what?), [`mmd`] (how far apart are the distributions?), and
//! [`FourierFeatures`] (the same for embeddings, from means that are kept and merged). Tables come as columns, rows of
//! embeddings as one slice with a width.

mod domain;
mod eigen;
mod fourier;
mod mmd;
mod pca;

pub use domain::{DomainClassifier, NANNYML_RANGE, domain_classifier};
pub use eigen::{Eigen, symmetric_eigen};
pub use fourier::{FourierFeatures, MeanEmbedding};
pub use mmd::{Mmd, MmdTest, mmd, mmd_test};
pub use pca::{Pca, Reconstruction};
