//! Artifacts: the tree as `mlflow-artifacts:` clients see it, and the part of it that belongs to a run or a model.

mod owned;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use flyball_core::{Edit as MayEdit, Error, ErrorCode, Permit, Read as MayRead, Result, limits};
use flyball_store::Tx;
use flyball_tracking::artifacts::{self, Entry, TreePath};
use serde_json::{Value, json};

use super::call::{Answer, Call, JsonText};
use super::routes::{DialectRoute, delete, get, post, put};
use super::shapes;
use crate::access::Policy::{Edit, Read};
use crate::app::App;
use crate::blocking;
use crate::error::ApiError;
use crate::progress::Progress;
use crate::routes::api::editor;
use crate::transfer;

pub(super) fn routes() -> Vec<DialectRoute> {
    const TREE: &str = "/api/2.0/mlflow-artifacts/artifacts/{*path}";
    let mut routes = vec![
        put(Edit, TREE, upload),
        get(Read, TREE, download),
        delete(Edit, TREE, remove),
        get(Read, "/api/2.0/mlflow-artifacts/artifacts", list),
        post(Edit, "/api/2.0/mlflow-artifacts/mpu/create/{*path}", no_parts_up),
        post(Edit, "/api/2.0/mlflow-artifacts/mpu/complete/{*path}", no_parts_up),
        post(Edit, "/api/2.0/mlflow-artifacts/mpu/abort/{*path}", no_parts_up),
        get(Read, "/api/2.0/mlflow-artifacts/presigned/{*path}", no_parts_down),
    ];
    routes.extend(owned::routes());
    routes
}

async fn upload(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
    Extension(progress): Extension<Progress>,
    body: Body,
) -> Answer {
    let path: TreePath = path.parse()?;
    let received = transfer::receive(app.platform.blobs.clone(), body, limits::BLOB_BYTES, &progress).await?;
    keep(app, received, &progress, |_tx, _permit| Ok(path)).await
}

async fn download(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let path = folder(&path)?;
    Ok(transfer::send_file(app, headers, |_tx, _permit| Ok(path)).await?)
}

async fn remove(State(app): State<Arc<App>>, Path(path): Path<String>) -> Answer {
    // Clients that remove everything of a run write a slash behind its root.
    let path = folder(&path)?;
    let work = move || {
        let (permit, now) = (editor()?, app.platform.clock.now());
        app.platform.db.write(move |tx| artifacts::delete(tx, &permit, &path, now))
    };
    blocking(work).await?;
    Ok(JsonText::of(&json!({}))?)
}

async fn list(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let path = fields.text("path")?.filter(|path| !path.is_empty());
        let path = path.map(|path| folder(&path)).transpose()?;
        let entries = artifacts::list(tx, permit, path.as_ref())?;
        let mut answer = json!({});
        shapes::put_list(&mut answer, "files", files(&entries, None));
        Ok(answer)
    })
    .await
}

/// Clients know this refusal by the beginning of its message, and upload in one piece then.
async fn no_parts_up(Path(path): Path<String>) -> Answer {
    let _path = folder(&path)?;
    let message = "Multipart upload is not supported for the current artifact repository";
    Err(Error::new(ErrorCode::Unsupported, message).into())
}

async fn no_parts_down(Path(path): Path<String>) -> Answer {
    let _path = folder(&path)?;
    let message = "Multipart download is not supported for the current artifact repository";
    Err(Error::new(ErrorCode::Unsupported, message).into())
}

/// A path that may be a folder's, and then may end with a slash.
fn folder(path: &str) -> Result<TreePath> {
    path.strip_suffix('/').unwrap_or(path).parse()
}

/// The shapes of entries, with the folder in front of each name if one is given.
fn files(entries: &[Entry], folder: Option<&TreePath>) -> Vec<Value> {
    let shape = |entry: &Entry| {
        let path = folder.map_or_else(|| entry.name.clone(), |folder| format!("{folder}/{}", entry.name));
        let mut shape = json!({ "path": path, "is_dir": entry.is_dir() });
        shapes::put(&mut shape, "file_size", entry.size);
        shape
    };
    entries.iter().map(shape).collect()
}

/// Keeps what was received under the path that `find` gives.
async fn keep(
    app: Arc<App>,
    received: transfer::Received,
    progress: &Progress,
    find: impl FnOnce(&mut Tx<'_>, &Permit<MayEdit>) -> Result<TreePath> + Send + 'static,
) -> Answer {
    transfer::keep_file(app, received, progress, find).await?;
    Ok(JsonText::of(&json!({}))?)
}
