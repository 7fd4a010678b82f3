//! What looking at tables costs: checks, profiles and comparisons of Parquet files, each a process of its own, so that its
//! time and memory are measured as a whole. `peers.py` beside it asks the field's tools the same of the same files.

#![expect(clippy::print_stdout, reason = "a command-line program talks on its standard streams")]

mod make;

use std::path::Path;

use anyhow::{Result, bail};
use flyball_data::Check;
use flyball_data::check::{Context, evaluate};
use flyball_data::compare::diff;
use flyball_data::profile::profile_rows;
use flyball_data::scan::ParquetRows;
use serde_json::json;

/// The allocator of the shipped binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let answer = match words.as_slice() {
        ["make", rows, file] => {
            make::orders(rows.parse()?, Path::new(file), false)?;
            json!(null)
        }
        ["make-changed", rows, file] => {
            make::orders(rows.parse()?, Path::new(file), true)?;
            json!(null)
        }
        ["check", file] => {
            let outcomes = evaluate(&ParquetRows::open(Path::new(file))?, &suite()?, &Context::default())?;
            let told = outcomes.iter().map(|outcome| json!([outcome.passed, outcome.told()]));
            told.collect()
        }
        ["profile", file] => serde_json::to_value(profile_rows(&ParquetRows::open(Path::new(file))?)?)?,
        ["rows", before, after] => {
            let (before, after) = (ParquetRows::open(Path::new(before))?, ParquetRows::open(Path::new(after))?);
            let found = diff(&before, &after, &["id".to_owned()])?;
            json!({ "added": found.added, "removed": found.removed, "changed": found.changed })
        }
        other => bail!("there is no operation {other:?}"),
    };
    println!("{answer:#}");
    Ok(())
}

/// Twenty checks, the same as those of `peers.py`.
fn suite() -> Result<Vec<Check>> {
    let rules = json!([
        { "row_count": { "min": 1000 } },
        { "column_count": { "min": 10, "max": 10 } },
        { "not_null": { "columns": ["id"] } },
        { "not_null": { "columns": ["state"] } },
        { "null_rate": { "column": "discount", "max": 0.06 } },
        { "unique": { "columns": ["id"] } },
        { "between": { "column": "quantity", "min": 1, "max": 100 } },
        { "between": { "column": "price", "min": 0.0, "max": 1000.0 } },
        { "between": { "column": "discount", "min": 0.0, "max": 0.5 } },
        { "in_set": { "column": "state", "values": ["open", "paid", "sent", "done", "lost"] } },
        { "in_set": { "column": "country", "values": ["DE", "FR", "US", "GB", "ES", "IT", "PL", "NL"] } },
        { "not_in_set": { "column": "country", "values": ["XX"] } },
        { "regex": { "column": "sku", "pattern": "^SKU-[0-9]{4}$" } },
        { "length": { "column": "sku", "min": 8, "max": 8 } },
        { "min": { "column": "price", "min": 0.0 } },
        { "max": { "column": "quantity", "max": 100.0 } },
        { "mean": { "column": "price", "min": 400.0, "max": 600.0 } },
        { "stdev": { "column": "price", "min": 200.0, "max": 400.0 } },
        { "median": { "column": "price", "min": 400.0, "max": 600.0 } },
        { "compare": { "column": "paid", "is": "<=", "other": "total" } },
    ]);
    let rules = rules.as_array().into_iter().flatten();
    Ok(rules.map(|rule| serde_json::from_value(json!({ "rule": rule }))).collect::<Result<_, _>>()?)
}
