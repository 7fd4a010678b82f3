//! Metrics of classifiers, of predicted numbers and of orders, as scikit-learn computes them.

mod binary;
mod multiclass;
mod numbers;
mod ranking;

use flyball_stats::interval::Named;
use serde_json::Value;

use crate::checks::Checks;
use crate::read::{items, members};

/// Compares a fixture of metrics.
pub(crate) fn check(fixture: &Value, checks: &mut Checks) {
    crate::compare::check(fixture, checks);
    for (part, cases) in members(fixture) {
        let check: fn(&Value, &str, &mut Checks) = match part {
            "binary" => binary::check,
            "multiclass" => multiclass::check,
            "regression" => numbers::check,
            "ranking" => ranking::check,
            "comparison" | "schema" | "versions" | "tolerance" | "definitions" => continue,
            _ => {
                checks.leave_out(format!("{part}: nothing here computes it"));
                continue;
            }
        };
        for (at, case) in items(cases).iter().enumerate() {
            let name = case["name"].as_str().map_or_else(|| format!("{part} {at}"), |name| format!("{part} {name}"));
            check(case, &name, checks);
        }
    }
}

/// A metric by its name here.
fn value(metrics: &Named, name: &str) -> Option<f64> {
    metrics.iter().find(|(known, _)| *known == name).map(|(_, estimate)| estimate.value)
}

/// Compares each member of an object whose value `ours` knows (an undefined value is `Some(None)`), and says what it
/// does not know.
fn compare(
    expected: &Value,
    case: &str,
    checks: &mut Checks,
    elsewhere: &[&str],
    ours: impl Fn(&str) -> Option<Option<f64>>,
) {
    for (name, expected) in members(expected).filter(|(name, _)| !elsewhere.contains(name)) {
        let what = format!("{case} {name}");
        match ours(name) {
            Some(got) => checks.same(&what, got, expected),
            None => checks.leave_out(format!("{what}: nothing here computes it")),
        }
    }
}
