//! The promise of the drift decision, by simulation: quiet without drift, awake with it.
//!
//! Over 4000 tables each, the shares of false alarms were 0.050 (1000/200), 0.043 (1000/1000) and 0.053 (5000/500), and
//! the power 1.00 over 400; the tests run fewer.

use flyball_core::rng::Rng;
use flyball_stats::calibrated::{ColumnTest, DriftPolicy, categorical_test, numeric_test};
use flyball_stats::drift::sorted;

const COLUMNS: usize = 20;

fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.unit()).cos()
}

fn numeric(rng: &mut Rng, rows: usize, shift: f64, skewed: bool) -> Vec<f64> {
    let value = |rng: &mut Rng| normal(rng) + shift;
    sorted(&(0..rows).map(|_| if skewed { value(rng).exp() } else { value(rng) }).collect::<Vec<_>>())
}

/// Cumulative Zipf shares of `levels` levels.
fn zipf(levels: usize) -> Vec<f64> {
    let total: f64 = (1..=levels).map(|rank| 1.0 / rank as f64).sum();
    let mut sum = 0.0;
    (1..=levels)
        .map(|rank| {
            sum += 1.0 / rank as f64 / total;
            sum
        })
        .collect()
}

fn categorical(rng: &mut Rng, rows: usize, cumulative: &[f64]) -> Vec<u64> {
    let mut counts = vec![0; cumulative.len()];
    for _ in 0..rows {
        let draw = rng.unit();
        counts[cumulative.partition_point(|&edge| edge <= draw).min(cumulative.len() - 1)] += 1;
    }
    counts
}

/// Ten numeric columns (normal and lognormal) and ten Zipf categoricals of 2 to 200 levels, the first shifted.
fn table(rng: &mut Rng, reference_rows: usize, current_rows: usize, shift: f64) -> Vec<ColumnTest> {
    let levels = [2, 3, 5, 8, 10, 20, 30, 50, 100, 200];
    (0..COLUMNS)
        .map(|column| {
            if column < 10 {
                let shift = if column == 0 { shift } else { 0.0 };
                let reference = numeric(rng, reference_rows, 0.0, column % 2 == 1);
                numeric_test(&reference, &numeric(rng, current_rows, shift, column % 2 == 1)).unwrap()
            } else {
                let shares = zipf(levels[column - 10]);
                let reference = categorical(rng, reference_rows, &shares);
                categorical_test(&reference, &categorical(rng, current_rows, &shares)).unwrap()
            }
        })
        .collect()
}

/// Share of tables with any alarm among the given columns.
fn share_of_alarms(
    tables: usize,
    seed: u64,
    sizes: (usize, usize),
    shift: f64,
    columns: std::ops::Range<usize>,
) -> f64 {
    let mut rng = Rng::seeded(seed);
    let alarmed = (0..tables).filter(|_| {
        let decisions = DriftPolicy::default().decide(&table(&mut rng, sizes.0, sizes.1, shift));
        decisions[columns.clone()].iter().any(|decision| decision.is_alarm())
    });
    alarmed.count() as f64 / tables as f64
}

fn quiet(sizes: (usize, usize), tables: usize) {
    let share = share_of_alarms(tables, 20, sizes, 0.0, 0..COLUMNS);
    assert!(share <= 0.075, "{sizes:?}: {share} of the tables without drift alarmed");
}

#[test]
fn a_small_window_without_drift_is_quiet() {
    quiet((1000, 200), 400);
}

#[test]
fn an_equal_window_without_drift_is_quiet() {
    quiet((1000, 1000), 400);
}

#[test]
fn a_large_reference_without_drift_is_quiet() {
    quiet((5000, 500), 200);
}

#[test]
fn a_fifth_of_a_deviation_is_found_among_twenty_columns() {
    let power = share_of_alarms(40, 21, (20_000, 2_000), 0.2, 0..1);
    assert!(power >= 0.95, "found in {power} of the tables");
}
