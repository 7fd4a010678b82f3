//! A loop.

use flyball_core::{Permit, Read, Result};
use flyball_evaluation::store as gates;
use flyball_loops::platform::Platform;
use flyball_loops::status;
use flyball_monitoring::store as monitoring;
use flyball_registry::{PackagedVersion, packages};
use flyball_web::{Badge, Chart, Link, LoopPage, Section, State, VersionRow, links};

use super::overview::cycle;
use super::remedies::remedy_row;
use super::{alert_row, estimate, rollout_row, shell, window_row};
use crate::routes::api::loops::windows_chart;

/// The whole page.
pub(crate) fn page(platform: &Platform, permit: &Permit<Read>, name: &str) -> Result<LoopPage> {
    let details = status::details(platform, permit, name)?;
    let metric = details.status.metric.clone();
    let (versions, alerts) = platform.db.read(|tx| {
        let versions = packages::list(tx, permit, name, 50)?;
        let rows = versions
            .iter()
            .map(|version| {
                let report = gates::get(tx, permit, &version.run_id)?;
                Ok(version_row(version, report.map(|report| report.passed), &metric))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok((rows, monitoring::alerts(tx, permit, Some(name), 50)?))
    })?;
    let now = platform.clock.now();
    Ok(LoopPage {
        shell: shell(platform, permit, Section::Loops)?,
        cycle: cycle(&details.status),
        file: details.declared.text.clone(),
        performance: Chart {
            title: format!("{metric} by window"),
            src: format!("/api/v1/loops/{name}/series"),
            refresh: String::new(),
            data: windows_chart(&details.windows, &metric),
        },
        versions,
        windows: details.windows.iter().map(|window| window_row(name, window, &metric)).collect(),
        alerts: alerts.iter().map(alert_row).collect(),
        remedies: details.actions.iter().map(|action| remedy_row(action, now)).collect(),
        rollouts: details.rollouts.iter().map(rollout_row).collect(),
    })
}

fn version_row(version: &PackagedVersion, passed: Option<bool>, metric: &str) -> VersionRow {
    let evaluation: flyball_evaluation::Evaluation =
        serde_json::from_value(version.evaluation.clone()).unwrap_or_default();
    VersionRow {
        version: Link::new(
            format!("version {}", version.version),
            links::model_version(&version.model, &version.version.to_string()),
        ),
        aliases: version.aliases.clone(),
        at: version.created_at,
        metric: evaluation.metrics.get(metric).map(estimate),
        run: Link::new(flyball_web::format::short_id(&version.run_id), links::run(&version.run_id)),
        gates: match passed {
            Some(true) => Badge::new(State::Ok, "passed"),
            Some(false) => Badge::new(State::Failed, "refused"),
            None => Badge::from(State::Idle),
        },
    }
}
