//! The words of this context: dataset versions, where they came from, and what their checks found.

use flyball_core::{Digest, Kind, Name, Table, Timestamp};
use serde::{Deserialize, Serialize};

use crate::check::CheckOutcome;
use crate::source::SourceFile;

/// An immutable snapshot of a dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetVersion {
    /// Its id.
    pub id: String,
    /// The dataset.
    pub dataset: Name,
    /// Its number in the dataset, from 1 without gaps.
    pub version: i64,
    /// The digest of its Parquet file.
    pub content: Digest,
    /// The digest of what it was made from; the same recipe is not worked through twice in a row.
    pub recipe: Digest,
    /// How many rows.
    pub rows: usize,
    /// The columns, in order.
    pub columns: Vec<ColumnSchema>,
    /// Where it came from.
    pub origin: Origin,
    /// How many rows of the source could not be read.
    pub broken_rows: usize,
    /// The blob with those rows, when there are any.
    pub quarantine: Option<Digest>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
}

impl DatasetVersion {
    /// The version as people write it: `flights@3`.
    pub fn label(&self) -> String {
        format!("{}@{}", self.dataset, self.version)
    }
}

/// A column of a dataset version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnSchema {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
}

impl ColumnSchema {
    /// The columns of a table.
    pub fn of(table: &Table) -> Vec<ColumnSchema> {
        table.columns().map(|(name, column)| ColumnSchema { name: name.to_owned(), kind: column.kind() }).collect()
    }
}

/// Where a dataset version came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Origin {
    /// Files of the project.
    Files {
        /// The path or pattern as declared.
        source: String,
        /// The files that it named.
        files: Vec<SourceFile>,
    },
    /// A query over other versions.
    Query {
        /// The SQL text.
        sql: String,
        /// Its digest.
        sql_digest: Digest,
        /// The ids of the versions that it read, in order of their datasets' names.
        inputs: Vec<String>,
    },
    /// What a model said of another version.
    Predictions {
        /// The ids of the version that it was asked.
        inputs: Vec<String>,
        /// The endpoint whose version of a model answered.
        endpoint: String,
        /// The registered model.
        model: String,
        /// Its version.
        model_version: i64,
        /// The content address of the model.
        artifact: Digest,
    },
    /// What annotators of a labelling project agreed on.
    Labels {
        /// The ids of the versions whose rows they labelled.
        inputs: Vec<String>,
        /// The labelling project.
        project: String,
        /// How answers became one.
        consensus: String,
        /// The digest of the answers.
        annotations: Digest,
    },
}

impl Origin {
    /// The ids of the versions that it was made from.
    pub fn inputs(&self) -> &[String] {
        match self {
            Origin::Files { .. } => &[],
            Origin::Query { inputs, .. } | Origin::Predictions { inputs, .. } | Origin::Labels { inputs, .. } => inputs,
        }
    }
}

/// What the checks of a dataset version found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidationReport {
    /// Its id.
    pub id: String,
    /// The id of the dataset version.
    pub version_id: String,
    /// When the checks ran.
    pub at: Timestamp,
    /// Who ran them.
    pub actor: String,
    /// Whether nothing that blocks has failed.
    pub passed: bool,
    /// The checks, in their order.
    pub outcomes: Vec<CheckOutcome>,
    /// The Parquet blob with the first failing rows, when there are any.
    pub failing_rows: Option<Digest>,
}

/// What a version was made from and what was made from it, over any number of steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lineage {
    /// All versions that take part, the one asked for first.
    pub versions: Vec<DatasetVersion>,
    /// Pairs of ids: an input and what was made from it.
    pub edges: Vec<(String, String)>,
}
