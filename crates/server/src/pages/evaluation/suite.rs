//! The report of a suite on the page of its evaluation.

use flyball_evaluation::Evaluation;
use flyball_evaluation::comparison::MetricDifference;
use flyball_evaluation::curves::Reliability;
use flyball_evaluation::measure::{CONFIDENCE, Measure};
use flyball_evaluation::suite::{CheckOutcome, Group, Status};
use flyball_loops::evaluate::{Comparison, Report};
use flyball_web::{
    Badge, Chart, ChartData, CheckGroup, EvaluationPage, Fact, Grid, MetricRow, Panel, Series, State, SuiteRow, format,
};
use serde_json::Value;

use crate::pages::{MAIN_METRICS, estimate, fairness, model_version};

pub(super) fn fill(page: &mut EvaluationPage, report: &Report) {
    page.verdict = verdict(report);
    page.facts.push(Fact::new("rows judged", format::count(report.suite.judged_rows as u64)));
    page.facts.extend(report.label.iter().map(|label| Fact::new("label", label.clone())));
    let on = format!("{} labelled rows", format::count(report.evaluation.rows as u64));
    let row = |(name, measure): (&String, &Measure)| MetricRow {
        name: format::name(name),
        estimate: estimate(measure),
        on: on.clone(),
    };
    let metrics = &report.evaluation.metrics;
    page.metrics = MAIN_METRICS.into_iter().filter_map(|name| metrics.get_key_value(name)).map(row).collect();
    let others = metrics.iter().filter(|(name, _)| !MAIN_METRICS.contains(&name.as_str()));
    page.more_metrics = others.map(row).collect();
    page.charts = charts(&report.evaluation);
    page.checks = groups(&report.suite.checks);
    let metric = if report.evaluation.metrics.contains_key("rmse") { "rmse" } else { "auc" };
    page.slices = model_version::slices(&report.evaluation.slices, metric);
    page.panels.extend(weak(&report.evaluation));
    page.panels.extend(by_class(&report.evaluation));
    page.panels.extend(report.comparison.iter().map(|comparison| compared(report, comparison)));
    page.panels.extend(report.fairness.iter().flat_map(fairness::panels));
    page.panels.extend(report.mitigation.iter().map(fairness::mitigation));
}

fn verdict(report: &Report) -> String {
    let count = |status| report.suite.count(status);
    let told = [
        (Status::Failed, "failed"),
        (Status::Warned, "warned"),
        (Status::Passed, "passed"),
        (Status::NotApplicable, "did not apply"),
    ];
    let told: Vec<String> = told
        .iter()
        .filter(|(status, _)| count(*status) > 0)
        .map(|(status, word)| format!("{} {word}", count(*status)))
        .collect();
    let failed: Vec<&str> = report
        .suite
        .checks
        .iter()
        .filter(|check| check.status == Status::Failed)
        .map(|check| check.name.as_str())
        .collect();
    let opening = match failed.as_slice() {
        [] => "No check has failed".to_owned(),
        names => format!("Failed: {}", names.join(", ")),
    };
    format!("{opening}. Of {} checks {}.", report.suite.checks.len(), told.join(", "))
}

/// The curves of the answers.
fn charts(evaluation: &Evaluation) -> Vec<Chart> {
    let Some(curves) = &evaluation.curves else { return Vec::new() };
    let mut charts = Vec::new();
    let mut add = |name: &str, x: &str, y: &str, points: Vec<(f64, f64)>| {
        if points.len() > 1 {
            charts.push(chart(name, x, y, &points));
        }
    };
    let selection = || curves.selection.iter();
    add("ROC", "false positive rate", "true positive rate", selection().map(|at| (at.fpr, at.tpr)).collect());
    add("precision and recall", "recall", "precision", selection().map(|at| (at.tpr, at.precision)).collect());
    add(
        "gain",
        "share of rows selected",
        "share of positives found",
        selection().map(|at| (at.selected, at.tpr)).collect(),
    );
    add(
        "quantiles of the errors",
        "normal quantile",
        "error",
        curves.error_quantiles.iter().map(|at| (at[0], at[1])).collect(),
    );
    if curves.reliability.len() > 1 {
        let of = |value: fn(&Reliability) -> f64| curves.reliability.iter().map(value).collect::<Vec<f64>>();
        let (name, values) = ("share that came true".to_owned(), of(|bin| bin.observed));
        let series = Series { name, values, low: of(|bin| bin.low), high: of(|bin| bin.high) };
        let data = ChartData::by_number("probability", of(|bin| bin.predicted), vec![series]);
        charts.push(Chart { title: "reliability".into(), data, ..Chart::default() });
    }
    charts
}

/// Where the model errs most.
fn weak(evaluation: &Evaluation) -> Option<Panel> {
    let row = |slice: &flyball_evaluation::weak::WeakSlice| {
        let conditions = slice.conditions.iter().map(|one| format!("{}: {}", one.column, one.group));
        vec![
            conditions.collect::<Vec<_>>().join(" and "),
            format::count(slice.rows as u64),
            format::metric(slice.loss),
            format::metric(slice.rest_loss),
            format::metric(slice.p_value),
        ]
    };
    let head = ["Rows where", "Rows", "Loss", "Elsewhere", "Adjusted p"].map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = evaluation.weak_slices.iter().map(row).collect();
    let title = "Where the model errs most".to_owned();
    (!rows.is_empty()).then(|| Panel { title, grid: Grid { head, rows }, ..Panel::default() })
}

/// Each of several classes against the others.
fn by_class(evaluation: &Evaluation) -> Option<Panel> {
    const SHOWN: [&str; 4] = ["precision", "recall", "f1", "auc"];
    let row = |label: &flyball_evaluation::evaluate::LabelMetrics| {
        let value =
            |name: &&str| label.metrics.get(*name).map_or_else(|| "undefined".to_owned(), |m| format::metric(m.value));
        let mut row = vec![label.label.clone(), format::count(label.rows as u64)];
        row.extend(SHOWN.iter().map(value));
        row
    };
    let rows: Vec<Vec<String>> = evaluation.labels.iter().map(row).collect();
    let head = ["Class", "Rows"].iter().chain(&SHOWN).map(|name| (*name).to_owned()).collect();
    (!rows.is_empty()).then(|| Panel { title: "Classes".into(), grid: Grid { head, rows }, ..Panel::default() })
}

/// A curve as a chart.
pub(super) fn chart(name: &str, x: &str, y: &str, points: &[(f64, f64)]) -> Chart {
    let (positions, values) = points.iter().copied().unzip();
    let data = ChartData::by_number(x, positions, vec![Series::new(y, values)]);
    Chart { title: name.replace('_', " "), data, ..Chart::default() }
}

/// What needs a look, and then each group.
fn groups(checks: &[CheckOutcome]) -> Vec<CheckGroup> {
    let of = |title: &str, wanted: &dyn Fn(&CheckOutcome) -> bool| CheckGroup {
        title: title.to_owned(),
        rows: checks.iter().filter(|check| wanted(check)).map(row).collect(),
    };
    let needs_look = |check: &CheckOutcome| matches!(check.status, Status::Failed | Status::Warned);
    let mut groups = vec![of("What needs a look", &needs_look)];
    for group in Group::ALL {
        let title = match group {
            Group::Integrity => "Data integrity",
            Group::TrainTest => "Training and test rows",
            Group::Performance => "Performance",
            Group::Robustness => "Robustness",
            Group::Stability => "Stability",
            Group::Speed => "Speed and size",
        };
        groups.push(of(title, &|check| check.group == group && !needs_look(check)));
    }
    groups.retain(|group| !group.rows.is_empty());
    groups
}

fn row(check: &CheckOutcome) -> SuiteRow {
    let badge = match check.status {
        Status::Passed => Badge::new(State::Ok, "passed"),
        Status::Warned => Badge::new(State::Attention, "warned"),
        Status::Failed => Badge::new(State::Failed, "failed"),
        Status::NotApplicable => Badge::new(State::Idle, "not applicable"),
    };
    SuiteRow {
        name: check.name.clone(),
        badge,
        value: check.value.unwrap_or(f64::NAN),
        interval: interval(check.interval),
        threshold: check.threshold.unwrap_or(f64::NAN),
        explanation: check.explanation.clone(),
        evidence: grid(&check.evidence),
    }
}

fn interval(ends: Option<(f64, f64)>) -> String {
    ends.map(|(low, high)| format!("{} to {}", format::metric(low), format::metric(high))).unwrap_or_default()
}

/// The first list of objects in the evidence as a table; else its plain values.
fn grid(evidence: &Value) -> Grid {
    let Value::Object(entries) = evidence else { return Grid::default() };
    let lists = entries.values().filter_map(Value::as_array);
    if let Some(list) = lists.into_iter().find(|list| list.first().is_some_and(Value::is_object)) {
        let head: Vec<String> =
            list.first().and_then(Value::as_object).map(|first| first.keys().cloned().collect()).unwrap_or_default();
        let rows = list.iter().map(|line| head.iter().map(|key| text(&line[key])).collect()).collect();
        return Grid { head: head.iter().map(|key| key.replace('_', " ")).collect(), rows };
    }
    let told = entries.iter().filter(|(_, value)| !value.as_array().is_some_and(Vec::is_empty));
    let rows: Vec<Vec<String>> = told.map(|(key, value)| vec![key.replace('_', " "), text(value)]).collect();
    if rows.is_empty() { Grid::default() } else { Grid { head: vec!["What".into(), "Value".into()], rows } }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => format::MISSING.to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), format::metric),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| format!("{}: {}", key.replace('_', " "), text(value)))
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    }
}

fn compared(report: &Report, comparison: &Comparison) -> Panel {
    let text = format!(
        "Both answered the same rows. Here is what is proven of {} against {}.",
        "this version", comparison.with
    );
    let both = report.evaluation.metrics.iter().filter_map(|(name, own)| {
        let other = comparison.evaluation.metrics.get(name)?;
        Some(Fact::new(name.clone(), format!("{}, there {}", format::metric(own.value), format::metric(other.value))))
    });
    let metrics = comparison.differences.as_ref().map(|found| found.metrics.as_slice()).unwrap_or_default();
    Panel { title: "Comparison".into(), text, facts: both.collect(), grid: differences(metrics), ..Panel::default() }
}

/// Differences of metrics as a table.
pub(super) fn differences(metrics: &[MetricDifference]) -> Grid {
    let row = |found: &MetricDifference| {
        let side = match (found.p_value < 1.0 - CONFIDENCE, found.better) {
            (false, _) => "not proven to differ",
            (true, true) => "better",
            (true, false) => "worse",
        };
        vec![
            found.metric.clone(),
            format::delta(found.difference),
            interval(Some((found.low, found.high))),
            format::metric(found.p_value),
            format!("{side} ({}, {} rows)", found.method.name(), format::count(found.rows as u64)),
        ]
    };
    let head = ["Metric", "Difference", "95 % interval", "p", "This version is"];
    Grid { head: head.map(str::to_owned).to_vec(), rows: metrics.iter().map(row).collect() }
}
