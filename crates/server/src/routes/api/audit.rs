//! The audit log.

use std::sync::Arc;

use axum::extract::{Query, State};
use flyball_core::limits;
use flyball_governance::audit;
use serde::Deserialize;
use serde_json::json;

use super::{Answer, answer};
use crate::app::App;

/// Which events.
#[derive(Deserialize)]
pub(crate) struct AuditQuery {
    before: Option<i64>,
    limit: Option<usize>,
}

/// The newest events.
#[utoipa::path(get, path = "/api/v1/audit", tag = "governance", operation_id = "listAudit",
    params(("before" = Option<i64>, Query, description = "Only events with a smaller number"),
        ("limit" = Option<usize>, Query, description = "At most so many; 100 when absent")),
    responses((status = 200, description = "The events, newest first", body = Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>, Query(query): Query<AuditQuery>) -> Answer {
    answer(move || {
        let limit = query.limit.unwrap_or(100).min(limits::PAGE_ROWS);
        app.platform.db.read(|tx| audit::newest(tx, query.before, limit))
    })
    .await
}

/// Walks the whole chain of hashes.
#[utoipa::path(get, path = "/api/v1/audit/verify", tag = "governance", operation_id = "verifyAudit",
    responses((status = 200, description = "How many events the whole chain has", body = Value),
        (status = 400, description = "The first event that was changed")))]
pub(crate) async fn verify(State(app): State<Arc<App>>) -> Answer {
    answer(move || Ok(json!({ "events": app.platform.db.read(audit::verify)? }))).await
}
