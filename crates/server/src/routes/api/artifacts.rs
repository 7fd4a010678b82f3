//! The files of a run.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use flyball_core::{Permit, Result, limits};
use flyball_store::Tx;
use flyball_tracking::artifacts::{self, TreePath, root};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, answer, change, editor, reader};
use crate::app::App;
use crate::blocking;
use crate::error::ApiError;
use crate::progress::Progress;
use crate::transfer::{self, Download};

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
    let blobs = app.platform.blobs.clone();
    let find = move || {
        let permit = reader()?;
        let file = app.platform.db.read(|tx| {
            let path = within(tx, &permit, &id, &path)?;
            artifacts::file(tx, &permit, &path)
        })?;
        Ok(Download { name: file.path.name().to_owned(), digest: file.digest, size: file.size })
    };
    Ok(transfer::send(blobs, headers, find).await?)
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
    // In one piece of blocking work: a client that goes away now leaves either everything or nothing.
    let work = move || {
        let (digest, size) = received.keep()?;
        let (permit, now) = (editor()?, app.platform.clock.now());
        app.platform.db.write(move |tx| {
            let path = within(tx, &permit, &id, &path)?;
            artifacts::put(tx, &permit, &path, &digest, size, now)?;
            Ok(json!({ "path": path.as_str(), "digest": digest, "size": size }))
        })
    };
    let kept: Value = progress.hold(blocking(work)).await?;
    Ok(axum::Json(kept))
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
