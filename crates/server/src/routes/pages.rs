//! The pages. Each handler asks for one view and renders it.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{Html, Redirect};
use flyball_core::{Error, Permit, Read, Result};
use flyball_loops::platform::Platform;
use flyball_loops::remedy::{self, Decision};
use flyball_web::Template;
use serde::Deserialize;

use super::api::{editor, reader};
use crate::app::App;
use crate::blocking;
use crate::error::ApiError;
use crate::pages::alert as alert_page;
use crate::pages::remedies as remedies_page;
use crate::pages::{
    card, dataset, endpoint, evaluation, labels, lists, loop_page, model_version, monitor, overview, prediction, run,
    window,
};

type Page = Result<Html<String>, ApiError>;

/// Makes a view on a thread that may block, and renders it.
async fn show<V: Template>(
    app: Arc<App>,
    view: impl FnOnce(&Platform, &Permit<Read>) -> Result<V> + Send + 'static,
) -> Page {
    let text = blocking(move || view(&app.platform, &reader()?)?.render().map_err(Error::internal)).await?;
    Ok(Html(text))
}

/// The overview.
#[utoipa::path(get, path = "/", tag = "pages", operation_id = "overviewPage",
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn overview(State(app): State<Arc<App>>) -> Page {
    show(app, overview::page).await
}

/// All loops.
#[utoipa::path(get, path = "/loops", tag = "pages", operation_id = "loopsPage",
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn loops(State(app): State<Arc<App>>) -> Page {
    show(app, lists::loops).await
}

/// A loop.
#[utoipa::path(get, path = "/loops/{name}", tag = "pages", operation_id = "loop_pagePage",
    params(("name" = String, Path, description = "The name")),
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn loop_page(State(app): State<Arc<App>>, Path(name): Path<String>) -> Page {
    show(app, move |platform, permit| loop_page::page(platform, permit, &name)).await
}

/// What remedies did, and what waits for a person.
#[utoipa::path(get, path = "/remedies", tag = "pages", operation_id = "remediesPage",
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn remedies(State(app): State<Arc<App>>) -> Page {
    show(app, remedies_page::page).await
}

/// Approves or refuses an action that waits, and shows the page again.
#[utoipa::path(post, path = "/remedies/{id}/{decision}", tag = "pages", operation_id = "decideRemedyPage",
    params(("id" = String, Path, description = "The action"), ("decision" = String, Path, description = "approve or deny")),
    responses((status = 303, description = "To the page"), (status = 409, description = "It waits no longer")))]
pub(crate) async fn decide_remedy(
    State(app): State<Arc<App>>,
    Path((id, decision)): Path<(String, String)>,
) -> Result<Redirect, ApiError> {
    let done = blocking(move || {
        let decision = match decision.as_str() {
            "approve" => Decision::Approve,
            "deny" => Decision::Deny,
            other => return Err(Error::not_found("decision", other)),
        };
        remedy::decide(&app.platform, &editor()?, &id, decision, "")?;
        app.jobs.wake();
        Ok(())
    });
    done.await?;
    Ok(Redirect::to(flyball_web::links::REMEDIES))
}

/// The newest runs.
#[utoipa::path(get, path = "/runs", tag = "pages", operation_id = "runsPage",
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn runs(State(app): State<Arc<App>>) -> Page {
    show(app, lists::runs).await
}

/// A run.
#[utoipa::path(get, path = "/runs/{id}", tag = "pages", operation_id = "runPage",
    params(("id" = String, Path, description = "The id")),
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn run(State(app): State<Arc<App>>, Path(id): Path<String>) -> Page {
    show(app, move |platform, permit| run::page(platform, permit, &id)).await
}

/// The newest model versions.
#[utoipa::path(get, path = "/models", tag = "pages", operation_id = "modelsPage",
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn models(State(app): State<Arc<App>>) -> Page {
    show(app, lists::models).await
}

/// A model version.
#[utoipa::path(get, path = "/models/{model}/versions/{version}", tag = "pages", operation_id = "model_versionPage",
    params(("model" = String, Path, description = "The model"), ("version" = String, Path, description = "The version")),
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn model_version(State(app): State<Arc<App>>, Path((model, version)): Path<(String, String)>) -> Page {
    show(app, move |platform, permit| model_version::page(platform, permit, &model, &version)).await
}

/// The card of a model version.
#[utoipa::path(get, path = "/models/{name}/versions/{version}/card", tag = "pages", operation_id = "cardPage",
    params(("name" = String, Path, description = "The name"), ("version" = String, Path, description = "The version")),
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn model_card(State(app): State<Arc<App>>, Path((name, version)): Path<(String, String)>) -> Page {
    show(app, move |platform, permit| card::page(platform, permit, &name, &version)).await
}

/// The newest evaluations.
#[utoipa::path(get, path = "/evaluations", tag = "pages", operation_id = "evaluationsPage",
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn evaluations(State(app): State<Arc<App>>) -> Page {
    show(app, evaluation::all).await
}

/// An evaluation.
#[utoipa::path(get, path = "/evaluations/{id}", tag = "pages", operation_id = "evaluationPage",
    params(("id" = String, Path, description = "The id")),
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn evaluation(State(app): State<Arc<App>>, Path(id): Path<String>) -> Page {
    show(app, move |platform, permit| evaluation::page(platform, permit, &id)).await
}

/// All endpoints.
#[utoipa::path(get, path = "/endpoints", tag = "pages", operation_id = "endpointsPage",
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn endpoints(State(app): State<Arc<App>>) -> Page {
    show(app, lists::endpoints).await
}

/// An endpoint.
#[utoipa::path(get, path = "/endpoints/{name}", tag = "pages", operation_id = "endpointPage",
    params(("name" = String, Path, description = "The name")),
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn endpoint(State(app): State<Arc<App>>, Path(name): Path<String>) -> Page {
    show(app, move |platform, permit| endpoint::page(platform, permit, &name)).await
}

/// All monitors.
#[utoipa::path(get, path = "/monitors", tag = "pages", operation_id = "monitorsPage",
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn monitors(State(app): State<Arc<App>>) -> Page {
    show(app, lists::monitors).await
}

/// The monitor of a loop.
#[utoipa::path(get, path = "/monitors/{name}", tag = "pages", operation_id = "monitorPage",
    params(("name" = String, Path, description = "The name")),
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn monitor(State(app): State<Arc<App>>, Path(name): Path<String>) -> Page {
    show(app, move |platform, permit| monitor::page(platform, permit, &name)).await
}

/// A window of a monitor.
#[utoipa::path(get, path = "/monitors/{name}/windows/{id}", tag = "pages", operation_id = "windowPage",
    params(("name" = String, Path, description = "The name"), ("id" = String, Path, description = "The id")),
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn window(State(app): State<Arc<App>>, Path((name, id)): Path<(String, String)>) -> Page {
    show(app, move |platform, permit| window::page(platform, permit, &name, &id)).await
}

/// The newest version of each dataset.
#[utoipa::path(get, path = "/data", tag = "pages", operation_id = "dataPage",
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn data(State(app): State<Arc<App>>) -> Page {
    show(app, lists::data).await
}

/// A dataset version.
#[utoipa::path(get, path = "/data/{name}/versions/{version}", tag = "pages", operation_id = "dataset_versionPage",
    params(("name" = String, Path, description = "The name"), ("version" = String, Path, description = "The version")),
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn dataset_version(
    State(app): State<Arc<App>>,
    Path((name, version)): Path<(String, String)>,
) -> Page {
    show(app, move |platform, permit| dataset::page(platform, permit, &name, &version)).await
}

/// Labelling projects.
#[utoipa::path(get, path = "/labels", tag = "pages", operation_id = "labelsPage",
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn label_projects(State(app): State<Arc<App>>) -> Page {
    show(app, labels::list).await
}

/// A labelling project.
#[utoipa::path(get, path = "/labels/{name}", tag = "pages", operation_id = "labelProjectPage",
    params(("name" = String, Path, description = "The name")),
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn label_project(State(app): State<Arc<App>>, Path(name): Path<String>) -> Page {
    show(app, move |platform, permit| labels::project(platform, permit, &name)).await
}

/// Where people label.
#[utoipa::path(get, path = "/labels/{name}/annotate", tag = "pages", operation_id = "annotatePage",
    params(("name" = String, Path, description = "The name")),
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn annotate(State(app): State<Arc<App>>, Path(name): Path<String>) -> Page {
    show(app, move |platform, permit| labels::annotate(platform, permit, &name, false)).await
}

/// Where people review what others labelled.
#[utoipa::path(get, path = "/labels/{name}/review", tag = "pages", operation_id = "labelReviewPage",
    params(("name" = String, Path, description = "The name")),
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn label_review(State(app): State<Arc<App>>, Path(name): Path<String>) -> Page {
    show(app, move |platform, permit| labels::annotate(platform, permit, &name, true)).await
}

/// The alerts.
#[utoipa::path(get, path = "/alerts", tag = "pages", operation_id = "alertsPage",
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn alerts(State(app): State<Arc<App>>) -> Page {
    show(app, lists::alerts).await
}

/// An alert.
#[utoipa::path(get, path = "/alerts/{id}", tag = "pages", operation_id = "alertPage",
    params(("id" = String, Path, description = "The id")),
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn alert(State(app): State<Arc<App>>, Path(id): Path<String>) -> Page {
    show(app, move |platform, permit| alert_page::page(platform, permit, &id)).await
}

/// Does what a button of an alert's page says: takes it on, ends it, or silences it for some hours.
#[utoipa::path(post, path = "/alerts/{id}/{decision}", tag = "pages", operation_id = "decideAlertPage",
    params(("id" = String, Path, description = "The id"),
        ("decision" = String, Path, description = "acknowledge, resolve or silence")),
    request_body(content = String, description = "note, and hours for a silence, as a form",
        content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "To the page"), (status = 409, description = "It stands otherwise now")))]
pub(crate) async fn decide_alert(
    State(app): State<Arc<App>>,
    Path((id, decision)): Path<(String, String)>,
    body: String,
) -> Result<Redirect, ApiError> {
    let page = flyball_web::links::alert(&id);
    let done = blocking(move || {
        let (permit, now) = (editor()?, app.platform.clock.now());
        let form = alert_page::Form::read(&body)?;
        app.platform.db.write(move |tx| alert_page::decide(tx, &permit, (&id, &decision), &form, now))?;
        app.jobs.wake();
        Ok(())
    });
    done.await?;
    Ok(Redirect::to(&page))
}

/// Why a prediction is what it is.
#[utoipa::path(get, path = "/predictions/{id}", tag = "pages", operation_id = "predictionPage",
    params(("id" = String, Path, description = "The id")),
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn prediction(State(app): State<Arc<App>>, Path(id): Path<String>) -> Page {
    show(app, move |platform, permit| prediction::page(platform, permit, &id)).await
}

/// Where a page of the audit log begins.
#[derive(Deserialize)]
pub(crate) struct AuditQuery {
    before: Option<i64>,
}

/// The audit log.
#[utoipa::path(get, path = "/audit", tag = "pages", operation_id = "auditPage",
    params(("before" = Option<i64>, Query, description = "Only events with a smaller number")),
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn audit(State(app): State<Arc<App>>, Query(query): Query<AuditQuery>) -> Page {
    show(app, move |platform, permit| lists::audit_log(platform, permit, query.before)).await
}
