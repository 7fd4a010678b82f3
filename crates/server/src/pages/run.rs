//! A run.

use flyball_core::{Permit, Read, Result};
use flyball_loops::platform::Platform;
use flyball_registry::store as registry;
use flyball_tracking::{Run, RunStatus, store as tracking};
use flyball_web::{
    Badge, Chart, Estimate, Fact, Importance, LineageStep, MetricRow, RunPage, Section, State, format, links,
};

use super::{period, shell};
use crate::routes::api::runs::curve;

/// The whole page.
pub(crate) fn page(platform: &Platform, permit: &Permit<Read>, id: &str) -> Result<RunPage> {
    let (run, versions) = platform.db.read(|tx| {
        let run = tracking::get(tx, permit, id)?;
        let versions = registry::list(tx, permit, Some(&run.experiment), 500)?;
        Ok((run, versions))
    })?;
    let watched = run.metrics.iter().find(|(name, _)| name.starts_with("validation_")).map(|(name, _)| name.clone());
    let history = match &watched {
        Some(metric) => platform.db.read(|tx| tracking::metric_history(tx, permit, id, metric))?,
        None => Vec::new(),
    };
    let dataset = platform.datasets.get(permit, &run.dataset_version)?;
    let dataset_href = links::dataset_version(dataset.dataset.as_str(), &dataset.version.to_string());
    let mut lineage = vec![
        LineageStep::new("data", dataset.label(), dataset_href),
        LineageStep::new("run", format::short_id(id), ""),
    ];
    if let Some(version) = versions.iter().find(|version| version.run_id == id) {
        let number = version.version.to_string();
        lineage.push(LineageStep::new(
            "version",
            format!("version {number}"),
            links::model_version(&version.model, &number),
        ));
    }
    Ok(RunPage {
        shell: shell(platform, permit, Section::Runs)?,
        id: id.to_owned(),
        name: run.experiment.clone(),
        badge: badge(&run),
        facts: facts(&run),
        lineage,
        parameters: run.params.iter().map(|(name, value)| Fact::new(name.clone(), value.clone())).collect(),
        metrics: run
            .metrics
            .iter()
            .map(|(name, value)| MetricRow { name: name.clone(), estimate: Estimate::exact(*value), on: String::new() })
            .collect(),
        curve: Chart {
            title: "Learning curve".into(),
            data: watched.map(|metric| curve(&metric, &history)).unwrap_or_default(),
            ..Chart::default()
        },
        importance: run
            .importance
            .iter()
            .map(|(feature, amount)| Importance { feature: feature.clone(), amount: *amount })
            .collect(),
    })
}

pub(crate) fn badge(run: &Run) -> Badge {
    match run.status {
        RunStatus::Running => Badge::new(State::Active, "running"),
        RunStatus::Finished => Badge::new(State::Ok, "finished"),
        RunStatus::Failed => Badge::new(State::Failed, "failed"),
    }
}

fn facts(run: &Run) -> Vec<Fact> {
    let mut facts = vec![
        Fact::link("loop", run.experiment.clone(), links::loop_page(&run.experiment)),
        Fact::new("cause", run.cause.clone()),
        Fact::new("started", format::minute(run.started_at)),
        Fact::new("rows", format::count(run.rows)),
    ];
    if let Some((from, to)) = run.window {
        facts.push(Fact::new("events", period(from, to)));
    }
    facts.push(Fact::new("rows digest", run.rows_digest.chars().take(12).collect::<String>()));
    if let Some(commit) = &run.code_commit {
        facts.push(Fact::new("code commit", commit.chars().take(12).collect::<String>()));
    }
    if let Some(error) = &run.error {
        facts.push(Fact::new("error", error.clone()));
    }
    facts
}
