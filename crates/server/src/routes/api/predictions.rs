//! Why a prediction is what it is.

use std::sync::Arc;

use axum::extract::{Path, State};
use flyball_loops::why;

use super::{Answer, answer, reader};
use crate::app::App;

/// A prediction with its explanation and everything that it came from.
#[utoipa::path(get, path = "/api/v1/predictions/{id}", tag = "inference", operation_id = "explainPrediction",
    params(("id" = String, Path, description = "The prediction")),
    responses((status = 200, description = "The explanation and the lineage", body = Value),
        (status = 404, description = "There is no such prediction")))]
pub(crate) async fn get(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer {
    answer(move || why::explain(&app.platform, &reader()?, &id)).await
}
