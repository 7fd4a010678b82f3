//! An endpoint: what serves, how the traffic is split, and how a rollout goes.

use askama::Template;
use flyball_core::Timestamp;
use serde::Serialize;

use crate::{Badge, Chart, Fact, Link, RolloutRow, Shell, filters};

/// `/endpoints/{name}`
#[derive(Clone, Debug, Default, Serialize, Template)]
#[template(path = "endpoint.html")]
pub struct EndpointPage {
    /// What stands around the page.
    pub shell: Shell,
    /// The name.
    pub name: String,
    /// How it is.
    pub badge: Badge,
    /// Environment, address, loop.
    pub facts: Vec<Fact>,
    /// The revisions, newest first.
    pub revisions: Vec<RevisionRow>,
    /// The newest rollout.
    pub rollout: Option<RolloutView>,
    /// Requests and latency over time.
    pub traffic: Chart,
    /// Rollouts before, newest first.
    pub rollouts: Vec<RolloutRow>,
    /// Some of the newest predictions.
    pub predictions: Vec<PredictionRow>,
}

/// A revision: a model version as configured at this endpoint.
#[derive(Clone, Debug, Serialize)]
pub struct RevisionRow {
    /// Its name (`r3`).
    pub revision: String,
    /// Its model version.
    pub version: Link,
    /// The share of the traffic it gets, from 0 to 1.
    pub share: f64,
    /// `serving`, `retired`.
    pub badge: Badge,
    /// Requests answered.
    pub requests: u64,
    /// Requests that failed.
    pub errors: u64,
    /// Median latency in milliseconds; NaN if unknown.
    pub latency_p50_ms: f64,
    /// 99th percentile of the latency in milliseconds; NaN if unknown.
    pub latency_p99_ms: f64,
}

/// A rollout in detail.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RolloutView {
    /// What takes over from what.
    pub title: String,
    /// How it stands.
    pub badge: Badge,
    /// The steps, first one first.
    pub steps: Vec<RolloutStep>,
    /// What was decided, newest first.
    pub decisions: Vec<DecisionRow>,
}

/// A step of a rollout.
#[derive(Clone, Debug, Serialize)]
pub struct RolloutStep {
    /// The share of the traffic that the new revision gets.
    pub share: f64,
    /// `passed`, `baking`, `ahead`, `aborted`.
    pub badge: Badge,
    /// When it began.
    pub at: Option<Timestamp>,
}

/// A decision of a rollout.
#[derive(Clone, Debug, Serialize)]
pub struct DecisionRow {
    /// When.
    pub at: Timestamp,
    /// `advance`, `hold`, `abort`.
    pub badge: Badge,
    /// Why: the guards and their numbers.
    pub evidence: String,
}

/// A prediction in a list.
#[derive(Clone, Debug, Serialize)]
pub struct PredictionRow {
    /// When.
    pub at: Timestamp,
    /// Its id, leading to why.
    pub prediction: Link,
    /// The answer.
    pub answer: String,
    /// What really happened; empty while unknown.
    pub truth: String,
    /// The revision that answered.
    pub revision: String,
}

/// A revision's part of the traffic bar: where it begins and how wide it is, of 100, and its number for the colour.
pub(crate) struct Part<'a> {
    pub(crate) row: &'a RevisionRow,
    pub(crate) from: f64,
    pub(crate) width: f64,
    pub(crate) colour: usize,
}

impl EndpointPage {
    pub(crate) fn split(&self) -> Vec<Part<'_>> {
        let mut from = 0.0;
        let serving = self.revisions.iter().filter(|row| row.share.is_finite() && row.share > 0.0);
        serving
            .enumerate()
            .map(|(at, row)| {
                let width = (row.share * 100.0).min(100.0 - from).max(0.0);
                let part = Part { row, from, width, colour: at % 6 };
                from += width;
                part
            })
            .collect()
    }
}
