//! What a loop file declares.

use flyball_core::{ArtifactPath, Duration, Name, Task};
use flyball_data::Check;
use flyball_evaluation::suite::Suite;
pub use flyball_monitoring::alert::AlertPolicy;
pub use flyball_monitoring::notify::Route;
pub use flyball_remedies::{Action, Limits, Risk};
use serde::{Serialize, Serializer};

pub use super::monitor::{Compat, Drift, Fairness, Monitor, Performance, Segment, Window};
use crate::expression::Condition;

/// A whole loop file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LoopFile {
    /// The name of the loop; its model and endpoint carry it too.
    pub name: Name,
    /// What the model does.
    pub task: Task,
    /// The datasets, in the order of the file.
    #[serde(serialize_with = "as_map")]
    pub data: Vec<(Name, Dataset)>,
    /// How versions are made.
    pub train: Train,
    /// What must hold before a version may be promoted; all of them.
    pub gates: Vec<Condition>,
    /// The checks that a version goes through before it may be promoted.
    pub suites: Option<Suite>,
    /// How a version comes to serve.
    pub deploy: Deploy,
    /// What is watched.
    pub monitor: Monitor,
    /// What is done about it.
    pub remedies: Vec<Remedy>,
    /// Who is told of alerts.
    pub notify: Vec<Route>,
    /// What things cost, for comparing policies.
    pub costs: Option<Costs>,
    /// The seed of every random choice.
    pub seed: u64,
}

fn as_map<S: Serializer>(data: &[(Name, Dataset)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(data.iter().map(|(name, dataset)| (name, dataset)))
}

/// A dataset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dataset {
    /// Where its rows come from.
    #[serde(flatten)]
    pub origin: Origin,
    /// The column that joins a prediction with what really happened.
    pub key: Option<String>,
    /// The column with the event time.
    pub time: Option<String>,
    /// The column to predict.
    pub label: Option<String>,
    /// How long after the event time the label is known.
    pub label_delay: Duration,
    /// The column of how much each row counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
    /// The column whose values say which rows are ranked against each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The rules that every version of it is held to.
    pub checks: Vec<Check>,
}

impl Dataset {
    /// The columns that have a role, and so are no features: the key that names the role, and the column.
    pub fn roles(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let roles = [
            ("key", &self.key),
            ("time", &self.time),
            ("label", &self.label),
            ("weight", &self.weight),
            ("group", &self.group),
        ];
        roles.into_iter().filter_map(|(role, column)| Some((role, column.as_deref()?)))
    }
}

/// Where the rows of a dataset come from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A file, or a glob of files, relative to the loop file.
    From(ArtifactPath),
    /// SQL over the datasets that stand before it.
    Sql(Sql),
}

/// The SQL of a derived dataset.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sql {
    /// A file that ends in `.sql`, relative to the loop file.
    File(ArtifactPath),
    /// The text itself.
    Inline(String),
}

/// How versions are made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Train {
    /// The dataset to learn from.
    pub on: Name,
    /// Only rows of this much event time before now; all when absent.
    pub window: Option<Duration>,
    /// What is kept apart for judging the version.
    pub holdout: Holdout,
    /// The columns to learn from; all of `on` but those with a role when absent.
    pub features: Option<Vec<String>>,
    /// Columns that are not learned from.
    pub exclude: Vec<String>,
    /// Columns that are known in time although they predict the label suspiciously well; the leak rule lets them pass.
    pub trusted: Vec<String>,
    /// What does the training.
    pub trainer: Trainer,
    /// Parameters of the trainer.
    pub with: serde_json::Map<String, serde_json::Value>,
    /// The columns whose groups are reweighed, so that they and the label are independent in the training rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reweigh: Option<Vec<String>>,
}

/// What is kept apart for judging a version.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Holdout {
    /// The latest stretch of event time.
    Latest(Duration),
    /// A share of the rows, between 0 and 1.
    Share(f64),
}

/// What does the training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trainer {
    /// A built-in trainer, by name.
    Uses(String),
    /// A command of the user's.
    Run(String),
}

/// How a version comes to serve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Deploy {
    /// The environment.
    pub environment: Name,
    /// How traffic moves.
    pub strategy: Strategy,
    /// What stops a rollout; any of them.
    pub abort_if: Vec<Condition>,
}

/// How traffic moves to a new version.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// All at once.
    Direct,
    /// Step by step.
    Canary {
        /// The share of traffic at each step: rising, the last one is 1.
        steps: Vec<f64>,
        /// How long each step lasts.
        bake: Duration,
    },
}

/// An action with what calls for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Remedy {
    /// When it acts.
    #[serde(flatten)]
    pub trigger: Trigger,
    /// What it does: the first step, and each next one when those before did not help.
    #[serde(rename = "do")]
    pub steps: Vec<Action>,
    /// Within what it may.
    pub limits: Limits,
    /// Whether it only records what it would do.
    pub dry_run: bool,
}

/// What calls for a remedy.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A condition on the monitor's windows.
    When(Condition),
    /// The calendar.
    Every(Schedule),
}

/// When a scheduled remedy acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// After each such span.
    Span(Duration),
    /// At the first moment of each month, UTC.
    Month,
}

/// What things cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Costs {
    /// The currency, for showing.
    pub currency: Option<String>,
    /// One training.
    pub retrain: f64,
    /// One alert that a person looks at.
    pub alert: f64,
    /// One negative that is predicted positive.
    pub false_positive: f64,
    /// One positive that is predicted negative.
    pub false_negative: f64,
}
