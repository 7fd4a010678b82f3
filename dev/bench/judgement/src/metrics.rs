//! All metrics of a binary classifier on a million rows, with slices and the fairness tables.

use std::hint::black_box;

use anyhow::{Context, Result};
use flyball_core::rng::Rng;
use flyball_stats::classification::{Slicing, binary_pass};
use flyball_stats::fairness::{Groups, Rate};
use flyball_stats::slices::{Attribute, Search, weak_slices};
use serde_json::{Value, json};

use crate::measure::{peak_bytes, per_call};

/// Rows of the measurement, as in the peers' script.
const ROWS: usize = 1_000_000;
/// The groups of each slicing column; the first one is the sensitive attribute.
const GROUPS: [usize; 4] = [4, 3, 12, 50];

/// Attributes of the search for weak slices, and the levels of each.
const ATTRIBUTES: usize = 50;
const LEVELS: usize = 8;

/// CPU milliseconds for all metrics of all rows, for the same with slices by four columns and their intervals, and for
/// the fairness tables that come with them; then for the search for weak slices.
pub(crate) fn bench() -> Result<Value> {
    let mut rng = Rng::seeded(20);
    let p: Vec<f64> = (0..ROWS).map(|_| rng.unit()).collect();
    let y: Vec<bool> = p.iter().map(|p| rng.unit() < 0.1 + 0.6 * p).collect();
    let columns: Vec<Vec<u32>> =
        GROUPS.iter().map(|&groups| (0..ROWS).map(|_| rng.below(groups) as u32).collect()).collect();
    let slicings: Vec<Slicing<'_>> =
        columns.iter().zip(GROUPS).map(|(codes, groups)| Slicing { codes, groups }).collect();
    let all = per_call(|| {
        let pass = binary_pass(&y, &p, None, 0.5, &[]);
        black_box(pass.map(|pass| pass.overall.metrics(0.95)));
    })?;
    let measured = || {
        let pass = binary_pass(&y, &p, None, 0.5, &slicings)?;
        let groups = Groups::from_cells(pass.slices[0].iter().map(|group| group.cells).collect());
        black_box(Rate::ALL.map(|rate| (groups.difference(rate), groups.ratio(rate), groups.by_group(rate, 0.95))));
        let mut values = pass.overall.metrics(0.95).len();
        values += pass.slices.iter().flatten().map(|group| group.metrics(0.95).len()).sum::<usize>();
        Some(values)
    };
    let values = measured().context("the drawn rows are sound")?;
    let sliced = per_call(|| {
        black_box(measured());
    })?;
    Ok(json!({
        "all_metrics_ms": all * 1e3,
        "all_metrics_and_fairness_with_slices_ms": sliced * 1e3,
        "weak_slices_of_50_columns_ms": search(&mut rng)? * 1e3,
        "values_with_intervals": values,
        "slices": GROUPS.iter().sum::<usize>(),
        "rows": ROWS,
        "peak_bytes": peak_bytes()?,
    }))
}

/// CPU seconds of the search for weak slices, one of which is planted.
fn search(rng: &mut Rng) -> Result<f64> {
    let columns: Vec<Vec<u8>> = (0..ATTRIBUTES).map(|_| (0..ROWS).map(|_| rng.below(LEVELS) as u8).collect()).collect();
    let planted = |row: usize| columns[7][row] == 3 && columns[31][row] == 5;
    let losses: Vec<f64> = (0..ROWS).map(|row| rng.unit() + f64::from(u8::from(planted(row)))).collect();
    let attributes: Vec<Attribute<'_>> = columns.iter().map(|codes| Attribute { codes, levels: LEVELS }).collect();
    let search = Search { conditions: 3, least_rows: ROWS / 100, slices: 5, effect: 0.1, significance: 0.05 };
    per_call(|| {
        black_box(weak_slices(&attributes, &losses, &search));
    })
}
