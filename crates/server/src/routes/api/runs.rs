//! Runs.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use flyball_core::limits;
use flyball_tracking::{Point, history, runs};
use flyball_web::ChartData;
use serde::Deserialize;

use super::{Answer, answer, reader};
use crate::app::App;

/// Which runs.
#[derive(Deserialize)]
pub(crate) struct RunsQuery {
    experiment: Option<String>,
    limit: Option<usize>,
}

/// The newest runs.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", operation_id = "listRuns",
    params(("experiment" = Option<String>, Query, description = "Only those of this experiment"),
        ("limit" = Option<usize>, Query, description = "At most so many; 100 when absent")),
    responses((status = 200, description = "The runs, newest first", body = Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>, Query(query): Query<RunsQuery>) -> Answer {
    answer(move || {
        let permit = reader()?;
        let limit = query.limit.unwrap_or(100).min(limits::PAGE_ROWS);
        app.platform.db.read(|tx| runs::newest(tx, &permit, query.experiment.as_deref(), limit))
    })
    .await
}

/// One run with its parameters and metrics.
#[utoipa::path(get, path = "/api/v1/runs/{id}", tag = "runs", operation_id = "getRun",
    params(("id" = String, Path, description = "The run")),
    responses((status = 200, description = "The run", body = Value), (status = 404, description = "There is no such run")))]
pub(crate) async fn get(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer {
    answer(move || {
        let permit = reader()?;
        app.platform.db.read(|tx| runs::get(tx, &permit, &id))
    })
    .await
}

/// The history of a metric.
#[utoipa::path(get, path = "/api/v1/runs/{id}/metrics/{metric}", tag = "runs", operation_id = "runMetric",
    params(("id" = String, Path, description = "The run"), ("metric" = String, Path, description = "The metric")),
    responses((status = 200, description = "Points by step", body = Value)))]
pub(crate) async fn metric(State(app): State<Arc<App>>, Path((id, metric)): Path<(String, String)>) -> Answer {
    answer(move || {
        let permit = reader()?;
        let points = app.platform.db.read(|tx| history::of(tx, &permit, &id, &metric))?;
        Ok(curve(&metric, &points))
    })
    .await
}

/// A metric by step, at most as many points as a chart shows.
pub(crate) fn curve(metric: &str, history: &[Point]) -> ChartData {
    /// What a chart shows at the most.
    const POINTS: usize = 500;
    let every = history.len().div_ceil(POINTS).max(1);
    let points = || history.iter().step_by(every);
    let series = flyball_web::Series::new(metric, points().map(|point| point.value).collect());
    ChartData::by_number("iteration", points().map(|point| point.step as f64).collect(), vec![series])
}
