//! Bringing in what other tools keep.

mod dvc;
mod pointer;

pub use dvc::Imported;
