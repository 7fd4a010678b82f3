//! Tells requests of our own pages and of programs from those that a foreign page makes a browser send.

use axum::http::{HeaderMap, Method, Uri, header};
use flyball_core::{Error, ErrorCode, Result};

/// Checks the host that is asked for and where the request comes from.
///
/// # Errors
/// `Forbidden` for a host that is not ours (DNS rebinding) and for what another origin sends (forged or foreign reads).
pub(crate) fn check(hosts: &[String], method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<()> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("\u{fffd}"));
    let host = text(header::HOST.as_str()).or_else(|| uri.authority().map(|authority| authority.as_str()));
    let host = host.unwrap_or_default();
    // Probes ask by addresses that nobody lists, and are told nothing that others may not know.
    let probe = matches!(uri.path(), "/health" | "/version");
    if !probe && !hosts.iter().any(|known| known.eq_ignore_ascii_case(without_port(host))) {
        return Err(Error::new(ErrorCode::Forbidden, "this server is not called by that host name")
            .hint(format!("call it as {}", hosts.join(" or "))));
    }
    let foreign = || Err(Error::new(ErrorCode::Forbidden, "requests from other web pages are refused"));
    if let Some(origin) = text(header::ORIGIN.as_str()) {
        let same = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        if !same.is_some_and(|origin| origin.eq_ignore_ascii_case(host)) {
            return foreign();
        }
    }
    if let Some(site) = text("sec-fetch-site") {
        let followed_link = matches!(*method, Method::GET | Method::HEAD) && text("sec-fetch-mode") == Some("navigate");
        if !matches!(site, "same-origin" | "none") && !followed_link {
            return foreign();
        }
    }
    Ok(())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Access;

    fn passes(method: Method, headers: &[(&str, &str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| {
            (name.parse::<header::HeaderName>().unwrap(), value.parse::<header::HeaderValue>().unwrap())
        });
        check(&Access::local().hosts, &method, &Uri::from_static("/"), &headers.collect()).is_ok()
    }

    #[test]
    fn only_our_host_names_pass() {
        for good in ["localhost", "localhost:5050", "127.0.0.1:5050", "[::1]:5050", "LOCALHOST"] {
            assert!(passes(Method::GET, &[("host", good)]), "{good}");
        }
        for bad in
            ["", "evil.com", "localhost.evil.com", "10.0.0.1", "localhost@evil.com", "127.0.0.1.nip.io:5050", "é"]
        {
            assert!(!passes(Method::GET, &[("host", bad)]), "{bad}");
        }
        assert!(!passes(Method::GET, &[]));
    }

    #[test]
    fn foreign_pages_cannot_read_or_change() {
        let host = ("host", "localhost:5050");
        assert!(passes(Method::POST, &[host, ("origin", "http://localhost:5050"), ("sec-fetch-site", "same-origin")]));
        for origin in ["http://evil.com", "null", "http://localhost:3000", "http://localhost:5050.evil.com", "file://"]
        {
            for method in [Method::GET, Method::POST, Method::DELETE, Method::OPTIONS] {
                assert!(!passes(method, &[host, ("origin", origin)]), "{origin}");
            }
        }
        for site in ["cross-site", "same-site", "nonsense"] {
            assert!(!passes(Method::POST, &[host, ("sec-fetch-site", site), ("sec-fetch-mode", "navigate")]));
            assert!(!passes(Method::GET, &[host, ("sec-fetch-site", site), ("sec-fetch-mode", "cors")]));
            assert!(passes(Method::GET, &[host, ("sec-fetch-site", site), ("sec-fetch-mode", "navigate")]));
        }
    }
}
