//! How often tables without drift alarm, how often drift is found, and how many pages a year without drift brings.

use anyhow::Result;
use flyball_core::rng::Rng;
use flyball_stats::calibrated::{ColumnTest, DriftPolicy};
use flyball_stats::clusters::{Groups, grouped_numeric_test};
use flyball_stats::drift::sorted;
use flyball_stats::over_time::{PagePolicy, PageState};
use flyball_stats::report::{PreparedReference, TableReport};
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use crate::tables::{Column, normal, table};
use crate::windows::{Kept, judge};

/// Rows of the reference, rows of the window, and how many tables are drawn.
const SIZES: [(usize, usize, u64); 7] = [
    (1_000, 200, 4_000),
    (1_000, 1_000, 4_000),
    (1_000, 5_000, 2_000),
    (5_000, 500, 2_000),
    (20_000, 2_000, 800),
    (100_000, 1_000, 400),
    (100_000, 100_000, 100),
];
/// Standard deviations by which a column moves where drift is to be found.
const SHIFT: f64 = 0.2;
/// Sizes at which it is, with the tables drawn.
const POWER: [(usize, usize, u64); 2] = [(1_000, 1_000, 1_000), (20_000, 2_000, 200)];
/// Years of daily windows: rows of the reference, rows a day, years drawn.
const YEARS: [(usize, usize, u64); 3] = [(1_000, 1_000, 100), (5_000, 500, 200), (20_000, 2_000, 40)];
/// Windows of a year.
const DAYS: usize = 365;
/// Rows of one group, groups of the reference and of the window, and tables drawn, for rows that belong together.
const GROUPED: (usize, usize, usize, u64) = (5, 400, 100, 400);

/// The shares of tables and the pages a year.
pub(crate) fn bench() -> Result<Value> {
    let mut figures = Map::new();
    for (before, now, tables) in SIZES {
        let alarmed = |seed: u64| both(seed, before, now, 0.0).map(|report| report.is_alarm());
        let shares = share(tables, alarmed);
        figures.insert(format!("false_alarms_{before}_{now}"), json!({ "rows": shares[0], "sketches": shares[1] }));
    }
    for (before, now, tables) in POWER {
        let found = |seed: u64| both(seed, before, now, SHIFT).map(|report| report.columns[0].values.is_alarm());
        let shares = share(tables, found);
        figures.insert(format!("power_{before}_{now}"), json!({ "rows": shares[0], "sketches": shares[1] }));
    }
    for (before, now, years) in YEARS {
        let counted: Vec<[usize; 2]> = (0..years).into_par_iter().map(|seed| year(seed, before, now)).collect();
        let mean = |which: usize| counted.iter().map(|year| year[which] as f64).sum::<f64>() / years as f64;
        let most = counted.iter().map(|year| year[0]).max();
        figures.insert(
            format!("year_{before}_{now}"),
            json!({ "pages": mean(0), "most_pages": most, "windows_with_an_alarm": mean(1), "years": years }),
        );
    }
    let shares = share(GROUPED.3, grouped);
    figures.insert("grouped_rows".to_owned(), json!({ "as_independent": shares[0], "as_grouped": shares[1] }));
    Ok(figures.into())
}

/// The shares of tables for which either is so.
fn share(tables: u64, is_so: impl Fn(u64) -> [bool; 2] + Send + Sync) -> [f64; 2] {
    let found: Vec<[bool; 2]> = (0..tables).into_par_iter().map(is_so).collect();
    [0, 1].map(|which| found.iter().filter(|found| found[which]).count() as f64 / tables as f64)
}

/// A table judged from its rows and from sketches.
fn both(seed: u64, before: usize, now: usize, shift: f64) -> [TableReport; 2] {
    let mut rng = Rng::seeded(seed.wrapping_mul(0x9E37_79B9) ^ (before * 31 + now) as u64);
    let (reference, window) = (table(&mut rng, before, 0.0), table(&mut rng, now, shift));
    let values: Vec<_> = window.iter().map(Column::values).collect();
    let prepared = PreparedReference::new(reference.iter().map(Column::values));
    let empty = TableReport { columns: Vec::new() };
    let rows = prepared.report(&values, &DriftPolicy::default()).unwrap_or_else(|| empty.clone());
    let sketched = Kept::of(&reference).map_or(empty, |kept| {
        let mut sketches = kept.empty();
        kept.add(&mut sketches, &window, 0..now);
        judge(&kept, &sketches)
    });
    [rows, sketched]
}

/// Pages of a year of daily windows without drift, all against one reference, and the windows in which a column alarmed.
fn year(seed: u64, before: usize, now: usize) -> [usize; 2] {
    let mut rng = Rng::seeded(seed ^ 0x5eed);
    let Ok(kept) = Kept::of(&table(&mut rng, before, 0.0)) else { return [usize::MAX; 2] };
    let names: Vec<String> = (0..kept.references.len()).map(|column| column.to_string()).collect();
    let (policy, mut state) = (PagePolicy::default(), PageState::default());
    let mut counted = [0; 2];
    for _ in 0..DAYS {
        let mut sketches = kept.empty();
        kept.add(&mut sketches, &table(&mut rng, now, 0.0), 0..now);
        let report = judge(&kept, &sketches);
        let decisions = names.iter().zip(&report.columns).map(|(name, column)| (name.as_str(), column.values));
        counted[0] += policy.observe(&mut state, decisions).page.len();
        counted[1] += usize::from(report.is_alarm());
    }
    counted
}

/// Whether a table of twenty columns alarms whose rows of a group resemble one another (half of the variance is the
/// group's), judged as independent rows and as groups.
fn grouped(seed: u64) -> [bool; 2] {
    let mut rng = Rng::seeded(seed);
    let (rows, before, now, _) = GROUPED;
    let side = |rng: &mut Rng, groups: usize| -> (Vec<f64>, Vec<u64>) {
        let mut values = Vec::new();
        for _ in 0..groups {
            let common = normal(rng);
            values.extend((0..rows).map(|_| (common + normal(rng)) * 0.5_f64.sqrt()));
        }
        (values, (0..groups * rows).map(|row| (row / rows) as u64).collect())
    };
    let mut tests: [Vec<Option<ColumnTest>>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..crate::tables::COLUMNS {
        let ((left, left_groups), (right, right_groups)) = (side(&mut rng, before), side(&mut rng, now));
        tests[0].push(flyball_stats::calibrated::numeric_test(&sorted(&left), &sorted(&right)));
        tests[1].push(grouped_numeric_test((&left, Groups::Of(&left_groups)), (&right, Groups::Of(&right_groups))));
    }
    tests.map(|tests| DriftPolicy::default().decide_known(&tests).iter().any(|decision| decision.is_alarm()))
}
