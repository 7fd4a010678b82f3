//! Why a prediction is what it is.

use askama::Template;
use flyball_core::Contribution;
use serde::Serialize;

use crate::{Badge, Fact, LineageStep, Shell, filters, svg};

/// Features with a bar of their own; the others share one.
const SHOWN: usize = 15;

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
    /// How the contributions were made, in words.
    pub method: String,
    /// How much each feature moved the answer, largest first.
    pub contributions: Vec<Contribution>,
    /// Where each value stands among the training rows, in the same order; empty where that is not known.
    pub standing: Vec<String>,
    /// Why there are no contributions.
    pub unexplained: Option<String>,
    /// What would have changed the answer, each in one sentence.
    pub ways_out: Vec<String>,
    /// Revision, model version, run, dataset version, row.
    pub lineage: Vec<LineageStep>,
}

/// A feature's bar in the waterfall.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) feature: String,
    pub(crate) value: Option<String>,
    pub(crate) standing: String,
    pub(crate) amount: f64,
    /// Where the bar begins, and how wide it is, on a scale of 0 to 100.
    pub(crate) from: f64,
    pub(crate) width: f64,
    /// Where the answer stands after it.
    pub(crate) after: f64,
}

impl PredictionPage {
    /// The way from the base to the answer, feature by feature; those behind the strongest are one step.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let told = self.contributions.len().min(SHOWN);
        let (shown, others) = self.contributions.split_at(told);
        let mut steps: Vec<Step> = shown
            .iter()
            .enumerate()
            .map(|(at, part)| Step {
                feature: part.feature.clone(),
                value: Some(part.value.clone().unwrap_or_else(|| "missing".to_owned())),
                standing: self.standing.get(at).cloned().unwrap_or_default(),
                amount: part.amount,
                from: 0.0,
                width: 0.0,
                after: 0.0,
            })
            .collect();
        if !others.is_empty() {
            let amount = others.iter().map(|part| part.amount).sum();
            let feature = format!("{} other features", others.len());
            steps.push(Step {
                feature,
                value: None,
                standing: String::new(),
                amount,
                from: 0.0,
                width: 0.0,
                after: 0.0,
            });
        }
        let mut sums = vec![self.base];
        for step in &steps {
            sums.push(sums[sums.len() - 1] + step.amount);
        }
        let finite = || sums.iter().copied().filter(|sum| sum.is_finite());
        let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        for (step, sums) in steps.iter_mut().zip(sums.windows(2)) {
            let (before, after) = (svg::position(sums[0], low, high), svg::position(sums[1], low, high));
            (step.from, step.width, step.after) = (before.min(after), (after - before).abs(), after);
        }
        steps
    }

    /// The sum of everything: the raw score.
    pub(crate) fn total(&self) -> f64 {
        self.base + self.contributions.iter().map(|part| part.amount).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(base: f64, amounts: &[f64]) -> PredictionPage {
        let part = |(at, amount): (usize, &f64)| Contribution {
            feature: format!("f{at}"),
            value: (at > 0).then(|| "1".to_owned()),
            amount: *amount,
        };
        let contributions = amounts.iter().enumerate().map(part).collect();
        PredictionPage { base, contributions, ..PredictionPage::default() }
    }

    #[test]
    fn each_step_of_the_waterfall_begins_where_the_one_before_ended() {
        let steps = page(1.0, &[4.0, -2.0, -3.0]).steps();
        let drawn: Vec<_> = steps.iter().map(|step| (step.from, step.width, step.after)).collect();
        // The scale goes from 0, where it ends, to 5.
        assert_eq!(drawn, [(20.0, 80.0, 100.0), (60.0, 40.0, 60.0), (0.0, 60.0, 0.0)]);
        assert_eq!(steps[0].value.as_deref(), Some("missing"));
    }

    #[test]
    fn many_features_end_in_one_step_and_no_number_breaks_the_drawing() {
        let steps = page(0.0, &[1.0; 30]).steps();
        assert_eq!(
            (steps.len(), steps[SHOWN].feature.as_str(), steps[SHOWN].amount),
            (SHOWN + 1, "15 other features", 15.0)
        );
        for step in page(f64::NAN, &[f64::INFINITY, f64::NAN, 1.0]).steps() {
            assert!(step.from.is_finite() && step.width.is_finite() && step.after.is_finite(), "{step:?}");
        }
    }
}
