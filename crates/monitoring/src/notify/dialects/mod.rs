//! The dialects of receivers. Each makes of a message what is sent; none sends.

pub(super) mod alertmanager;
pub(super) mod email;
pub(super) mod pagerduty;
pub(super) mod slack;
pub(super) mod webhook;

use serde_json::Value;

/// A call to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) url: String,
    pub(super) media_type: &'static str,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Call {
    fn json(url: impl Into<String>, body: &Value) -> Self {
        Self { url: url.into(), media_type: "application/json", headers: Vec::new(), body: body.to_string() }
    }
}

/// The first characters of a text that a receiver limits.
fn clipped(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(most.saturating_sub(1)).collect();
    kept.push('…');
    kept
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
