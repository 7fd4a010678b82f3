//! Python environments, one for each peer: their requirements exclude each other.

use std::path::PathBuf;

use anyhow::Result;

use crate::setup;

/// The Python of the environment that `dev/bench/serving/NAME.txt` describes.
pub(super) fn python(name: &str) -> Result<PathBuf> {
    // MLServer takes no newer Python, NumPy no older one.
    setup::environment(&format!("serving-peers/{name}"), &format!("dev/bench/serving/{name}.txt"), (11, 12))
}
