//! Metric histories of an MLflow database.

use flyball_core::Result;
use flyball_store::{Param, Row, params};

use super::Database;
use crate::record::Point;
use crate::source::Sink;

/// Most points that are read at once.
const POINTS: usize = 50_000;

impl Database {
    /// Pushes all points of a run, metric by metric.
    pub(super) fn read_history(&mut self, sink: &mut dyn Sink, run: &str) -> Result<()> {
        let row =
            self.db.read(|tx| tx.query_one("SELECT COUNT(*) AS n FROM metrics WHERE run_uuid = $1", &params![run]))?;
        let count: usize = row.map_or(Ok(0), |row| row.get("n"))?;
        if count <= POINTS {
            return self.read_points(sink, "run_uuid = $1", &params![run], 0).map(drop);
        }
        let keys = self
            .db
            .read(|tx| tx.query("SELECT DISTINCT key FROM metrics WHERE run_uuid = $1 ORDER BY key", &params![run]))?;
        for key in keys {
            let (key, mut read) = (key.get::<String>("key")?, 0);
            while self.read_points(sink, "run_uuid = $1 AND key = $2", &params![run, key.as_str()], read)? == POINTS {
                read += POINTS;
            }
        }
        Ok(())
    }

    /// Pushes one page of points; answers how many they were.
    fn read_points(&mut self, sink: &mut dyn Sink, filter: &str, params: &[Param], behind: usize) -> Result<usize> {
        let sql = format!(
            "SELECT key, timestamp, step, value, is_nan FROM metrics WHERE {filter} \
             ORDER BY key, timestamp, step, value, is_nan LIMIT {POINTS} OFFSET {behind}"
        );
        let rows = self.db.read(|tx| tx.query(&sql, params))?;
        let mut points: Vec<Point> = Vec::new();
        let mut current = String::new();
        for row in &rows {
            let key: String = row.get("key")?;
            if key != current {
                if !points.is_empty() {
                    sink.points(&current, &points)?;
                    points.clear();
                }
                current = key;
            }
            points.push(point(row)?);
        }
        if !points.is_empty() {
            sink.points(&current, &points)?;
        }
        Ok(rows.len())
    }
}

fn point(row: &Row) -> Result<Point> {
    let value = if row.get::<bool>("is_nan")? { f64::NAN } else { row.get("value")? };
    Ok(Point(row.get("timestamp")?, row.get("step")?, value))
}
