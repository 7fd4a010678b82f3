//! The report of a replay on the page of its evaluation.

use flyball_loops::replay::{ReplayReport, Share};
use flyball_web::{EvaluationPage, Fact, Grid, Panel, format};

use super::suite::{chart, differences};
use crate::pages::period;

pub(super) fn fill(page: &mut EvaluationPage, report: &ReplayReport) {
    page.verdict = verdict(report);
    page.facts.extend(facts(report));
    if let Some(differences) = &report.differences {
        let middles = differences.edges.windows(2).map(|ends| (ends[0] + ends[1]) / 2.0);
        let points: Vec<(f64, f64)> = middles.zip(differences.counts.iter().map(|count| *count as f64)).collect();
        page.charts.push(chart("differences of the answers", "candidate less recorded", "rows", &points));
    }
    let metrics = report.against_truth.as_ref().map(|found| found.metrics.as_slice()).unwrap_or_default();
    let known = format!("The truth of {} rows is known.", format::count(report.labelled as u64));
    page.panels.push(Panel {
        title: "Against what happened".into(),
        text: known,
        grid: differences(metrics),
        ..Panel::default()
    });
    page.panels.push(Panel { title: "Rows that differ most".into(), grid: worst(report), ..Panel::default() });
    if !report.groups.is_empty() {
        page.panels.push(Panel { title: "By group".into(), grid: groups(report), ..Panel::default() });
    }
    if !report.attribution.is_empty() {
        let text = "The mean size of each feature's part in the answers, in the raw units of each model.".to_owned();
        page.panels.push(Panel {
            title: "What moves the answers".into(),
            text,
            grid: attribution(report),
            ..Panel::default()
        });
    }
}

fn verdict(report: &ReplayReport) -> String {
    let turned = share(&report.flips);
    let opening = match report.reasons.as_slice() {
        [] => "Every row is answered, and nothing is proven worse.".to_owned(),
        reasons => format!("Not good enough: {}.", reasons.join("; ")),
    };
    format!("{opening} {} of {} decisions turn ({turned}).", report.flips.count, report.flips.rows)
}

fn share(share: &Share) -> String {
    match (share.value, share.low, share.high) {
        (Some(value), Some(low), Some(high)) => {
            format!("{}, {} to {} at 95 %", format::percent(value), format::percent(low), format::percent(high))
        }
        (Some(value), ..) => format::percent(value),
        (None, ..) => format::MISSING.to_owned(),
    }
}

fn facts(report: &ReplayReport) -> Vec<Fact> {
    let latency =
        |milliseconds: Option<f64>| milliseconds.map_or_else(|| format::MISSING.to_owned(), format::duration_ms);
    let mut facts = vec![
        Fact::new("events", period(report.period.0, report.period.1)),
        Fact::new("rows", format::count(report.rows as u64)),
        Fact::new("decisions that turn", share(&report.flips)),
        Fact::new(
            "per row now, candidate",
            format!("{}, {}", latency(report.latency_ms.0), latency(report.latency_ms.1)),
        ),
    ];
    if let Some(differences) = &report.differences {
        facts.push(Fact::new("mean difference", format::delta(differences.mean)));
        facts.push(Fact::new("largest", format::metric(differences.largest)));
    }
    if report.had_failed > 0 {
        facts.push(Fact::new("had failed, not compared", format::count(report.had_failed as u64)));
    }
    if !report.missing_features.is_empty() {
        facts.push(Fact::new("not recorded, asked as missing", report.missing_features.join(", ")));
    }
    facts
}

fn titles(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn worst(report: &ReplayReport) -> Grid {
    let rows = report.worst.iter().map(|row| {
        vec![
            row.prediction_id.clone(),
            format::minute(row.at),
            format::metric(row.recorded),
            row.candidate.map_or_else(|| "no answer".to_owned(), format::metric),
            if row.flips { "turns" } else { "stays" }.to_owned(),
        ]
    });
    Grid { head: titles(&["Prediction", "At", "Recorded", "Candidate", "Decision"]), rows: rows.collect() }
}

fn groups(report: &ReplayReport) -> Grid {
    let rows = report.groups.iter().map(|group| {
        vec![
            format!("{} = {}", group.column, group.group),
            format::count(group.flips.rows as u64),
            share(&group.flips),
            group.mean_difference.map_or_else(|| format::MISSING.to_owned(), format::delta),
        ]
    });
    Grid { head: titles(&["Group", "Rows", "Decisions that turn", "Mean difference"]), rows: rows.collect() }
}

fn attribution(report: &ReplayReport) -> Grid {
    let size = |size: Option<f64>| size.map_or_else(|| format::MISSING.to_owned(), format::metric);
    let rows = report.attribution.iter().map(|row| vec![row.feature.clone(), size(row.serving), size(row.candidate)]);
    Grid { head: titles(&["Feature", "Serving", "Candidate"]), rows: rows.collect() }
}
