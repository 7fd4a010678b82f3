//! What the headers of a request say about who answers it.

use axum::http::HeaderMap;
use flyball_serving::LiveEndpoint;

/// Longest key that a header gives.
const KEY_BYTES: usize = 256;

/// The version that the endpoint's rules give to requests with these headers.
pub(crate) fn version(endpoint: &LiveEndpoint, headers: &HeaderMap) -> Option<i64> {
    let routes = endpoint.endpoint.settings.routes.iter();
    let mut matching = routes.filter(|route| {
        let value = headers.get(&route.header).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| route.value.as_deref().is_none_or(|wanted| wanted == value))
    });
    // A rule for a version that serves no longer is passed over.
    matching.find(|route| endpoint.version(route.version).is_ok()).map(|route| route.version)
}

/// The key that the endpoint's header gives to a request that names none.
pub(crate) fn key(endpoint: &LiveEndpoint, headers: &HeaderMap) -> Option<String> {
    let header = endpoint.endpoint.settings.key_header.as_ref()?;
    let value = headers.get(header).and_then(|value| value.to_str().ok())?;
    (!value.is_empty() && value.len() <= KEY_BYTES).then(|| value.to_owned())
}
