//! Runs of an MLflow database.

use std::collections::HashMap;

use flyball_core::Result;
use flyball_store::{Param, Row, Tx};

use super::folder::ArtifactFolder;
use super::{Database, PAGE, inputs, number, pair, places};
use crate::record::{Pair, Run};
use crate::source::{Sink, Wish};

const COLUMNS: &str =
    "run_uuid, name, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri, experiment_id";

impl Database {
    /// Whether the folder of any run or logged model is below the folder of artifacts.
    pub(super) fn names_any_folder_of(&mut self, folder: &ArtifactFolder) -> Result<bool> {
        let mut tables = vec![("runs", "artifact_uri", "run_uuid")];
        if self.schema.has_table("logged_models") {
            tables.push(("logged_models", "artifact_location", "model_id"));
        }
        for (table, uri, id) in tables {
            let sql = format!("SELECT {id} AS id, {uri} AS uri FROM {table} WHERE {id} > $1 ORDER BY {id} LIMIT 1000");
            let mut after = String::new();
            loop {
                let rows = self.db.read(|tx| tx.query(&sql, &[Param::from(after.as_str())]))?;
                let Some(last) = rows.last() else { break };
                after = last.get("id")?;
                for row in &rows {
                    if row.get::<Option<String>>("uri")?.is_some_and(|uri| folder.locate(&uri).is_some()) {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// Pushes the runs of an experiment.
    pub(super) fn read_runs(&mut self, sink: &mut dyn Sink, experiment: &str) -> Result<()> {
        let sql = format!(
            "SELECT {COLUMNS} FROM runs WHERE experiment_id = $1 AND run_uuid > $2 ORDER BY run_uuid LIMIT {PAGE}"
        );
        let (experiment, mut after) = (number(experiment)?, String::new());
        loop {
            let inputs = self.schema.has_table("inputs") && self.schema.has_table("input_tags");
            let steps = self.schema.has("inputs", "step");
            let runs = self.db.read(|tx| {
                let rows = tx.query(&sql, &[Param::from(experiment), Param::from(after.as_str())])?;
                let mut runs = rows.iter().map(from_row).collect::<Result<Vec<_>>>()?;
                fill(tx, &mut runs)?;
                if inputs {
                    inputs::fill(tx, &mut runs, steps)?;
                }
                Ok(runs)
            })?;
            let Some(last) = runs.last() else { return Ok(()) };
            after.clone_from(&last.id);
            for run in runs {
                let (id, uri) = (run.id.clone(), run.artifact_uri.clone());
                if sink.run(run)? == Wish::Whole {
                    self.read_history(sink, &id)?;
                    self.files(sink, &uri)?;
                    sink.end()?;
                }
            }
        }
    }
}

fn from_row(row: &Row) -> Result<Run> {
    let text = |column: &str| row.get::<Option<String>>(column).map(Option::unwrap_or_default);
    let experiment: i64 = row.get("experiment_id")?;
    Ok(Run {
        id: row.get("run_uuid")?,
        experiment_id: experiment.to_string(),
        name: text("name")?,
        user_id: text("user_id")?,
        status: text("status")?,
        deleted: text("lifecycle_stage")? == "deleted",
        started_at: row.get::<Option<i64>>("start_time")?.unwrap_or(0),
        ended_at: row.get("end_time")?,
        artifact_uri: text("artifact_uri")?,
        params: Vec::new(),
        tags: Vec::new(),
        datasets: Vec::new(),
        models_in: Vec::new(),
        models_out: Vec::new(),
    })
}

fn fill(tx: &mut Tx<'_>, runs: &mut [Run]) -> Result<()> {
    let mut params = pairs_of(tx, "params", runs)?;
    let mut tags = pairs_of(tx, "tags", runs)?;
    for run in runs {
        run.params = params.remove(&run.id).unwrap_or_default();
        run.tags = tags.remove(&run.id).unwrap_or_default();
        // Servers before 1.28 kept the name in its tag alone.
        if run.name.is_empty()
            && let Some(tag) = run.tags.iter().find(|tag| tag.key == flyball_tracking::rules::RUN_NAME)
        {
            run.name.clone_from(&tag.value);
        }
    }
    Ok(())
}

fn pairs_of(tx: &mut Tx<'_>, table: &str, runs: &[Run]) -> Result<HashMap<String, Vec<Pair>>> {
    let mut found: HashMap<String, Vec<Pair>> = HashMap::new();
    if runs.is_empty() {
        return Ok(found);
    }
    let ids: Vec<Param> = runs.iter().map(|run| Param::from(run.id.as_str())).collect();
    let sql = format!("SELECT run_uuid, key, value FROM {table} WHERE run_uuid IN ({})", places(1, ids.len()));
    for row in tx.query(&sql, &ids)? {
        found.entry(row.get("run_uuid")?).or_default().push(pair(&row)?);
    }
    Ok(found)
}
