//! The queue, answers, reviews and comments.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use flyball_core::{Error, ErrorCode, Name, limits};
use flyball_data::source;
use flyball_labels::annotate::{self, Verdict};
use flyball_labels::{Label, projects, tasks};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::super::{Answer, answer, change, reader};
use crate::app::App;
use crate::blocking::blocking;
use crate::error::ApiError;

/// Who works.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnnotatorBody {
    /// The annotator; who asks when absent.
    #[serde(default)]
    annotator: Option<String>,
}

/// An answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerBody {
    /// The answer: {"choice": …}, {"choices": […]}, {"number": …}, {"spans": […]}, {"boxes": […]} or {"preferred": …}; to
    /// skip the task, nothing.
    #[schema(value_type = Option<Object>)]
    label: Option<Label>,
    /// The annotator; who asks when absent.
    annotator: Option<String>,
    /// What there is to say about it.
    #[serde(default)]
    note: String,
    /// How long it took, in milliseconds.
    taken_ms: Option<i64>,
}

/// A verdict.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReviewBody {
    /// accept or reject.
    verdict: String,
    /// Why.
    #[serde(default)]
    note: String,
}

/// A comment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommentBody {
    /// What is said.
    text: String,
}

/// Hands out the next task, for as long as the lease of the project lasts.
#[utoipa::path(post, path = "/api/v1/labels/projects/{name}/next", tag = "labels", operation_id = "nextLabelTask",
    params(("name" = String, Path, description = "The project")), request_body = AnnotatorBody,
    responses((status = 200, description = "The task with what was said about it, or null", body = Value)))]
pub(crate) async fn next(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Json(body): Json<AnnotatorBody>,
) -> Answer {
    let name: Name = name.parse()?;
    change(app, move |tx, permit, now| tasks::next(tx, permit, &name, body.annotator.as_deref(), now)).await
}

/// The task whose answer waits longest for a reviewer.
#[utoipa::path(get, path = "/api/v1/labels/projects/{name}/review", tag = "labels", operation_id = "nextLabelReview",
    params(("name" = String, Path, description = "The project")),
    responses((status = 200, description = "The answer and its task, or null", body = Value)))]
pub(crate) async fn next_review(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answer {
    answer(move || {
        let name = name.parse()?;
        let found = app.platform.db.read(|tx| annotate::next_to_review(tx, &reader()?, &name))?;
        Ok(found.map(|(annotation, view)| json!({ "annotation": annotation, "view": view })))
    })
    .await
}

/// A task with everything that was said about it.
#[utoipa::path(get, path = "/api/v1/labels/tasks/{id}", tag = "labels", operation_id = "getLabelTask",
    params(("id" = String, Path, description = "The task")),
    responses((status = 200, description = "The task", body = Value), (status = 404, description = "There is none")))]
pub(crate) async fn get_task(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer {
    answer(move || app.platform.db.read(|tx| tasks::get(tx, &reader()?, &id))).await
}

/// The image of a task, from the project folder.
#[utoipa::path(get, path = "/api/v1/labels/tasks/{id}/image", tag = "labels", operation_id = "getLabelImage",
    params(("id" = String, Path, description = "The task")),
    responses((status = 200, description = "The image"), (status = 404, description = "There is none")))]
pub(crate) async fn image(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let read = blocking(move || {
        let permit = reader()?;
        let (view, settings) = app.platform.db.read(|tx| {
            let view = tasks::get(tx, &permit, &id)?;
            let settings = projects::get(tx, &permit, &view.project)?.project.settings;
            Ok((view, settings))
        })?;
        let column = settings.image.as_deref().unwrap_or("image");
        let none = || Error::not_found("image of the task", &view.task.key);
        let path = view.task.data[column].as_str().ok_or_else(none)?;
        let kind = content_type(path).ok_or_else(|| {
            Error::new(ErrorCode::UnsupportedMediaType, "the file is no image that browsers show")
                .hint("use .png, .jpg, .gif, .webp, .avif or .bmp")
        })?;
        // A name with a star would be a pattern, which means several files.
        if path.contains(['*', '?', '[']) {
            return Err(none());
        }
        let loaded = source::load(&app.platform.project_root, path)?;
        let (_, bytes) = loaded.files.into_iter().next().ok_or_else(none)?;
        if bytes.len() > limits::SCORING_BODY_BYTES {
            return Err(Error::new(ErrorCode::LimitExceeded, "the image is too large"));
        }
        Ok((kind, bytes))
    });
    let (kind, bytes) = read.await?;
    Ok(([(header::CONTENT_TYPE, kind)], bytes).into_response())
}

/// The media type of an image by its extension. Those that can hold scripts are left out.
fn content_type(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "bmp" => "image/bmp",
        _ => return None,
    })
}

/// Writes down an answer; without a label the task is skipped. What the annotator said before stays, as superseded.
#[utoipa::path(post, path = "/api/v1/labels/tasks/{id}/annotations", tag = "labels", operation_id = "annotate",
    params(("id" = String, Path, description = "The task")), request_body = AnswerBody,
    responses((status = 200, description = "The annotation", body = Value),
        (status = 400, description = "The answer does not fit the project")))]
pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Json(body): Json<AnswerBody>,
) -> Answer {
    let AnswerBody { label, annotator, note, taken_ms } = body;
    let answer = annotate::Answer { annotator, label, note, taken_ms };
    change(app, move |tx, permit, now| annotate::submit(tx, permit, &id, answer, now)).await
}

/// Gives a task back before its lease ends.
#[utoipa::path(post, path = "/api/v1/labels/tasks/{id}/release", tag = "labels", operation_id = "releaseLabelTask",
    params(("id" = String, Path, description = "The task")), request_body = AnnotatorBody,
    responses((status = 200, description = "Whether it was theirs", body = Value)))]
pub(crate) async fn release(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Json(body): Json<AnnotatorBody>,
) -> Answer {
    change(app, move |tx, permit, _| {
        let released = tasks::release(tx, permit, &id, body.annotator.as_deref())?;
        Ok(json!({ "released": released }))
    })
    .await
}

/// Says something about a task.
#[utoipa::path(post, path = "/api/v1/labels/tasks/{id}/comments", tag = "labels", operation_id = "commentLabelTask",
    params(("id" = String, Path, description = "The task")), request_body = CommentBody,
    responses((status = 200, description = "The comment", body = Value)))]
pub(crate) async fn comment(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Json(body): Json<CommentBody>,
) -> Answer {
    change(app, move |tx, permit, now| annotate::comment(tx, permit, &id, &body.text, now)).await
}

/// Accepts or rejects an answer. A task whose answer was rejected is open again.
#[utoipa::path(post, path = "/api/v1/labels/annotations/{id}/review", tag = "labels",
    operation_id = "reviewAnnotation", params(("id" = String, Path, description = "The annotation")),
    request_body = ReviewBody,
    responses((status = 200, description = "The annotation", body = Value),
        (status = 409, description = "It was skipped, or changed since")))]
pub(crate) async fn review(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Json(body): Json<ReviewBody>,
) -> Answer {
    let verdict = match body.verdict.as_str() {
        "accept" => Verdict::Accept,
        "reject" => Verdict::Reject,
        _ => return Err(Error::invalid("there is no such verdict").hint("write accept or reject").into()),
    };
    change(app, move |tx, permit, now| annotate::review(tx, permit, &id, verdict, &body.note, now)).await
}
