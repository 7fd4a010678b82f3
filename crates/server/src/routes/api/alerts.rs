//! Alerts, and what people do with them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use flyball_core::{Permit, Read, Result};
use flyball_loops::platform::Platform;
use flyball_monitoring::alert::{Alert, AlertState, silence, store};
use flyball_monitoring::notify::deliveries;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Answer, answer, change, reader};
use crate::app::App;

/// Most alerts that a list has.
const LISTED: usize = 500;
/// Most deliveries that an alert's own list has.
const DELIVERIES: usize = 100;

/// Which alerts.
#[derive(Deserialize)]
pub(crate) struct AlertsQuery {
    #[serde(rename = "loop")]
    loop_name: Option<String>,
    state: Option<AlertState>,
}

/// The alerts: firing ones first, then those that somebody took on, pending ones, and those that are over.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "monitoring", operation_id = "listAlerts",
    params(("loop" = Option<String>, Query, description = "Only those of this loop"),
        ("state" = Option<String>, Query, description = "pending, firing, acknowledged or resolved")),
    responses((status = 200, description = "The alerts", body = Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>, Query(query): Query<AlertsQuery>) -> Answer {
    answer(move || {
        let permit = reader()?;
        let mut found = app.platform.db.read(|tx| store::alerts(tx, &permit, query.loop_name.as_deref(), LISTED))?;
        found.retain(|alert| query.state.is_none_or(|state| alert.state == state));
        Ok(found)
    })
    .await
}

/// An alert with its course, what was told of it, and until when it is silenced.
#[utoipa::path(get, path = "/api/v1/alerts/{id}", tag = "monitoring", operation_id = "getAlert",
    params(("id" = String, Path, description = "The alert")),
    responses((status = 200, description = "The alert", body = Value), (status = 404, description = "There is none")))]
pub(crate) async fn get(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer {
    answer(move || {
        let permit = reader()?;
        let alert = app.platform.db.read(|tx| store::get(tx, &permit, &id))?;
        whole(&app.platform, &permit, &alert)
    })
    .await
}

fn whole(platform: &Platform, permit: &Permit<Read>, alert: &Alert) -> Result<Value> {
    let now = platform.clock.now();
    platform.db.read(|tx| {
        let silences = silence::list(tx, permit, LISTED)?;
        Ok(json!({
            "alert": alert, "labels": alert.all_labels(), "history": store::history(tx, alert)?,
            "silenced_until": silence::silenced_until(&silences, alert, now),
            "notifications": deliveries(tx, permit, None, Some(&alert.id), DELIVERIES)?,
        }))
    })
}

/// What a person says to an alert.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoteBody {
    /// Why, or what is being done.
    #[serde(default)]
    pub(crate) note: String,
}

/// Takes an alert on: it is not told again until it is over.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/acknowledge", tag = "monitoring", operation_id = "acknowledgeAlert",
    params(("id" = String, Path, description = "The alert")), request_body = NoteBody,
    responses((status = 200, description = "The alert", body = Value),
        (status = 404, description = "There is none"), (status = 409, description = "It does not fire")))]
pub(crate) async fn acknowledge(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Json(body): Json<NoteBody>,
) -> Answer {
    let jobs = app.jobs.clone();
    let answer = change(app, move |tx, permit, now| store::acknowledge(tx, permit, &id, &body.note, now)).await;
    jobs.wake();
    answer
}

/// Ends an alert by hand. What is still there opens a new one with its next window.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/resolve", tag = "monitoring", operation_id = "resolveAlert",
    params(("id" = String, Path, description = "The alert")), request_body = NoteBody,
    responses((status = 200, description = "The alert", body = Value),
        (status = 404, description = "There is none"), (status = 409, description = "It is over already")))]
pub(crate) async fn resolve(State(app): State<Arc<App>>, Path(id): Path<String>, Json(body): Json<NoteBody>) -> Answer {
    let jobs = app.jobs.clone();
    let answer = change(app, move |tx, permit, now| store::resolve(tx, permit, &id, &body.note, now)).await;
    jobs.wake();
    answer
}
