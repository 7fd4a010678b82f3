//! Files of the tree of artifacts, in whatever protocol they are asked for: where one is, the handler finds within the
//! transaction.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::response::Response;
use flyball_core::{Edit, Permit, Read, Result};
use flyball_store::Tx;
use flyball_tracking::artifacts::{self, Artifact, TreePath};

use super::{Download, Received, send};
use crate::app::App;
use crate::blocking;
use crate::progress::Progress;
use crate::routes::api::{editor, reader};

/// Keeps what was received under the path that `find` gives, and answers when both are durable. When the path is refused,
/// the bytes stay for the collector of blobs.
///
/// # Errors
/// What `find` returns; `Conflict` when the path is a folder or lies below a file.
pub(crate) async fn keep_file(
    app: Arc<App>,
    received: Received,
    progress: &Progress,
    find: impl FnOnce(&mut Tx<'_>, &Permit<Edit>) -> Result<TreePath> + Send + 'static,
) -> Result<Artifact> {
    // In one piece of blocking work: a client that goes away now leaves either everything or nothing.
    let work = move || {
        let (digest, size) = received.keep()?;
        let (permit, now) = (editor()?, app.platform.clock.now());
        app.platform.db.write(move |tx| {
            let path = find(tx, &permit)?;
            artifacts::put(tx, &permit, &path, &digest, size, now)?;
            Ok(Artifact { path, digest, size })
        })
    };
    progress.hold(blocking(work)).await
}

/// Sends the file under the path that `find` gives.
///
/// # Errors
/// What `find` returns; `NotFound` when nothing is there, `InvalidInput` when it is a folder.
pub(crate) async fn send_file(
    app: Arc<App>,
    headers: HeaderMap,
    find: impl FnOnce(&mut Tx<'_>, &Permit<Read>) -> Result<TreePath> + Send + 'static,
) -> Result<Response> {
    let blobs = app.platform.blobs.clone();
    let find = move || {
        let permit = reader()?;
        let file = app.platform.db.read(|tx| {
            let path = find(tx, &permit)?;
            artifacts::file(tx, &permit, &path)
        })?;
        Ok(Download { name: file.path.name().to_owned(), digest: file.digest, size: file.size })
    };
    send(blobs, headers, find).await
}
