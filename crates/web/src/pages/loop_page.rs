//! A loop: its cycle, its file, and everything it made.

use askama::Template;
use flyball_core::Timestamp;
use serde::Serialize;

use crate::pages::LoopCycle;
use crate::{AlertRow, Badge, Chart, Estimate, Link, RolloutRow, Shell, WindowRow, filters};

/// `/loops/{name}`
#[derive(Clone, Debug, Default, Serialize, Template)]
#[template(path = "loop.html")]
pub struct LoopPage {
    /// What stands around the page.
    pub shell: Shell,
    /// The loop as the cycle it is.
    pub cycle: LoopCycle,
    /// The declared file, as applied.
    pub file: String,
    /// The metric over the windows.
    pub performance: Chart,
    /// The model versions, newest first.
    pub versions: Vec<VersionRow>,
    /// The windows, newest first.
    pub windows: Vec<WindowRow>,
    /// The alerts, newest first.
    pub alerts: Vec<AlertRow>,
    /// What was done about them, newest first.
    pub remedies: Vec<RemedyRow>,
    /// The rollouts, newest first.
    pub rollouts: Vec<RolloutRow>,
}

/// A model version in a list.
#[derive(Clone, Debug, Serialize)]
pub struct VersionRow {
    /// Its number, leading to its page.
    pub version: Link,
    /// `champion`, `challenger`.
    pub aliases: Vec<String>,
    /// When it was made.
    pub at: Timestamp,
    /// Its metric at the gates.
    pub metric: Option<Estimate>,
    /// The run that made it.
    pub run: Link,
    /// Whether the gates hold.
    pub gates: Badge,
}

/// A remedy that was taken or refused.
#[derive(Clone, Debug, Serialize)]
pub struct RemedyRow {
    /// When.
    pub at: Timestamp,
    /// `retrain`, `roll back`, leading to what it started.
    pub action: Link,
    /// Its loop, where actions of several loops stand together; else empty.
    pub loop_name: Link,
    /// `done`, `running`, `held back`.
    pub badge: Badge,
    /// Why: the condition and the numbers that made it true.
    pub evidence: String,
    /// What the trouble comes from, and how long it took; may be empty.
    pub diagnosis: String,
}
