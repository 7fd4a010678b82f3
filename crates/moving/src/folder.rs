//! A store as a folder: `records.jsonl` with one record a line, `blobs/` with the files under their digests, and
//! `manifest.json`, which is written last and says what is in it.
//!
//! A line is an object with one key, which names the record. What hangs on a run or logged model follows it up to `end`:
//! `points` of a metric (`[milliseconds, step, value]`, where NaN is a text) and `file`s. An experiment holds what follows
//! it, and may be named again; versions follow their registered model.

mod read;
mod write;

use flyball_core::Digest;
use serde::{Deserialize, Serialize};

pub use self::read::Folder;
pub use self::write::export;
use crate::record::{Experiment, LoggedModel, ModelVersion, Point, RegisteredModel, Run};
use crate::source::LeftOut;
use crate::tally::Tally;

/// The file of records.
const RECORDS: &str = "records.jsonl";
/// The file of records while it is not whole.
const UNFINISHED: &str = "records.jsonl.part";
/// What is in the folder.
const MANIFEST: &str = "manifest.json";
/// What the manifest says of its form.
const FORMAT: &str = "flyball-mlflow";
/// The version of the form.
const VERSION: u32 = 1;

/// A line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Experiment(Experiment),
    Run(Box<Run>),
    Points { key: String, points: Vec<Point> },
    LoggedModel(Box<LoggedModel>),
    File { path: String, size: u64, digest: Digest },
    End {},
    RegisteredModel(RegisteredModel),
    ModelVersion(Box<ModelVersion>),
}

/// What the manifest says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// `flyball-mlflow`.
    pub format: String,
    /// The version of the form.
    pub version: u32,
    /// Where it is from.
    pub origin: String,
    /// What is in it, by kind, with digests.
    pub tally: Tally,
    /// What could not be carried.
    pub left_out: Vec<LeftOut>,
}
