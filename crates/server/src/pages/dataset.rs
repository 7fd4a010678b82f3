//! A dataset version.

use flyball_core::{Column, Kind, Permit, Read, Result, Table, Timestamp, Value};
use flyball_data::profile::ColumnProfile as Profile;
use flyball_data::{CheckOutcome, DatasetVersion, Origin, Severity};
use flyball_loops::platform::Platform;
use flyball_web::{
    Badge, CheckRow, ColumnProfile, DatasetPage, Fact, FailingRows, LineageStep, Section, State, format, links,
};

use super::shell;
use crate::routes::api::datasets::version_of;

/// How many failing rows a page shows.
const ROWS_SHOWN: usize = 10;

/// The whole page.
pub(crate) fn page(platform: &Platform, permit: &Permit<Read>, name: &str, version: &str) -> Result<DatasetPage> {
    let datasets = &platform.datasets;
    let found = version_of(datasets, permit, name, version)?;
    let profile = datasets.profile(permit, &found.id)?;
    let report = datasets.reports(permit, &found.id)?.into_iter().next();
    let failing = match &report {
        Some(report) if report.failing_rows.is_some() => Some(datasets.failing_rows(permit, &report.id)?),
        _ => None,
    };
    let badge = match &report {
        Some(report) if report.passed => Badge::new(State::Ok, "checks passed"),
        Some(_) => Badge::new(State::Failed, "checks failed"),
        None => Badge::new(State::Idle, "no checks"),
    };
    Ok(DatasetPage {
        shell: shell(platform, permit, Section::Data)?,
        name: name.to_owned(),
        version: found.version.to_string(),
        badge,
        facts: facts(&found),
        lineage: lineage(platform, permit, &found)?,
        columns: profile.columns.iter().map(|one| column(one, profile.rows)).collect(),
        checks: report
            .into_iter()
            .flat_map(|report| report.outcomes)
            .map(|outcome| check(&outcome, failing.as_ref()))
            .collect(),
    })
}

fn facts(version: &DatasetVersion) -> Vec<Fact> {
    let mut facts = vec![
        Fact::new("rows", format::count(version.rows as u64)),
        Fact::new("made", format::minute(version.created_at)),
        Fact::new("by", version.created_by.clone()),
        Fact::new("content", version.content.short()),
    ];
    if let Origin::Files { source, .. } = &version.origin {
        facts.push(Fact::new("from", source.clone()));
    }
    if let Origin::Predictions { endpoint, model, model_version, .. } = &version.origin {
        facts.push(Fact::link("predicted by", format!("{model}/{model_version}"), links::endpoint(endpoint)));
    }
    if let Origin::Labels { project, consensus, .. } = &version.origin {
        facts.push(Fact::link("labelled in", project.clone(), links::label_project(project)));
        facts.push(Fact::new("consensus", consensus.replace('_', " ")));
    }
    if version.broken_rows > 0 {
        facts.push(Fact::new("rows in quarantine", format::count(version.broken_rows as u64)));
    }
    facts
}

fn lineage(platform: &Platform, permit: &Permit<Read>, version: &DatasetVersion) -> Result<Vec<LineageStep>> {
    let href = |v: &DatasetVersion| links::dataset_version(v.dataset.as_str(), &v.version.to_string());
    let mut steps = Vec::new();
    let mut inputs = version.origin.inputs().iter().map(|id| platform.datasets.get(permit, id));
    if let Some(first) = inputs.next() {
        let first = first?;
        let mut step = LineageStep::new("inputs", first.label(), href(&first));
        for input in inputs {
            let input = input?;
            step = step.and(input.label(), href(&input));
        }
        steps.push(step);
    }
    steps.push(LineageStep::new("this version", version.label(), ""));
    Ok(steps)
}

fn column(profile: &Profile, rows: usize) -> ColumnProfile {
    let shown = |value: f64| match profile.kind {
        Kind::Time => format::minute(Timestamp(value as i64)),
        _ => format::number(value),
    };
    let level =
        |position: Option<&flyball_data::profile::Frequency>| position.map(|f| f.value.clone()).unwrap_or_default();
    let (low, middle, high, histogram) = match &profile.numbers {
        Some(numbers) => (
            shown(numbers.min),
            numbers.quantiles.get(numbers.quantiles.len() / 2).map(|median| shown(*median)).unwrap_or_default(),
            shown(numbers.max),
            numbers.histogram.iter().map(|&count| count as f64).collect(),
        ),
        None => (
            level(profile.top.first()),
            String::new(),
            level(profile.top.last()),
            profile.top.iter().map(|level| level.rows as f64).collect(),
        ),
    };
    ColumnProfile {
        name: profile.name.clone(),
        kind: profile.kind.as_str().to_owned(),
        role: match (profile.sensitive, profile.candidate_key) {
            (Some(kind), _) => format!("mask: {}", kind.as_str()),
            (None, true) => "key".to_owned(),
            (None, false) => String::new(),
        },
        missing: profile.missing as f64 / rows.max(1) as f64,
        distinct: profile.distinct as u64,
        low,
        middle,
        high,
        histogram,
    }
}

fn check(outcome: &CheckOutcome, failing: Option<&Table>) -> CheckRow {
    let badge = match (outcome.passed, outcome.check.severity) {
        (true, _) => Badge::new(State::Ok, "passed"),
        (false, Severity::Warn) => Badge::new(State::Attention, "warning"),
        (false, Severity::Error) => Badge::new(State::Failed, "failed"),
    };
    let rule = match &outcome.finding {
        Some(finding) => format!("{}: {finding}", outcome.text),
        None => outcome.text.clone(),
    };
    let examples = failing.and_then(|table| examples(table, &outcome.text)).filter(|found| !found.rows.is_empty());
    CheckRow { rule, badge, failing: outcome.failing as u64, examples }
}

/// Some of the rows that fail the check of this text.
fn examples(table: &Table, text: &str) -> Option<FailingRows> {
    let checks = table.column("flyball_check").ok()?;
    let of_check = (0..table.rows()).filter(|row| matches!(checks.value(*row), Value::Text(found) if &*found == text));
    // The reason stands above the rows.
    let shown: Vec<(&str, &Column)> = table.columns().filter(|(name, _)| *name != "flyball_check").collect();
    Some(FailingRows {
        columns: shown
            .iter()
            .map(|(name, _)| if *name == "flyball_row" { "row".into() } else { (*name).to_owned() })
            .collect(),
        rows: of_check
            .take(ROWS_SHOWN)
            .map(|row| shown.iter().map(|(_, column)| column.value(row).text().unwrap_or_default()).collect())
            .collect(),
    })
}
