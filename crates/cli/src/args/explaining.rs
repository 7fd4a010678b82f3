//! The options of explanations.

use std::path::PathBuf;

use clap::Args;

/// Options of `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainOptions {
    /// The endpoint whose model is explained.
    pub(crate) endpoint: String,
    /// The rows: a file with a JSON list of objects, or - for standard input; without it, what matters to the model as a whole.
    #[arg(conflicts_with = "global", value_name = "FILE")]
    pub(crate) rows: Option<PathBuf>,
    /// Say what matters to the model as a whole.
    #[arg(long)]
    pub(crate) global: bool,
    /// Of the model as a whole: show how answers move with this feature.
    #[arg(long, conflicts_with = "rows", value_name = "FEATURE")]
    pub(crate) feature: Option<String>,
    /// How: auto, tree, linear, kernel or permutation.
    #[arg(long, conflicts_with = "global", default_value = "auto", value_name = "METHOD")]
    pub(crate) method: String,
    /// The class whose score is explained [default: the last one].
    #[arg(long, value_name = "CLASS")]
    pub(crate) class: Option<String>,
    /// What to compare with: reference, records, or a dataset as NAME or NAME@NUMBER.
    #[arg(long, value_name = "ROWS")]
    pub(crate) background: Option<String>,
    /// Show which features act together.
    #[arg(long, conflicts_with = "global")]
    pub(crate) interactions: bool,
    /// Show so many ways that would have changed each answer.
    #[arg(long, conflicts_with = "global", value_name = "N")]
    pub(crate) counterfactuals: Option<usize>,
    /// Features that cannot be changed.
    #[arg(long, requires = "counterfactuals", value_delimiter = ',', value_name = "FEATURE")]
    pub(crate) immutable: Vec<String>,
    /// Explain with this version instead of the one with the largest share.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) version: Option<i64>,
    /// The seed of every random choice.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
}
