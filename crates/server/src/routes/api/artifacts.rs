//! The files of a run.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use flyball_core::{Edit, Permit, Read, Result, limits};
use flyball_store::Tx;
use flyball_tracking::artifacts::{self, TreePath, root};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, answer, change, reader};
use crate::app::App;
use crate::error::ApiError;
use crate::progress::Progress;
use crate::transfer;

/// Which folder.
#[derive(Deserialize)]
pub(crate) struct Folder {
    path: Option<String>,
}

/// What is directly in a folder of a run.
#[utoipa::path(get, path = "/api/v1/runs/{id}/artifacts", tag = "runs", operation_id = "listArtifacts",
    params(("id" = String, Path, description = "The run"),
        ("path" = Option<String>, Query, description = "The folder; the root when absent")),
    responses((status = 200, description = "Names, with the size of files in bytes", body = Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>, Path(id): Path<String>, Query(folder): Query<Folder>) -> Answer {
    answer(move || {
        let permit = reader()?;
        let entries = app.platform.db.read(|tx| {
            let path = match folder.path.as_deref().map(|path| path.trim_matches('/')).filter(|path| !path.is_empty()) {
                None => TreePath::from_uri(&root::of_run(tx, &permit, &id)?)?,
                Some(path) => within(tx, &permit, &id, path)?,
            };
            artifacts::list(tx, &permit, Some(&path))
        })?;
        let shape =
            |entry: &artifacts::Entry| json!({ "name": entry.name, "folder": entry.is_dir(), "size": entry.size });
        Ok(entries.iter().map(shape).collect::<Vec<Value>>())
    })
    .await
}

/// A file of a run.
#[utoipa::path(get, path = "/api/v1/runs/{id}/artifacts/{*path}", tag = "runs", operation_id = "getArtifact",
    params(("id" = String, Path, description = "The run"),
        ("path" = String, Path, description = "The file; its path may have slashes")),
    responses((status = 200, description = "The bytes; ranges are possible"), (status = 404, description = "There is none")))]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Path((id, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let find = move |tx: &mut Tx<'_>, permit: &Permit<Read>| within(tx, permit, &id, &path);
    Ok(transfer::send_file(app, headers, find).await?)
}

/// Keeps a file with a run, in place of what was there.
#[utoipa::path(put, path = "/api/v1/runs/{id}/artifacts/{*path}", tag = "runs", operation_id = "putArtifact",
    params(("id" = String, Path, description = "The run"),
        ("path" = String, Path, description = "The file; its path may have slashes")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "Digest and size", body = Value)))]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    Path((id, path)): Path<(String, String)>,
    Extension(progress): Extension<Progress>,
    body: Body,
) -> Answer {
    let received = transfer::receive(app.platform.blobs.clone(), body, limits::BLOB_BYTES, &progress).await?;
    let find = move |tx: &mut Tx<'_>, permit: &Permit<Edit>| within(tx, permit, &id, &path);
    let kept = transfer::keep_file(app, received, &progress, find).await?;
    Ok(axum::Json(json!({ "path": kept.path.as_str(), "digest": kept.digest, "size": kept.size })))
}

/// Removes a file or a folder of a run.
#[utoipa::path(delete, path = "/api/v1/runs/{id}/artifacts/{*path}", tag = "runs", operation_id = "deleteArtifact",
    params(("id" = String, Path, description = "The run"),
        ("path" = String, Path, description = "The file or folder; its path may have slashes")),
    responses((status = 200, description = "How many files were removed", body = Value)))]
pub(crate) async fn delete(State(app): State<Arc<App>>, Path((id, path)): Path<(String, String)>) -> Answer {
    change(app, move |tx, permit, now| {
        let path = within(tx, permit, &id, &path)?;
        Ok(json!({ "removed": artifacts::delete(tx, permit, &path, now)? }))
    })
    .await
}

/// The place in the tree of a path of a run.
fn within<L>(tx: &mut Tx<'_>, permit: &Permit<L>, id: &str, path: &str) -> Result<TreePath> {
    TreePath::from_uri(&root::of_run(tx, permit, id)?)?.join(&path.trim_end_matches('/').parse()?)
}
