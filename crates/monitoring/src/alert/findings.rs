//! What a judged window finds.

use std::borrow::Borrow;

use serde_json::json;

use super::model::{AlertKind, Finding};
use crate::diagnosis::Cause;
use crate::window::WindowReport;

/// How many columns or faults a summary names.
const NAMED: usize = 3;
/// How many causes an alert tells.
const TOLD: usize = 5;

/// The limit of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Floor<'a> {
    /// The metric.
    pub metric: &'a str,
    /// What it must not fall below, or rise above where less is better.
    pub limit: f64,
    /// What it must reach again before an open alert counts as gone; the limit itself when absent.
    pub clear: Option<f64>,
    /// Whether more is better.
    pub higher_is_better: bool,
}

/// The findings of a window: faults of the data, drift, and the metric against its floor, each with what it may come from.
/// A window that was not judged finds nothing and resolves nothing, unless hardly any data came. Faults of the data come
/// first, because they explain the rest.
pub fn findings(report: &WindowReport, causes: &[Cause], floor: Option<&Floor<'_>>) -> Vec<Finding> {
    let faults: Vec<&Cause> = causes.iter().filter(|cause| cause.kind.is_data_fault()).collect();
    if report.note.is_some() {
        return if faults.is_empty() { Vec::new() } else { vec![data_fault(report, &faults)] };
    }
    let mut found = vec![data_fault(report, &faults), drifted(report, causes), unfair(report)];
    found.extend(floor.filter(|_| report.labels_due).and_then(|floor| past_floor(report, causes, floor)));
    found
}

fn data_fault(report: &WindowReport, faults: &[&Cause]) -> Finding {
    let named: Vec<&str> = faults.iter().take(NAMED).map(|cause| cause.evidence.as_str()).collect();
    let summary = match faults.len() {
        0 => "the data is as it was".to_owned(),
        n if n > NAMED => format!("{} and {} more", named.join("; "), n - NAMED),
        _ => named.join("; "),
    };
    let details = json!({ "from": report.from, "to": report.to, "rows": report.rows, "diagnosis": told(faults) });
    Finding::new(AlertKind::Data, !faults.is_empty(), summary, details)
}

fn drifted(report: &WindowReport, causes: &[Cause]) -> Finding {
    let drifted = report.drifted();
    let top: Vec<String> =
        drifted.iter().take(NAMED).map(|c| format!("{} ({} {:.2})", c.column, c.effect_name, c.effect)).collect();
    let summary = match drifted.len() {
        0 => "no drift".to_owned(),
        n => format!("{n} of {} columns drifted: {}", report.columns.len(), top.join(", ")),
    };
    let details = json!({
        "from": report.from, "to": report.to, "rows": report.rows, "columns": drifted, "diagnosis": told(causes),
    });
    // Drift of a single window is told, but wakes nobody: see `paging`.
    Finding::new(AlertKind::Drift, !report.paging.is_empty(), summary, details)
}

/// Groups of people who are treated less alike than is asked for.
fn unfair(report: &WindowReport) -> Finding {
    let summary = match report.unfair.len() {
        0 => "groups are treated as is asked for".to_owned(),
        _ => report.unfair.join("; "),
    };
    let details = json!({ "from": report.from, "to": report.to, "rows": report.rows, "fairness": report.fairness });
    Finding::new(AlertKind::Fairness, !report.unfair.is_empty(), summary, details)
}

/// The most telling causes in words.
fn told<C: Borrow<Cause>>(causes: &[C]) -> Vec<String> {
    let told = |cause: &Cause| format!("{}: {}", cause.kind.as_str().replace('_', " "), cause.shown());
    causes.iter().take(TOLD).map(|cause| told(cause.borrow())).collect()
}

fn past_floor(report: &WindowReport, causes: &[Cause], floor: &Floor<'_>) -> Option<Finding> {
    let Floor { metric, limit, higher_is_better, .. } = *floor;
    let measure = report.performance.get(metric)?;
    let past = |limit: f64| if higher_is_better { measure.value < limit } else { measure.value > limit };
    let summary = format!("{metric} is {:.3}, its floor is {limit}", measure.value);
    let details = json!({
        "from": report.from, "to": report.to, "rows": report.labelled, "metric": metric, "measured": measure,
        "floor": limit, "diagnosis": told(causes),
    });
    let near = !past(limit) && floor.clear.is_some_and(past);
    Some(Finding { near, ..Finding::new(AlertKind::Performance, past(limit), summary, details) })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::diagnosis::CauseKind;
    use flyball_core::Timestamp;
    use flyball_evaluation::measure::Measure;

    fn report(auc: f64) -> WindowReport {
        let column = serde_json::from_value(json!({
            "column": "wind", "p_value": 1e-9, "adjusted_p": 1e-8, "effect": 0.31, "effect_name": "D", "alarm": true,
        }));
        let measure: Measure =
            serde_json::from_value(json!({ "value": auc, "low": auc, "high": auc, "rows": 400 })).unwrap();
        WindowReport {
            rows: 500,
            labelled: 400,
            columns: vec![column.unwrap()],
            drift: true,
            paging: vec!["wind".to_owned()],
            performance: BTreeMap::from([("auc".to_owned(), measure)]),
            note: None,
            ..WindowReport::silent((Timestamp(0), Timestamp(1)), BTreeMap::new())
        }
    }

    fn shown(report: &WindowReport, floor: Option<&Floor<'_>>) -> Vec<(AlertKind, bool, bool)> {
        findings(report, &[], floor).iter().map(|found| (found.kind, found.present, found.near)).collect()
    }

    #[test]
    fn a_fault_of_the_data_is_told_first_and_also_in_an_empty_window() {
        let evidence = "40 % of wind is missing, 2 % before".to_owned();
        let causes = [
            Cause::new(CauseKind::MissingFeature, Some("wind"), 0.4, evidence.clone()),
            Cause::new(CauseKind::CovariateShift, Some("temp"), 0.2, "D 0.20 from the reference".into()),
        ];
        let found = findings(&report(0.7), &causes, None);
        assert_eq!((found[0].kind, found[0].present, &found[0].summary), (AlertKind::Data, true, &evidence));
        assert_eq!(found[0].details["diagnosis"], json!(["missing feature: 40 % of wind is missing, 2 % before"]));
        assert!(found[1].present && found[1].details["diagnosis"].as_array().unwrap().len() == 2);
        assert!(!findings(&report(0.7), &causes[1..], None)[0].present, "a shift is no fault");
        let silent = WindowReport { note: Some("too few".into()), ..report(0.1) };
        assert!(findings(&silent, &causes[1..], None).is_empty());
        assert_eq!(findings(&silent, &causes, None).len(), 1);
    }

    #[test]
    fn a_metric_is_past_its_floor_near_it_or_well() {
        let floor = Floor { metric: "auc", limit: 0.6, clear: Some(0.65), higher_is_better: true };
        for (auc, present, near) in [(0.59, true, false), (0.62, false, true), (0.66, false, false)] {
            assert_eq!(shown(&report(auc), Some(&floor))[3], (AlertKind::Performance, present, near), "{auc}");
        }
        let loss = Floor { metric: "auc", limit: 0.6, clear: None, higher_is_better: false };
        assert_eq!(shown(&report(0.61), Some(&loss))[3], (AlertKind::Performance, true, false));
        assert_eq!(shown(&report(0.59), Some(&loss))[3], (AlertKind::Performance, false, false));
        assert_eq!(shown(&report(0.5), Some(&Floor { metric: "mae", ..floor })).len(), 3);
        let provisional = WindowReport { labels_due: false, ..report(0.1) };
        assert_eq!(shown(&provisional, Some(&floor)).len(), 3, "labels may still come");
    }
}
