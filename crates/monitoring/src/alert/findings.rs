//! What a judged window finds.

use serde_json::json;

use super::model::{AlertKind, Finding};
use crate::drift::{self, ColumnDrift};
use crate::window::WindowReport;

/// How many columns a summary names.
const NAMED: usize = 3;

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

/// The findings of a window: broken inputs, drift, and the metric against its floor. A window that was not judged finds
/// nothing and resolves nothing. Broken inputs come first, because they explain the rest.
pub fn findings(report: &WindowReport, floor: Option<&Floor<'_>>) -> Vec<Finding> {
    if report.note.is_some() {
        return Vec::new();
    }
    let mut found = vec![broken_inputs(report), drifted(report)];
    found.extend(floor.and_then(|floor| past_floor(report, floor)));
    found
}

/// Values that went missing are a fault of whoever sends them, not a change of the world.
fn broken_inputs(report: &WindowReport) -> Finding {
    let shares: Vec<(&ColumnDrift, f64, f64)> = report
        .drifted()
        .into_iter()
        .filter_map(|column| drift::missing_share(column).map(|(a, b)| (column, a, b)))
        .collect();
    let missing: Vec<_> = shares.into_iter().filter(|(_, then, now)| now > then).collect();
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let named: Vec<String> = missing
        .iter()
        .take(NAMED)
        .map(|(column, then, now)| format!("{} {} (was {})", column.column, percent(*now), percent(*then)))
        .collect();
    let columns: Vec<&ColumnDrift> = missing.iter().map(|(column, ..)| *column).collect();
    let summary = match missing.len() {
        0 => "no values went missing".to_owned(),
        n => format!("values went missing: {}{}", named.join(", "), more(n)),
    };
    let details = json!({ "from": report.from, "to": report.to, "rows": report.rows, "columns": columns });
    Finding::new(AlertKind::Data, !missing.is_empty(), summary, details)
}

fn drifted(report: &WindowReport) -> Finding {
    let drifted = report.drifted();
    let top: Vec<String> =
        drifted.iter().take(NAMED).map(|c| format!("{} ({} {:.2})", c.column, c.effect_name, c.effect)).collect();
    let summary = match drifted.len() {
        0 => "no drift".to_owned(),
        n => format!("{n} of {} columns drifted: {}", report.columns.len(), top.join(", ")),
    };
    let details = json!({ "from": report.from, "to": report.to, "rows": report.rows, "columns": drifted });
    Finding::new(AlertKind::Drift, report.drift, summary, details)
}

fn past_floor(report: &WindowReport, floor: &Floor<'_>) -> Option<Finding> {
    let Floor { metric, limit, higher_is_better, .. } = *floor;
    if !report.labels_due {
        return None;
    }
    let measure = report.performance.get(metric)?;
    let past = |limit: f64| if higher_is_better { measure.value < limit } else { measure.value > limit };
    let summary = format!("{metric} is {:.3}, its floor is {limit}", measure.value);
    let details = json!({
        "from": report.from, "to": report.to, "rows": report.labelled, "metric": metric, "measured": measure,
        "floor": limit,
    });
    let near = !past(limit) && floor.clear.is_some_and(past);
    Some(Finding { near, ..Finding::new(AlertKind::Performance, past(limit), summary, details) })
}

fn more(count: usize) -> String {
    if count > NAMED { format!(" and {} more", count - NAMED) } else { String::new() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use flyball_core::Timestamp;
    use flyball_evaluation::measure::Measure;

    fn report(column: &str, auc: f64) -> WindowReport {
        let column = serde_json::from_value(json!({
            "column": column, "p_value": 1e-9, "adjusted_p": 1e-8, "effect": 0.31, "effect_name": "TV", "alarm": true,
            "levels": [["missing", 0.02, 0.33]],
        }));
        let measure: Measure =
            serde_json::from_value(json!({ "value": auc, "low": auc, "high": auc, "rows": 400 })).unwrap();
        WindowReport {
            rows: 500,
            labelled: 400,
            columns: vec![column.unwrap()],
            drift: true,
            performance: BTreeMap::from([("auc".to_owned(), measure)]),
            note: None,
            ..WindowReport::silent((Timestamp(0), Timestamp(1)), BTreeMap::new())
        }
    }

    fn shown(report: &WindowReport, floor: Option<&Floor<'_>>) -> Vec<(AlertKind, bool, bool)> {
        findings(report, floor).iter().map(|found| (found.kind, found.present, found.near)).collect()
    }

    #[test]
    fn missing_values_are_a_fault_of_the_data_and_told_first() {
        let found = findings(&report("wind missing", 0.7), None);
        assert_eq!((found[0].kind, found[0].present), (AlertKind::Data, true));
        assert_eq!(found[0].summary, "values went missing: wind missing 33 % (was 2 %)");
        assert!(found[1].present, "the drift is still recorded");
        assert!(!findings(&report("wind", 0.7), None)[0].present);
        let unjudged = WindowReport { note: Some("too few".into()), ..report("wind", 0.1) };
        assert!(findings(&unjudged, None).is_empty());
    }

    #[test]
    fn a_metric_is_past_its_floor_near_it_or_well() {
        let floor = Floor { metric: "auc", limit: 0.6, clear: Some(0.65), higher_is_better: true };
        for (auc, present, near) in [(0.59, true, false), (0.62, false, true), (0.66, false, false)] {
            assert_eq!(shown(&report("wind", auc), Some(&floor))[2], (AlertKind::Performance, present, near), "{auc}");
        }
        let loss = Floor { metric: "auc", limit: 0.6, clear: None, higher_is_better: false };
        assert_eq!(shown(&report("wind", 0.61), Some(&loss))[2], (AlertKind::Performance, true, false));
        assert_eq!(shown(&report("wind", 0.59), Some(&loss))[2], (AlertKind::Performance, false, false));
        assert_eq!(shown(&report("wind", 0.5), Some(&Floor { metric: "mae", ..floor })).len(), 2);
    }
}
