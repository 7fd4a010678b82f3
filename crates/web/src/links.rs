//! The addresses of all pages: the server's routes and every link agree here.

use std::fmt::Write;

/// The address of the overview.
pub const OVERVIEW: &str = "/";
/// Where the overview's live fragments come from (server-sent events).
pub const EVENTS: &str = "/events";
/// What remedies did, and what waits for a person.
pub const REMEDIES: &str = "/remedies";

/// `/loops/{name}`.
pub fn loop_page(name: &str) -> String {
    path(&["loops", name])
}

/// Where an action that waits is decided on: `approve` or `deny`.
pub fn remedy_decision(id: &str, decision: &str) -> String {
    path(&["remedies", id, decision])
}

/// `/runs/{id}`.
pub fn run(id: &str) -> String {
    path(&["runs", id])
}

/// `/models/{name}/versions/{version}`.
pub fn model_version(name: &str, version: &str) -> String {
    path(&["models", name, "versions", version])
}

/// `/models/{name}/versions/{version}/card`.
pub fn card(name: &str, version: &str) -> String {
    path(&["models", name, "versions", version, "card"])
}

/// The card of a version as Markdown.
pub fn card_markdown(name: &str, version: &str) -> String {
    format!("{}?format=markdown", path(&["api", "v1", "models", name, "versions", version, "card"]))
}

/// `/endpoints/{name}`.
pub fn endpoint(name: &str) -> String {
    path(&["endpoints", name])
}

/// `/evaluations/{id}`.
pub fn evaluation(id: &str) -> String {
    path(&["evaluations", id])
}

/// `/monitors/{name}`.
pub fn monitor(name: &str) -> String {
    path(&["monitors", name])
}

/// `/monitors/{name}/windows/{id}`.
pub fn window(monitor: &str, id: &str) -> String {
    path(&["monitors", monitor, "windows", id])
}

/// `/data/{name}/versions/{version}`.
pub fn dataset_version(name: &str, version: &str) -> String {
    path(&["data", name, "versions", version])
}

/// `/alerts/{id}`.
pub fn alert(id: &str) -> String {
    path(&["alerts", id])
}

/// `/alerts/{id}/{decision}`: acknowledge, resolve or silence.
pub fn alert_decision(id: &str, decision: &str) -> String {
    path(&["alerts", id, decision])
}

/// `/labels/{name}`.
pub fn label_project(name: &str) -> String {
    path(&["labels", name])
}

/// `/labels/{name}/annotate`, where people label.
pub fn annotate(name: &str) -> String {
    path(&["labels", name, "annotate"])
}

/// `/labels/{name}/review`, where people review what others labelled.
pub fn label_review(name: &str) -> String {
    path(&["labels", name, "review"])
}

/// `/predictions/{id}`.
pub fn prediction(id: &str) -> String {
    path(&["predictions", id])
}

/// A path of this site from its parts, each percent-encoded, so that no name can leave its segment.
pub fn path(segments: &[&str]) -> String {
    let mut text = String::new();
    for segment in segments {
        text.push('/');
        for byte in segment.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_~.".contains(&byte) {
                text.push(char::from(byte));
            } else {
                let _infallible = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}

/// Whether an address stays on this site.
pub(crate) fn is_local(href: &str) -> bool {
    let mut characters = href.chars();
    characters.next() == Some('/')
        && !matches!(characters.next(), Some('/' | '\\'))
        && !href.chars().any(|c| c.is_control() || c == '\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_segment() {
        assert_eq!(run("run_1"), "/runs/run_1");
        assert_eq!(model_version("a/../b?x#y", "3"), "/models/a%2F..%2Fb%3Fx%23y/versions/3");
        assert_eq!(dataset_version("é", "1.0"), "/data/%C3%A9/versions/1.0");
    }

    #[test]
    fn only_addresses_of_this_site_are_links() {
        assert!(is_local("/runs/1") && is_local("/"));
        for bad in ["", "runs", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example"] {
            assert!(!is_local(bad), "{bad}");
        }
    }
}
