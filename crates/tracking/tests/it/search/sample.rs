//! Made-up runs, in memory and in a database.

use std::collections::BTreeMap;

use flyball_core::Result;
use flyball_core::rng::Rng;
use flyball_governance::identity::LOCAL_WORKSPACE;
use flyball_store::{OnConflict, Param, Tx, params};

/// A run as the reference sees it.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) no: i64,
    pub(crate) id: String,
    pub(crate) experiment: i64,
    pub(crate) deleted: bool,
    pub(crate) status: &'static str,
    pub(crate) started: i64,
    pub(crate) ended: Option<i64>,
    pub(crate) metrics: BTreeMap<&'static str, f64>,
    pub(crate) params: BTreeMap<&'static str, String>,
    pub(crate) tags: BTreeMap<&'static str, String>,
    /// Name, digest and context.
    pub(crate) datasets: Vec<(&'static str, &'static str, Option<&'static str>)>,
}

impl Sample {
    pub(crate) fn name(&self) -> &str {
        self.tags.get("mlflow.runName").map_or("", String::as_str)
    }
}

/// The datasets that runs use.
pub(crate) const DATASETS: [(&str, &str); 3] = [("train", "d1"), ("train", "d2"), ("Eval", "d3")];

/// Runs with ties, gaps and NaNs. Of experiment 1 there are many, of the others a few.
pub(crate) fn samples(count: i64, seed: u64) -> Vec<Sample> {
    let mut rng = Rng::seeded(seed);
    (1..=count).map(|no| sample(&mut rng, no)).collect()
}

fn sample(rng: &mut Rng, no: i64) -> Sample {
    let one_of = |rng: &mut Rng, texts: &[&str]| texts[rng.below(texts.len())].to_owned();
    let mut metrics = BTreeMap::from([("flat", 1.0), ("loss", (rng.unit() * 2000.0).round() / 1000.0 - 1.0)]);
    match rng.below(10) {
        0 => {}
        1 => drop(metrics.insert("acc", f64::NAN)),
        _ => drop(metrics.insert("acc", rng.below(4) as f64)),
    }
    if rng.below(20) == 0 {
        metrics.insert("rare", rng.unit());
    }
    let mut params = BTreeMap::from([("lr", one_of(rng, &["0.1", "0.01", "1e-3"])), ("unique", format!("v{no}"))]);
    if rng.below(3) > 0 {
        let end = one_of(rng, &["a", "b", "", "é_%"]);
        params.insert("long text", format!("{}{end}", one_of(rng, &["x".repeat(220).as_str(), "Xy", ""])));
    }
    let mut tags = BTreeMap::from([("mlflow.runName", format!("{}-{}", one_of(rng, &["bold", "Calm"]), no % 50))]);
    if rng.below(2) == 0 {
        tags.insert("team", one_of(rng, &["red", "RED", "b*ue", "g?[n"]));
    }
    let mut datasets = Vec::new();
    for (name, digest) in DATASETS {
        if rng.below(4) == 0 {
            datasets.push((name, digest, [None, Some("training"), Some("eval")][rng.below(3)]));
        }
    }
    Sample {
        no,
        id: format!("{:032x}", rng.next_u64()),
        experiment: [1, 1, 1, 1, 1, 1, 1, 1, 2, 3][rng.below(10)],
        deleted: rng.below(8) == 0,
        status: ["RUNNING", "FINISHED", "FAILED"][rng.below(3)],
        started: 1_000 + no / 7,
        ended: (rng.below(3) > 0).then(|| 2_000 + rng.below(50) as i64),
        metrics,
        params,
        tags,
        datasets,
    }
}

/// Puts samples into the database, with the experiments 1, 2 and 3, and 4 of another workspace.
pub(crate) fn store(tx: &mut Tx<'_>, samples: &[Sample]) -> Result<()> {
    let mut put = |table: &str, columns: &[&str], rows: Vec<Vec<Param>>| {
        tx.insert_rows(table, columns, &rows, OnConflict::Fail).map(drop)
    };
    let experiment = |id: i64| {
        let workspace = if id == 4 { "other" } else { LOCAL_WORKSPACE };
        params![id, workspace, format!("e{id}"), "mlflow-artifacts:/", "active", id, id].to_vec()
    };
    let columns = ["id", "workspace", "name", "artifact_location", "lifecycle", "created_at", "updated_at"];
    put("experiments", &columns, (1..=4).map(experiment).collect())?;
    let datasets = |id: i64, (name, digest): (&str, &str)| params![id, name, digest, "local", "here"].to_vec();
    put(
        "logged_datasets",
        &["experiment_id", "name", "digest", "source_type", "source"],
        DATASETS.iter().map(|dataset| datasets(1, *dataset)).collect(),
    )?;
    let columns = [
        "id",
        "workspace",
        "experiment_id",
        "name",
        "user_id",
        "status",
        "lifecycle",
        "started_at",
        "ended_at",
        "artifact_uri",
    ];
    let run = |run: &Sample| {
        let lifecycle = if run.deleted { "deleted" } else { "active" };
        let (id, name) = (run.id.as_str(), run.name());
        params![id, LOCAL_WORKSPACE, run.experiment, name, "ada", run.status, lifecycle, run.started, run.ended, "u"]
            .to_vec()
    };
    put("runs", &columns, samples.iter().map(run).collect())?;
    let columns = ["run_no", "key", "experiment_id", "value", "is_nan", "timestamp", "step", "chunks"];
    let metric = |run: &Sample, (key, value): (&&'static str, &f64)| {
        let number = if value.is_nan() { 0.0 } else { *value };
        params![run.no, *key, run.experiment, number, value.is_nan(), 0, 0, 0].to_vec()
    };
    put(
        "latest_metrics",
        &columns,
        samples.iter().flat_map(|s| s.metrics.iter().map(move |m| metric(s, m))).collect(),
    )?;
    let text = |run: &Sample, key: &str, value: &str| params![run.no, key, run.experiment, value].to_vec();
    let columns = ["run_no", "key", "experiment_id", "value"];
    put(
        "run_params",
        &columns,
        samples.iter().flat_map(|s| s.params.iter().map(move |(k, v)| text(s, k, v))).collect(),
    )?;
    put("run_tags", &columns, samples.iter().flat_map(|s| s.tags.iter().map(move |(k, v)| text(s, k, v))).collect())?;
    let uses = |run: &Sample| -> Vec<Vec<Param>> {
        let number = |wanted: (&str, &str)| DATASETS.iter().position(|dataset| *dataset == wanted).unwrap() as i64 + 1;
        let one = |(name, digest, context): &(&str, &str, Option<&str>)| {
            params![run.no, number((name, digest)), context.map(str::to_owned), "[]"].to_vec()
        };
        run.datasets.iter().map(one).collect()
    };
    put("run_datasets", &["run_no", "dataset_no", "context", "tags"], samples.iter().flat_map(uses).collect())
}
