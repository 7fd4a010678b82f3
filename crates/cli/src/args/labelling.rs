//! The verbs of labelling.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Verbs of labelling projects.
#[derive(Debug, Subcommand)]
pub(crate) enum LabelsVerb {
    /// All projects, with how far they are.
    List,
    /// Make a project.
    Create(Box<CreateLabelsOptions>),
    /// A project, with how far it is and how far its annotators agree.
    Show {
        /// The project.
        name: String,
    },
    /// End a project; everything stays readable.
    Archive {
        /// The project.
        name: String,
    },
    /// Open a project again.
    Reopen {
        /// The project.
        name: String,
    },
    /// Make tasks of the rows of a dataset.
    Add {
        /// The project.
        name: String,
        /// The dataset, as NAME or NAME@NUMBER; that of the project without one.
        dataset: Option<String>,
        /// Only rows for which this SQL condition holds.
        #[arg(long = "where", value_name = "SQL")]
        condition: Option<String>,
    },
    /// The tasks of a project.
    Tasks {
        /// The project.
        name: String,
        /// open or done.
        #[arg(long)]
        state: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: usize,
    },
    /// A task with everything that was said about it; the next one for an annotator without an id.
    Task {
        /// The project.
        name: String,
        /// The task.
        id: Option<String>,
        /// Who asks.
        #[arg(long = "as", value_name = "NAME")]
        annotator: Option<String>,
    },
    /// Answer a task, or skip it.
    Annotate(AnnotateOptions),
    /// Accept or reject an answer.
    Review {
        /// The annotation.
        id: String,
        /// accept or reject.
        verdict: String,
        /// Why.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Say something about a task.
    Comment {
        /// The task.
        id: String,
        /// What.
        text: String,
    },
    /// Bring in tasks, answers and predictions of another tool.
    Import(FileOfLabels),
    /// Carry everything of a project out for another tool.
    Export(FileOfLabels),
    /// Ask the model of an endpoint about every task.
    Predict {
        /// The project.
        name: String,
        /// The endpoint.
        endpoint: String,
        /// This version of its model.
        #[arg(long, value_name = "N")]
        version: Option<i64>,
    },
    /// Ask first what a source is least sure of.
    Prioritize {
        /// The project.
        name: String,
        /// Whose doubts count: an endpoint, or `functions`.
        source: String,
        /// `least_confidence`, margin or entropy.
        #[arg(long, default_value = "margin")]
        by: String,
    },
    /// How far annotators agree.
    Agreement {
        /// The project.
        name: String,
    },
    /// One label for each task.
    Consensus {
        /// The project.
        name: String,
        /// majority or `dawid_skene`.
        #[arg(long, default_value = "majority")]
        method: String,
    },
    /// Labels that are probably wrong, by confident learning.
    Issues {
        /// The project.
        name: String,
        /// Whose probabilities are believed.
        source: String,
    },
    /// Write a labelling function, or take it away.
    Function {
        /// The project.
        name: String,
        /// The function.
        function: String,
        /// A condition when there is a class; else an expression that gives a class, or NULL to abstain.
        #[arg(required_unless_present = "remove")]
        sql: Option<String>,
        /// The class that it votes for.
        #[arg(long)]
        class: Option<String>,
        /// Take it away.
        #[arg(long, conflicts_with_all = ["sql", "class"])]
        remove: bool,
    },
    /// Run the labelling functions, and say how they get along.
    Functions {
        /// The project.
        name: String,
    },
    /// Make a dataset version of the labels.
    Commit {
        /// The project.
        name: String,
        /// The dataset that gets the version [default: NAME-labels].
        #[arg(long, value_name = "DATASET")]
        into: Option<String>,
        /// majority or `dawid_skene`.
        #[arg(long, default_value = "majority")]
        consensus: String,
    },
}

/// Options of `labels create`.
#[derive(Debug, Args)]
pub(crate) struct CreateLabelsOptions {
    /// Its name.
    pub(crate) name: String,
    /// What is asked: classification, `multi_label`, regression, spans, boxes or pairwise.
    #[arg(long)]
    pub(crate) kind: String,
    /// The classes; with a hot key as CLASS=KEY.
    #[arg(long, value_delimiter = ',', value_name = "CLASSES")]
    pub(crate) classes: Vec<String>,
    /// The dataset whose rows are the tasks.
    #[arg(long)]
    pub(crate) dataset: Option<String>,
    /// The column with the text.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) text: Option<String>,
    /// The column with the path of the image.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) image: Option<String>,
    /// The column with the left one of two.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) left: Option<String>,
    /// The column with the right one.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) right: Option<String>,
    /// Other columns to show; all without.
    #[arg(long, value_delimiter = ',', value_name = "COLUMNS")]
    pub(crate) show: Vec<String>,
    /// The column that names each row.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) key: Option<String>,
    /// The numbers that may be answered, as MIN..MAX.
    #[arg(long, value_name = "MIN..MAX")]
    pub(crate) range: Option<String>,
    /// How many annotators answer each task.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) overlap: u32,
    /// For how long a task is one annotator's, in seconds.
    #[arg(long, default_value_t = 900, value_name = "SECONDS")]
    pub(crate) lease: u32,
    /// Only what a reviewer accepted is committed.
    #[arg(long)]
    pub(crate) review: bool,
    /// What annotators should know: text, or @FILE.
    #[arg(long, default_value = "")]
    pub(crate) instructions: String,
    /// The column of the label in commits.
    #[arg(long, default_value = "label", value_name = "COLUMN")]
    pub(crate) column: String,
}

/// Options of `labels annotate`.
#[derive(Debug, Args)]
pub(crate) struct AnnotateOptions {
    /// The task.
    pub(crate) id: String,
    /// The answer: a class, classes with commas, a number, left, right or tie; or the JSON of spans or boxes.
    #[arg(required_unless_present = "skip")]
    pub(crate) answer: Option<String>,
    /// Skip the task.
    #[arg(long, conflicts_with = "answer")]
    pub(crate) skip: bool,
    /// Who answers.
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) annotator: Option<String>,
    /// What there is to say about it.
    #[arg(long, default_value = "")]
    pub(crate) note: String,
}

/// Options of `labels import` and `labels export`.
#[derive(Debug, Args)]
pub(crate) struct FileOfLabels {
    /// The project.
    pub(crate) name: String,
    /// The file.
    pub(crate) file: PathBuf,
    /// label-studio, coco, conll, jsonl or parquet; by the end of the file's name without one.
    #[arg(long)]
    pub(crate) format: Option<String>,
}
