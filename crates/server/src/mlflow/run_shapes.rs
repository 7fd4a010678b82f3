//! The shapes of runs and of histories, of which answers are long: written as they are, with no tree of values between.

use flyball_tracking::{DatasetInput, Metric, ModelUse, Pair, Point, Run};
use serde::{Serialize, Serializer};

/// A page of runs.
#[derive(Serialize)]
pub(super) struct RunPage {
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "runs")]
    pub(super) runs: Vec<Run>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_page_token: Option<String>,
}

fn runs<S: Serializer>(runs: &[Run], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(runs.iter().map(run))
}

/// A page of the history of a metric.
#[derive(Serialize)]
pub(super) struct HistoryPage {
    #[serde(skip_serializing_if = "History::is_empty")]
    pub(super) metrics: History,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_page_token: Option<String>,
}

/// Points of one metric.
pub(super) struct History {
    pub(super) key: String,
    pub(super) points: Vec<Point>,
}

impl History {
    fn is_empty(&self) -> bool {
        self.points.is_empty()
    }
}

impl Serialize for History {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.points.iter().map(|point| PointShape::new(&self.key, point)))
    }
}

#[derive(Serialize)]
struct PointShape<'a> {
    key: &'a str,
    #[serde(serialize_with = "number")]
    value: f64,
    timestamp: i64,
    step: i64,
}

impl<'a> PointShape<'a> {
    fn new(key: &'a str, point: &Point) -> Self {
        Self { key, value: point.value, timestamp: point.timestamp, step: point.step }
    }
}

/// NaN is a text, because JSON has none.
fn number<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
    if value.is_nan() { to.serialize_str("NaN") } else { to.serialize_f64(*value) }
}

/// A run; empty lists and unset fields are left out.
#[derive(Serialize)]
pub(super) struct RunShape<'a> {
    info: InfoShape<'a>,
    data: DataShape<'a>,
    inputs: InputsShape<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outputs: Option<OutputsShape<'a>>,
}

/// A run as it is answered when it is made.
pub(super) fn new_run(run: &Run) -> RunShape<'_> {
    let data = DataShape { metrics: Metrics(&run.metrics), params: &run.params, tags: &run.tags };
    let inputs =
        InputsShape { dataset_inputs: Datasets(&run.inputs.datasets), model_inputs: Models(&run.inputs.models) };
    RunShape { info: info(run), data, inputs, outputs: None }
}

/// A run as it is answered from then on.
pub(super) fn run(run: &Run) -> RunShape<'_> {
    RunShape { outputs: Some(OutputsShape { model_outputs: &run.inputs.outputs }), ..new_run(run) }
}

/// What a run is, without what was logged to it.
#[derive(Serialize)]
pub(super) struct InfoShape<'a> {
    run_uuid: &'a str,
    experiment_id: String,
    run_name: &'a str,
    user_id: &'a str,
    status: &'static str,
    start_time: i64,
    artifact_uri: &'a str,
    lifecycle_stage: &'static str,
    run_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<i64>,
}

pub(super) fn info(run: &Run) -> InfoShape<'_> {
    InfoShape {
        run_uuid: &run.id,
        experiment_id: run.experiment_id.to_string(),
        run_name: &run.name,
        user_id: &run.user_id,
        status: run.status.as_str(),
        start_time: run.started_at.0,
        artifact_uri: &run.artifact_uri,
        lifecycle_stage: run.lifecycle.as_str(),
        run_id: &run.id,
        end_time: run.ended_at.map(|at| at.0),
    }
}

#[derive(Serialize)]
struct DataShape<'a> {
    #[serde(skip_serializing_if = "Metrics::is_empty")]
    metrics: Metrics<'a>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    params: &'a [Pair],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [Pair],
}

#[derive(Serialize)]
struct InputsShape<'a> {
    #[serde(skip_serializing_if = "Datasets::is_empty")]
    dataset_inputs: Datasets<'a>,
    #[serde(skip_serializing_if = "Models::is_empty")]
    model_inputs: Models<'a>,
}

#[derive(Serialize)]
struct OutputsShape<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    model_outputs: &'a [ModelUse],
}

/// Lists whose elements have another shape here than in the store.
macro_rules! lists {
    ($($list:ident of $element:ty as $shape:expr;)*) => {$(
        struct $list<'a>(&'a [$element]);

        impl $list<'_> {
            fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl Serialize for $list<'_> {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_seq(self.0.iter().map($shape))
            }
        }
    )*};
}

lists! {
    Metrics of Metric as |metric| PointShape::new(&metric.key, &metric.point);
    Models of ModelUse as |model| ModelShape { model_id: &model.model_id };
    Datasets of DatasetInput as DatasetInputShape::new;
}

#[derive(Serialize)]
struct ModelShape<'a> {
    model_id: &'a str,
}

#[derive(Serialize)]
struct DatasetInputShape<'a> {
    dataset: DatasetShape<'a>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [Pair],
}

#[derive(Serialize)]
struct DatasetShape<'a> {
    name: &'a str,
    digest: &'a str,
    source_type: &'a str,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
}

impl<'a> DatasetInputShape<'a> {
    fn new(input: &'a DatasetInput) -> Self {
        let dataset = &input.dataset;
        let shape = DatasetShape {
            name: &dataset.name,
            digest: &dataset.digest,
            source_type: &dataset.source_type,
            source: &dataset.source,
            schema: dataset.schema.as_deref(),
            profile: dataset.profile.as_deref(),
        };
        Self { dataset: shape, tags: &input.tags }
    }
}
