//! Loops: declare them, and see how they stand.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use flyball_core::Error;
use flyball_loops::{apply, status};
use flyball_web::{ChartData, Series};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{Answer, answer, editor, reader};
use crate::app::App;

/// A loop file.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoopFileBody {
    /// The text of flyball.yaml. Relative paths in it start at the server's project.
    file: String,
}

/// How every loop stands.
#[utoipa::path(get, path = "/api/v1/loops", tag = "loops", operation_id = "listLoops",
    responses((status = 200, description = "The loops by name", body = Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>) -> Answer {
    answer(move || status::all(&app.platform, &reader()?)).await
}

/// One loop: how it stands, its file, windows, rollouts and remedies.
#[utoipa::path(get, path = "/api/v1/loops/{name}", tag = "loops", operation_id = "getLoop",
    params(("name" = String, Path, description = "The loop")),
    responses((status = 200, description = "The loop", body = Value), (status = 404, description = "There is no such loop")))]
pub(crate) async fn get(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer {
    answer(move || {
        let details = status::details(&app.platform, &reader()?, &name)?;
        Ok(json!({
            "status": details.status, "file": details.declared.text, "datasets": details.declared.datasets,
            "windows": details.windows, "rollouts": details.rollouts, "actions": details.actions,
        }))
    })
    .await
}

/// What applying a loop file would change, and why.
#[utoipa::path(post, path = "/api/v1/loops/plan", tag = "loops", operation_id = "planLoop", request_body = LoopFileBody,
    responses((status = 200, description = "The changes", body = Value), (status = 400, description = "The file is wrong")))]
pub(crate) async fn plan(State(app): State<Arc<App>>, Json(body): Json<LoopFileBody>) -> Answer {
    answer(move || Ok(json!({ "changes": apply::plan(&app.platform, &reader()?, &body.file)? }))).await
}

/// Makes a loop file so.
#[utoipa::path(post, path = "/api/v1/loops/apply", tag = "loops", operation_id = "applyLoop", request_body = LoopFileBody,
    responses((status = 200, description = "What was made", body = Value), (status = 400, description = "The file is wrong"),
        (status = 422, description = "The data is wrong")))]
pub(crate) async fn apply_file(State(app): State<Arc<App>>, Json(body): Json<LoopFileBody>) -> Answer {
    answer(move || {
        let applied = apply::apply(&app.platform, &editor()?, &body.file)?;
        app.platform.serving.refresh()?;
        app.jobs.wake();
        Ok(applied)
    })
    .await
}

/// Which metric to draw.
#[derive(Deserialize)]
pub(crate) struct SeriesQuery {
    pub(super) metric: Option<String>,
}

/// A metric by window, with its interval, and the reference.
#[utoipa::path(get, path = "/api/v1/loops/{name}/series", tag = "loops", operation_id = "loopSeries",
    params(("name" = String, Path, description = "The loop"), ("metric" = Option<String>, Query, description = "The metric")),
    responses((status = 200, description = "Points by window", body = Value)))]
pub(crate) async fn series(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(query): Query<SeriesQuery>,
) -> Answer {
    answer(move || {
        let details = status::details(&app.platform, &reader()?, &name)?;
        let metric = query.metric.unwrap_or_else(|| details.status.metric.clone());
        Ok::<_, Error>(windows_chart(&details.windows, &metric))
    })
    .await
}

/// The curve of a metric over windows, which come newest first.
pub(crate) fn windows_chart(windows: &[flyball_monitoring::WindowReport], metric: &str) -> ChartData {
    let mut chart = ChartData { x_label: "window".into(), x_time: true, ..ChartData::default() };
    let mut measured = Series::new(metric, Vec::new());
    let mut reference = Series::new("reference", Vec::new());
    for window in windows.iter().rev() {
        chart.x.push(window.from.0 as f64);
        let found = window.performance.get(metric);
        measured.values.push(found.map_or(f64::NAN, |m| m.value));
        measured.low.push(found.and_then(|m| m.low).unwrap_or(f64::NAN));
        measured.high.push(found.and_then(|m| m.high).unwrap_or(f64::NAN));
        reference.values.push(window.reference.get(metric).map_or(f64::NAN, |m| m.value));
    }
    chart.series = vec![measured, reference];
    chart
}
