//! The list of routes: each has a policy, and nobody passes without.

use axum::http::{Method, StatusCode};
use flyball_server::{Access, Grant, routes};
use serde_json::Value;

use crate::fixture::{TestServer, request};

/// All operations: method, path and policy, as the document tells them.
fn operations() -> Vec<(Method, String, String)> {
    let document = serde_json::to_value(routes::document()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method = method.to_uppercase().parse().unwrap();
            let policy = operation["x-policy"].as_str().unwrap_or_else(|| panic!("{path} has no policy")).to_owned();
            operations.push((method, filled(path), policy));
        }
    }
    let dialect = routes::dialect().into_iter();
    operations.extend(dialect.map(|(method, path, policy)| (method, filled(&path), policy.as_str().to_owned())));
    operations
}

/// Whether the errors of a path are written as MLflow's clients read them.
fn is_of_mlflow(path: &str) -> bool {
    let prefixes =
        ["/api/2.0/", "/api/3.0/", "/ajax-api/", "/v1/traces", "/get-artifact", "/model-versions/get-artifact"];
    prefixes.iter().any(|prefix| path.starts_with(prefix)) || path.ends_with("/invocations")
}

/// A path with something in its places.
fn filled(path: &str) -> String {
    path.replace("{model}", "flights").replace("{version}", "1")
}

#[test]
fn the_public_routes_are_these_and_no_more() {
    let public: Vec<_> =
        operations().into_iter().filter(|(_, _, policy)| policy == "public").map(|(_, path, _)| path).collect();
    assert_eq!(
        public,
        [
            "/assets/{path}",
            "/health",
            "/ready",
            "/v2/health/live",
            "/v2/health/ready",
            "/version",
            "/api/3.0/mlflow/server-info",
            "/ajax-api/3.0/mlflow/server-info",
            "/inference.GRPCInferenceService/ServerLive",
            "/inference.GRPCInferenceService/ServerReady"
        ]
    );
}

#[test]
fn without_the_permission_of_its_policy_no_route_does_anything() {
    let server = TestServer::with(Access { anonymous: Grant::Nothing, ..Access::local() });
    let all = operations();
    for (_, path, policy) in &all {
        if policy == "public" {
            continue;
        }
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "NONSENSE"] {
            let method: Method = method.parse().unwrap();
            // A path may have several methods, each with its own operation.
            let has = |other: &Method| all.iter().any(|(method, there, _)| method == other && there == path);
            let there = has(&method) || (method == Method::HEAD && has(&Method::GET));
            let answer = server.send(request(method.clone(), path, "{}".to_owned()));
            let wanted = match (there, is_of_mlflow(path)) {
                (true, _) => StatusCode::UNAUTHORIZED,
                (false, true) => StatusCode::METHOD_NOT_ALLOWED,
                (false, false) => StatusCode::NOT_FOUND,
            };
            assert_eq!(answer.status, wanted, "{method} {path}");
            assert_eq!(answer.headers.contains_key("www-authenticate"), there);
        }
    }
    assert!(server.app.platform.serving.snapshot().iter().all(|endpoint| endpoint.refused == 0));
}

#[test]
fn other_spellings_of_a_path_lead_nowhere() {
    let server = TestServer::with(Access { anonymous: Grant::Nothing, ..Access::local() });
    for path in
        ["/metrics/", "//metrics", "/METRICS", "/assets/../metrics", "/assets/%2e%2e/metrics", "/v2;x/models/flights"]
    {
        let answer = server.get(path);
        assert!(matches!(answer.status.as_u16(), 401 | 404), "{path}: {}", answer.status);
    }
}

#[test]
fn the_api_is_described() {
    let mut document: Value = serde_json::to_value(routes::document()).unwrap();
    document["info"]["version"] = "VERSION".into();
    insta::assert_json_snapshot!(document);
}
