//! Which tables and columns an MLflow database has: versions differ.

use std::collections::HashSet;

use flyball_core::{Error, ErrorCode, Result};
use flyball_store::{DatabaseKind, ForeignDb};

/// The workspace that is read, where there are several.
pub(super) const WORKSPACE: &str = "default";

#[derive(Debug)]
pub(super) struct Schema {
    columns: HashSet<(String, String)>,
}

impl Schema {
    pub(super) fn read(db: &mut ForeignDb) -> Result<Self> {
        let sql = match db.kind() {
            DatabaseKind::Sqlite => {
                "SELECT t.name AS table_name, c.name AS column_name FROM sqlite_master t \
                 JOIN pragma_table_info(t.name) c WHERE t.type = 'table'"
            }
            DatabaseKind::Postgres => {
                "SELECT CAST(table_name AS TEXT) AS table_name, CAST(column_name AS TEXT) AS column_name \
                 FROM information_schema.columns WHERE table_schema = current_schema()"
            }
        };
        let rows = db.read(|tx| tx.query(sql, &[]))?;
        let columns = rows
            .iter()
            .map(|row| Ok((row.get("table_name")?, row.get("column_name")?)))
            .collect::<Result<HashSet<(String, String)>>>()?;
        let schema = Self { columns };
        let needed =
            [("experiments", "lifecycle_stage"), ("runs", "run_uuid"), ("metrics", "is_nan"), ("params", "value")];
        if needed.iter().all(|(table, column)| schema.has(table, column)) {
            return Ok(schema);
        }
        Err(Error::new(ErrorCode::InvalidData, "this is not the database of an MLflow server of version 1.4 or newer")
            .hint(
                "name the database of --backend-store-uri; an older one is brought up to date by `mlflow db upgrade`",
            ))
    }

    pub(super) fn has(&self, table: &str, column: &str) -> bool {
        self.columns.contains(&(table.to_owned(), column.to_owned()))
    }

    pub(super) fn has_table(&self, table: &str) -> bool {
        self.columns.iter().any(|(known, _)| known == table)
    }

    /// The column, or what stands for it where there is none yet.
    pub(super) fn column(&self, table: &str, column: &str, otherwise: &str) -> String {
        if self.has(table, column) { column.to_owned() } else { format!("{otherwise} AS {column}") }
    }

    /// The condition that keeps to the workspace that is read.
    pub(super) fn in_workspace(&self, table: &str) -> String {
        if self.has(table, "workspace") { format!("workspace = '{WORKSPACE}'") } else { "1 = 1".to_owned() }
    }
}
