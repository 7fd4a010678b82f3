//! Whether the model is fast and small enough, measured here and now.

use flyball_core::{Result, Value};
use serde_json::json;

use super::bench::{Bench, Finding, ask};

/// Rows that are asked one by one.
const SINGLE_ROWS: usize = 100;
/// Rows that are asked before anything is measured, so that caches are warm.
const WARM_ROWS: usize = 10;
/// How often the batch is asked; the fastest counts, as whatever else runs on the machine only adds.
const BATCHES: usize = 3;

const NO_MODEL: &str = "there is no model, or it has no rows to answer";
const NO_TIME: &str = "the clock stands still here, as it does in a simulation";
const NANOS_IN_MS: f64 = 1e6;
const BYTES_IN_MB: f64 = 1e6;

pub(super) fn latency_row(bench: &Bench<'_>) -> Result<Finding> {
    let Some(model) = bench.case.model.filter(|_| bench.answers.is_some()) else {
        return Ok(Finding::missing(NO_MODEL));
    };
    let names: Vec<&str> = model.signature().features.iter().map(|feature| feature.name.as_str()).collect();
    let chosen: Vec<usize> = (0..bench.rows.rows().min(SINGLE_ROWS)).collect();
    let rows = bench.rows.take(&chosen).select(&names)?;
    let values: Vec<Vec<Value>> = (0..rows.rows()).map(|row| rows.row(row)).collect();
    let mut scores = Vec::new();
    for row in values.iter().take(WARM_ROWS) {
        model.predict_row(row, &mut scores)?;
    }
    let mut taken: Vec<f64> = Vec::with_capacity(values.len());
    for row in values.iter().cycle().take(SINGLE_ROWS) {
        scores.clear();
        let started = bench.case.clock.monotonic_nanos();
        model.predict_row(row, &mut scores)?;
        taken.push(bench.case.clock.monotonic_nanos().saturating_sub(started) as f64 / NANOS_IN_MS);
    }
    taken.sort_unstable_by(f64::total_cmp);
    if taken.last().is_none_or(|longest| *longest == 0.0) {
        return Ok(Finding::missing(NO_TIME));
    }
    let (median, late) = (taken[taken.len() / 2], taken[taken.len() - 2]);
    let text = format!("one row takes {median:.4} ms, one in a hundred {late:.4} ms");
    Ok(Finding::of(late, text).because(json!({ "median_ms": median, "p99_ms": late, "rows": taken.len() })))
}

pub(super) fn latency_batch(bench: &Bench<'_>) -> Result<Finding> {
    let Some(model) = bench.case.model.filter(|_| bench.answers.is_some()) else {
        return Ok(Finding::missing(NO_MODEL));
    };
    let mut fastest = u64::MAX;
    for _ in 0..BATCHES {
        let started = bench.case.clock.monotonic_nanos();
        ask(model, &bench.rows)?;
        fastest = fastest.min(bench.case.clock.monotonic_nanos().saturating_sub(started));
    }
    if fastest == 0 {
        return Ok(Finding::missing(NO_TIME));
    }
    let rows = bench.rows.rows();
    let each = fastest as f64 / NANOS_IN_MS / rows as f64;
    let text = format!("a batch of {rows} rows takes {each:.5} ms per row");
    Ok(Finding::of(each, text).because(json!({ "rows": rows, "rows_per_second": 1000.0 / each })))
}

pub(super) fn memory(bench: &Bench<'_>) -> Result<Finding> {
    let Some(model) = bench.case.model else { return Ok(Finding::missing(NO_MODEL)) };
    let size = model.memory_bytes() as f64 / BYTES_IN_MB;
    Ok(Finding::of(size, format!("the model takes {size:.2} MB in memory")))
}

pub(super) fn artifact(bench: &Bench<'_>) -> Result<Finding> {
    let Some(bytes) = bench.case.artifact_bytes else {
        return Ok(Finding::missing("the size of the model's files is not known"));
    };
    let size = bytes as f64 / BYTES_IN_MB;
    Ok(Finding::of(size, format!("the model's files take {size:.2} MB")))
}
