//! Logged models of an MLflow database.

use flyball_core::Result;
use flyball_store::{Row, Tx, params};

use super::{Database, PAGE, number, pair};
use crate::record::{LoggedModel, ModelMetric, Point};
use crate::source::{Sink, Wish};

const COLUMNS: &str = "model_id, experiment_id, name, artifact_location, creation_timestamp_ms, \
     last_updated_timestamp_ms, status, lifecycle_stage, model_type, source_run_id, status_message";

impl Database {
    /// Pushes the logged models of an experiment.
    pub(super) fn read_models(&mut self, sink: &mut dyn Sink, experiment: &str) -> Result<()> {
        if !self.schema.has_table("logged_models") {
            return Ok(());
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM logged_models WHERE experiment_id = $1 AND model_id > $2 ORDER BY model_id \
             LIMIT {PAGE}"
        );
        let (experiment, mut after) = (number(experiment)?, String::new());
        loop {
            let models = self.db.read(|tx| {
                let rows = tx.query(&sql, &params![experiment, after.as_str()])?;
                rows.iter().map(|row| read(tx, row)).collect::<Result<Vec<_>>>()
            })?;
            let Some(last) = models.last() else { return Ok(()) };
            after.clone_from(&last.id);
            for model in models {
                let uri = model.artifact_uri.clone();
                if sink.logged_model(model)? == Wish::Whole {
                    self.files(sink, &uri)?;
                    sink.end()?;
                }
            }
        }
    }
}

fn read(tx: &mut Tx<'_>, row: &Row) -> Result<LoggedModel> {
    let id: String = row.get("model_id")?;
    let text = |column: &str| row.get::<Option<String>>(column).map(Option::unwrap_or_default);
    let experiment: i64 = row.get("experiment_id")?;
    let params = "SELECT param_key AS key, param_value AS value FROM logged_model_params WHERE model_id = $1";
    let tags = "SELECT tag_key AS key, tag_value AS value FROM logged_model_tags WHERE model_id = $1";
    let metrics = "SELECT metric_name, metric_timestamp_ms, metric_step, metric_value, run_id, dataset_name, \
         dataset_digest FROM logged_model_metrics WHERE model_id = $1";
    Ok(LoggedModel {
        params: tx.query(params, &params![id.as_str()])?.iter().map(pair).collect::<Result<_>>()?,
        tags: tx.query(tags, &params![id.as_str()])?.iter().map(pair).collect::<Result<_>>()?,
        metrics: tx.query(metrics, &params![id.as_str()])?.iter().map(metric).collect::<Result<_>>()?,
        id,
        experiment_id: experiment.to_string(),
        name: text("name")?,
        model_type: text("model_type")?,
        source_run_id: text("source_run_id")?,
        status: row.get("status")?,
        status_message: row.get("status_message")?,
        deleted: text("lifecycle_stage")? == "deleted",
        created_at: row.get("creation_timestamp_ms")?,
        updated_at: row.get("last_updated_timestamp_ms")?,
        artifact_uri: text("artifact_location")?,
    })
}

fn metric(row: &Row) -> Result<ModelMetric> {
    let text = |column: &str| row.get::<Option<String>>(column).map(Option::unwrap_or_default);
    // A NaN has no value there.
    let value = row.get::<Option<f64>>("metric_value")?.unwrap_or(f64::NAN);
    Ok(ModelMetric {
        key: row.get("metric_name")?,
        point: Point(row.get("metric_timestamp_ms")?, row.get("metric_step")?, value),
        run_id: text("run_id")?,
        dataset_name: text("dataset_name")?,
        dataset_digest: text("dataset_digest")?,
    })
}
