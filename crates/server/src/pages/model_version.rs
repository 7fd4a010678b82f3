//! A model version.

use std::collections::BTreeMap;

use flyball_core::{ErrorCode, Permit, Read, Result};
use flyball_evaluation::expression::higher_is_better;
use flyball_evaluation::{Evaluation, Slice};
use flyball_loops::platform::Platform;
use flyball_registry::{CHAMPION, ModelVersion, PackagedVersion, Stage, packages};
use flyball_tracking::{Run, runs};
use flyball_web::{
    Badge, Fact, GateRow, LineageStep, MetricRow, ModelVersionPage, Section, SliceRow, SliceTable, State, format, links,
};

use super::{estimate, shell};
use crate::routes::api::models::{gates_of, version_of};

/// The whole page.
pub(crate) fn page(platform: &Platform, permit: &Permit<Read>, model: &str, version: &str) -> Result<ModelVersionPage> {
    let (found, package, report, run) = platform.db.read(|tx| {
        let found = version_of(tx, permit, model, version)?;
        let package = packages::find(tx, permit, &found.model, found.version)?;
        let report = gates_of(tx, permit, &found)?;
        // A client may name a run that another server keeps, or none.
        let run = match runs::get(tx, permit, &found.run_id) {
            Err(error) if error.code() == ErrorCode::NotFound => None,
            run => Some(run?),
        };
        Ok((found, package, report, run))
    })?;
    let evaluation = package.as_ref().and_then(|package| serde_json::from_value(package.evaluation.clone()).ok());
    let evaluation: Evaluation = evaluation.unwrap_or_default();
    let metric = if evaluation.metrics.contains_key("rmse") { "rmse" } else { "auc" };
    let serves = package.is_some() && found.aliases.iter().any(|alias| alias == CHAMPION);
    Ok(ModelVersionPage {
        shell: shell(platform, permit, Section::Models)?,
        name: found.model.clone(),
        version: found.version.to_string(),
        aliases: found.aliases.clone(),
        badge: if serves { Badge::new(State::Ok, "champion") } else { Badge::from(State::Idle) },
        facts: facts(&found, package.as_ref()),
        lineage: lineage(platform, permit, &found, run.as_ref())?,
        gates: report.into_iter().flat_map(|report| report.gates).map(gate_row).collect(),
        metrics: evaluation
            .metrics
            .iter()
            .map(|(name, measure)| MetricRow {
                name: name.clone(),
                estimate: estimate(measure),
                on: "held-out rows".into(),
            })
            .collect(),
        slices: slices(&evaluation.slices, metric),
        signature: package.map(|package| package.signature),
    })
}

fn facts(version: &ModelVersion, package: Option<&PackagedVersion>) -> Vec<Fact> {
    let mut facts = vec![Fact::new("registered", format::minute(version.created_at))];
    if !version.run_id.is_empty() {
        facts.push(Fact::link("run", format::short_id(&version.run_id), links::run(&version.run_id)));
    }
    match package {
        Some(package) => facts.push(Fact::new("artifact", package.artifact.short())),
        None => facts.push(Fact::new("source", version.source.clone())),
    }
    if version.stage != Stage::None {
        facts.push(Fact::new("stage", version.stage.as_str()));
    }
    if let Some(description) = version.description.as_ref().filter(|description| !description.is_empty()) {
        facts.push(Fact::new("description", description.clone()));
    }
    facts.push(Fact::link("card", "model card", links::card(&version.model, &version.version.to_string())));
    facts.extend(version.tags.iter().map(|tag| Fact::new(tag.key.clone(), tag.value.clone())));
    facts
}

/// From the data to the endpoint, as far as it is known.
fn lineage(
    platform: &Platform,
    permit: &Permit<Read>,
    version: &ModelVersion,
    run: Option<&Run>,
) -> Result<Vec<LineageStep>> {
    let mut steps = Vec::new();
    let learnt = run.and_then(|run| run.lineage.as_ref());
    if let Some(learnt) = learnt {
        let dataset = platform.datasets.get(permit, &learnt.dataset_version)?;
        let href = links::dataset_version(dataset.dataset.as_str(), &dataset.version.to_string());
        steps.push(LineageStep::new("data", dataset.label(), href));
    }
    if let Some(run) = run {
        steps.push(LineageStep::new("run", format::short_id(&run.id), links::run(&run.id)));
    }
    steps.push(LineageStep::new("version", format!("version {}", version.version), ""));
    if let (Some(run), Some(_)) = (run, learnt) {
        steps.push(LineageStep::new("endpoint", run.experiment.clone(), links::endpoint(&run.experiment)));
    }
    Ok(steps)
}

fn gate_row(gate: flyball_evaluation::GateOutcome) -> GateRow {
    let evidence = gate.evidence.iter().map(|(term, measured)| match measured {
        None => format!("{term} is unknown"),
        Some(measured) => {
            let note = measured.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
            format!("{term} {}{note}", format::metric(measured.value))
        }
    });
    GateRow { evidence: evidence.collect::<Vec<_>>().join(", "), expression: gate.text, holds: gate.holds }
}

pub(super) fn slices(slices: &[Slice], metric: &str) -> Vec<SliceTable> {
    let mut by_column: BTreeMap<&str, Vec<&Slice>> = BTreeMap::new();
    for slice in slices {
        by_column.entry(&slice.column).or_default().push(slice);
    }
    by_column
        .into_iter()
        .map(|(column, groups)| {
            let sign = if higher_is_better(metric) { 1.0 } else { -1.0 };
            let value = |slice: &Slice| slice.metrics.get(metric).map(|measure| measure.value * sign);
            let worst = groups.iter().filter_map(|slice| value(slice)).min_by(f64::total_cmp);
            let row = |slice: &&Slice| SliceRow {
                value: slice.group.clone(),
                rows: slice.rows as u64,
                estimate: slice.metrics.get(metric).map_or(flyball_web::Estimate::exact(f64::NAN), estimate),
                worst: worst.is_some() && value(slice) == worst,
            };
            SliceTable { by: column.to_owned(), metric: metric.to_owned(), rows: groups.iter().map(row).collect() }
        })
        .collect()
}
