//! The artifacts of one run, logged model or model version, by paths that begin at its root.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use flyball_core::{Error, Result};
use flyball_store::Tx;
use flyball_tracking::artifacts::{self, TreePath, root};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::call::{Answer, Call};
use super::super::routes::{DialectRoute, get, post};
use super::super::runs::run_id;
use super::super::shapes;
use super::{MayRead, Permit, files, folder, keep};
use crate::access::Policy::{Edit, Read};
use crate::app::App;
use crate::error::ApiError;
use crate::progress::Progress;
use crate::transfer;

/// Largest file that a page uploads, in bytes, as the protocol has it.
const PAGE_UPLOAD_BYTES: u64 = 10 * 1024 * 1024;

pub(super) fn routes() -> Vec<DialectRoute> {
    vec![
        get(Read, "/api/2.0/mlflow/artifacts/list", list_of_run),
        get(Read, "/get-artifact", file_of_run),
        get(Read, "/model-versions/get-artifact", file_of_version),
        post(Edit, "/ajax-api/2.0/mlflow/upload-artifact", upload_to_run),
        get(Read, "/api/2.0/mlflow/logged-models/{model_id}/artifacts/directories", list_of_model),
        get(Read, "/ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files", file_of_model),
        post(Edit, "/api/2.0/mlflow/artifacts/presigned-upload-url", no_upload_url),
        post(Read, "/api/2.0/mlflow/artifacts/presigned-download-url", no_download_url),
    ]
}

async fn list_of_run(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read(app, |tx, permit, fields| {
        let path = fields.text("path")?;
        let uri = root::of_run(tx, permit, &run_id(fields)?)?;
        listing(tx, permit, uri, path.as_deref())
    })
    .await
}

async fn list_of_model(State(app): State<Arc<App>>, Path(model_id): Path<String>, call: Call) -> Answer {
    call.read(app, move |tx, permit, fields| {
        let path = fields.text("artifact_directory_path")?;
        let uri = root::of_model(tx, permit, &model_id)?;
        listing(tx, permit, uri, path.as_deref())
    })
    .await
}

/// What is in a folder below the root, with paths from the root.
fn listing(tx: &mut Tx<'_>, permit: &Permit<MayRead>, uri: String, path: Option<&str>) -> Result<Value> {
    let below = path.filter(|path| !path.is_empty()).map(folder).transpose()?;
    let root = TreePath::from_uri(&uri)?;
    let whole = below.as_ref().map_or_else(|| Ok(root.clone()), |below| root.join(below))?;
    let entries = artifacts::list(tx, permit, Some(&whole))?;
    let mut answer = json!({ "root_uri": uri });
    shapes::put_list(&mut answer, "files", files(&entries, below.as_ref()));
    Ok(answer)
}

async fn file_of_run(State(app): State<Arc<App>>, headers: HeaderMap, call: Call) -> Result<Response, ApiError> {
    let below = folder(&call.fields.required_text("path")?)?;
    let id = run_id(&call.fields)?;
    let find = move |tx: &mut Tx<'_>, permit: &Permit<MayRead>| {
        TreePath::from_uri(&root::of_run(tx, permit, &id)?)?.join(&below)
    };
    Ok(transfer::send_file(app, headers, find).await?)
}

async fn file_of_version(State(app): State<Arc<App>>, headers: HeaderMap, call: Call) -> Result<Response, ApiError> {
    let below = folder(&call.fields.required_text("path")?)?;
    let (name, version) = (call.fields.required_text("name")?, call.fields.required_integer("version")?);
    let find = move |tx: &mut Tx<'_>, permit: &Permit<MayRead>| {
        TreePath::from_uri(&flyball_registry::artifact_uri(tx, permit, &name, version)?)?.join(&below)
    };
    Ok(transfer::send_file(app, headers, find).await?)
}

async fn file_of_model(
    State(app): State<Arc<App>>,
    Path(model_id): Path<String>,
    headers: HeaderMap,
    call: Call,
) -> Result<Response, ApiError> {
    let path = call.fields.text("artifact_file_path")?.filter(|path| !path.is_empty());
    let path = path.ok_or_else(|| Error::invalid("Request must include the \"artifact_file_path\" query parameter"))?;
    let below = folder(&path)?;
    let find = move |tx: &mut Tx<'_>, permit: &Permit<MayRead>| {
        TreePath::from_uri(&root::of_model(tx, permit, &model_id)?)?.join(&below)
    };
    Ok(transfer::send_file(app, headers, find).await?)
}

/// Where a page uploads to.
#[derive(Deserialize)]
struct Target {
    run_uuid: Option<String>,
    path: Option<String>,
}

async fn upload_to_run(
    State(app): State<Arc<App>>,
    Query(target): Query<Target>,
    Extension(progress): Extension<Progress>,
    body: Body,
) -> Answer {
    let given = |text: Option<String>, name: &str| {
        text.filter(|text| !text.is_empty()).ok_or_else(|| Error::invalid(format!("Request must specify {name}.")))
    };
    let id = given(target.run_uuid, "run_uuid")?;
    let below: TreePath = given(target.path, "path")?.parse()?;
    let received = transfer::receive(app.platform.blobs.clone(), body, PAGE_UPLOAD_BYTES, &progress).await?;
    if received.is_empty() {
        return Err(Error::invalid("Request must specify data.").into());
    }
    keep(app, received, &progress, move |tx, permit| TreePath::from_uri(&root::of_run(tx, permit, &id)?)?.join(&below))
        .await
}

async fn no_upload_url(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read::<()>(app, |tx, permit, fields| {
        fields.required_text("path")?.parse::<TreePath>()?;
        let (run, model) = (fields.text("run_id")?, fields.text("model_id")?);
        match (run.filter(|id| !id.is_empty()), model.filter(|id| !id.is_empty())) {
            (Some(run), None) => root::of_run(tx, permit, &run)?,
            (None, Some(model)) => root::of_model(tx, permit, &model)?,
            _ => return Err(Error::invalid("Exactly one of run_id and model_id must be provided")),
        };
        Err(no_url("upload"))
    })
    .await
}

async fn no_download_url(State(app): State<Arc<App>>, call: Call) -> Answer {
    call.read::<()>(app, |tx, permit, fields| {
        fields.required_text("path")?.parse::<TreePath>()?;
        root::of_run(tx, permit, &fields.required_text("run_id")?)?;
        Err(no_url("download"))
    })
    .await
}

fn no_url(what: &str) -> Error {
    Error::invalid(format!("Presigned {what} is not supported for proxied artifact storage"))
        .hint("go through /api/2.0/mlflow-artifacts/artifacts")
}
