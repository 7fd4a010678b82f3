//! What the rows of datasets are asked.

use clap::{Args, Subcommand};

/// Verbs on the rows of datasets.
#[derive(Debug, Subcommand)]
pub(crate) enum RowsVerb {
    /// What the checks of a version found, with the rows that failed; exit code 1 when one that blocks did.
    Check {
        /// The dataset, or NAME@3 for a version.
        version: String,
    },
    /// Checks that hold for the rows that are there, for the loop file.
    Suggest {
        /// A dataset, NAME@3 for a version, or a file (Parquet, CSV, JSON lines).
        rows: String,
    },
    /// What the columns of a version hold: types, missing and different values, quantiles, what should be masked.
    Profile {
        /// A dataset, NAME@3 for a version, or a file (Parquet, CSV, JSON lines).
        rows: String,
    },
    /// What two versions differ in, row by row.
    Rows(RowsOptions),
}

/// Options of `data rows`.
#[derive(Debug, Args)]
pub(crate) struct RowsOptions {
    /// The version before, as NAME@1, or a file.
    pub(crate) before: String,
    /// The version after, or a file.
    pub(crate) after: String,
    /// The columns that tell rows apart, with commas between them.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', required = true)]
    pub(crate) key: Vec<String>,
}
