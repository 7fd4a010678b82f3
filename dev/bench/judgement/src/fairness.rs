//! The fairness of decisions on a million rows: the whole report, and the count that nearly everything follows from.

use std::hint::black_box;

use anyhow::{Context, Result};
use flyball_core::rng::Rng;
use flyball_core::{Column, Table, Task, TextColumn};
use flyball_evaluation::Evaluated;
use flyball_evaluation::fairness::{FairnessOptions, fairness};
use flyball_evaluation::grouping::Grouping;
use flyball_stats::classification::Confusion;
use flyball_stats::fairness::{Aggregate, Groups, Rate};
use serde_json::{Value, json};

use crate::measure::{peak_bytes, per_call};

/// Rows of the measurement, as in the peers' script.
const ROWS: usize = 1_000_000;
/// The groups, as text: peers are slow with text, and people have it.
const NAMES: [&str; 4] = ["north", "east", "south", "west"];

/// CPU milliseconds of the report over four groups, of the same crossed with a second column, and of the counts with
/// Fairlearn's disparities alone.
pub(crate) fn bench() -> Result<Value> {
    let mut rng = Rng::seeded(21);
    let codes: Vec<u32> = (0..ROWS).map(|_| rng.below(NAMES.len()) as u32).collect();
    let score: Vec<f64> = codes.iter().map(|code| (rng.unit() - 0.03 * f64::from(*code)).max(0.0)).collect();
    let truth: Vec<f64> = score.iter().map(|p| f64::from(u8::from(rng.unit() < 0.1 + 0.6 * p))).collect();
    let y: Vec<bool> = truth.iter().map(|y| *y > 0.5).collect();
    let predicted: Vec<bool> = score.iter().map(|p| *p >= 0.5).collect();
    let region = TextColumn::from_texts(codes.iter().map(|code| Some(NAMES[*code as usize])));
    let age = Column::Int((0..ROWS).map(|_| rng.below(3) as i64).collect());
    let table = Table::new(vec![("region".to_owned(), Column::Text(region)), ("age".to_owned(), age)])?;
    let subject = Evaluated::new(truth, score);

    let report = |columns: &[&str]| {
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let grouping = Grouping::of(&table, &columns)?;
        fairness(Task::Classification, &subject, &[grouping], &FairnessOptions::default())
    };
    let found = report(&["region"])?;
    let attribute = found.attributes.first().context("an attribute was asked for")?;
    let values: usize = attribute.groups.iter().map(|group| group.values.len() + group.disparities.len()).sum();
    let measures = attribute.measures.len() + 3 * attribute.gaps.len();
    let whole = per_call(|| {
        black_box(report(&["region"]).is_ok());
    })?;
    let crossed = per_call(|| {
        black_box(report(&["region", "age"]).is_ok());
    })?;
    let counts = per_call(|| {
        black_box(Confusion::from_labels(&y, &predicted, None));
        let groups = Groups::new(&y, &predicted, &codes, NAMES.len(), None);
        black_box(groups.map(|groups| {
            let odds = groups.equalized_odds_difference(Aggregate::WorstCase);
            (odds, Rate::ALL.map(|rate| (groups.difference(rate), groups.ratio(rate), groups.by_group(rate, 0.95))))
        }));
    })?;
    Ok(json!({
        "report_4_groups_ms": whole * 1e3,
        "report_12_crossed_groups_ms": crossed * 1e3,
        "confusion_rates_and_disparities_ms": counts * 1e3,
        "values": values + measures,
        "rows": ROWS,
        "peak_bytes": peak_bytes()?,
    }))
}
