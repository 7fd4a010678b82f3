//! Labelling: people, models and rules say what the rows of a dataset are, and a commit of it is a dataset version.
//!
//! A project asks one question of many tasks. `tasks` is the queue, `annotate` keeps every answer, `predictions` and
//! `functions` are what models and rules say, `agreement`, `consensus` and `quality` judge the answers, `commit` makes a
//! dataset version of them, and `exchange` speaks the formats of other tools.

pub mod agreement;
pub mod annotate;
pub mod commit;
pub mod consensus;
pub mod exchange;
pub mod functions;
pub mod label;
pub mod model;
pub mod predictions;
pub mod projects;
pub mod quality;
mod store;
pub mod tasks;

pub use label::{BoundingBox, Label, Side, Span};
pub use model::{
    Annotation, AnnotationState, Class, Comment, Kind, Prediction, Progress, Project, ProjectState, Range, Settings,
    Task, TaskState,
};
pub use store::Commit;
