//! The verbs of runs, experiments and models.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What a list shows.
#[derive(Debug, Args)]
pub(crate) struct Search {
    /// What must hold, as in "metrics.auc > 0.7 AND params.depth = '6'".
    #[arg(long, value_name = "FILTER")]
    pub(crate) filter: Option<String>,
    /// The order, as in "metrics.auc DESC".
    #[arg(long, value_name = "STEPS")]
    pub(crate) order_by: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) limit: usize,
}

/// Verbs of runs.
#[derive(Debug, Subcommand)]
pub(crate) enum RunsVerb {
    /// Find runs, the newest first.
    List {
        /// Only those of this experiment.
        #[arg(long, value_name = "NAME")]
        experiment: Option<String>,
        /// Show these beside each run, as in "metrics.auc,params.depth".
        #[arg(long, value_delimiter = ',', value_name = "KEYS")]
        show: Vec<String>,
        /// Those in the bin instead.
        #[arg(long)]
        deleted: bool,
        #[command(flatten)]
        search: Search,
    },
    /// One of them, whole.
    Show {
        /// The run.
        id: String,
    },
    /// Several beside each other: parameters that differ, and metrics.
    Compare {
        /// The runs.
        #[arg(required = true, num_args = 2..)]
        ids: Vec<String>,
    },
    /// Where a run is from and what became of it: code, data, environment, models.
    Lineage {
        /// The run.
        id: String,
    },
    /// Start a run and print its id.
    Start {
        /// Its experiment, which is made when there is none of the name.
        #[arg(long, value_name = "NAME")]
        experiment: String,
        /// Its name; made up without one.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        tags: Tags,
    },
    /// Log metrics, parameters and tags to a run, all of them or none.
    Log {
        /// The run.
        id: String,
        /// A point of a metric, as KEY=VALUE or KEY=VALUE@STEP.
        #[arg(long, value_name = "KEY=VALUE[@STEP]")]
        metric: Vec<String>,
        /// A parameter.
        #[arg(long, value_name = "KEY=VALUE")]
        param: Vec<String>,
        #[command(flatten)]
        tags: Tags,
    },
    /// Say that a run has ended.
    Finish {
        /// The run.
        id: String,
        /// It ended with an error.
        #[arg(long)]
        failed: bool,
    },
    /// Put a run into the bin.
    Delete {
        /// The run.
        id: String,
    },
    /// Take a run out of the bin.
    Restore {
        /// The run.
        id: String,
    },
    /// The files of a run.
    #[command(subcommand)]
    Files(FilesVerb),
}

/// Verbs of the files of a run.
#[derive(Debug, Subcommand)]
pub(crate) enum FilesVerb {
    /// What is in a folder.
    List {
        /// The run.
        id: String,
        /// The folder; the root without one.
        folder: Option<String>,
    },
    /// Fetch a file, or a folder with everything in it.
    Get {
        /// The run.
        id: String,
        /// The file or folder.
        path: String,
        /// Where to put it [default: its name, here].
        #[arg(long, value_name = "PATH")]
        to: Option<PathBuf>,
    },
    /// Keep a file with a run.
    Put {
        /// The run.
        id: String,
        /// The file here.
        file: PathBuf,
        /// Its path in the run [default: its name].
        #[arg(long, value_name = "PATH")]
        to: Option<String>,
    },
    /// Remove a file or folder.
    Delete {
        /// The run.
        id: String,
        /// The file or folder.
        path: String,
    },
}

/// Verbs of experiments.
#[derive(Debug, Subcommand)]
pub(crate) enum ExperimentsVerb {
    /// Find experiments.
    List {
        /// Those in the bin instead.
        #[arg(long)]
        deleted: bool,
        #[command(flatten)]
        search: Search,
    },
    /// One of them, whole.
    Show {
        /// The experiment.
        name: String,
    },
    /// Make an experiment.
    Create {
        /// Its name.
        name: String,
        #[command(flatten)]
        tags: Tags,
    },
    /// Give an experiment another name.
    Rename {
        /// The experiment.
        name: String,
        /// Its new name.
        to: String,
    },
    /// Set tags of an experiment.
    Tag {
        /// The experiment.
        name: String,
        #[command(flatten)]
        tags: Tags,
    },
    /// Put an experiment and its runs into the bin.
    Delete {
        /// The experiment.
        name: String,
    },
    /// Take an experiment and its runs out of the bin.
    Restore {
        /// The experiment.
        name: String,
    },
}

/// Verbs of models. A version is named MODEL/NUMBER.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelsVerb {
    /// Find versions, the latest changed first.
    List(Search),
    /// One version, whole; of a model without a number the latest.
    Show {
        /// The version, as MODEL/NUMBER, or the model.
        version: String,
    },
    /// The model card of a version, as Markdown with the head that the Hugging Face Hub reads.
    Card {
        /// The version, as MODEL/NUMBER, or the model.
        version: String,
    },
    /// Register what a run made as the next version of a model.
    Register {
        /// The model, which is made when there is none of the name.
        model: String,
        /// The run.
        #[arg(long, value_name = "ID")]
        run: String,
        /// The folder of the model among the files of the run.
        #[arg(long, default_value = "model", value_name = "PATH")]
        path: String,
        /// What is to be known of it.
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        #[command(flatten)]
        tags: Tags,
    },
    /// Describe a version, or set tags of it.
    Tag {
        /// The version, as MODEL/NUMBER.
        version: String,
        /// What is to be known of it.
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        #[command(flatten)]
        tags: Tags,
    },
    /// Point an alias at a version.
    Alias {
        /// The version, as MODEL/NUMBER.
        version: String,
        /// The alias, such as champion.
        alias: String,
        /// Why, for the audit log.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Take an alias away.
    Unalias {
        /// The model.
        model: String,
        /// The alias.
        alias: String,
    },
    /// Remove a version, or a model with all its versions.
    Delete {
        /// The version, as MODEL/NUMBER, or the model.
        version: String,
    },
}

/// Tags.
#[derive(Debug, Args)]
pub(crate) struct Tags {
    /// A tag; may be repeated.
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    pub(crate) tags: Vec<String>,
}
