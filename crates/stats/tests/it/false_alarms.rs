//! The promise of the drift decision, by simulation: quiet without drift, awake with it.
//!
//! Over 4000 tables each, the shares of false alarms were 0.050 (1000/200), 0.043 (1000/1000) and 0.053 (5000/500), and
//! the power 1.00 over 400; the tests run fewer.

use flyball_core::rng::Rng;
use flyball_stats::calibrated::{ColumnTest, DriftPolicy, categorical_test, numeric_test};
use flyball_stats::drift::sorted;
use flyball_stats::sketch::{LevelReference, NumberReference};

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

/// Evidence from rows and from sketches.
type Both = [Option<ColumnTest>; 2];

fn numeric_column(rng: &mut Rng, rows: (usize, usize), shift: f64, skewed: bool) -> Both {
    let before = numeric(rng, rows.0, 0.0, skewed);
    let now = numeric(rng, rows.1, shift, skewed);
    let reference = NumberReference::new(&before).unwrap();
    let mut sketch = reference.sketch();
    reference.add(&mut sketch, &now);
    [numeric_test(&before, &now), reference.compare(reference.own(), &sketch).unwrap().values]
}

fn categorical_column(rng: &mut Rng, rows: (usize, usize), cumulative: &[f64]) -> Both {
    let (before, now) = (categorical(rng, rows.0, cumulative), categorical(rng, rows.1, cumulative));
    let names: Vec<String> = (0..cumulative.len()).map(|level| level.to_string()).collect();
    let reference = LevelReference::new(names.iter().map(String::as_str).zip(before.iter().copied()));
    let mut sketch = reference.sketch();
    names.iter().zip(&now).for_each(|(name, &rows)| assert!(reference.add(&mut sketch, name, rows)));
    [categorical_test(&before, &now), reference.compare(reference.own(), &sketch).unwrap().values]
}

/// Ten numeric columns (normal and lognormal) and ten Zipf categoricals of 2 to 200 levels, the first shifted.
fn table(rng: &mut Rng, rows: (usize, usize), shift: f64) -> Vec<Both> {
    let levels = [2, 3, 5, 8, 10, 20, 30, 50, 100, 200];
    let numbers = (0..10).map(|column| (column, if column == 0 { shift } else { 0.0 }));
    let mut columns: Vec<Both> =
        numbers.map(|(column, shift)| numeric_column(rng, rows, shift, column % 2 == 1)).collect();
    columns.extend(levels.map(|levels| categorical_column(rng, rows, &zipf(levels))));
    columns
}

fn alarms(tests: &[Both], side: usize) -> Vec<bool> {
    let tests: Vec<Option<ColumnTest>> = tests.iter().map(|both| both[side]).collect();
    DriftPolicy::default().decide_known(&tests).iter().map(|decision| decision.is_alarm()).collect()
}

/// Shares of tables with any alarm among the first columns, from rows and from sketches.
fn share_of_alarms(tables: usize, seed: u64, rows: (usize, usize), shift: f64, columns: usize) -> [f64; 2] {
    let mut rng = Rng::seeded(seed);
    let mut alarmed = [0; 2];
    for _ in 0..tables {
        let tests = table(&mut rng, rows, shift);
        for (side, count) in alarmed.iter_mut().enumerate() {
            *count += usize::from(alarms(&tests, side)[..columns].contains(&true));
        }
    }
    alarmed.map(|count| f64::from(count as u32) / tables as f64)
}

fn quiet(sizes: (usize, usize), tables: usize) {
    let shares = share_of_alarms(tables, 20, sizes, 0.0, COLUMNS);
    assert!(shares.iter().all(|share| *share <= 0.075), "{sizes:?}: {shares:?} of the tables without drift alarmed");
}

#[test]
fn levels_beyond_counting_are_quiet_and_still_watched() {
    // A thousand levels alike: which are frequent in the reference is chance.
    let shares: Vec<f64> = (1..=1000).map(|level| f64::from(level) / 1000.0).collect();
    let mut rng = Rng::seeded(22);
    let alarmed = (0..200).filter(|_| {
        let test = categorical_column(&mut rng, (20_000, 20_000), &shares)[1].unwrap();
        test.p_value <= 0.05
    });
    assert!(alarmed.count() <= 20);
    let moved: Vec<f64> = shares.iter().map(|share| share.powi(2)).collect();
    let names: Vec<String> = (0..1000).map(|level| level.to_string()).collect();
    let (before, now) = (categorical(&mut rng, 20_000, &shares), categorical(&mut rng, 2_000, &moved));
    let reference = LevelReference::new(names.iter().map(String::as_str).zip(before));
    let mut sketch = reference.sketch();
    names.iter().zip(now).for_each(|(name, rows)| assert!(reference.add(&mut sketch, name, rows)));
    assert!(reference.compare(reference.own(), &sketch).unwrap().values.unwrap().p_value < 1e-6);
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
    let power = share_of_alarms(40, 21, (20_000, 2_000), 0.2, 1);
    assert!(power.iter().all(|power| *power >= 0.95), "found in {power:?} of the tables");
}
