//! Background work.

use std::sync::Arc;

use axum::extract::{Query, State};
use flyball_jobs::Filter;
use serde::Deserialize;

use super::{Answer, answer};
use crate::app::App;

/// Which jobs.
#[derive(Deserialize)]
pub(crate) struct JobsQuery {
    owner: Option<String>,
}

/// The jobs, of one owner or of all.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", operation_id = "listJobs",
    params(("owner" = Option<String>, Query, description = "Only those of this loop")),
    responses((status = 200, description = "The jobs", body = Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>, Query(query): Query<JobsQuery>) -> Answer {
    answer(move || app.jobs.list(&Filter { owner: query.owner, ..Filter::default() })).await
}
