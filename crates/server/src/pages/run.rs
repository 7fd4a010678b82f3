//! A run.

use flyball_core::{Permit, Read, Result};
use flyball_loops::platform::Platform;
use flyball_registry::versions;
use flyball_tracking::{Run, RunStatus, history, runs};
use flyball_web::{
    Badge, Chart, Estimate, Fact, Importance, LineageStep, MetricRow, RunPage, Section, State, format, links,
};

use super::{period, shell};
use crate::routes::api::runs::curve;

/// The whole page.
pub(crate) fn page(platform: &Platform, permit: &Permit<Read>, id: &str) -> Result<RunPage> {
    let (run, versions) = platform.db.read(|tx| {
        let run = runs::get(tx, permit, id)?;
        let versions = versions::of_run(tx, permit, id)?;
        Ok((run, versions))
    })?;
    // The curve that tells most: the one on held-out rows, else the first with more than one step.
    let watched = run.metrics.iter().find(|metric| metric.key.starts_with("validation_"));
    let watched = watched.or_else(|| run.metrics.iter().find(|metric| metric.point.step > 0)).map(|m| m.key.clone());
    let points = match &watched {
        Some(metric) => platform.db.read(|tx| history::of(tx, permit, id, metric))?,
        None => Vec::new(),
    };
    let mut lineage = Vec::new();
    if let Some(learnt) = &run.lineage {
        let dataset = platform.datasets.get(permit, &learnt.dataset_version)?;
        let href = links::dataset_version(dataset.dataset.as_str(), &dataset.version.to_string());
        lineage.push(LineageStep::new("data", dataset.label(), href));
    }
    lineage.push(LineageStep::new("run", format::short_id(id), ""));
    for version in &versions {
        let number = version.version.to_string();
        lineage.push(LineageStep::new(
            "version",
            format!("{} {number}", version.model),
            links::model_version(&version.model, &number),
        ));
    }
    Ok(RunPage {
        shell: shell(platform, permit, Section::Runs)?,
        id: id.to_owned(),
        name: if run.lineage.is_some() { run.experiment.clone() } else { run.name.clone() },
        badge: badge(&run),
        facts: facts(&run),
        lineage,
        parameters: run.params.iter().map(|param| Fact::new(param.key.clone(), param.value.clone())).collect(),
        metrics: run
            .metrics
            .iter()
            .map(|metric| MetricRow {
                name: metric.key.clone(),
                estimate: Estimate::exact(metric.point.value),
                on: String::new(),
            })
            .collect(),
        curve: Chart {
            title: "Learning curve".into(),
            data: watched.map(|metric| curve(&metric, &points)).unwrap_or_default(),
            ..Chart::default()
        },
        importance: run
            .lineage
            .iter()
            .flat_map(|learnt| &learnt.importance)
            .map(|(feature, amount)| Importance { feature: feature.clone(), amount: *amount })
            .collect(),
    })
}

pub(crate) fn badge(run: &Run) -> Badge {
    match run.status {
        RunStatus::Running => Badge::new(State::Active, "running"),
        RunStatus::Finished => Badge::new(State::Ok, "finished"),
        RunStatus::Failed => Badge::new(State::Failed, "failed"),
        RunStatus::Scheduled => Badge::new(State::Idle, "scheduled"),
        RunStatus::Killed => Badge::new(State::Attention, "killed"),
    }
}

fn facts(run: &Run) -> Vec<Fact> {
    let mut facts = match run.lineage {
        Some(_) => vec![Fact::link("loop", run.experiment.clone(), links::loop_page(&run.experiment))],
        None => vec![Fact::new("experiment", run.experiment.clone()), Fact::new("user", run.user_id.clone())],
    };
    facts.push(Fact::new("started", format::minute(run.started_at)));
    if let Some(ended) = run.ended_at {
        facts.push(Fact::new("ended", format::minute(ended)));
    }
    let Some(learnt) = &run.lineage else {
        let tag = |key: &str| run.tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.clone());
        facts.extend(tag("mlflow.source.name").map(|source| Fact::new("source", source)));
        facts.extend(tag("mlflow.source.git.commit").map(|commit| Fact::new("code commit", short(&commit))));
        facts.extend(tag("mlflow.parentRunId").map(|parent| {
            let (text, href) = (format::short_id(&parent), links::run(&parent));
            Fact::link("part of", text, href)
        }));
        return facts;
    };
    facts.push(Fact::new("cause", learnt.cause.clone()));
    facts.push(Fact::new("rows", format::count(learnt.rows)));
    if let Some((from, to)) = learnt.window {
        facts.push(Fact::new("events", period(from, to)));
    }
    facts.push(Fact::new("rows digest", learnt.rows_digest.short()));
    if let Some(commit) = &learnt.code_commit {
        facts.push(Fact::new("code commit", short(commit)));
    }
    if let Some(error) = &learnt.error {
        facts.push(Fact::new("error", error.clone()));
    }
    facts
}

/// As much of a commit as people read.
fn short(commit: &str) -> String {
    commit.chars().take(12).collect()
}
