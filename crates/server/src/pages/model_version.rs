//! A model version.

use std::collections::BTreeMap;

use flyball_core::{Error, Permit, Read, Result};
use flyball_evaluation::expression::higher_is_better;
use flyball_evaluation::store as gates;
use flyball_evaluation::{Evaluation, Slice};
use flyball_loops::platform::Platform;
use flyball_tracking::runs;
use flyball_web::{
    Badge, Fact, GateRow, LineageStep, MetricRow, ModelVersionPage, Section, SliceRow, SliceTable, State, format, links,
};

use super::{estimate, shell};
use crate::routes::api::models::version_of;

/// The whole page.
pub(crate) fn page(platform: &Platform, permit: &Permit<Read>, model: &str, version: &str) -> Result<ModelVersionPage> {
    let (found, report, run) = platform.db.read(|tx| {
        let found = version_of(tx, permit, model, version)?;
        let report = gates::get(tx, permit, &found.run_id)?;
        let run = runs::get(tx, permit, found.run_id.trim_end_matches(".fallback"))?;
        Ok((found, report, run))
    })?;
    let learnt = run.lineage.as_ref().ok_or_else(|| Error::not_found("lineage of the run", &run.id))?;
    let dataset = platform.datasets.get(permit, &learnt.dataset_version)?;
    let evaluation: Evaluation = serde_json::from_value(found.evaluation.clone()).unwrap_or_default();
    let metric = if evaluation.metrics.contains_key("rmse") { "rmse" } else { "auc" };
    let serves = found.aliases.iter().any(|alias| alias == flyball_registry::CHAMPION);
    Ok(ModelVersionPage {
        shell: shell(platform, permit, Section::Models)?,
        name: found.model.clone(),
        version: found.version.to_string(),
        aliases: found.aliases.clone(),
        badge: if serves { Badge::new(State::Ok, "champion") } else { Badge::from(State::Idle) },
        facts: vec![
            Fact::new("registered", format::minute(found.created_at)),
            Fact::link("run", format::short_id(&run.id), links::run(&run.id)),
            Fact::new("artifact", found.artifact.short()),
        ],
        lineage: vec![
            LineageStep::new(
                "data",
                dataset.label(),
                links::dataset_version(dataset.dataset.as_str(), &dataset.version.to_string()),
            ),
            LineageStep::new("run", format::short_id(&run.id), links::run(&run.id)),
            LineageStep::new("version", format!("version {}", found.version), ""),
            LineageStep::new("endpoint", run.experiment.clone(), links::endpoint(&run.experiment)),
        ],
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
        signature: Some(found.signature),
    })
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

fn slices(slices: &[Slice], metric: &str) -> Vec<SliceTable> {
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
