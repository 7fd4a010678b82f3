//! `GET /events`.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;

use crate::app::App;
use crate::error::ApiError;

/// What changes from now on, as server-sent events. `refresh` means that events were missed.
#[utoipa::path(get, path = "/events", tag = "pages", operation_id = "events", responses(
    (status = 200, description = "A stream of events", content_type = "text/event-stream", body = String),
    (status = 429, description = "Too many listeners")))]
pub(crate) async fn listen(
    State(app): State<Arc<App>>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    Ok(Sse::new(app.hub.listen()?).keep_alive(KeepAlive::default()))
}
