//! Queries through the public door, over small tables.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod queries;
mod refusals;

use std::sync::Arc;

use flyball_core::{Column, Table, TextColumn};
use flyball_data::QueryEngine;
use flyball_engine_query::DataFusionEngine;

const HOUR: i64 = 3_600_000;

fn engine() -> DataFusionEngine {
    DataFusionEngine::new(2, 64 << 20).unwrap()
}

/// Departures of two airports, one an hour, and the weather of each airport and hour.
fn tables(hours: i64) -> Vec<(String, Arc<Table>)> {
    let origins = ["EWR", "JFK"];
    let rows: Vec<(i64, usize)> = (0..hours).flat_map(|hour| [(hour, 0), (hour, 1)]).collect();
    let times: Vec<i64> = rows.iter().map(|(hour, _)| 1_356_998_400_000 + hour * HOUR).collect();
    let origin = || Column::Text(TextColumn::from_texts(rows.iter().map(|(_, o)| Some(origins[*o]))));
    let flights = Table::new(vec![
        ("id".into(), Column::Int((0..rows.len() as i64).collect())),
        ("origin".into(), origin()),
        ("time_hour".into(), Column::Time(times.clone())),
        ("delay".into(), Column::Float(rows.iter().map(|(hour, o)| (hour % 7) as f64 + *o as f64 * 0.5).collect())),
    ]);
    let weather = Table::new(vec![
        ("origin".into(), origin()),
        ("time_hour".into(), Column::Time(times)),
        ("windSpeed".into(), Column::Float(rows.iter().map(|(hour, o)| (hour * 2 + *o as i64) as f64).collect())),
    ]);
    vec![("flights".into(), Arc::new(flights.unwrap())), ("weather".into(), Arc::new(weather.unwrap()))]
}

fn answer(sql: &str) -> Table {
    engine().sql(sql, &tables(48)).unwrap()
}
