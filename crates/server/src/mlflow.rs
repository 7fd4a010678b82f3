//! The MLflow REST API as its stock client speaks it: requests into the services' own types, answers into its shapes.
//! Nothing outside this folder knows the protocol, and nothing inside it decides anything.

mod artifacts;
mod assessments;
mod call;
pub(crate) mod error;
mod evaluation_datasets;
mod experiments;
mod fields;
mod health;
mod logged_models;
mod metrics;
mod otlp;
mod read_batch;
mod registry;
mod routes;
mod run_shapes;
mod runs;
mod scorers;
mod shapes;
mod traces;
mod webhooks;

pub(crate) use routes::{DialectRoute, all};

/// The version of the protocol that clients are told: they ask for it to decide what they may send.
pub(crate) const PROTOCOL: &str = "3.17.2";

/// Whether a path belongs to the protocol, so that its errors are written in its form.
pub(crate) fn speaks(path: &str) -> bool {
    const PREFIXES: [&str; 4] = ["/api/2.0/", "/api/3.0/", "/ajax-api/", "/v1/traces"];
    PREFIXES.iter().any(|prefix| path.starts_with(prefix))
        || matches!(path, "/get-artifact" | "/model-versions/get-artifact")
        || (path.starts_with("/endpoints/") && path.ends_with("/invocations"))
}
