//! The tables that are looked at: orders, ten columns, the same rows each time.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use flyball_core::{Column, Table, TextColumn};
use flyball_data::columnar::{Zone, schema, to_batches};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

/// Rows that are made at once.
const PART: u64 = 500_000;
/// One row in so many is changed.
const CHANGED: u64 = 100;
/// One row in so many is removed.
const REMOVED: u64 = 2_000;

/// Writes orders; with `changed`, one in a hundred has another price, and one in two thousand is gone.
pub(crate) fn orders(rows: u64, path: &Path, changed: bool) -> Result<()> {
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let file = File::create(path)?;
    let first = part(0, 1, changed)?;
    let mut writer = ArrowWriter::try_new(file, schema(&first, Zone::Utc), Some(properties))?;
    let mut start = 0;
    while start < rows {
        let end = (start + PART).min(rows);
        for batch in to_batches(&part(start, end, changed)?, Zone::Utc)? {
            writer.write(&batch)?;
        }
        start = end;
    }
    writer.close()?;
    Ok(())
}

/// A number that looks random and follows from the row (splitmix64).
fn random(row: u64, column: u64) -> u64 {
    let bits = row.wrapping_mul(16).wrapping_add(column).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

fn share(row: u64, column: u64) -> f64 {
    (random(row, column) >> 11) as f64 / (1_u64 << 53) as f64
}

fn part(start: u64, end: u64, changed: bool) -> Result<Table> {
    let rows: Vec<u64> = (start..end).filter(|row| !(changed && row % REMOVED == 7)).collect();
    let price = |row: u64| {
        let more = if changed && row % CHANGED == 3 { 1.0 } else { 0.0 };
        (share(row, 1) * 100_000.0).round() / 100.0 * 0.99 + more
    };
    let levels = |names: &'static [&'static str], column: u64| {
        let levels = names.iter().map(|name| Arc::from(*name)).collect();
        let codes = rows.iter().map(|row| (random(*row, column) % names.len() as u64) as u32).collect();
        Column::Text(TextColumn { codes, levels: Arc::new(levels) })
    };
    let skus: Vec<Arc<str>> = (0..10_000).map(|number| format!("SKU-{number:04}").into()).collect();
    let sku = TextColumn {
        codes: rows.iter().map(|row| (random(*row, 2) % 10_000) as u32).collect(),
        levels: Arc::new(skus),
    };
    let floats = |of: &dyn Fn(u64) -> f64| Column::Float(rows.iter().map(|row| of(*row)).collect());
    let total = |row: u64| price(row) * (1 + random(row, 3) % 100) as f64;
    let columns = vec![
        ("id".to_owned(), Column::Int(rows.iter().map(|row| *row as i64).collect())),
        ("customer".to_owned(), Column::Int(rows.iter().map(|row| (random(*row, 4) % 1_000_000) as i64).collect())),
        ("quantity".to_owned(), Column::Int(rows.iter().map(|row| (1 + random(*row, 3) % 100) as i64).collect())),
        ("price".to_owned(), floats(&price)),
        (
            "discount".to_owned(),
            floats(&|row| if random(row, 5).is_multiple_of(20) { f64::NAN } else { share(row, 6) / 2.0 }),
        ),
        ("total".to_owned(), floats(&total)),
        ("paid".to_owned(), floats(&|row| total(row) * share(row, 7))),
        ("state".to_owned(), levels(&["open", "paid", "sent", "done", "lost"], 8)),
        ("country".to_owned(), levels(&["DE", "FR", "US", "GB", "ES", "IT", "PL", "NL"], 9)),
        ("sku".to_owned(), Column::Text(sku)),
    ];
    Table::new(columns).context("the table cannot be made")
}
