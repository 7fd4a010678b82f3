//! Windows as sketches: how fast rows go in, how large they are, what judging them costs.

use std::hint::black_box;

use anyhow::{Context, Result};
use flyball_core::rng::Rng;
use flyball_stats::calibrated::DriftPolicy;
use flyball_stats::report::decide;
use flyball_stats::sketch::{ColumnReference, ColumnSketch, LevelReference, NumberReference};
use serde_json::{Value, json};

use crate::measure::per_call;
use crate::tables::{COLUMNS, Column, LEVELS, names, table};

/// Rows of the reference and of the window.
const ROWS: usize = 100_000;
/// Rows of one call, as captured records come in.
const BATCH: usize = 1_000;

/// References and levels' names of a table.
pub(crate) struct Kept {
    pub(crate) references: Vec<ColumnReference>,
    dictionaries: Vec<Vec<String>>,
}

impl Kept {
    pub(crate) fn of(reference: &[Column]) -> Result<Self> {
        let dictionaries: Vec<Vec<String>> = LEVELS.iter().map(|&levels| names(levels)).collect();
        let references = reference.iter().enumerate().map(|(column, values)| {
            Ok(match values {
                Column::Numbers(values) => {
                    ColumnReference::Numbers(NumberReference::new(values).context("a column without values")?)
                }
                Column::Codes(codes, levels) => {
                    let mut rows = vec![0; *levels];
                    codes.iter().for_each(|&code| rows[code as usize] += 1);
                    let names = dictionaries[column - LEVELS.len()].iter().map(String::as_str);
                    ColumnReference::Levels(LevelReference::new(names.zip(rows)))
                }
            })
        });
        Ok(Self { references: references.collect::<Result<_>>()?, dictionaries })
    }

    pub(crate) fn empty(&self) -> Vec<ColumnSketch> {
        self.references.iter().map(ColumnReference::sketch).collect()
    }

    /// Adds rows of a table to its sketches.
    pub(crate) fn add(&self, sketches: &mut [ColumnSketch], window: &[Column], rows: std::ops::Range<usize>) {
        for (column, ((reference, sketch), values)) in self.references.iter().zip(sketches).zip(window).enumerate() {
            match (reference, sketch, values) {
                (ColumnReference::Numbers(reference), ColumnSketch::Numbers(sketch), Column::Numbers(values)) => {
                    reference.add(sketch, &values[rows.clone()]);
                }
                (ColumnReference::Levels(reference), ColumnSketch::Levels(sketch), Column::Codes(codes, _)) => {
                    let names = &self.dictionaries[column - LEVELS.len()];
                    reference.add_codes(sketch, &codes[rows.clone()], names);
                }
                _ => {}
            }
        }
    }
}

/// Rows a CPU-second, bytes of a column, microseconds of merging, writing and judging.
pub(crate) fn bench() -> Result<Value> {
    let mut rng = Rng::seeded(31);
    let kept = Kept::of(&table(&mut rng, ROWS, 0.0))?;
    let window = table(&mut rng, ROWS, 0.2);
    let mut sketches = kept.empty();
    let seconds = per_call(|| {
        sketches = kept.empty();
        for first in (0..ROWS).step_by(BATCH) {
            kept.add(&mut sketches, &window, first..(first + BATCH).min(ROWS));
        }
    })?;
    let numbers = per_call(|| {
        let mut sketches = kept.empty();
        kept.add(&mut sketches[..1], &window, 0..ROWS);
        black_box(&sketches);
    })?;
    let sizes: Vec<usize> = sketches.iter().map(|sketch| sketch.to_bytes().len()).collect();
    let merge = per_call(|| {
        let mut sum = sketches.clone();
        sum.iter_mut().zip(&sketches).for_each(|(sum, other)| assert!(sum.merge(other)));
        black_box(&sum);
    })?;
    let write = per_call(|| sketches.iter().for_each(|sketch| drop(black_box(sketch.to_bytes()))))?;
    let judge = per_call(|| drop(black_box(judge(&kept, &sketches))))?;
    Ok(json!({
        "rows_per_cpu_second": (ROWS as f64 / seconds).round(),
        "nanoseconds_per_number": numbers / ROWS as f64 * 1e9,
        "bytes_per_column_most": sizes.iter().max(),
        "bytes_per_column_mean": sizes.iter().sum::<usize>() as f64 / COLUMNS as f64,
        "merge_microseconds": merge * 1e6,
        "write_microseconds": write * 1e6,
        "judge_milliseconds": judge * 1e3,
    }))
}

/// The report of a window from its sketches.
pub(crate) fn judge(kept: &Kept, sketches: &[ColumnSketch]) -> flyball_stats::report::TableReport {
    let pairs = kept.references.iter().zip(sketches);
    decide(pairs.map(|(reference, sketch)| reference.compare(sketch)).collect(), &DriftPolicy::default())
}
