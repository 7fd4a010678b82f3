//! Experiments of an MLflow database, and what of the database is not carried.

use flyball_core::Result;
use flyball_store::params;

use super::schema::WORKSPACE;
use super::{Database, pair};
use crate::record::Experiment;
use crate::source::{LeftOut, Sink};
use crate::tally::Kind;

/// What else the database may keep, with the words for it.
const STAYS: [(&str, Kind, &str); 6] = [
    ("trace_info", Kind::Traces, "traces"),
    ("assessments", Kind::Traces, "assessments of traces"),
    ("evaluation_datasets", Kind::Other, "evaluation datasets"),
    ("webhooks", Kind::Other, "webhooks, whose secrets only their server can read"),
    ("scorers", Kind::Other, "scorers"),
    ("endpoints", Kind::Other, "gateway endpoints, whose secrets only their server can read"),
];

impl Database {
    pub(super) fn experiments(&mut self) -> Result<Vec<Experiment>> {
        let schema = &self.schema;
        let sql = format!(
            "SELECT experiment_id, name, artifact_location, lifecycle_stage, {}, {} FROM experiments WHERE {} \
             ORDER BY experiment_id",
            schema.column("experiments", "creation_time", "0"),
            schema.column("experiments", "last_update_time", "0"),
            schema.in_workspace("experiments"),
        );
        let tags = schema.has("experiment_tags", "key");
        self.db.read(|tx| {
            let mut found = Vec::new();
            for row in tx.query(&sql, &[])? {
                let id: i64 = row.get("experiment_id")?;
                let rows = match tags {
                    true => {
                        tx.query("SELECT key, value FROM experiment_tags WHERE experiment_id = $1", &params![id])?
                    }
                    false => Vec::new(),
                };
                found.push(Experiment {
                    id: id.to_string(),
                    name: row.get("name")?,
                    artifact_location: row.get::<Option<String>>("artifact_location")?.unwrap_or_default(),
                    deleted: row.get::<Option<String>>("lifecycle_stage")?.as_deref() == Some("deleted"),
                    created_at: row.get::<Option<i64>>("creation_time")?.unwrap_or(0),
                    updated_at: row.get::<Option<i64>>("last_update_time")?.unwrap_or(0),
                    tags: rows.iter().map(pair).collect::<Result<_>>()?,
                });
            }
            Ok(found)
        })
    }

    /// Says what the database keeps beyond what is carried.
    pub(super) fn tell_of_the_rest(&mut self, sink: &mut dyn Sink) -> Result<()> {
        for (table, kind, words) in STAYS {
            if !self.schema.has_table(table) {
                continue;
            }
            let count = self.count_of(&format!("SELECT COUNT(*) AS n FROM {table}"))?;
            if count > 0 {
                sink.left_out(LeftOut { kind, id: format!("{count} {words}"), reason: "not carried".to_owned() });
            }
        }
        for table in ["experiments", "registered_models"] {
            if !self.schema.has(table, "workspace") {
                continue;
            }
            let count =
                self.count_of(&format!("SELECT COUNT(*) AS n FROM {table} WHERE workspace <> '{WORKSPACE}'"))?;
            if count > 0 {
                let kind = if table == "experiments" { Kind::Experiments } else { Kind::RegisteredModels };
                let id = format!("{count} in other workspaces");
                sink.left_out(LeftOut { kind, id, reason: "only the default workspace is carried".to_owned() });
            }
        }
        Ok(())
    }

    fn count_of(&mut self, sql: &str) -> Result<u64> {
        self.db.read(|tx| tx.query_one(sql, &[])?.map_or(Ok(0), |row| row.get("n")))
    }
}
