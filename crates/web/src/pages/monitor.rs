//! A monitor over its windows, and one window.

use askama::Template;
use serde::Serialize;

use crate::svg::position;
use crate::{AlertRow, Badge, Chart, Estimate, Fact, Folded, Link, Panel, Shell, WindowRow, filters, format};

/// `/monitors/{name}`
#[derive(Clone, Debug, Default, Serialize, Template)]
#[template(path = "monitor.html")]
pub struct MonitorPage {
    /// What stands around the page.
    pub shell: Shell,
    /// The name.
    pub name: String,
    /// How it is.
    pub badge: Badge,
    /// Endpoint, window, false-alarm rate, metric and floor.
    pub facts: Vec<Fact>,
    /// The metric over the windows.
    pub performance: Chart,
    /// Drift of each feature in each window.
    pub drift: HeatMap,
    /// The windows, newest first.
    pub windows: Vec<WindowRow>,
    /// The alerts, newest first.
    pub alerts: Vec<AlertRow>,
}

/// Drift of each feature in each window.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HeatMap {
    /// The windows, oldest first, each leading to its page; at most 60.
    pub windows: Vec<Link>,
    /// One row per feature.
    pub rows: Vec<HeatRow>,
    /// How many features are left out, which had fewer alarms.
    pub unshown: u64,
}

/// A feature over the windows.
#[derive(Clone, Debug, Serialize)]
pub struct HeatRow {
    /// The feature.
    pub feature: String,
    /// One cell per window.
    pub cells: Vec<HeatCell>,
}

/// A feature in a window.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct HeatCell {
    /// The size of the effect from 0 (none) to 1; NaN if it was not measured.
    pub effect: f64,
    /// Whether it is an alarm.
    pub drifted: bool,
}

impl HeatCell {
    /// The shade, from 0 to 6. Effects are small numbers: the power spreads them.
    pub(crate) fn shade(&self) -> u8 {
        if self.effect.is_finite() { (self.effect.clamp(0.0, 1.0).powf(0.75) * 6.0).ceil() as u8 } else { 0 }
    }

    pub(crate) fn text(&self) -> String {
        if self.effect.is_finite() { format!("{:.2}", self.effect) } else { format::MISSING.to_owned() }
    }
}

/// `/monitors/{name}/windows/{id}`
#[derive(Clone, Debug, Default, Serialize, Template)]
#[template(path = "window.html")]
pub struct WindowPage {
    /// What stands around the page.
    pub shell: Shell,
    /// The monitor, leading to its page.
    pub monitor: Link,
    /// The period.
    pub period: String,
    /// How it is.
    pub badge: Badge,
    /// What happened, in a sentence.
    pub verdict: String,
    /// What else a reader must know at once: who is paged, which groups are treated unlike, what is outside its band.
    pub notes: Vec<Note>,
    /// What it comes from, the most telling first.
    pub causes: Vec<CauseRow>,
    /// Rows, labelled share, model version, reference.
    pub facts: Vec<Fact>,
    /// Whatever else was judged: quality, estimates, segments, fairness.
    pub panels: Vec<Panel>,
    /// How much of the ground truth is known, in a sentence.
    pub labels: String,
    /// The metrics that are looked at first.
    pub metrics: Vec<WindowMetric>,
    /// All others.
    pub more_metrics: Vec<WindowMetric>,
    /// The features, the most drifted first.
    pub features: Vec<FeatureDrift>,
    /// How many features are left out, which drifted less.
    pub unshown: u64,
    /// All statistics of drift, by feature.
    pub statistics: Option<Folded>,
    /// The alerts of this window.
    pub alerts: Vec<AlertRow>,
}

/// A sentence with a state.
#[derive(Clone, Debug, Serialize)]
pub struct Note {
    /// What it is about.
    pub badge: Badge,
    /// The sentence.
    pub text: String,
}

/// A metric of a window: as measured, as estimated before the truth was known, and as it was when the model was made.
#[derive(Clone, Debug, Serialize)]
pub struct WindowMetric {
    /// Its name.
    pub name: String,
    /// What the rows whose truth is known show.
    pub measured: Option<Estimate>,
    /// What the answers alone let expect.
    pub estimated: Option<Estimate>,
    /// What the held-out rows showed.
    pub reference: Option<Estimate>,
}

/// What a finding may come from.
#[derive(Clone, Debug, Serialize)]
pub struct CauseRow {
    /// What it is.
    pub what: String,
    /// What shows it.
    pub evidence: String,
    /// What usually helps.
    pub suggestion: String,
}

/// A feature in a window, against the reference.
#[derive(Clone, Debug, Serialize)]
pub struct FeatureDrift {
    /// The feature.
    pub feature: String,
    /// What the effect is (`D`, `TV`).
    pub effect_name: String,
    /// The size of the effect.
    pub effect: f64,
    /// The p-value after Benjamini–Hochberg.
    pub adjusted: f64,
    /// Whether it is an alarm.
    pub drifted: bool,
    /// How it was in the reference.
    pub then: Distribution,
    /// How it is in this window.
    pub now: Distribution,
}

/// How a feature is distributed, in short.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Distribution {
    /// The 5 %, 25 %, 50 %, 75 % and 95 % quantiles of a number.
    Quantiles([f64; 5]),
    /// Levels of a category and their shares, the same levels then and now; at most 6 are shown.
    Shares(Vec<(String, f64)>),
    /// Nothing is known.
    Unknown,
}

/// A box on a common scale of 0 to 100.
pub(crate) struct Strip {
    pub(crate) ends: (f64, f64),
    pub(crate) quarters: (f64, f64),
    pub(crate) median: f64,
    pub(crate) text: String,
}

impl FeatureDrift {
    /// The boxes of then and now, if the feature is a number.
    pub(crate) fn strips(&self) -> Option<[Strip; 2]> {
        let (Distribution::Quantiles(then), Distribution::Quantiles(now)) = (&self.then, &self.now) else {
            return None;
        };
        let finite = || then.iter().chain(now).copied().filter(|value| value.is_finite());
        let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        let strip = |quantiles: &[f64; 5]| {
            let [p5, p25, p50, p75, p95] = quantiles.map(|value| position(value, low, high));
            let [from, median, to] = [quantiles[0], quantiles[2], quantiles[4]].map(format::short);
            Strip { ends: (p5, p95), quarters: (p25, p75), median: p50, text: format!("{median} ({from} to {to})") }
        };
        Some([strip(then), strip(now)])
    }

    /// The levels with their shares then and now, if the feature is a category.
    pub(crate) fn levels(&self) -> Vec<(&str, f64, f64)> {
        let (Distribution::Shares(then), Distribution::Shares(now)) = (&self.then, &self.now) else {
            return Vec::new();
        };
        let share = |level: &str| now.iter().find(|(other, _)| other == level).map_or(f64::NAN, |(_, share)| *share);
        then.iter().take(6).map(|(level, before)| (level.as_str(), *before, share(level))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_grow_with_the_effect() {
        let shade = |effect| HeatCell { effect, drifted: false }.shade();
        assert_eq!([0.0, 0.02, 0.1, 0.5, 1.0, 7.0, f64::NAN].map(shade), [0, 1, 2, 4, 6, 6, 0]);
    }

    #[test]
    fn then_and_now_share_one_scale() {
        let feature = FeatureDrift {
            feature: "temp".into(),
            effect_name: "D".into(),
            effect: 0.4,
            adjusted: 0.0,
            drifted: true,
            then: Distribution::Quantiles([0.0, 10.0, 20.0, 30.0, 40.0]),
            now: Distribution::Quantiles([40.0, 50.0, 60.0, 70.0, 80.0]),
        };
        let [then, now] = feature.strips().unwrap();
        assert_eq!((then.ends, now.ends, then.median), ((0.0, 50.0), (50.0, 100.0), 25.0));
        assert!(feature.levels().is_empty());
    }
}
