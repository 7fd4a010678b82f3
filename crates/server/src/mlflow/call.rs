//! One call of the tracking API: its fields, and the transaction that answers it.

use std::sync::Arc;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};
use flyball_core::{Edit, Error, ErrorCode, Permit, Read, Result, Timestamp, limits};
use flyball_store::Tx;
use serde::Serialize;
use serde_json::Value;

use super::fields::Fields;
use crate::app::App;
use crate::blocking::{blocking, write};
use crate::error::ApiError;
use crate::routes::api::{editor, reader};

/// What a handler answers.
pub(crate) type Answer = Result<JsonText, ApiError>;

/// JSON. That of searches is written where the work was done: the threads that serve connections only pass it on.
pub(crate) struct JsonText(Vec<u8>);

impl JsonText {
    pub(crate) fn of(value: &impl Serialize) -> Result<Self> {
        serde_json::to_vec(value).map(Self).map_err(Error::internal)
    }
}

impl IntoResponse for JsonText {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

/// A call, read whole.
pub(crate) struct Call {
    /// Its fields.
    pub(crate) fields: Fields,
}

impl FromRequest<Arc<App>> for Call {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        let query = query_pairs(request.uri().query().unwrap_or_default());
        if request.method() == Method::GET && !query.is_empty() {
            one_workspace(request.headers())?;
            return Ok(Self { fields: Fields::of_query(query) });
        }
        Ok(Self { fields: Fields::of_body(&Body::from_request(request, app).await?.0) })
    }
}

/// The body of a call, not yet read: for the calls whose fields are many.
pub(crate) struct Body(pub(crate) Bytes);

impl FromRequest<Arc<App>> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, _app: &Arc<App>) -> Result<Self, ApiError> {
        let (head, body) = request.into_parts();
        one_workspace(&head.headers)?;
        let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_json = kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
        if matches!(head.method, Method::POST | Method::PUT) && !is_json {
            return Err(Error::invalid("Bad Request. Content-Type must be application/json")
                .hint("send the header Content-Type: application/json")
                .into());
        }
        let bytes = to_bytes(body, limits::TRACKING_BODY_BYTES).await.map_err(|error| {
            let message = format!("the body is larger than {} bytes, or broke off", limits::TRACKING_BODY_BYTES);
            Error::new(ErrorCode::LimitExceeded, message).hint("send less at once").cause(error)
        })?;
        Ok(Self(bytes))
    }
}

/// The one workspace, as the protocol names it.
pub(super) const WORKSPACE: &str = "default";

/// Refuses a call that names another workspace than the one there is: what it asks for is elsewhere.
fn one_workspace(headers: &HeaderMap) -> Result<()> {
    let named = headers.get("x-mlflow-workspace").map(|value| value.to_str().unwrap_or("\u{fffd}").trim());
    match named {
        None | Some("" | WORKSPACE) => Ok(()),
        Some(_) => Err(Error::invalid("this server has one workspace, 'default'")
            .hint("leave the header X-MLFLOW-WORKSPACE out; unset MLFLOW_WORKSPACE")),
    }
}

/// The pairs of a query string, decoded once.
fn query_pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

impl Call {
    /// Answers from one snapshot of the database.
    pub(crate) async fn read<T: Serialize>(
        self,
        app: Arc<App>,
        work: impl FnOnce(&mut Tx<'_>, &Permit<Read>, &Fields) -> Result<T> + Send + 'static,
    ) -> Answer {
        let text = blocking(move || {
            let permit = reader()?;
            let value = app.platform.db.read(|tx| work(tx, &permit, &self.fields))?;
            JsonText::of(&value)
        });
        Ok(text.await?)
    }

    /// Changes the database, and answers when the change is on disk.
    pub(crate) async fn edit(
        self,
        app: Arc<App>,
        work: impl FnOnce(&mut Tx<'_>, &Permit<Edit>, &Fields, Timestamp) -> Result<Value> + Send + 'static,
    ) -> Answer {
        edit(app, move |tx, permit, now| work(tx, permit, &self.fields, now)).await
    }
}

/// Changes the database, and answers when the change is on disk.
pub(crate) async fn edit(
    app: Arc<App>,
    work: impl FnOnce(&mut Tx<'_>, &Permit<Edit>, Timestamp) -> Result<Value> + Send + 'static,
) -> Answer {
    let (permit, now) = (editor()?, app.platform.clock.now());
    let value = write(&app.platform.db, move |tx| work(tx, &permit, now)).await?;
    Ok(JsonText::of(&value)?)
}
