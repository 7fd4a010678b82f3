//! The verbs of monitors.

use clap::Subcommand;
use flyball_core::Timestamp;

/// Verbs of monitors; the monitor of a loop has its name.
#[derive(Debug, Subcommand)]
pub(crate) enum MonitorsVerb {
    /// The judged windows of a loop, the newest first.
    Windows {
        /// The loop.
        name: String,
        /// At most so many.
        #[arg(long, default_value_t = 30, value_name = "N")]
        limit: usize,
    },
    /// One window: what it showed, and what it may come from.
    Show {
        /// The loop.
        name: String,
        /// A moment in it; the newest window without one.
        #[arg(value_name = "TIME")]
        at: Option<Timestamp>,
    },
    /// The drift of any stretch of time, from the kept windows.
    Drift {
        /// The loop.
        name: String,
        /// From, as 2013-07-01.
        #[arg(long, value_name = "TIME")]
        from: Timestamp,
        /// To, exclusive.
        #[arg(long, value_name = "TIME")]
        to: Timestamp,
        /// Compare with the stretch of this length just before, instead of with what the model was built on.
        #[arg(long, value_name = "TIME")]
        against_from: Option<Timestamp>,
    },
    /// How groups were treated in a stretch of time.
    Fairness {
        /// The loop.
        name: String,
        /// The features whose groups are compared.
        #[arg(long, required = true, value_delimiter = ',', value_name = "COLUMNS")]
        by: Vec<String>,
        /// From, as 2013-07-01.
        #[arg(long, value_name = "TIME")]
        from: Timestamp,
        /// To, exclusive.
        #[arg(long, value_name = "TIME")]
        to: Timestamp,
    },
}
