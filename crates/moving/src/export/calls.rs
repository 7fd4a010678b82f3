//! What is asked of the server that things are carried to.

use std::io::Read;

use flyball_core::{Error, ErrorCode, Result};
use serde_json::{Value, json};

use crate::record::{Dataset, LoggedModel, ModelMetric, ModelUse, Pair, Point, Run};
use crate::server::api::{Api, encoded, query};
use crate::server::models::STATES;
use crate::tally::Tally;

/// Most parameters or tags of one batch, as the servers limit it.
const PAIRS: usize = 100;
/// Most points of one batch.
const POINTS: usize = 1_000;

/// A tag that the export leaves.
pub(super) const RUN_ID: &str = "flyball.export.run_id";
/// The former id of a logged model.
pub(super) const MODEL_ID: &str = "flyball.export.model_id";
/// Where an experiment or registered model is from, with its number.
pub(super) const ORIGIN: &str = "flyball.export.origin";
/// What was carried of a run or logged model, once all of it is there.
pub(super) const DONE: &str = "flyball.export.done";
/// What a version said of its source.
pub(super) const SOURCE: &str = "flyball.export.source";
/// How all tags of an export begin.
pub(super) const PREFIX: &str = "flyball.export.";

pub(super) struct Calls(pub(super) Api);

impl Calls {
    /// The experiment of a name, deleted or not.
    pub(super) fn experiment_named(&self, name: &str) -> Result<Option<Value>> {
        let path = query("/api/2.0/mlflow/experiments/get-by-name", &[("experiment_name", name)]);
        Ok(or_none(self.0.get(&path))?.map(|answer| answer["experiment"].clone()))
    }

    pub(super) fn create_experiment(&self, name: &str, tags: &[Pair]) -> Result<String> {
        let answer = self.0.post("/api/2.0/mlflow/experiments/create", &json!({ "name": name, "tags": tags }))?;
        text(&answer, "experiment_id")
    }

    /// `restore` or `delete`.
    pub(super) fn turn_experiment(&self, verb: &str, id: &str) -> Result<()> {
        self.0.post(&format!("/api/2.0/mlflow/experiments/{verb}"), &json!({ "experiment_id": id })).map(drop)
    }

    /// The run that an earlier call began, with its tags.
    pub(super) fn run_of(&self, experiment: &str, former: &str) -> Result<Option<Value>> {
        let body = json!({
            "experiment_ids": [experiment],
            "run_view_type": "ALL",
            "max_results": 1,
            "filter": format!("tags.`{RUN_ID}` = '{former}'"),
        });
        let answer = self.0.post("/api/2.0/mlflow/runs/search", &body)?;
        Ok(answer["runs"].get(0).cloned())
    }

    pub(super) fn create_run(&self, experiment: &str, run: &Run) -> Result<Value> {
        let body = json!({
            "experiment_id": experiment,
            "user_id": run.user_id,
            "run_name": run.name,
            "start_time": run.started_at,
            "tags": [{ "key": RUN_ID, "value": run.id }],
        });
        Ok(self.0.post("/api/2.0/mlflow/runs/create", &body)?["run"].clone())
    }

    pub(super) fn log_pairs(&self, run: &str, field: &str, pairs: &[Pair]) -> Result<()> {
        for part in pairs.chunks(PAIRS) {
            self.batch(json!({ "run_id": run, field: part }))?;
        }
        Ok(())
    }

    pub(super) fn log_points(&self, run: &str, key: &str, points: &[Point]) -> Result<()> {
        for part in points.chunks(POINTS) {
            let metrics: Vec<Value> = part.iter().map(|point| metric(key, point)).collect();
            self.batch(json!({ "run_id": run, "metrics": metrics }))?;
        }
        Ok(())
    }

    pub(super) fn batch(&self, body: Value) -> Result<()> {
        self.0.post("/api/2.0/mlflow/runs/log-batch", &body).map(drop)
    }

    pub(super) fn log_datasets(&self, run: &str, datasets: &[Dataset]) -> Result<()> {
        let input = |dataset: &Dataset| {
            let mut described = json!({
                "name": dataset.name,
                "digest": dataset.digest,
                "source_type": dataset.source_type,
                "source": dataset.source,
            });
            for (field, text) in [("schema", &dataset.schema), ("profile", &dataset.profile)] {
                if let Some(text) = text {
                    described[field] = text.as_str().into();
                }
            }
            json!({ "dataset": described, "tags": dataset.tags })
        };
        for dataset in datasets {
            let body = json!({ "run_id": run, "datasets": [input(dataset)] });
            self.0.post("/api/2.0/mlflow/runs/log-inputs", &body)?;
        }
        Ok(())
    }

    pub(super) fn log_models(&self, run: &str, taken: &[ModelUse], made: &[ModelUse]) -> Result<()> {
        if !taken.is_empty() {
            let models: Vec<Value> = taken.iter().map(|used| json!({ "model_id": used.model_id })).collect();
            self.0.post("/api/2.0/mlflow/runs/log-inputs", &json!({ "run_id": run, "models": models }))?;
        }
        if !made.is_empty() {
            self.0.post("/api/2.0/mlflow/runs/outputs", &json!({ "run_id": run, "models": made }))?;
        }
        Ok(())
    }

    pub(super) fn set_tag(&self, run: &str, key: &str, value: &str) -> Result<()> {
        let body = json!({ "run_id": run, "key": key, "value": value });
        self.0.post("/api/2.0/mlflow/runs/set-tag", &body).map(drop)
    }

    pub(super) fn update_run(&self, run: &str, status: &str, ended_at: Option<i64>) -> Result<()> {
        let mut body = json!({ "run_id": run, "status": status });
        if let Some(ended_at) = ended_at {
            body["end_time"] = ended_at.into();
        }
        self.0.post("/api/2.0/mlflow/runs/update", &body).map(drop)
    }

    pub(super) fn delete_run(&self, run: &str) -> Result<()> {
        self.0.post("/api/2.0/mlflow/runs/delete", &json!({ "run_id": run })).map(drop)
    }

    pub(super) fn set_experiment_tag(&self, id: &str, key: &str, value: &str) -> Result<()> {
        let body = json!({ "experiment_id": id, "key": key, "value": value });
        self.0.post("/api/2.0/mlflow/experiments/set-experiment-tag", &body).map(drop)
    }

    /// The logged model that an earlier call began.
    pub(super) fn model_of(&self, experiment: &str, former: &str) -> Result<Option<Value>> {
        let body = json!({
            "experiment_ids": [experiment],
            "max_results": 1,
            "filter": format!("tags.`{MODEL_ID}` = '{former}'"),
        });
        let answer = self.0.post("/api/2.0/mlflow/logged-models/search", &body)?;
        Ok(answer["models"].get(0).cloned())
    }

    pub(super) fn create_model(&self, experiment: &str, model: &LoggedModel, run: &str, mark: &Pair) -> Result<Value> {
        let mut tags = model.tags.clone();
        // Servers keep this one themselves.
        tags.retain(|tag| tag.key != "mlflow.modelVersions" && tag.key != mark.key);
        tags.push(mark.clone());
        let body = json!({
            "experiment_id": experiment,
            "name": model.name,
            "model_type": model.model_type,
            "source_run_id": run,
            "params": model.params,
            "tags": tags,
        });
        Ok(self.0.post("/api/2.0/mlflow/logged-models", &body)?["model"].clone())
    }

    pub(super) fn log_model_metric(&self, run: &str, model: &str, of: &ModelMetric) -> Result<()> {
        let mut measured = metric(&of.key, &of.point);
        measured["model_id"] = model.into();
        if !of.dataset_name.is_empty() {
            measured["dataset_name"] = of.dataset_name.as_str().into();
            measured["dataset_digest"] = of.dataset_digest.as_str().into();
        }
        self.batch(json!({ "run_id": run, "metrics": [measured] }))
    }

    /// Gives a logged model its state, and notes what was carried when all of it was.
    pub(super) fn end_model(&self, id: &str, status: i64, done: Option<&Tally>) -> Result<()> {
        let path = format!("/api/2.0/mlflow/logged-models/{}", encoded(id));
        if let Some(state) = usize::try_from(status - 1).ok().and_then(|at| STATES.get(at)) {
            self.0.patch(&path, &json!({ "model_id": id, "status": state }))?;
        }
        let Some(done) = done else { return Ok(()) };
        let value = serde_json::to_string(done).map_err(Error::internal)?;
        let body = json!({ "model_id": id, "tags": [{ "key": DONE, "value": value }] });
        self.0.patch(&format!("{path}/tags"), &body).map(drop)
    }

    /// Puts a file below an artifact root of the server.
    pub(super) fn put_file(&self, root: &str, path: &str, bytes: &mut dyn Read) -> Result<()> {
        let elsewhere = || {
            Error::invalid("the server keeps artifacts where only its clients can write")
                .hint("start it with --serve-artifacts and let it choose the place")
        };
        let rest = root.strip_prefix("mlflow-artifacts:").ok_or_else(elsewhere)?;
        let folder = match rest.strip_prefix("//") {
            Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
            None => rest,
        };
        let path = encoded(&format!("{}/{path}", folder.trim_matches('/')));
        self.0.put(&format!("/api/2.0/mlflow-artifacts/artifacts/{path}"), bytes)
    }
}

/// A point as a request has it.
pub(super) fn metric(key: &str, point: &Point) -> Value {
    let Point(timestamp, step, value) = *point;
    let value = if value.is_nan() { Value::from("NaN") } else { Value::from(value) };
    json!({ "key": key, "value": value, "timestamp": timestamp, "step": step })
}

/// A text that an answer must have.
pub(super) fn text(answer: &Value, field: &str) -> Result<String> {
    let found = answer[field].as_str().map(str::to_owned);
    found.ok_or_else(|| Error::new(ErrorCode::Unavailable, format!("the answer of the server has no '{field}'")))
}

/// The value of a tag.
pub(super) fn tag<'a>(tags: &'a Value, key: &str) -> Option<&'a str> {
    tags.as_array()?.iter().find(|tag| tag["key"] == key)?["value"].as_str()
}

/// What is not there is `None`.
pub(super) fn or_none(outcome: Result<Value>) -> Result<Option<Value>> {
    match outcome {
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        outcome => outcome.map(Some),
    }
}
