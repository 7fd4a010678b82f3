//! How far columns of training and test rows are apart, decided over all of them together.

use std::collections::BTreeMap;

use flyball_core::Column;
use flyball_stats::calibrated::{ColumnTest, DriftPolicy, EffectFloors, Verdict, categorical_test, numeric_test};
use serde_json::{Value as Json, json};

use super::bench::Finding;
use super::integrity::SHOWN;

/// Evidence of one column.
pub(super) struct Moved {
    pub(super) name: String,
    test: Option<ColumnTest>,
}

/// Compares two columns; numbers by the Kolmogorov–Smirnov distance, texts and booleans by total variation.
pub(super) fn compared(name: &str, before: &Column, after: &Column) -> Moved {
    let test = match (before, after) {
        (Column::Text(_) | Column::Bool(_), _) | (_, Column::Text(_) | Column::Bool(_)) => {
            let (then, now) = (levels(before), levels(after));
            let all: BTreeMap<&String, ()> = then.keys().chain(now.keys()).map(|level| (level, ())).collect();
            let count = |counts: &BTreeMap<String, u64>| -> Vec<u64> {
                all.keys().map(|level| counts.get(*level).copied().unwrap_or(0)).collect()
            };
            categorical_test(&count(&then), &count(&now))
        }
        _ => numeric_test(&sorted(before.numbers()), &sorted(after.numbers())),
    };
    Moved { name: name.to_owned(), test }
}

/// Compares two lists of numbers.
pub(super) fn compared_numbers(name: &str, before: Vec<f64>, after: Vec<f64>) -> Moved {
    Moved { name: name.to_owned(), test: numeric_test(&sorted(before), &sorted(after)) }
}

/// The largest effect among those that are proven when all are judged together (false alarms in 5 % of tables without
/// drift); 0 when none is.
pub(super) fn largest(moved: Vec<Moved>, what: &str) -> Finding {
    let floors = EffectFloors { kolmogorov_smirnov: 0.0, total_variation: 0.0, cramers_v: 0.0 };
    let policy = DriftPolicy { floors, ..DriftPolicy::default() };
    let tested: Vec<(String, ColumnTest)> =
        moved.into_iter().filter_map(|column| Some((column.name, column.test?))).collect();
    let tests: Vec<ColumnTest> = tested.iter().map(|(_, test)| *test).collect();
    let mut judged: Vec<_> = tested.into_iter().zip(policy.decide(&tests)).collect();
    judged.retain(|(_, decision)| decision.verdict != Verdict::NotJudged);
    if judged.is_empty() {
        return Finding::missing(format!("too few rows to compare {what}"));
    }
    judged.sort_by(|a, b| b.0.1.effect.total_cmp(&a.0.1.effect));
    let columns: Vec<Json> = judged
        .iter()
        .take(SHOWN)
        .map(|((name, test), decision)| {
            let proven = decision.verdict == Verdict::Drifted;
            json!({ "column": name, "distance": test.effect, "adjusted_p": decision.adjusted_p, "proven": proven })
        })
        .collect();
    let proven: Vec<_> = judged.iter().filter(|(_, decision)| decision.verdict == Verdict::Drifted).collect();
    let finding = match proven.first() {
        None => Finding::of(0.0, format!("no drift of {what} is proven")),
        Some(((name, test), _)) => {
            let text =
                format!("'{name}' has moved by {:.3}; {} of {} are proven", test.effect, proven.len(), judged.len());
            Finding::of(test.effect, text)
        }
    };
    finding.because(json!({ "columns": columns }))
}

fn levels(column: &Column) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for row in 0..column.len() {
        *counts.entry(column.value(row).text().unwrap_or_else(|| "(missing)".to_owned())).or_default() += 1;
    }
    counts
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.retain(|value| value.is_finite());
    values.sort_unstable_by(f64::total_cmp);
    values
}
