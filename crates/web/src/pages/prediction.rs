//! Why a prediction is what it is.

use askama::Template;
use flyball_core::Contribution;
use serde::Serialize;

use crate::{Badge, Fact, LineageStep, Shell, filters, svg};

/// `/predictions/{id}`
#[derive(Clone, Debug, Default, Serialize, Template)]
#[template(path = "prediction.html")]
pub struct PredictionPage {
    /// What stands around the page.
    pub shell: Shell,
    /// The id.
    pub id: String,
    /// The answer, with its probability (`late, 0.7312`).
    pub answer: String,
    /// What really happened, once known.
    pub truth: Option<String>,
    /// `right`, `wrong`, `waiting for ground truth`.
    pub badge: Badge,
    /// When, endpoint, key of the row, latency.
    pub facts: Vec<Fact>,
    /// The expected raw value before any feature is looked at.
    pub base: f64,
    /// The unit of the contributions (`log-odds`).
    pub unit: String,
    /// How much each feature moved the answer, largest first.
    pub contributions: Vec<Contribution>,
    /// Revision, model version, run, dataset version, row.
    pub lineage: Vec<LineageStep>,
}

impl PredictionPage {
    /// Each contribution with the left end and width of its bar.
    pub(crate) fn bars(&self) -> impl Iterator<Item = (&Contribution, f64, f64)> {
        let largest = svg::largest(self.contributions.iter().map(|part| part.amount));
        self.contributions.iter().map(move |part| {
            let (from, width) = svg::signed_bar(part.amount, largest);
            (part, from, width)
        })
    }

    /// The sum of everything: the raw score.
    pub(crate) fn total(&self) -> f64 {
        self.base + self.contributions.iter().map(|part| part.amount).sum::<f64>()
    }
}
