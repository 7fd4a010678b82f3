//! Alerts.

use std::sync::Arc;

use axum::extract::{Query, State};
use flyball_monitoring::store;
use serde::Deserialize;

use super::{Answer, answer, reader};
use crate::app::App;

/// Which alerts.
#[derive(Deserialize)]
pub(crate) struct AlertsQuery {
    #[serde(rename = "loop")]
    loop_name: Option<String>,
}

/// The alerts, firing ones first.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "monitoring", operation_id = "listAlerts",
    params(("loop" = Option<String>, Query, description = "Only those of this loop")),
    responses((status = 200, description = "The alerts", body = Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>, Query(query): Query<AlertsQuery>) -> Answer {
    answer(move || {
        let permit = reader()?;
        app.platform.db.read(|tx| store::alerts(tx, &permit, query.loop_name.as_deref(), 200))
    })
    .await
}
