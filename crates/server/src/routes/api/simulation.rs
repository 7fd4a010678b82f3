//! The simulation that this server shows, when it shows one.

use std::sync::Arc;

use axum::extract::{Query, State};
use flyball_loops::simulate::{self, Progress};
use flyball_web::{ChartData, Series};

use super::loops::SeriesQuery;
use super::{Answer, answer, reader};
use crate::app::App;

/// How far it has come, and what each policy has come to.
#[utoipa::path(get, path = "/api/v1/simulation", tag = "simulation", operation_id = "getSimulation",
    responses((status = 200, description = "The progress; null when nothing was simulated here", body = Value)))]
pub(crate) async fn get(State(app): State<Arc<App>>) -> Answer {
    answer(move || {
        let permit = reader()?;
        app.platform.db.read(|tx| simulate::latest(tx, &permit))
    })
    .await
}

/// A metric by month, a series for each policy.
#[utoipa::path(get, path = "/api/v1/simulation/series", tag = "simulation", operation_id = "simulationSeries",
    params(("metric" = Option<String>, Query, description = "The metric; auc when absent")),
    responses((status = 200, description = "Points by month", body = Value)))]
pub(crate) async fn series(State(app): State<Arc<App>>, Query(query): Query<SeriesQuery>) -> Answer {
    answer(move || {
        let permit = reader()?;
        let progress = app.platform.db.read(|tx| simulate::latest(tx, &permit))?;
        Ok(progress.map_or_else(ChartData::default, |progress| months_chart(&progress, query.metric.as_deref())))
    })
    .await
}

/// The curve of a metric over months. Without a name it is the first of `auc` and `rmse` that was measured.
pub(crate) fn months_chart(progress: &Progress, metric: Option<&str>) -> ChartData {
    let Some(first) = progress.policies.first() else { return ChartData::default() };
    let measured = |name: &&str| first.months.iter().any(|month| month.metrics.contains_key(*name));
    let metric = metric.or_else(|| ["auc", "rmse"].into_iter().find(measured)).unwrap_or("auc");
    let labels = first.months.iter().map(|month| month.month.clone()).collect();
    let series = progress
        .policies
        .iter()
        .map(|policy| {
            let value = |month: &flyball_loops::outcome::Month| month.metrics.get(metric).map_or(f64::NAN, |m| m.value);
            Series::new(policy_title(&first.name, &policy.name), policy.months.iter().map(value).collect())
        })
        .collect();
    ChartData::by_label("month", labels, series)
}

/// `loop`, `never` or `monthly`: what tells a policy from the others.
pub(crate) fn policy_title(main: &str, name: &str) -> String {
    match name.strip_prefix(main).map(|rest| rest.trim_start_matches('.')) {
        Some("") => "loop".to_owned(),
        Some(rest) => rest.to_owned(),
        None => name.to_owned(),
    }
}
