//! Remedies: what they did, what waits for a person, and the switch that stops them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use flyball_loops::declared;
use flyball_loops::remedy::{self, Decision};
use flyball_remedies::{PastAction, pause as pauses, store};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{Answer, answer, change, editor, reader};
use crate::app::App;

/// Most actions that a list has.
const LISTED: usize = 500;

/// Which actions.
#[derive(Deserialize)]
pub(crate) struct ActionsQuery {
    #[serde(rename = "loop")]
    loop_name: Option<String>,
    /// Only those that wait for a person.
    #[serde(default)]
    waiting: bool,
}

/// An action with what follows from it.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    action: PastAction,
    recovery_ms: Option<i64>,
}

/// An action as the API tells it: one that waited too long has expired.
fn told(app: &App, mut action: PastAction) -> Told {
    action.state = action.state_at(app.platform.clock.now());
    Told { recovery_ms: action.recovery_ms(), action }
}

/// What remedies did, wanted or held back, newest first, with the evidence; and what is paused.
#[utoipa::path(get, path = "/api/v1/remedies", tag = "remedies", operation_id = "listRemedyActions",
    params(("loop" = Option<String>, Query, description = "Only those of this loop"),
        ("waiting" = Option<bool>, Query, description = "Only those that wait for a person")),
    responses((status = 200, description = "The actions and the pauses", body = Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>, Query(query): Query<ActionsQuery>) -> Answer {
    answer(move || {
        let (permit, now) = (reader()?, app.platform.clock.now());
        let name = query.loop_name.as_deref();
        let (found, paused) = app.platform.db.read(|tx| {
            let found = if query.waiting {
                store::waiting(tx, &permit, name, now)?
            } else {
                store::newest(tx, &permit, name, LISTED)?
            };
            Ok::<_, flyball_core::Error>((found, pauses::all(tx, &permit)?))
        })?;
        let actions: Vec<Told> = found.into_iter().map(|action| told(&app, action)).collect();
        Ok(json!({ "actions": actions, "pauses": paused }))
    })
    .await
}

/// One action with its diagnosis, its evidence and what came of it.
#[utoipa::path(get, path = "/api/v1/remedies/{id}", tag = "remedies", operation_id = "getRemedyAction",
    params(("id" = String, Path, description = "The action")),
    responses((status = 200, description = "The action", body = Value), (status = 404, description = "There is none")))]
pub(crate) async fn get(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer {
    answer(move || {
        let permit = reader()?;
        Ok(told(&app, app.platform.db.read(|tx| store::get(tx, &permit, &id))?))
    })
    .await
}

/// What a person says to an action that waits.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionBody {
    /// approve or deny.
    #[schema(value_type = String)]
    decision: Decision,
    /// Why, for the record.
    #[serde(default)]
    note: String,
}

/// Approves or refuses an action that waits for a person; what is approved is done at once.
#[utoipa::path(post, path = "/api/v1/remedies/{id}/decision", tag = "remedies", operation_id = "decideRemedyAction",
    params(("id" = String, Path, description = "The action")), request_body = DecisionBody,
    responses((status = 200, description = "The action", body = Value),
        (status = 409, description = "It waits no longer, or cannot be done now")))]
pub(crate) async fn decide(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Json(body): Json<DecisionBody>,
) -> Answer {
    answer(move || {
        let decided = remedy::decide(&app.platform, &editor()?, &id, body.decision, &body.note)?;
        app.jobs.wake();
        Ok(told(&app, decided))
    })
    .await
}

/// Whether remedies may act.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PauseBody {
    /// Whether they are paused.
    paused: bool,
    /// The loop; all of them when absent.
    #[serde(default, rename = "loop")]
    loop_name: Option<String>,
    /// Why, for the record.
    #[serde(default)]
    reason: String,
}

/// Pauses the remedies of a loop or all of them, or lets them act again; what had given up begins anew.
#[utoipa::path(put, path = "/api/v1/remedies/pauses", tag = "remedies", operation_id = "pauseRemedies",
    request_body = PauseBody,
    responses((status = 200, description = "What is paused now", body = Value),
        (status = 404, description = "There is no such loop")))]
pub(crate) async fn pause(State(app): State<Arc<App>>, Json(body): Json<PauseBody>) -> Answer {
    change(app, move |tx, permit, now| {
        let name = body.loop_name.as_deref();
        if let Some(name) = name {
            declared::get(tx, &permit.read(), name)?;
        }
        if body.paused {
            pauses::pause(tx, permit, name, &body.reason, now)?;
        } else {
            pauses::resume(tx, permit, name, &body.reason, now)?;
        }
        Ok(json!({ "pauses": pauses::all(tx, &permit.read())? }))
    })
    .await
}

/// What the remedies of a loop would do now, what holds them back, and what the newest window may come from.
#[utoipa::path(get, path = "/api/v1/loops/{name}/remedies", tag = "remedies", operation_id = "planRemedies",
    params(("name" = String, Path, description = "The loop")),
    responses((status = 200, description = "Each remedy", body = Value), (status = 404, description = "There is no such loop")))]
pub(crate) async fn plan(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer {
    answer(move || remedy::plan(&app.platform, &reader()?, &name)).await
}

/// Why data is let go of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseBody {
    /// Why, for the record.
    #[serde(default)]
    note: String,
}

/// Ends the quarantine of a loop's data: what comes from now on is learned from again.
#[utoipa::path(post, path = "/api/v1/loops/{name}/quarantine/release", tag = "remedies", operation_id = "releaseQuarantine",
    params(("name" = String, Path, description = "The loop")), request_body = ReleaseBody,
    responses((status = 200, description = "How its remedies stand", body = Value),
        (status = 404, description = "Nothing is in quarantine")))]
pub(crate) async fn release(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Json(body): Json<ReleaseBody>,
) -> Answer {
    answer(move || {
        let permit = editor()?;
        remedy::release(&app.platform, &permit, &name, &body.note)?;
        remedy::plan(&app.platform, &permit.read(), &name)
    })
    .await
}
