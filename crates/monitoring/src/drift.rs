//! Drift of a window, column by column, with one decision over all of them (monitoring rules in `flyball_stats`).

use std::collections::BTreeMap;

use flyball_stats::calibrated::{ColumnTest, DriftPolicy, EffectFloors, EffectKind, Verdict};
use flyball_stats::sketch::{
    ColumnReference, ColumnSketch, ColumnStatistics, LevelReference, LevelSketch, NumberReference, NumberSketch,
};
use serde::{Deserialize, Serialize};

use crate::intake::Intake;
use crate::window::WindowSettings;

pub use crate::reference::PREDICTION;

/// What is put behind a column's name for the share of its values that are missing.
pub(crate) const MISSING: &str = " missing";

/// One column of a window against the reference.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnDrift {
    /// The feature, or `prediction`; `… missing` for the share of missing values.
    pub column: String,
    /// The p-value of the hypothesis "no drift".
    pub p_value: Option<f64>,
    /// The p-value adjusted over all columns (Benjamini–Hochberg).
    pub adjusted_p: Option<f64>,
    /// How far apart the distributions are, 0 to 1.
    pub effect: f64,
    /// What the effect is: `D` (Kolmogorov–Smirnov) or `TV` (total variation).
    pub effect_name: String,
    /// Whether it is both significant and large enough to matter.
    pub alarm: bool,
    /// Further statistics by their usual names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub statistics: BTreeMap<String, f64>,
    /// Quantiles then and now, for numbers: 5 %, 25 %, 50 %, 75 % and 95 %.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quantiles: Option<([f64; 5], [f64; 5])>,
    /// The share of each of the most common levels then and now, for texts.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub levels: Vec<(String, f64, f64)>,
}

/// How many levels of a text are kept for looking at.
const LEVELS_SHOWN: usize = 8;
/// The quantiles that are kept for looking at.
const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// Compares every column of a window with the reference.
pub fn compare(now: &Intake<'_>, settings: &WindowSettings) -> Vec<ColumnDrift> {
    compare_windows(&now.of_reference(), now, settings)
}

/// Compares every column of a stretch of time with an earlier one; both were counted against the same reference. Where rows
/// of the later one belong together, their evidence decides.
pub fn compare_windows(before: &Intake<'_>, now: &Intake<'_>, settings: &WindowSettings) -> Vec<ColumnDrift> {
    let mut found: Vec<(ColumnDrift, Option<ColumnTest>)> = Vec::new();
    let (grouped, alike) = (now.grouped.as_ref(), now.alike.as_deref());
    let against_window = before.alike.is_some();
    for ((name, reference, before), (.., now)) in before.columns().zip(now.columns()) {
        let Some(mut comparison) = reference.compare_windows(before, now) else { continue };
        if let Some(grouped) = grouped {
            let evidence = grouped.column(name);
            comparison.values = evidence.values;
            comparison.missing = comparison.missing.and(evidence.missing);
        }
        if let Some(alike) = alike {
            alike.weigh(name, against_window, &mut comparison);
        }
        let mut column = described(name, comparison.values.as_ref());
        column.statistics = comparison.statistics.as_ref().map(named).unwrap_or_default();
        match (reference, before, now) {
            (ColumnReference::Numbers(reference), ColumnSketch::Numbers(before), ColumnSketch::Numbers(now)) => {
                column.quantiles = quantiles(reference, before).zip(quantiles(reference, now));
            }
            (ColumnReference::Levels(reference), ColumnSketch::Levels(before), ColumnSketch::Levels(now)) => {
                column.levels = levels(reference, before, now);
            }
            _ => {}
        }
        found.push((column, comparison.values));
        if let Some(test) = comparison.missing {
            let mut gaps = described(&format!("{name}{MISSING}"), Some(&test));
            let share = |sketch: &ColumnSketch| {
                let missing = sketch.absent().rows();
                missing as f64 / (missing + sketch.rows()).max(1) as f64
            };
            gaps.levels = vec![("missing".to_owned(), share(before), share(now))];
            found.push((gaps, Some(test)));
        }
    }
    decide(found, settings)
}

fn quantiles(reference: &NumberReference, sketch: &NumberSketch) -> Option<[f64; 5]> {
    let found: Vec<f64> = QUANTILES.iter().filter_map(|level| reference.quantile(sketch, *level)).collect();
    found.try_into().ok()
}

/// One decision over all columns that could be tested.
fn decide(found: Vec<(ColumnDrift, Option<ColumnTest>)>, settings: &WindowSettings) -> Vec<ColumnDrift> {
    let policy = DriftPolicy {
        false_alarm_rate: settings.false_alarm_rate,
        floors: EffectFloors {
            kolmogorov_smirnov: settings.effect_floor,
            total_variation: settings.effect_floor,
            cramers_v: settings.effect_floor,
        },
        minimum_rows: settings.min_rows as u64,
    };
    let tests: Vec<Option<ColumnTest>> = found.iter().map(|(_, test)| *test).collect();
    let decisions = policy.decide_known(&tests);
    let judged = found.into_iter().zip(decisions).map(|((mut column, _), decision)| {
        column.adjusted_p = decision.adjusted_p;
        column.alarm = decision.verdict == Verdict::Drifted;
        column
    });
    judged.collect()
}

/// The most common levels of both sides with their shares.
fn levels(reference: &LevelReference, before: &LevelSketch, now: &LevelSketch) -> Vec<(String, f64, f64)> {
    let share = |rows: u64, all: u64| rows as f64 / all.max(1) as f64;
    let (before_rows, now_rows) = (before.rows(), now.rows());
    let known = reference.names().iter().zip(before.counts()).zip(now.counts());
    let known = known.map(|((name, &before), &now)| (name.clone(), share(before, before_rows), share(now, now_rows)));
    let unseen = now.unseen_levels().0.into_iter().map(|(name, rows)| (name, 0.0, share(rows, now_rows)));
    let mut levels: Vec<(String, f64, f64)> = known.chain(unseen).collect();
    levels.sort_by(|a, b| (b.1 + b.2).total_cmp(&(a.1 + a.2)).then_with(|| a.0.cmp(&b.0)));
    levels.truncate(LEVELS_SHOWN);
    levels
}

/// Statistics by the names that the field uses; those that are not finite are left out.
fn named(statistics: &ColumnStatistics) -> BTreeMap<String, f64> {
    let shares = match statistics {
        ColumnStatistics::Numbers(numbers) => &numbers.shares,
        ColumnStatistics::Levels(shares) => shares,
    };
    let mut named = vec![
        ("psi", shares.population_stability),
        ("jensen_shannon", shares.jensen_shannon),
        ("hellinger", shares.hellinger),
        ("kl_divergence", shares.kullback_leibler),
        ("total_variation", shares.total_variation),
        ("l_infinity", shares.l_infinity),
        ("chi2", shares.pooled.statistic),
        ("chi2_p", shares.pooled.p_value),
    ];
    if let ColumnStatistics::Numbers(numbers) = statistics {
        named.extend([
            ("ks", numbers.ks.statistic),
            ("ks_p", numbers.ks.p_value),
            ("wasserstein", numbers.wasserstein),
            ("wasserstein_normed", numbers.wasserstein_normed),
            ("energy", numbers.energy),
            ("cramer_von_mises_p", numbers.cramer_von_mises.p_value),
            ("mean_before", numbers.moments[0].mean),
            ("mean", numbers.moments[1].mean),
            ("deviation_before", numbers.moments[0].deviation()),
            ("deviation", numbers.moments[1].deviation()),
        ]);
    }
    named.into_iter().filter(|(_, value)| value.is_finite()).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn described(name: &str, test: Option<&ColumnTest>) -> ColumnDrift {
    let effect_name = match test.map(|test| test.effect_kind) {
        Some(EffectKind::KolmogorovSmirnov) => "D",
        Some(EffectKind::TotalVariation) | None => "TV",
        Some(EffectKind::CramersV) => "V",
    };
    ColumnDrift {
        column: name.to_owned(),
        p_value: test.map(|test| test.p_value).filter(|p| p.is_finite()),
        effect: test.map_or(0.0, |test| test.effect),
        effect_name: effect_name.to_owned(),
        ..ColumnDrift::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{Reference, SCORE};
    use flyball_core::rng::Rng;
    use flyball_core::{Column, Table, TextColumn};

    fn table(rng: &mut Rng, rows: usize, shift: f64, missing: f64) -> Table {
        let number = |rng: &mut Rng| {
            let bell: f64 = (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0;
            if rng.unit() < missing { f64::NAN } else { bell + shift }
        };
        let wind: Vec<f64> = (0..rows).map(|_| number(rng)).collect();
        let origins = ["EWR", "JFK", "LGA"];
        let origin = TextColumn::from_texts((0..rows).map(|_| Some(origins[rng.below(3)])));
        Table::new(vec![("wind".into(), Column::Float(wind)), ("origin".into(), Column::Text(origin))]).unwrap()
    }

    fn judged(shift: f64, missing: f64) -> Vec<ColumnDrift> {
        let mut rng = Rng::seeded(3);
        let answers = Table::new(vec![(SCORE.into(), Column::Float(vec![0.5]))]).unwrap();
        let reference = Reference::of(table(&mut rng, 5000, 0.0, 0.0), answers).unwrap();
        let settings = WindowSettings { false_alarm_rate: 0.05, effect_floor: 0.05, min_rows: 100 };
        let mut intake = Intake::new(&reference);
        intake.add(&table(&mut rng, 2000, shift, missing), &[], &[]);
        compare(&intake, &settings)
    }

    fn alarms(columns: &[ColumnDrift]) -> Vec<&str> {
        columns.iter().filter(|column| column.alarm).map(|column| column.column.as_str()).collect()
    }

    #[test]
    fn a_shift_and_a_gap_are_seen_and_nothing_else() {
        assert!(alarms(&judged(0.0, 0.0)).is_empty());
        assert_eq!(alarms(&judged(0.4, 0.0)), ["wind"]);
        assert_eq!(alarms(&judged(0.0, 0.3)), ["wind missing"]);
        let shifted = judged(0.4, 0.0);
        let wind = shifted.iter().find(|column| column.column == "wind").unwrap();
        assert!((wind.statistics["mean"] - wind.statistics["mean_before"] - 0.4).abs() < 0.1);
        assert!(wind.quantiles.is_some() && wind.statistics["psi"] > 0.1);
    }
}
