//! One alert, for whoever was woken by it.

use askama::Template;
use flyball_core::Timestamp;
use serde::Serialize;

use crate::{Badge, Fact, Link, Shell, filters};

/// `/alerts/{id}`
#[derive(Clone, Debug, Default, Serialize, Template)]
#[template(path = "alert.html")]
pub struct AlertPage {
    /// What stands around the page.
    pub shell: Shell,
    /// What it is, in one line.
    pub summary: String,
    /// How it stands.
    pub badge: Badge,
    /// How bad, since when, of which loop, who took it on.
    pub facts: Vec<Fact>,
    /// The numbers behind it.
    pub evidence: Vec<Fact>,
    /// Why it is so, as far as it was found out.
    pub diagnosis: Vec<String>,
    /// What was done already.
    pub done: Vec<String>,
    /// What to do next.
    pub next: Vec<String>,
    /// Where it is written what to do; empty if nowhere. Only web addresses are links.
    pub runbook: String,
    /// Where the button leads that takes it on, if it can be.
    pub acknowledge: Option<String>,
    /// Where the button leads that ends it, if it can be.
    pub resolve: Option<String>,
    /// Where the button leads that silences it, if it can be.
    pub silence: Option<String>,
    /// Its course, oldest first.
    pub history: Vec<AlertStep>,
    /// Who was told, newest first.
    pub told: Vec<DeliveryRow>,
}

/// One step of its course.
#[derive(Clone, Debug, Serialize)]
pub struct AlertStep {
    /// When.
    pub at: Timestamp,
    /// Where it stood from then on.
    pub state: String,
    /// Who or what moved it.
    pub who: String,
    /// Why.
    pub note: String,
}

/// A notification and how its delivery goes.
#[derive(Clone, Debug, Serialize)]
pub struct DeliveryRow {
    /// The moment that it tells of.
    pub at: Timestamp,
    /// To which route.
    pub route: Link,
    /// What it says.
    pub event: String,
    /// How it goes.
    pub badge: Badge,
    /// How often it was tried.
    pub tries: u64,
    /// What the receiver said, or when it is tried next.
    pub note: String,
}

impl AlertPage {
    /// The runbook's address, if a browser may follow it.
    pub(crate) fn runbook_url(&self) -> Option<&str> {
        let is_web = self.runbook.starts_with("https://") || self.runbook.starts_with("http://");
        Some(self.runbook.as_str()).filter(|url| is_web && !url.contains(|c: char| c.is_control() || c == '\\'))
    }
}
