//! What is asked of both products, and the figures of it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::Sizes;
use super::side::Side;
use crate::bench::load::{self, Budget, Connection, Shape, Timing};
use crate::bench::table::{Better, Figure, Goal};

/// Points of the long history, which dev/bench/fill.py makes.
const HISTORY: usize = 100_000;
/// Metrics of a batch: the most that the protocol allows.
const BATCH: u64 = 1_000;
/// The run of the long history: the first that dev/bench/fill.py makes.
const HISTORY_RUN: &str = "10000000000000001000000000000000";
/// A server that takes less of a core is idle; so many windows are waited for it.
const QUIET: f64 = 0.1;
const WINDOWS: usize = 12;
/// Holds for about an eighth of the filled runs.
const FILTER: &str = "metrics.m3 > 0.4 AND params.p2 = 'choice-1'";
const ORDER: &str = "metrics.m7 DESC";

/// The ids of the runs that each search found, in their order.
pub(super) type Answers = Vec<Vec<String>>;

/// The goals of a case.
#[derive(Clone, Copy, Default)]
struct Goals {
    rate: Goal,
    half: Goal,
    p95: Goal,
    p99: Goal,
}

/// The cases on one side, and what came out so far.
pub(super) struct Cases<'a> {
    pub(super) side: &'a Side,
    pub(super) sizes: &'a Sizes,
    pub(super) figures: Vec<Figure>,
    pub(super) answers: Answers,
    /// Every point that is logged has a step of its own: one that is there already would cost nothing.
    steps: AtomicU64,
}

impl<'a> Cases<'a> {
    pub(super) fn new(side: &'a Side, sizes: &'a Sizes) -> Self {
        Self { side, sizes, figures: Vec::new(), answers: Vec::new(), steps: AtomicU64::new(0) }
    }

    /// Adds a figure.
    pub(super) fn add(&mut self, case: &str, name: &str, value: f64, better: Better, goal: Goal) {
        self.figures.push(Figure { case: case.to_owned(), name: name.to_owned(), value, better, goal });
    }

    /// A server that nobody asks, once it has done what follows its start.
    pub(super) fn idle(&mut self) {
        let mut spent = f64::INFINITY;
        for _ in 0..WINDOWS {
            let before = self.side.server.cpu();
            std::thread::sleep(Duration::from_secs(self.sizes.window));
            spent = (self.side.server.cpu() - before) / self.sizes.window as f64;
            if spent < QUIET {
                break;
            }
        }
        self.add("idle", "memory MB (PSS)", self.side.server.memory(), Better::Less, Goal::most(40.0));
        self.add("idle", "CPU ms/s", spent * 1e3, Better::Less, Goal::default());
    }

    /// What is in memory after everything.
    pub(super) fn loaded(&mut self) {
        std::thread::sleep(Duration::from_secs(2));
        self.add("loaded", "memory MB (PSS)", self.side.server.memory(), Better::Less, Goal::most(100.0));
    }

    /// One point a request, each connection into a run of its own.
    pub(super) fn log_metric(&mut self) -> Result<()> {
        let experiment = self.side.experiment("metrics")?;
        for (connections, goals) in
            [(1, Goals::default()), (32, Goals { rate: Goal::times(50.0), p99: Goal::most(10.0), ..Goals::default() })]
        {
            let runs = (0..connections).map(|_| Ok(self.side.run(&experiment)?.0)).collect::<Result<Vec<_>>>()?;
            let steps = &self.steps;
            let body = |connection: usize| {
                let (run, step) = (&runs[connection], steps.fetch_add(1, Relaxed));
                format!(r#"{{"run_id":"{run}","run_uuid":"{run}","key":"loss",{}}}"#, point(step))
            };
            let shape = Shape { method: "POST", path: "/api/2.0/mlflow/runs/log-metric".to_owned(), body: &body };
            let case = format!("log-metric, {connections} connection{}", if connections == 1 { "" } else { "s" });
            let figures = self.load(&case, connections, &shape, goals)?;
            self.figures.extend(figures);
        }
        Ok(())
    }

    /// A thousand points a request.
    pub(super) fn log_batch(&mut self) -> Result<()> {
        let experiment = self.side.experiment("batches")?;
        for (name, keys) in [("log-batch, 10 keys × 100 steps", 10), ("log-batch, 1,000 keys", BATCH)] {
            let run = self.side.run(&experiment)?.0;
            let steps = &self.steps;
            let body = |_: usize| {
                let first = steps.fetch_add(BATCH, Relaxed);
                let mut text = format!(r#"{{"run_id":"{run}","metrics":["#);
                for metric in 0..BATCH {
                    let comma = if metric == 0 { "" } else { "," };
                    text.push_str(&format!(r#"{comma}{{"key":"metric_{}",{}}}"#, metric % keys, point(first + metric)));
                }
                text.push_str("]}");
                text
            };
            let shape = Shape { method: "POST", path: "/api/2.0/mlflow/runs/log-batch".to_owned(), body: &body };
            let figures = self.load(name, 1, &shape, Goals { rate: Goal::times(50.0), ..Goals::default() })?;
            self.figures.extend(figures);
        }
        Ok(())
    }

    /// A filter on a metric and a param, ordered by another metric.
    pub(super) fn search(&mut self, experiment: &str, runs: usize) -> Result<()> {
        let p95 = if runs > 10_000 { Goal::most(100.0) } else { Goal { times: Some(40.0), most: Some(15.0) } };
        for page in [100, 1_000] {
            let asked = json!({
                "experiment_ids": [experiment], "filter": FILTER, "order_by": [ORDER], "max_results": page,
                "run_view_type": "ACTIVE_ONLY",
            });
            self.answers.push(found(&self.side.call("runs/search", &asked)?)?);
            let body = |_: usize| asked.to_string();
            let shape = Shape { method: "POST", path: "/api/2.0/mlflow/runs/search".to_owned(), body: &body };
            let case = format!("search of {runs} runs, page {page}");
            let figures = self.load(&case, 1, &shape, Goals { p95, ..Goals::default() })?;
            self.figures.extend(figures);
        }
        Ok(())
    }

    /// A whole history in one answer, as the stock client reads it.
    pub(super) fn history(&mut self) -> Result<()> {
        let path = format!("/api/2.0/mlflow/metrics/get-history?run_id={HISTORY_RUN}&metric_key=history");
        let mut connection = Connection::open(&self.side.address)?;
        let answer: Value = serde_json::from_slice(connection.call("GET", &path, "")?)?;
        let points = answer["metrics"].as_array().map_or(0, Vec::len);
        if points != HISTORY {
            bail!("the history has {points} points instead of {HISTORY}");
        }
        let shape = Shape { method: "GET", path, body: &|_| String::new() };
        let goals = Goals { half: Goal::times(20.0), ..Goals::default() };
        let figures = self.load("history of 100,000 points", 1, &shape, goals)?;
        self.figures.extend(figures);
        Ok(())
    }

    /// Warms up, then measures.
    fn load(&self, case: &str, connections: usize, shape: &Shape<'_>, goals: Goals) -> Result<Vec<Figure>> {
        let side = self.side;
        eprintln!("  {}: {case}", side.name());
        let warm = Budget { seconds: self.sizes.budget.seconds / 8.0, least: connections, ..self.sizes.budget };
        let stored = || side.cluster.as_ref().map(|cluster| cluster.server.cpu());
        let measured = || -> Result<(Timing, f64, Option<f64>)> {
            load::run(&side.address, connections, warm, shape)?;
            let (served, kept) = (side.server.cpu(), stored());
            let timing = load::run(&side.address, connections, self.sizes.budget, shape)?;
            let kept = stored().zip(kept).map(|(after, before)| after - before);
            Ok((timing, side.server.cpu() - served, kept))
        };
        let (timing, served, kept) = measured().with_context(|| format!("{}: {case}", side.name()))?;
        let requests = timing.requests() as f64;
        let figure = |name: &str, value: f64, better: Better, goal: Goal| Figure {
            case: case.to_owned(),
            name: name.to_owned(),
            value,
            better,
            goal,
        };
        let mut figures = vec![
            figure("requests/s", requests / timing.wall, Better::More, goals.rate),
            figure("CPU ms/request", served / requests * 1e3, Better::Less, Goal::default()),
        ];
        let kept = kept.map(|kept| kept / requests * 1e3);
        figures.extend(kept.map(|kept| figure("PostgreSQL CPU ms/request", kept, Better::Less, Goal::default())));
        for (percent, goal) in [(50, goals.half), (95, goals.p95), (99, goals.p99)] {
            figures.push(figure(&format!("p{percent} ms"), timing.percentile(percent), Better::Less, goal));
        }
        Ok(figures)
    }
}

/// The fields of a point behind its key.
fn point(step: u64) -> String {
    format!(r#""value":0.{step},"timestamp":1700000000000,"step":{step}"#)
}

/// The ids of the runs in an answer.
fn found(answer: &Value) -> Result<Vec<String>> {
    let runs = answer["runs"].as_array().filter(|runs| !runs.is_empty()).context("the search found nothing")?;
    let id = |run: &Value| run["info"]["run_id"].as_str().map(str::to_owned).context("a run without an id");
    runs.iter().map(id).collect()
}
