//! Registered models of an MLflow database.

use std::collections::HashMap;

use flyball_core::Result;
use flyball_store::{Row, Tx, params};

use super::{Database, PAGE, pair};
use crate::record::{Alias, ModelVersion, Pair, RegisteredModel};
use crate::source::{Sink, Wish};

/// The stage of versions that were deleted: they are gone, but their numbers are not given again.
const DELETED: &str = "Deleted_Internal";

impl Database {
    /// Pushes all registered models with their versions.
    pub(super) fn read_registry(&mut self, sink: &mut dyn Sink) -> Result<()> {
        if !self.schema.has_table("registered_models") {
            return Ok(());
        }
        let mut after = String::new();
        loop {
            let models = self.models_behind(&after)?;
            let Some(last) = models.last() else { return Ok(()) };
            after.clone_from(&last.name);
            for model in models {
                let name = model.name.clone();
                if sink.registered_model(model)? == Wish::Whole {
                    for version in self.versions_of(&name)? {
                        sink.model_version(version)?;
                    }
                }
            }
        }
    }

    fn models_behind(&mut self, after: &str) -> Result<Vec<RegisteredModel>> {
        let has = |table| self.schema.has_table(table);
        let (with_tags, with_aliases) = (has("registered_model_tags"), has("registered_model_aliases"));
        let own = self.schema.in_workspace("registered_models");
        let same = if self.schema.has("registered_models", "workspace") { "workspace = 'default' AND" } else { "" };
        let sql = format!(
            "SELECT name, creation_time, last_updated_time, {} FROM registered_models WHERE {own} AND name > $1 \
             ORDER BY name LIMIT {PAGE}",
            self.schema.column("registered_models", "description", "NULL"),
        );
        let of = |columns: &str, table: &str| format!("SELECT {columns} FROM {table} WHERE {same} name = $1");
        self.db.read(|tx| {
            let mut models = Vec::new();
            for row in tx.query(&sql, &params![after])? {
                let mut model = model(&row)?;
                let name = params![model.name.as_str()];
                if with_tags {
                    let rows = tx.query(&of("key, value", "registered_model_tags"), &name)?;
                    model.tags = rows.iter().map(pair).collect::<Result<_>>()?;
                }
                if with_aliases {
                    let rows = tx.query(&of("alias, version", "registered_model_aliases"), &name)?;
                    model.aliases = rows.iter().map(alias).collect::<Result<_>>()?;
                }
                let last = tx.query_one(&of("MAX(version) AS last", "model_versions"), &name)?;
                model.last_version = last.map_or(Ok(None), |row| row.get::<Option<i64>>("last"))?.unwrap_or(0);
                models.push(model);
            }
            Ok(models)
        })
    }

    fn versions_of(&mut self, name: &str) -> Result<Vec<ModelVersion>> {
        let schema = &self.schema;
        let same = if schema.has("model_versions", "workspace") { "workspace = 'default' AND" } else { "" };
        let sql = format!(
            "SELECT name, version, creation_time, last_updated_time, description, user_id, current_stage, source, \
             run_id, status, {}, {}, {} FROM model_versions WHERE {same} name = $1 AND \
             (current_stage IS NULL OR current_stage <> '{DELETED}') ORDER BY version",
            schema.column("model_versions", "status_message", "NULL"),
            schema.column("model_versions", "run_link", "NULL"),
            schema.column("model_versions", "storage_location", "NULL"),
        );
        let tags = format!("SELECT version, key, value FROM model_version_tags WHERE {same} name = $1");
        let with_tags = schema.has_table("model_version_tags");
        self.db.read(|tx| {
            let mut tags = if with_tags { tags_of(tx, &tags, name)? } else { HashMap::new() };
            let rows = tx.query(&sql, &params![name])?;
            let mut versions = rows.iter().map(version).collect::<Result<Vec<_>>>()?;
            for version in &mut versions {
                version.tags = tags.remove(&version.version).unwrap_or_default();
            }
            Ok(versions)
        })
    }
}

fn tags_of(tx: &mut Tx<'_>, sql: &str, name: &str) -> Result<HashMap<i64, Vec<Pair>>> {
    let mut tags: HashMap<i64, Vec<Pair>> = HashMap::new();
    for row in tx.query(sql, &params![name])? {
        tags.entry(row.get("version")?).or_default().push(pair(&row)?);
    }
    Ok(tags)
}

fn alias(row: &Row) -> Result<Alias> {
    Ok(Alias { alias: row.get("alias")?, version: row.get("version")? })
}

fn model(row: &Row) -> Result<RegisteredModel> {
    Ok(RegisteredModel {
        name: row.get("name")?,
        description: row.get("description")?,
        created_at: row.get::<Option<i64>>("creation_time")?.unwrap_or(0),
        updated_at: row.get::<Option<i64>>("last_updated_time")?.unwrap_or(0),
        last_version: 0,
        tags: Vec::new(),
        aliases: Vec::new(),
    })
}

fn version(row: &Row) -> Result<ModelVersion> {
    let text = |column: &str| row.get::<Option<String>>(column).map(Option::unwrap_or_default);
    let source = text("source")?;
    let location = row.get::<Option<String>>("storage_location")?.unwrap_or_else(|| source.clone());
    Ok(ModelVersion {
        model: row.get("name")?,
        version: row.get("version")?,
        created_at: row.get::<Option<i64>>("creation_time")?.unwrap_or(0),
        updated_at: row.get::<Option<i64>>("last_updated_time")?.unwrap_or(0),
        stage: row.get::<Option<String>>("current_stage")?.unwrap_or_else(|| "None".to_owned()),
        status: text("status")?,
        status_message: row.get("status_message")?,
        user_id: row.get("user_id")?,
        description: row.get("description")?,
        model_id: source.strip_prefix("models:/").filter(|id| !id.contains(['/', '@'])).map(str::to_owned),
        source,
        location,
        run_id: text("run_id")?,
        run_link: text("run_link")?,
        tags: Vec::new(),
    })
}
