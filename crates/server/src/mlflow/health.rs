//! What clients ask before they ask for anything: the protocol's version and what this server offers.

use axum::Json;
use serde_json::{Value, json};

use super::PROTOCOL;
use super::routes::{DialectRoute, get};
use crate::access::Policy;

pub(super) fn routes() -> Vec<DialectRoute> {
    vec![get(Policy::Public, "/version", version), get(Policy::Public, "/api/3.0/mlflow/server-info", server_info)]
}

/// The version of the protocol, as plain text.
async fn version() -> &'static str {
    PROTOCOL
}

/// What this server offers.
async fn server_info() -> Json<Value> {
    Json(json!({
        "store_type": "SqlStore",
        "workspaces_enabled": false,
        "trace_archival_enabled": false,
        "multipart_uploads_enabled": false,
        "multipart_downloads_enabled": false,
        "presigned_upload_run_id_supported": true,
        "presigned_upload_model_id_supported": true,
        "features_enabled": { "gateway": false },
    }))
}
