//! Logged models of a server. Deleted ones cannot be found through its API.

use flyball_core::{ErrorCode, Result};
use serde_json::{Value, json};

use super::Server;
use super::files::Owner;
use super::read::{integer, list, next_page, pairs, point, some_text, text};
use crate::record::{LoggedModel, ModelMetric};
use crate::source::{Sink, Wish};

const PAGE: u32 = 50;
/// The states of a logged model, in the order of their numbers from 1.
pub(crate) const STATES: [&str; 3] = ["LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED"];

impl Server {
    pub(super) fn read_models(&self, sink: &mut dyn Sink, experiment: &str) -> Result<()> {
        let mut token = None;
        loop {
            let Some((models, next)) = self.logged_models(experiment, token)? else { return Ok(()) };
            for model in models {
                let id = model.id.clone();
                if sink.logged_model(model)? == Wish::Whole {
                    self.read_files(sink, Owner::LoggedModel(&id))?;
                    sink.end()?;
                }
            }
            token = next;
            if token.is_none() {
                return Ok(());
            }
        }
    }

    /// A page of the logged models of an experiment; `None` when the server is older than they are.
    fn logged_models(
        &self,
        experiment: &str,
        token: Option<String>,
    ) -> Result<Option<(Vec<LoggedModel>, Option<String>)>> {
        let mut body = json!({ "experiment_ids": [experiment], "max_results": PAGE });
        if let Some(token) = token {
            body["page_token"] = token.into();
        }
        match self.api.post("/api/2.0/mlflow/logged-models/search", &body) {
            Ok(answer) => Ok(Some((list(&answer, "models").iter().map(logged_model).collect(), next_page(&answer)))),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

pub(crate) fn logged_model(value: &Value) -> LoggedModel {
    let (info, data) = (&value["info"], &value["data"]);
    let state = text(info, "status");
    LoggedModel {
        id: text(info, "model_id"),
        experiment_id: text(info, "experiment_id"),
        name: text(info, "name"),
        model_type: text(info, "model_type"),
        source_run_id: text(info, "source_run_id"),
        status: STATES.iter().zip(1..).find(|(known, _)| **known == state).map_or(0, |(_, number)| number),
        status_message: some_text(info, "status_message"),
        deleted: info["lifecycle_stage"] == "deleted",
        created_at: integer(info, "creation_timestamp_ms"),
        updated_at: integer(info, "last_updated_timestamp_ms"),
        artifact_uri: text(info, "artifact_uri"),
        params: pairs(data, "params"),
        tags: pairs(info, "tags"),
        metrics: list(data, "metrics").iter().map(metric).collect(),
    }
}

fn metric(value: &Value) -> ModelMetric {
    ModelMetric {
        key: text(value, "key"),
        point: point(value),
        run_id: text(value, "run_id"),
        dataset_name: text(value, "dataset_name"),
        dataset_digest: text(value, "dataset_digest"),
    }
}
