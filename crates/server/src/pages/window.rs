//! One window of a monitor: all that was judged, what tells most first.

mod panels;

use std::collections::{BTreeMap, BTreeSet};

use flyball_core::{Error, Permit, Read, Result, Timestamp};
use flyball_evaluation::measure::Measure;
use flyball_loops::platform::Platform;
use flyball_monitoring::alert::Alert;
use flyball_monitoring::diagnosis::{Cause, CauseKind};
use flyball_monitoring::drift::ColumnDrift;
use flyball_monitoring::{WindowReport, store as monitoring};
use flyball_web::{
    Badge, CauseRow, Distribution, Fact, FeatureDrift, Folded, Grid, Link, Note, Section, State, WindowMetric,
    WindowPage, format, links,
};

use super::{MAIN_METRICS, alert_row, estimate, period, shell};

/// How many features the page shows: the others drifted less, and a page of thousands would neither load nor be read.
const FEATURES: usize = 60;
/// How many features a cause names.
const NAMED: usize = 3;
/// How many alerts are looked through.
const ALERTS: usize = 200;

/// The whole page.
pub(crate) fn page(platform: &Platform, permit: &Permit<Read>, name: &str, id: &str) -> Result<WindowPage> {
    let from = id.parse().map(Timestamp).map_err(|_| Error::not_found("window", format!("{name}/{id}")))?;
    let (window, alerts) = platform.db.read(|tx| {
        Ok::<_, Error>((
            monitoring::window(tx, permit, name, from)?,
            monitoring::alerts(tx, permit, Some(name), ALERTS)?,
        ))
    })?;
    let (metrics, more_metrics) = metrics(&window);
    let mut columns: Vec<&ColumnDrift> = window.columns.iter().collect();
    columns.sort_by(|a, b| b.alarm.cmp(&a.alarm).then(b.effect.total_cmp(&a.effect)));
    let unshown = columns.len().saturating_sub(FEATURES) as u64;
    columns.truncate(FEATURES);
    // What is told of a window is told when it has ended.
    let of_window = |alert: &&Alert| {
        alert.opened_at >= window.from && alert.opened_at <= window.to + (window.to - window.from)
            || alert.opened_at <= window.to && alert.resolved_at.is_none_or(|end| end > window.to)
    };
    Ok(WindowPage {
        shell: shell(platform, permit, Section::Monitors)?,
        monitor: Link::new(name, links::monitor(name)),
        period: period(window.from, window.to),
        badge: badge(&window),
        verdict: verdict(&window),
        notes: notes(&window),
        causes: causes(&window.causes),
        facts: facts(&window),
        labels: labels(&window),
        metrics,
        more_metrics,
        features: columns.iter().map(|column| feature(column)).collect(),
        unshown,
        statistics: statistics(&columns),
        panels: panels::of(&window),
        alerts: alerts.iter().filter(of_window).map(alert_row).collect(),
    })
}

fn badge(window: &WindowReport) -> Badge {
    if window.note.is_some() {
        Badge::new(State::Idle, "not judged")
    } else if window.drift {
        Badge::new(State::Attention, "drift")
    } else {
        Badge::from(State::Ok)
    }
}

/// What happened, in a sentence.
fn verdict(window: &WindowReport) -> String {
    if let Some(note) = &window.note {
        return format!("Not judged: {note}.");
    }
    let drifted = window.drifted();
    let names: Vec<&str> = drifted.iter().take(NAMED).map(|column| column.column.as_str()).collect();
    match (drifted.len(), window.columns.len()) {
        (0, columns) => format!("No drift in {columns} columns."),
        (drifted, columns) if drifted > names.len() => {
            format!("{drifted} of {columns} columns drifted, most of all {}.", names.join(", "))
        }
        (drifted, columns) => format!("{drifted} of {columns} columns drifted: {}.", names.join(", ")),
    }
}

/// What else must be known at once.
fn notes(window: &WindowReport) -> Vec<Note> {
    let note = |state, word: &str, text: String| Note { badge: Badge::new(state, word), text };
    let mut notes = Vec::new();
    if !window.paging.is_empty() {
        let named = listed(&window.paging);
        let text = format!("{named}: drifted in two windows in a row, and too strongly to be chance within a year.");
        notes.push(note(State::Failed, "pages", text));
    } else if window.drift {
        let text = "Drift is told as a finding. It pages once it shows in two windows in a row and is so strong that \
                    chance explains it less than once a year.";
        notes.push(note(State::Idle, "does not page", text.to_owned()));
    }
    notes.extend(window.unfair.iter().map(|said| note(State::Attention, "unfair", said.clone())));
    if window.together.is_some_and(|together| together.outside) {
        let text = "The features vary together in another way than in the reference, whatever each does by itself.";
        notes.push(note(State::Attention, "together", text.to_owned()));
    }
    notes
}

/// The first of some names, and how many more.
fn listed(names: &[String]) -> String {
    let first = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > NAMED { format!("{first} and {} more", names.len() - NAMED) } else { first }
}

/// One row for each kind of cause, however many features show it.
fn causes(found: &[Cause]) -> Vec<CauseRow> {
    let mut kinds: Vec<(CauseKind, Vec<&Cause>)> = Vec::new();
    for cause in found {
        match kinds.iter_mut().find(|(kind, _)| *kind == cause.kind) {
            Some((_, causes)) => causes.push(cause),
            None => kinds.push((cause.kind, vec![cause])),
        }
    }
    let row = |(kind, causes): &(CauseKind, Vec<&Cause>)| {
        let mut shown: Vec<String> = causes.iter().take(NAMED).map(|cause| cause.shown()).collect();
        if causes.len() > NAMED {
            shown.push(format!("{} more", causes.len() - NAMED));
        }
        CauseRow {
            what: super::cause_words(*kind).to_owned(),
            evidence: shown.join("; "),
            suggestion: super::suggestion_words(&causes[0].suggestion).to_owned(),
        }
    };
    kinds.iter().map(row).collect()
}

fn facts(window: &WindowReport) -> Vec<Fact> {
    let mut facts = vec![Fact::new("predictions", format::count(window.rows as u64))];
    if window.errors > 0 {
        facts.push(Fact::new("failed requests", format::count(window.errors as u64)));
    }
    facts.push(Fact::new("labels complete", coverage(window)));
    facts.extend(window.versions.iter().map(|(version, rows)| {
        let (name, number) = version.rsplit_once('/').unwrap_or((version, ""));
        let text = format!("{name} {number}, {} rows", format::count(*rows as u64));
        Fact::link("answered by", text, links::model_version(name, number))
    }));
    if let Some(grouped) = &window.grouped {
        let groups = format::count(grouped.groups as u64);
        facts.push(Fact::new("rows that belong together", format!("{groups} values of {}", grouped.column)));
    }
    facts
}

/// The share of rows whose truth is known.
fn coverage(window: &WindowReport) -> String {
    if window.rows == 0 {
        return format::MISSING.to_owned();
    }
    format::percent(window.labelled as f64 / window.rows as f64)
}

/// How much of what is measured can be trusted.
fn labels(window: &WindowReport) -> String {
    if window.rows == 0 {
        return String::new();
    }
    let known = format!("Labels are {} complete", coverage(window));
    match (window.labels_due, window.estimated.is_empty()) {
        (true, _) => format!("{known} and no more are due: what is measured counts."),
        (false, true) => {
            format!("{known}, more are due: what is measured is of those that came first, and may change.")
        }
        (false, false) => format!(
            "{known}, more are due: until then the estimates count, which follow from the model's own answers; what is \
             measured is of the labels that came first."
        ),
    }
}

/// The metrics that are looked at first, those that were estimated among them, and the others.
fn metrics(window: &WindowReport) -> (Vec<WindowMetric>, Vec<WindowMetric>) {
    let names: BTreeSet<&String> = window.performance.keys().chain(window.estimated.keys()).collect();
    let found = |measures: &BTreeMap<String, Measure>, name: &str| measures.get(name).map(estimate);
    let metric = |name: &str| WindowMetric {
        name: format::name(name),
        measured: found(&window.performance, name),
        estimated: found(&window.estimated, name),
        reference: found(&window.reference, name),
    };
    let first: Vec<&str> = MAIN_METRICS.into_iter().filter(|name| names.contains(&(*name).to_owned())).collect();
    let rest = names.iter().filter(|name| !first.contains(&name.as_str()));
    let (estimated, others): (Vec<&&String>, _) = rest.partition(|name| window.estimated.contains_key(**name));
    let main = first.iter().map(|name| metric(name)).chain(estimated.into_iter().map(|name| metric(name)));
    (main.collect(), others.into_iter().map(|name| metric(name)).collect())
}

fn feature(column: &ColumnDrift) -> FeatureDrift {
    let (then, now) = match (&column.quantiles, column.levels.as_slice()) {
        (Some((then, now)), _) => (Distribution::Quantiles(*then), Distribution::Quantiles(*now)),
        (None, []) => (Distribution::Unknown, Distribution::Unknown),
        (None, levels) => (
            Distribution::Shares(levels.iter().map(|(level, then, _)| (level.clone(), *then)).collect()),
            Distribution::Shares(levels.iter().map(|(level, _, now)| (level.clone(), *now)).collect()),
        ),
    };
    FeatureDrift {
        feature: column.column.clone(),
        effect_name: column.effect_name.clone(),
        effect: column.effect,
        adjusted: column.adjusted_p.unwrap_or(f64::NAN),
        drifted: column.alarm,
        then,
        now,
    }
}

/// All statistics of the columns side by side, for those who know them.
fn statistics(columns: &[&ColumnDrift]) -> Option<Folded> {
    let names: BTreeSet<&String> = columns.iter().flat_map(|column| column.statistics.keys()).collect();
    let row = |column: &&ColumnDrift| {
        let value = |name: &&String| {
            column.statistics.get(*name).map_or_else(|| format::MISSING.into(), |v| format::metric(*v))
        };
        let p_value = column.p_value.map_or_else(|| format::MISSING.to_owned(), format::p_value);
        [column.column.clone(), p_value].into_iter().chain(names.iter().map(value)).collect()
    };
    let head = ["Feature", "p"].into_iter().map(str::to_owned);
    let head = head.chain(names.iter().map(|name| name.replace('_', " "))).collect();
    let grid = Grid { head, rows: columns.iter().map(row).collect() };
    (!names.is_empty()).then(|| Folded { title: "All statistics".to_owned(), grid })
}
