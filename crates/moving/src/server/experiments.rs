//! Experiments of a server.

use flyball_core::Result;
use serde_json::{Value, json};

use super::Server;
use super::api::query;
use super::read::{integer, list, next_page, pairs, text};
use crate::record::Experiment;

const PAGE: u32 = 500;

impl Server {
    /// A page of all experiments, deleted ones too.
    pub(crate) fn experiments(&self, token: Option<String>) -> Result<(Vec<Experiment>, Option<String>)> {
        let mut body = json!({ "max_results": PAGE, "view_type": "ALL", "order_by": ["experiment_id ASC"] });
        if let Some(token) = token {
            body["page_token"] = token.into();
        }
        let answer = self.api.post("/api/2.0/mlflow/experiments/search", &body)?;
        Ok((list(&answer, "experiments").iter().map(experiment).collect(), next_page(&answer)))
    }

    /// Whether an experiment has traces. A server that cannot say has none.
    pub(super) fn has_traces(&self, experiment: &str) -> bool {
        let path = query("/api/2.0/mlflow/traces", &[("experiment_ids", experiment), ("max_results", "1")]);
        self.api.get(&path).is_ok_and(|answer| !list(&answer, "traces").is_empty())
    }
}

fn experiment(value: &Value) -> Experiment {
    Experiment {
        id: text(value, "experiment_id"),
        name: text(value, "name"),
        artifact_location: text(value, "artifact_location"),
        deleted: value["lifecycle_stage"] == "deleted",
        created_at: integer(value, "creation_time"),
        updated_at: integer(value, "last_update_time"),
        tags: pairs(value, "tags"),
    }
}
