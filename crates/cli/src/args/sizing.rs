//! The options of `sample-size`.

use clap::{Args, Subcommand};

/// Options of `sample-size`.
#[derive(Debug, Args)]
pub(crate) struct SampleSizeOptions {
    /// What shall be found.
    #[command(subcommand)]
    pub(crate) question: SizeOf,
    /// The chance of finding a difference that is there.
    #[arg(long, global = true, default_value_t = 0.8, value_name = "CHANCE")]
    pub(crate) power: f64,
    /// The chance of finding one that is not.
    #[arg(long, global = true, default_value_t = 0.05, value_name = "CHANCE")]
    pub(crate) alpha: f64,
}

/// What shall be found.
#[derive(Debug, Subcommand)]
pub(crate) enum SizeOf {
    /// That a rate moved, as of errors or of clicks, between two groups of rows.
    Proportions {
        /// The rate of the first group, as 0.25.
        #[arg(long, value_name = "SHARE")]
        from: f64,
        /// The rate of the second group.
        #[arg(long, value_name = "SHARE")]
        to: f64,
        /// Rows of the second group for each of the first.
        #[arg(long, default_value_t = 1.0)]
        ratio: f64,
    },
    /// That a mean moved, as of losses or of latencies.
    Means {
        /// By how much, in the unit of the numbers.
        #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
        difference: f64,
        /// The standard deviation of the numbers; with --paired of the differences of rows.
        #[arg(long, value_name = "AMOUNT")]
        deviation: f64,
        /// Both models answer the same rows.
        #[arg(long, conflicts_with = "ratio")]
        paired: bool,
        /// Rows of the second group for each of the first.
        #[arg(long, default_value_t = 1.0)]
        ratio: f64,
    },
    /// That one model ranks better than the other.
    Auc {
        /// The AUC of the first model.
        #[arg(long, value_name = "AUC")]
        from: f64,
        /// The AUC of the second model.
        #[arg(long, value_name = "AUC")]
        to: f64,
        /// The share of positives.
        #[arg(long, value_name = "SHARE")]
        prevalence: f64,
        /// How the AUCs correlate: 0 on different rows, often 0.5 and more where both models answer the same.
        #[arg(long, default_value_t = 0.0)]
        correlation: f64,
    },
    /// That one classifier is right more often than the other, on the same rows.
    Mcnemar {
        /// The share of rows where the challenger alone is right.
        #[arg(long, value_name = "SHARE")]
        better: f64,
        /// The share of rows where the champion alone is right.
        #[arg(long, value_name = "SHARE")]
        worse: f64,
    },
    /// That a column of a window drifted from the reference.
    Drift {
        /// The smallest Kolmogorov–Smirnov distance that matters, from 0 to 1.
        #[arg(long, value_name = "DISTANCE")]
        effect: f64,
        /// Rows of the reference.
        #[arg(long, value_name = "ROWS")]
        reference: u64,
        /// Columns that are watched together; they share the false alarms.
        #[arg(long, default_value_t = 1)]
        columns: u32,
    },
}
