//! The drift report of a table, from rows.

use std::hint::black_box;

use anyhow::{Context, Result};
use flyball_core::rng::Rng;
use flyball_stats::calibrated::DriftPolicy;
use flyball_stats::report::{PreparedColumn, PreparedReference, Values, Workspace};
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::measure::{cpu_seconds, peak_bytes, per_call};
use crate::tables::{Column, table};

/// Rows of the reference and of the window.
const ROWS: usize = 100_000;
/// Rows of either side of the large table.
const LARGE_ROWS: usize = 3_000_000;
/// Columns of the large table.
const LARGE_COLUMNS: u64 = 1_000;
/// Threads for the large table.
const THREADS: usize = 2;

/// CPU milliseconds of the report of 100,000 × 100,000 rows × 20 columns on one thread, all statistics and the decision.
pub(crate) fn bench() -> Result<Value> {
    let mut rng = Rng::seeded(32);
    let (before, now) = (table(&mut rng, ROWS, 0.0), table(&mut rng, ROWS, 0.05));
    let values = |table: &'static [Column]| table.iter().map(Column::values).collect::<Vec<_>>();
    let (before, now): (&'static [Column], &'static [Column]) = (before.leak(), now.leak());
    let reference = PreparedReference::new(values(before));
    let window = values(now);
    let policy = DriftPolicy::default();
    let prepare = per_call(|| drop(black_box(PreparedReference::new(values(before)))))?;
    let report = per_call(|| drop(black_box(reference.report(&window, &policy))))?;
    let found = reference.report(&window, &policy).context("the columns fit")?;
    Ok(json!({
        "report_milliseconds": report * 1e3,
        "prepare_reference_milliseconds": prepare * 1e3,
        "drifted_columns": found.columns.iter().filter(|column| column.values.is_alarm()).count(),
    }))
}

/// CPU seconds and memory of 3 million rows against 3 million × 1,000 columns on two threads, columns made as they are
/// needed; what making them takes is measured alone and taken off.
pub(crate) fn large() -> Result<Value> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(THREADS).build()?;
    let begin = cpu_seconds()?;
    let made = pool.install(|| (0..LARGE_COLUMNS).into_par_iter().map(|column| made(column).len()).sum::<usize>());
    let making = cpu_seconds()? - begin;
    let begin = cpu_seconds()?;
    let compare = |workspace: &mut Workspace, column: u64| {
        let [before, now] = [column, column + LARGE_COLUMNS].map(large_column);
        PreparedColumn::new(before.values()).compare(&now.values(), workspace).is_some()
    };
    let compared = pool.install(|| {
        (0..LARGE_COLUMNS).into_par_iter().map_init(Workspace::default, compare).filter(|found| *found).count()
    });
    let all = cpu_seconds()? - begin;
    Ok(json!({
        "columns": compared,
        "rows_made": made,
        "cpu_seconds": all - making,
        "cpu_seconds_of_making_columns": making,
        "minutes_on_two_cores": (all - making) / THREADS as f64 / 60.0,
        "peak_mebibytes": peak_bytes()? as f64 / f64::from(1 << 20),
    }))
}

/// Both sides of a column, to know what making them costs.
fn made(column: u64) -> Vec<usize> {
    let rows = |column: &Column| match column.values() {
        Values::Numbers(values) => black_box(values).len(),
        Values::Codes { codes, .. } => black_box(codes).len(),
    };
    [column, column + LARGE_COLUMNS].map(|column| rows(&large_column(column))).to_vec()
}

/// A column of the large table: nearly normal numbers, or levels.
fn large_column(seed: u64) -> Column {
    let mut rng = Rng::seeded(seed);
    if seed.is_multiple_of(2) {
        let halves = |bits: u64| (bits >> 32) as f64 + (bits & 0xffff_ffff) as f64;
        Column::Numbers((0..LARGE_ROWS).map(|_| halves(rng.next_u64()) + halves(rng.next_u64())).collect())
    } else {
        // The smaller of two draws: some levels are frequent, others rare.
        let code = |bits: u64| (bits >> 32).min(bits & 0xffff_ffff) as u32 >> 24;
        Column::Codes((0..LARGE_ROWS).map(|_| code(rng.next_u64())).collect(), 256)
    }
}
