//! Metrics: logging one, and reading histories.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use flyball_core::{Error, Permit, Result, limits};
use flyball_store::Tx;
use flyball_tracking::logged_models::{self, ModelMetric};
use flyball_tracking::{Metric, Point, history, metrics, rules, runs, search};
use serde_json::{Value, json};

use super::call::{Answer, Call, JsonText};
use super::fields::Fields;
use super::routes::{DialectRoute, get, post};
use super::run_shapes::{History, HistoryPage};
use super::runs::run_id;
use super::shapes;
use crate::access::Policy::{Edit, Read};
use crate::app::App;
use crate::blocking::write;
use crate::routes::api::editor;

pub(super) fn routes() -> Vec<DialectRoute> {
    vec![
        post(Edit, "/api/2.0/mlflow/runs/log-metric", log),
        get(Read, "/api/2.0/mlflow/metrics/get-history", read),
        get(Read, "/ajax-api/2.0/mlflow/metrics/get-history-bulk", read_many),
        get(Read, "/api/2.0/mlflow/metrics/get-history-bulk-interval", sample),
    ]
}

/// A point of a metric, as a call or an object of a batch gives it.
pub(super) fn metric_of(fields: &Fields) -> Result<Metric> {
    let key = fields.required_text("key")?;
    let value = fields.required_number("value")?;
    let timestamp = fields.required_integer("timestamp")?;
    Ok(Metric { key, point: Point { value, timestamp, step: fields.integer("step")?.unwrap_or(0) } })
}

/// The logged model that a point is about, if it names one, with the point as the model keeps it.
pub(super) fn model_metric_of(fields: &Fields, metric: &Metric) -> Result<Option<(String, ModelMetric)>> {
    let Some(model_id) = fields.text("model_id")?.filter(|id| !id.is_empty()) else { return Ok(None) };
    let of_model = ModelMetric {
        key: metric.key.clone(),
        point: metric.point,
        dataset_name: fields.text("dataset_name")?.unwrap_or_default(),
        dataset_digest: fields.text("dataset_digest")?.unwrap_or_default(),
    };
    Ok(Some((model_id, of_model)))
}

/// Keeps points with the logged models that they are about, with one statement a model.
pub(super) fn log_to_models(
    tx: &mut Tx<'_>,
    permit: &Permit<flyball_core::Edit>,
    run_id: &str,
    metrics: Vec<(String, ModelMetric)>,
) -> Result<()> {
    if metrics.is_empty() {
        return Ok(());
    }
    let experiment_id = runs::place(tx, permit, run_id)?.experiment_id;
    let mut by_model: BTreeMap<String, Vec<ModelMetric>> = BTreeMap::new();
    for (model_id, metric) in metrics {
        by_model.entry(model_id).or_default().push(metric);
    }
    by_model.iter().try_for_each(|(model_id, metrics)| {
        logged_models::log_metrics(tx, permit, model_id, run_id, experiment_id, metrics)
    })
}

async fn log(State(app): State<Arc<App>>, call: Call) -> Answer {
    let (id, metric) = (run_id(&call.fields)?, metric_of(&call.fields)?);
    metrics::check(&metric)?;
    match model_metric_of(&call.fields, &metric)? {
        // An id that no run can have goes alone: what the database says of it would be said to all that wait.
        None if rules::check_run_id(&id).is_ok() => app.points.log(&app.platform.db, editor()?, id, metric).await?,
        of_model => {
            let work = move |tx: &mut Tx<'_>| {
                let permit = editor()?;
                metrics::log(tx, &permit, &id, &metric)?;
                log_to_models(tx, &permit, &id, of_model.into_iter().collect())
            };
            write(&app.platform.db, work).await?;
        }
    }
    Ok(JsonText::of(&json!({}))?)
}

async fn read(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let (id, key) = (run_id(fields)?, fields.required_text("metric_key")?);
        let mut points = history::of(tx, permit, &id, &key)?;
        let most = fields.integer("max_results")?;
        if most.is_some_and(|most| most <= 0) {
            return Err(Error::invalid("Invalid value for parameter 'max_results': it must be positive"));
        }
        let start = search::offset_of(fields.text("page_token")?.as_deref(), None)?;
        let end = most.and_then(|most| usize::try_from(most).ok()).map(|most| start.saturating_add(most));
        let end = end.filter(|end| *end < points.len());
        points.truncate(end.unwrap_or(points.len()));
        points.drain(..start.min(points.len()));
        let next_page_token = end.map(|end| search::page_token(end, None));
        Ok(HistoryPage { metrics: History { key, points }, next_page_token })
    })
    .await
}

async fn read_many(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let ids = fields.texts("run_id")?;
        if ids.is_empty() {
            return Err(Error::invalid("GetMetricHistoryBulk request must specify at least one run_id."));
        }
        let key = fields.required_text("metric_key")?;
        let most = fields.integer("max_results")?.and_then(|most| usize::try_from(most).ok());
        let points = history::of_many(tx, permit, &ids, &key, most.unwrap_or(limits::HISTORY_POINTS))?;
        Ok(json!({ "metrics": with_runs(&key, &points) }))
    })
    .await
}

async fn sample(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let ids = fields.texts("run_ids")?;
        if ids.is_empty() {
            return Err(fields.missing("run_ids"));
        }
        let key = fields.required_text("metric_key")?;
        let steps = match (fields.integer("start_step")?, fields.integer("end_step")?) {
            (None, None) => None,
            (Some(from), Some(to)) if from <= to => Some((from, to)),
            (Some(_), Some(_)) => {
                return Err(Error::invalid("end_step must be greater than start_step, or equal to it"));
            }
            _ => return Err(Error::invalid("start_step and end_step: if one is given, both must be specified")),
        };
        let most = fields.integer("max_results")?.unwrap_or(limits::SAMPLED_POINTS);
        if !(1..=limits::SAMPLED_POINTS).contains(&most) {
            return Err(Error::invalid(format!("max_results must be between 1 and {}", limits::SAMPLED_POINTS)));
        }
        let most = usize::try_from(most).map_err(Error::internal)?;
        let points = history::sampled(tx, permit, &ids, &key, steps, most)?;
        Ok(shapes::page("metrics", with_runs(&key, &points), None))
    })
    .await
}

fn with_runs(key: &str, points: &[(String, Point)]) -> Vec<Value> {
    let shape = |(run, point): &(String, Point)| {
        let mut shape = shapes::point(key, point);
        shapes::put(&mut shape, "run_id", Some(run.as_str()));
        shape
    };
    points.iter().map(shape).collect()
}
