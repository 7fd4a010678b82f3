//! The verbs of alerts and of secrets.

use clap::{Args, Subcommand};

/// Verbs of alerts; without one they are listed.
#[derive(Debug, Subcommand)]
pub(crate) enum AlertsVerb {
    /// All of them, firing ones first.
    List {
        /// Only those of this loop.
        #[arg(value_name = "LOOP")]
        loop_name: Option<String>,
        /// Only those that are pending, firing, acknowledged or resolved.
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
    },
    /// One of them, whole: its evidence, its course, and who was told.
    Show {
        /// The alert.
        id: String,
    },
    /// Take an alert on: nobody is told of it again until it is over.
    Ack(NoteOptions),
    /// End an alert by hand; what is still there opens a new one.
    Resolve(NoteOptions),
    /// Tell nobody of some alerts for a while: now, later, or again and again.
    Silence(SilenceOptions),
    /// The silences, and which of them are active.
    Silences,
    /// End a silence.
    Unsilence {
        /// The silence.
        id: String,
    },
    /// Who is told, as the loop files say.
    Routes,
    /// Send a made-up alert to a route; exit code 1 when it is not taken.
    Test {
        /// The route, as LOOP/NAME.
        #[arg(value_name = "LOOP/ROUTE")]
        route: String,
    },
    /// Who was told of what, and how the delivery goes.
    Deliveries {
        /// Only those of this loop.
        #[arg(value_name = "LOOP")]
        loop_name: Option<String>,
    },
}

/// What a person says to an alert.
#[derive(Debug, Args)]
pub(crate) struct NoteOptions {
    /// The alert.
    pub(crate) id: String,
    /// Why, or what is being done.
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub(crate) note: String,
}

/// Options of a silence.
#[derive(Debug, Args)]
pub(crate) struct SilenceOptions {
    /// What an alert's labels have to be, all of it: kind=drift, loop!=flights, subject=~"dep_.*".
    #[arg(required = true, value_name = "MATCHER")]
    pub(crate) matchers: Vec<String>,
    /// For how long.
    #[arg(long = "for", default_value = "8h", value_name = "TIME")]
    pub(crate) lasts: String,
    /// From when on, as 2026-01-31T02:00:00Z [default: now].
    #[arg(long, value_name = "MOMENT")]
    pub(crate) from: Option<String>,
    /// For maintenance that comes back: how long from one start to the next, as 7d.
    #[arg(long, value_name = "TIME")]
    pub(crate) every: Option<String>,
    /// Why, for whoever wonders why nobody was told.
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: String,
}

/// Verbs of secrets.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretsVerb {
    /// Their names; what they hold is never shown.
    List,
    /// Set one to what is read from standard input; files name it as ${{ secrets.NAME }}.
    Set {
        /// The name, as in SLACK_URL.
        name: String,
    },
    /// Forget one.
    Delete {
        /// The name.
        name: String,
    },
}
