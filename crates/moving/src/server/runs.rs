//! Runs of a server, with their histories.

use flyball_core::Result;
use serde_json::{Value, json};

use super::api::query;
use super::files::Owner;
use super::read::{integer, list, next_page, pairs, point, some_integer, some_text, text};
use super::{Server, one};
use crate::record::{Dataset, ModelUse, Point, Run};
use crate::source::{Sink, Wish};
use crate::tally::Kind;

const PAGE: u32 = 200;
/// Points of one answer: about 2 MB.
const POINTS: &str = "25000";

impl Server {
    pub(super) fn read_runs(&self, sink: &mut dyn Sink, experiment: &str) -> Result<()> {
        let mut token: Option<String> = None;
        loop {
            let mut body = json!({ "experiment_ids": [experiment], "run_view_type": "ALL", "max_results": PAGE });
            if let Some(token) = token {
                body["page_token"] = token.into();
            }
            let answer = self.api.post("/api/2.0/mlflow/runs/search", &body)?;
            for found in list(&answer, "runs") {
                let id = text(&found["info"], "run_id");
                if let Some((run, keys)) = one(self.run(&id), sink, Kind::Runs, &id)?
                    && sink.run(run)? == Wish::Whole
                {
                    for key in keys {
                        one(
                            self.history(&id, &key, |points| sink.points(&key, points)),
                            sink,
                            Kind::MetricPoints,
                            &format!("{id}/{key}"),
                        )?;
                    }
                    self.read_files(sink, Owner::Run(&id))?;
                    sink.end()?;
                }
            }
            token = next_page(&answer);
            if token.is_none() {
                return Ok(());
            }
        }
    }

    /// A run with the keys of its metrics. Searches leave out the models that a run took in.
    fn run(&self, id: &str) -> Result<(Run, Vec<String>)> {
        let answer = self.api.get(&query("/api/2.0/mlflow/runs/get", &[("run_id", id)]))?;
        let run = &answer["run"];
        Ok((record(run), list(&run["data"], "metrics").iter().map(|metric| text(metric, "key")).collect()))
    }

    /// Hands out the points of a metric, page by page.
    pub(crate) fn history(&self, run: &str, key: &str, mut each: impl FnMut(&[Point]) -> Result<()>) -> Result<()> {
        let mut token: Option<String> = None;
        loop {
            let mut pairs = vec![("run_id", run), ("metric_key", key), ("max_results", POINTS)];
            pairs.extend(token.as_deref().map(|token| ("page_token", token)));
            let answer = self.api.get(&query("/api/2.0/mlflow/metrics/get-history", &pairs))?;
            let points: Vec<Point> = list(&answer, "metrics").iter().map(point).collect();
            each(&points)?;
            token = next_page(&answer);
            if token.is_none() {
                return Ok(());
            }
        }
    }
}

fn record(run: &Value) -> Run {
    let (info, data) = (&run["info"], &run["data"]);
    let uses = |value: &Value, field: &str| {
        let used = |used: &Value| ModelUse { model_id: text(used, "model_id"), step: integer(used, "step") };
        list(value, field).iter().map(used).collect()
    };
    Run {
        id: text(info, "run_id"),
        experiment_id: text(info, "experiment_id"),
        name: text(info, "run_name"),
        user_id: text(info, "user_id"),
        status: text(info, "status"),
        deleted: info["lifecycle_stage"] == "deleted",
        started_at: integer(info, "start_time"),
        ended_at: some_integer(info, "end_time"),
        artifact_uri: text(info, "artifact_uri"),
        params: pairs(data, "params"),
        tags: pairs(data, "tags"),
        datasets: list(&run["inputs"], "dataset_inputs").iter().map(dataset).collect(),
        models_in: uses(&run["inputs"], "model_inputs"),
        models_out: uses(&run["outputs"], "model_outputs"),
    }
}

fn dataset(input: &Value) -> Dataset {
    let dataset = &input["dataset"];
    Dataset {
        name: text(dataset, "name"),
        digest: text(dataset, "digest"),
        source_type: text(dataset, "source_type"),
        source: text(dataset, "source"),
        schema: some_text(dataset, "schema"),
        profile: some_text(dataset, "profile"),
        tags: pairs(input, "tags"),
    }
}
