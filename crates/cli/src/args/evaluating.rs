//! The options of evaluations and replays.

use std::path::PathBuf;

use clap::Args;

/// Options of `evaluate`.
#[derive(Debug, Args)]
pub(crate) struct EvaluateOptions {
    /// The version, as MODEL/NUMBER.
    #[arg(value_name = "MODEL/NUMBER")]
    pub(crate) version: String,
    /// The dataset, as NAME for its newest version or NAME/NUMBER.
    #[arg(value_name = "DATASET[/NUMBER]")]
    pub(crate) dataset: String,
    /// What is checked: a file with a list as a loop file's `suites` [default: everything with the usual limits].
    #[arg(long, value_name = "FILE")]
    pub(crate) suite: Option<PathBuf>,
    /// The column to predict [default: what the loop of the model says].
    #[arg(long, value_name = "COLUMN")]
    pub(crate) label: Option<String>,
    /// The column that names each row [default: what the loop of the model says].
    #[arg(long, value_name = "COLUMN")]
    pub(crate) key: Option<String>,
    /// The column with the event time [default: what the loop of the model says].
    #[arg(long, value_name = "COLUMN")]
    pub(crate) time: Option<String>,
    /// The column of how much each row counts [default: what the loop of the model says].
    #[arg(long, value_name = "COLUMN")]
    pub(crate) weight: Option<String>,
    /// Rows with the same value of it are ranked against each other [default: what the loop of the model says].
    #[arg(long, value_name = "COLUMN")]
    pub(crate) group: Option<String>,
    /// The columns whose groups are compared.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub(crate) by: Vec<String>,
    /// The version to compare with.
    #[arg(long, value_name = "MODEL/NUMBER")]
    pub(crate) baseline: Option<String>,
    /// The dataset that the version was learned from [default: what the loop of the model says].
    #[arg(long, value_name = "DATASET[/NUMBER]")]
    pub(crate) train: Option<String>,
    /// The form to load it in: onnx, xgboost, lightgbm or pyfunc [default: the fastest that works].
    #[arg(long, value_name = "FORM")]
    pub(crate) format: Option<String>,
}

/// Options of `replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayOptions {
    /// The endpoint whose recorded traffic is replayed.
    pub(crate) endpoint: String,
    /// The candidate, as MODEL/NUMBER.
    #[arg(value_name = "MODEL/NUMBER")]
    pub(crate) version: String,
    /// From which event time on, as 2013-03-01 [default: seven days before the end].
    #[arg(long)]
    pub(crate) from: Option<flyball_core::Timestamp>,
    /// Up to which event time, which is not included [default: now].
    #[arg(long)]
    pub(crate) to: Option<flyball_core::Timestamp>,
    /// How many predictions at most, the newest.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// The features whose groups are compared.
    #[arg(long, value_name = "FEATURE", value_delimiter = ',')]
    pub(crate) by: Vec<String>,
    /// The form to load the candidate in [default: the fastest that works].
    #[arg(long, value_name = "FORM")]
    pub(crate) format: Option<String>,
}
