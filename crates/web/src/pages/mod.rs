//! One view model per page.

mod alert;
mod card;
mod dataset;
mod endpoint;
mod error;
mod evaluation;
mod labels;
mod list;
mod loop_page;
mod model_version;
mod monitor;
mod overview;
mod prediction;
mod remedies;
mod run;

pub use alert::{AlertPage, AlertStep, DeliveryRow};
pub use card::CardPage;
pub use dataset::{CheckRow, ColumnProfile, DatasetPage, FailingRows};
pub use endpoint::{DecisionRow, EndpointPage, PredictionRow, RevisionRow, RolloutStep, RolloutView};
pub use error::ErrorPage;
pub use evaluation::{CheckGroup, EvaluationPage, SuiteRow};
pub use labels::{AnnotatePage, AnnotatorRow, FunctionRow, LabelCommitRow, LabelProjectPage};
pub use list::{Column, ListCell, ListPage};
pub use loop_page::{LoopPage, RemedyRow, VersionRow};
pub use model_version::{GateRow, ModelVersionPage, SliceRow, SliceTable};
pub use monitor::{
    CauseRow, Distribution, FeatureDrift, HeatCell, HeatMap, HeatRow, MonitorPage, Note, WindowMetric, WindowPage,
};
pub use overview::{
    Comparison, EVENT_FEED, EVENT_LOOPS, EVENT_METRICS, EVENT_SIMULATION, LoopCycle, OverviewPage, PolicyOutcome,
    SimulationView, StageView,
};
pub use prediction::PredictionPage;
pub use remedies::{RemediesPage, WaitingRow};
pub use run::{Importance, MetricRow, RunPage};
