//! The words of labelling: projects, tasks, annotations, predictions.

use flyball_core::{Name, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::label::Label;

/// Gives an enum of words its text and back.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident: $what:literal { $($(#[$own:meta])* $variant:ident => $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$own])* $variant,)* }

        impl $name {
            /// The word for it.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }

        impl std::str::FromStr for $name {
            type Err = flyball_core::Error;

            fn from_str(text: &str) -> flyball_core::Result<Self> {
                match text {
                    $($text => Ok($name::$variant),)*
                    other => {
                        let known = [$($text),*].join(", ");
                        let shown: String = other.chars().take(60).flat_map(char::escape_debug).collect();
                        Err(flyball_core::Error::invalid(format!("'{shown}' is no {}", $what))
                            .hint(format!("write one of: {known}")))
                    }
                }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What is asked of each task.
    Kind: "kind of labelling" {
        /// One class.
        Classification => "classification",
        /// Any number of classes.
        MultiLabel => "multi_label",
        /// A number.
        Regression => "regression",
        /// Spans of a text, each of a class.
        Spans => "spans",
        /// Boxes in an image, each of a class.
        Boxes => "boxes",
        /// Which of two is better.
        Pairwise => "pairwise",
    }
}

impl Kind {
    /// Whether answers name classes of the project.
    pub fn has_classes(self) -> bool {
        !matches!(self, Kind::Regression | Kind::Pairwise)
    }

    /// Whether an answer is one of a few: what consensus, uncertainty and label errors are computed for.
    pub fn is_one_of_few(self) -> bool {
        matches!(self, Kind::Classification | Kind::Pairwise)
    }
}

words! {
    /// Where an annotation stands.
    AnnotationState: "state of an annotation" {
        /// It stands.
        Submitted => "submitted",
        /// It stands, and a reviewer said so.
        Accepted => "accepted",
        /// A reviewer refused it: the task is open again.
        Rejected => "rejected",
        /// The annotator did not want to answer.
        Skipped => "skipped",
        /// The same annotator changed it later.
        Superseded => "superseded",
    }
}

impl AnnotationState {
    /// Whether it counts as an answer.
    pub fn stands(self) -> bool {
        matches!(self, AnnotationState::Submitted | AnnotationState::Accepted)
    }
}

words! {
    /// Where a task stands.
    TaskState: "state of a task" {
        /// It waits for answers.
        Open => "open",
        /// It has as many answers as were asked for.
        Done => "done",
    }
}

words! {
    /// Where a project stands.
    ProjectState: "state of a project" {
        /// Tasks are handed out.
        Open => "open",
        /// It is over; everything stays readable.
        Archived => "archived",
    }
}

/// A class, with the key that chooses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// The key; one is found where none is given.
    #[serde(default)]
    pub hot_key: Option<char>,
}

/// The numbers that a regression may answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

/// What is asked, of what, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What is asked of each task.
    pub kind: Kind,
    /// The dataset whose rows are the tasks; none when tasks are imported.
    #[serde(default)]
    pub dataset: Option<Name>,
    /// The classes, in their order.
    #[serde(default)]
    pub classes: Vec<Class>,
    /// What annotators should know.
    #[serde(default)]
    pub instructions: String,
    /// The column with the text; spans need one.
    #[serde(default)]
    pub text: Option<String>,
    /// The column with the path of the image in the project folder; boxes need one.
    #[serde(default)]
    pub image: Option<String>,
    /// The columns with the two that are compared.
    #[serde(default)]
    pub left: Option<String>,
    /// The other one.
    #[serde(default)]
    pub right: Option<String>,
    /// Other columns to show; all when empty.
    #[serde(default)]
    pub show: Vec<String>,
    /// The column that names each row; the row's content does where there is none.
    #[serde(default)]
    pub key: Option<String>,
    /// The numbers that a regression may answer.
    #[serde(default)]
    pub range: Option<Range>,
    /// How many annotators answer each task.
    #[serde(default = "Settings::usual_overlap")]
    pub overlap: u32,
    /// For how long a task is one annotator's, in seconds.
    #[serde(default = "Settings::usual_lease")]
    pub lease_seconds: u32,
    /// Whether only what a reviewer accepted is committed.
    #[serde(default)]
    pub review: bool,
    /// The column of the label in commits.
    #[serde(default = "Settings::usual_column")]
    pub column: String,
}

impl Settings {
    fn usual_overlap() -> u32 {
        1
    }

    /// A quarter of an hour: long enough for a long text, short enough that a task that somebody left is soon free.
    fn usual_lease() -> u32 {
        900
    }

    fn usual_column() -> String {
        "label".to_owned()
    }

    /// Settings of a kind with everything else as usual.
    pub fn of(kind: Kind) -> Self {
        Self {
            kind,
            dataset: None,
            classes: Vec::new(),
            instructions: String::new(),
            text: None,
            image: None,
            left: None,
            right: None,
            show: Vec::new(),
            key: None,
            range: None,
            overlap: Self::usual_overlap(),
            lease_seconds: Self::usual_lease(),
            review: false,
            column: Self::usual_column(),
        }
    }

    /// The position of a class.
    pub fn class(&self, name: &str) -> Option<usize> {
        self.classes.iter().position(|class| class.name == name)
    }
}

/// A labelling project.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Project {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Name,
    /// What is asked, and how.
    pub settings: Settings,
    /// Where it stands.
    pub state: ProjectState,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
}

/// How far a project is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// All tasks.
    pub tasks: i64,
    /// Those with as many answers as asked for.
    pub done: i64,
    /// Annotations that stand.
    pub annotations: i64,
    /// Those that a reviewer accepted.
    pub accepted: i64,
    /// Those that a reviewer refused and nobody replaced.
    pub rejected: i64,
    /// Answers that annotators did not want to give.
    pub skipped: i64,
    /// Who answered.
    pub annotators: i64,
}

/// One thing to label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Task {
    /// Its id.
    pub id: String,
    /// The project's id.
    pub project_id: String,
    /// Its place in the project.
    pub position: i64,
    /// What names it: the value of the key column, or a digest of its data.
    pub key: String,
    /// The row, by column.
    pub data: Value,
    /// The dataset version that it comes from.
    pub version_id: Option<String>,
    /// The row of that version, from 0.
    pub version_row: Option<i64>,
    /// Those of greater priority are handed out first.
    pub priority: f64,
    /// Annotations that stand.
    pub answered: i64,
    /// Where it stands.
    pub state: TaskState,
}

/// One annotator's answer, or refusal to answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Annotation {
    /// Its id.
    pub id: String,
    /// The task's id.
    pub task_id: String,
    /// Who answered.
    pub annotator: String,
    /// How many answers this annotator gave to the task, from 1.
    pub revision: i64,
    /// Where it stands.
    pub state: AnnotationState,
    /// The answer; none when skipped.
    pub label: Option<Label>,
    /// What the annotator said about it.
    pub note: String,
    /// How long it took, in milliseconds, where the page knows.
    pub taken_ms: Option<i64>,
    /// When.
    pub created_at: Timestamp,
    /// Who wrote it down: the annotator, or whoever imported it.
    pub created_by: String,
    /// When it was reviewed.
    pub reviewed_at: Option<Timestamp>,
    /// By whom.
    pub reviewed_by: Option<String>,
    /// What the reviewer said.
    pub review_note: Option<String>,
}

/// What was said about a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comment {
    /// Its id.
    pub id: String,
    /// Who.
    pub author: String,
    /// What.
    pub text: String,
    /// When.
    pub created_at: Timestamp,
}

/// What a model, or the labelling functions, say of a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// The task's id.
    pub task_id: String,
    /// Who says so: an endpoint, a file, `functions`.
    pub source: String,
    /// Which version of it.
    pub version: String,
    /// The answer.
    pub label: Label,
    /// How sure it is, from 0 to 1.
    pub score: Option<f64>,
    /// The probability of each class, in the order of the project.
    pub probabilities: Option<Vec<f64>>,
}
