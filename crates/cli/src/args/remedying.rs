//! The verbs of remedies.

use clap::{Args, Subcommand};

/// Verbs of remedies.
#[derive(Debug, Subcommand)]
pub(crate) enum RemediesVerb {
    /// What they did, wanted or held back, newest first, and what is paused.
    List {
        /// Only those of this loop.
        #[arg(value_name = "LOOP")]
        loop_name: Option<String>,
        /// Only what waits for approval.
        #[arg(long)]
        waiting: bool,
    },
    /// One action, whole: its diagnosis, its evidence and what came of it.
    Show {
        /// The action.
        id: String,
    },
    /// What the remedies of a loop would do now, and what holds them back.
    Plan {
        /// The loop.
        #[arg(value_name = "LOOP")]
        loop_name: String,
    },
    /// Let an action be done that waits for approval.
    Approve(DecideOptions),
    /// Refuse an action that waits for approval.
    Deny(DecideOptions),
    /// Stop the remedies of a loop, or all of them.
    Pause(SwitchOptions),
    /// Let remedies act again that were paused or have given up.
    Resume(SwitchOptions),
    /// End the quarantine of a loop's data: what comes from now on is learned from again.
    Release {
        /// The loop.
        #[arg(value_name = "LOOP")]
        loop_name: String,
        /// Why, for the record.
        #[arg(long, default_value = "", value_name = "TEXT")]
        reason: String,
    },
}

/// An action that a person decides on.
#[derive(Debug, Args)]
pub(crate) struct DecideOptions {
    /// The action.
    pub(crate) id: String,
    /// Why, for the record.
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub(crate) reason: String,
}

/// Whose remedies are switched.
#[derive(Debug, Args)]
pub(crate) struct SwitchOptions {
    /// The loop; all of them when absent.
    #[arg(value_name = "LOOP")]
    pub(crate) loop_name: Option<String>,
    /// Why, for the record.
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub(crate) reason: String,
}
