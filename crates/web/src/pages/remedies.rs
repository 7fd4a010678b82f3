//! What remedies did, and what waits for a person.

use askama::Template;
use flyball_core::Timestamp;
use serde::Serialize;

use crate::pages::RemedyRow;
use crate::{Fact, Link, Shell, filters};

/// `/remedies`
#[derive(Clone, Debug, Default, Serialize, Template)]
#[template(path = "remedies.html")]
pub struct RemediesPage {
    /// What stands around the page.
    pub shell: Shell,
    /// What is paused, in words.
    pub pauses: Vec<String>,
    /// What waits for a person, newest first.
    pub waiting: Vec<WaitingRow>,
    /// What came of the actions together.
    pub facts: Vec<Fact>,
    /// What was done or held back, newest first.
    pub actions: Vec<RemedyRow>,
}

/// An action that waits for a person.
#[derive(Clone, Debug, Serialize)]
pub struct WaitingRow {
    /// Its loop.
    pub loop_name: Link,
    /// What it would do.
    pub action: String,
    /// Until when it waits.
    pub until: Timestamp,
    /// Why.
    pub evidence: String,
    /// Where it is approved.
    pub approve: String,
    /// Where it is refused.
    pub deny: String,
}
