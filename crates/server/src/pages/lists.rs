//! The list pages.

use flyball_core::{Permit, Read, Result};
use flyball_governance::{Outcome, audit};
use flyball_loops::platform::Platform;
use flyball_loops::status;
use flyball_monitoring::store as monitoring;
use flyball_registry::versions;
use flyball_tracking::runs as tracking;
use flyball_web::{Badge, Column, Link, ListCell, ListPage, Section, State, format, links};

use super::overview::cycle;
use super::{alert as alert_page, run, shell};

/// How many rows a list shows.
pub(super) const ROWS: usize = 200;

pub(super) fn list(
    platform: &Platform,
    permit: &Permit<Read>,
    section: Section,
    columns: &[&str],
    mut rows: Vec<Vec<ListCell>>,
    empty_text: &str,
) -> Result<ListPage> {
    // A column in which nobody has anything would only take room.
    let told: Vec<bool> = (0..columns.len())
        .map(|column| rows.is_empty() || rows.iter().any(|row| row.get(column).is_some_and(|cell| !cell.is_empty())))
        .collect();
    for row in &mut rows {
        let mut told = told.iter();
        row.retain(|_| told.next().copied().unwrap_or(true));
    }
    let columns = columns.iter().zip(&told).filter(|(_, told)| **told).map(|(title, _)| Column::text(*title));
    Ok(ListPage {
        shell: shell(platform, permit, section)?,
        title: section.title().to_owned(),
        columns: columns.collect(),
        rows,
        empty_text: empty_text.to_owned(),
        next_page: None,
    })
}

/// All loops.
pub(crate) fn loops(platform: &Platform, permit: &Permit<Read>) -> Result<ListPage> {
    let row = |status: &status::LoopStatus| {
        let view = cycle(status);
        let now = status.now.as_ref().map(|measure| format::metric(measure.value)).unwrap_or_default();
        vec![
            Link::new(status.name.clone(), links::loop_page(&status.name)).into(),
            view.badge.into(),
            view.version.into(),
            status.metric.clone().into(),
            now.into(),
        ]
    };
    let rows = status::all(platform, permit)?.iter().map(row).collect();
    let empty = "No loop yet. Run `flyball init`, edit flyball.yaml, then `flyball apply`.";
    list(platform, permit, Section::Loops, &["loop", "state", "version", "metric", "now"], rows, empty)
}

/// The monitors of all loops.
pub(crate) fn monitors(platform: &Platform, permit: &Permit<Read>) -> Result<ListPage> {
    let row = |status: &status::LoopStatus| {
        let badge =
            if status.firing.is_empty() { Badge::from(State::Ok) } else { Badge::new(State::Attention, "firing") };
        vec![
            Link::new(status.name.clone(), links::monitor(&status.name)).into(),
            badge.into(),
            status.next_window.map(format::minute).unwrap_or_default().into(),
        ]
    };
    let rows = status::all(platform, permit)?.iter().map(row).collect();
    list(
        platform,
        permit,
        Section::Monitors,
        &["monitor", "state", "next window closes"],
        rows,
        "No loop is watched yet.",
    )
}

/// The newest runs.
pub(crate) fn runs(platform: &Platform, permit: &Permit<Read>) -> Result<ListPage> {
    let runs = platform.db.read(|tx| tracking::newest(tx, permit, None, ROWS))?;
    let row = |one: &flyball_tracking::Run| {
        let learnt = one.lineage.as_ref();
        vec![
            Link::new(format::short_id(&one.id), links::run(&one.id)).into(),
            one.name.clone().into(),
            match learnt {
                Some(_) => Link::new(one.experiment.clone(), links::loop_page(&one.experiment)).into(),
                None => one.experiment.clone().into(),
            },
            run::badge(one).into(),
            format::minute(one.started_at).into(),
            learnt.map(|learnt| format::count(learnt.rows)).unwrap_or_default().into(),
            learnt.map(|learnt| learnt.cause.clone()).unwrap_or_default().into(),
        ]
    };
    let rows = runs.iter().map(row).collect();
    list(
        platform,
        permit,
        Section::Runs,
        &["run", "name", "experiment", "state", "started", "rows", "cause"],
        rows,
        "Nothing was trained yet.",
    )
}

/// The newest model versions.
pub(crate) fn models(platform: &Platform, permit: &Permit<Read>) -> Result<ListPage> {
    let versions = platform.db.read(|tx| versions::newest(tx, permit, ROWS))?;
    let row = |version: &flyball_registry::ModelVersion| {
        let number = version.version.to_string();
        vec![
            Link::new(version.model.clone(), links::model_version(&version.model, &number)).into(),
            number.into(),
            version.aliases.join(", ").into(),
            format::minute(version.created_at).into(),
        ]
    };
    let rows = versions.iter().map(row).collect();
    list(platform, permit, Section::Models, &["model", "version", "aliases", "registered"], rows, "No version yet.")
}

/// All endpoints.
pub(crate) fn endpoints(platform: &Platform, permit: &Permit<Read>) -> Result<ListPage> {
    let row = |endpoint: &flyball_serving::EndpointSnapshot| {
        let state = if endpoint.state.as_str() == "ready" { State::Ok } else { State::Attention };
        let requests: u64 = endpoint.revisions.iter().map(|revision| revision.counters.requests).sum();
        vec![
            Link::new(endpoint.name.clone(), links::endpoint(&endpoint.name)).into(),
            Badge::new(state, endpoint.state.as_str()).into(),
            endpoint.revisions.len().to_string().into(),
            format::count(requests).into(),
        ]
    };
    let rows = platform.serving.snapshot().iter().map(row).collect();
    list(
        platform,
        permit,
        Section::Endpoints,
        &["endpoint", "state", "revisions", "requests"],
        rows,
        "Nothing serves yet.",
    )
}

/// The newest version of each dataset.
pub(crate) fn data(platform: &Platform, permit: &Permit<Read>) -> Result<ListPage> {
    let row = |version: &flyball_data::DatasetVersion| {
        let number = version.version.to_string();
        vec![
            Link::new(version.dataset.to_string(), links::dataset_version(version.dataset.as_str(), &number)).into(),
            number.into(),
            format::count(version.rows as u64).into(),
            version.columns.len().to_string().into(),
            format::minute(version.created_at).into(),
        ]
    };
    let rows = platform.datasets.list(permit)?.iter().map(row).collect();
    list(platform, permit, Section::Data, &["dataset", "version", "rows", "columns", "made"], rows, "No dataset yet.")
}

/// The alerts, firing ones first.
pub(crate) fn alerts(platform: &Platform, permit: &Permit<Read>) -> Result<ListPage> {
    let alerts = platform.db.read(|tx| monitoring::alerts(tx, permit, None, ROWS))?;
    let row = |alert: &flyball_monitoring::alert::Alert| {
        vec![
            alert_page::badge(alert).into(),
            alert.severity.as_str().into(),
            Link::new(alert.summary.clone(), links::alert(&alert.id)).into(),
            Link::new(alert.loop_name.clone(), links::monitor(&alert.loop_name)).into(),
            alert.kind.as_str().into(),
            format::minute(alert.opened_at).into(),
            alert.windows.to_string().into(),
            alert.acknowledged_by.clone().unwrap_or_default().into(),
        ]
    };
    let rows = alerts.iter().map(row).collect();
    list(
        platform,
        permit,
        Section::Alerts,
        &["state", "severity", "alert", "loop", "kind", "since", "windows", "taken on by"],
        rows,
        "No alert was ever raised.",
    )
}

/// The newest events of the audit log.
pub(crate) fn audit_log(platform: &Platform, permit: &Permit<Read>, before: Option<i64>) -> Result<ListPage> {
    let events = platform.db.read(|tx| audit::newest(tx, before, ROWS))?;
    let row = |recorded: &audit::Recorded| {
        let event = &recorded.event;
        let state = match event.outcome {
            Outcome::Done => Badge::new(State::Ok, "done"),
            Outcome::Denied => Badge::new(State::Attention, "denied"),
            Outcome::Failed => Badge::new(State::Failed, "failed"),
        };
        vec![
            recorded.seq.to_string().into(),
            format::minute(event.at).into(),
            event.actor.clone().into(),
            event.action.clone().into(),
            event.resource.clone().into(),
            state.into(),
        ]
    };
    let rows: Vec<Vec<ListCell>> = events.iter().map(row).collect();
    let columns = ["number", "at", "who", "what", "to what", "outcome"];
    let mut page = list(platform, permit, Section::Audit, &columns, rows, "Nothing has happened yet.")?;
    if events.len() == ROWS {
        page.next_page = events.last().map(|last| format!("/audit?before={}", last.seq));
    }
    Ok(page)
}
