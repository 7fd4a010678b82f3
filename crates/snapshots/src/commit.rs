//! Commits: who made which tree of files when, and why.

use flyball_core::{Digest, Error, Result, Timestamp};
use serde::{Deserialize, Serialize};

use crate::failure::damaged;

/// A version of a dataset. Its id is the digest of what is kept of it, so that it never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// The dataset for which it was made.
    pub dataset: String,
    /// Where the dataset lay in that project.
    pub path: String,
    /// Whether the dataset was one file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub file: bool,
    /// The versions that it came from; none for the first one.
    pub parents: Vec<Digest>,
    /// Why it was made.
    pub message: String,
    /// Who made it.
    pub author: String,
    /// When it was made.
    pub time: Timestamp,
    /// Its files.
    pub manifest: Digest,
    /// What it has, and what it changed.
    pub stats: Stats,
}

/// What a version has, and what it changed of the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stats {
    /// How many files it has.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many files are new.
    pub added: u64,
    /// How many files have other content.
    pub modified: u64,
    /// How many files are gone.
    pub removed: u64,
}

impl Commit {
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(Error::internal)
    }

    pub(crate) fn decode(id: &Digest, bytes: &[u8]) -> Result<Self> {
        let bad = || damaged(format_args!("the commit {}", id.short()));
        if Digest::of(bytes) != *id {
            return Err(bad());
        }
        serde_json::from_slice(bytes).map_err(|error| bad().cause(error))
    }
}
