//! Drift of a window, column by column, with one decision over all of them (monitoring rules in `flyball_stats`).

use std::collections::BTreeMap;

use flyball_core::{Result, Table};
use flyball_stats::calibrated::{
    ColumnTest, DriftPolicy, EffectFloors, EffectKind, Verdict, categorical_test, numeric_test,
};
use serde::{Deserialize, Serialize};

use crate::reference::{Reference, ReferenceColumn, SCORE, levels};
use crate::window::WindowSettings;

/// The name under which the answers stand among the columns.
pub const PREDICTION: &str = "prediction";
/// What is put behind a numeric column's name for the share of its values that are missing.
const MISSING: &str = " missing";

/// The share of missing values then and now, when this is what stands under that name among the columns.
pub fn missing_share(column: &ColumnDrift) -> Option<(f64, f64)> {
    column.column.strip_suffix(MISSING)?;
    column.levels.first().map(|(_, then, now)| (*then, *now))
}

/// One column of a window against the reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnDrift {
    /// The feature, or `prediction`; `… missing` for the share of missing numbers.
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
    /// The five-number summary then and now, for numbers: minimum, quartiles, maximum.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quantiles: Option<([f64; 5], [f64; 5])>,
    /// The share of each of the most common levels then and now, for texts.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub levels: Vec<(String, f64, f64)>,
}

/// How many levels of a text are kept for looking at.
const LEVELS_SHOWN: usize = 8;

/// Compares every feature and the answers of a window with the reference.
pub fn compare(
    reference: &Reference,
    rows: &Table,
    scores: &[f64],
    settings: &WindowSettings,
) -> Result<Vec<ColumnDrift>> {
    let mut found: Vec<(ColumnDrift, Option<ColumnTest>)> = Vec::new();
    for (name, before) in &reference.columns {
        if name == SCORE {
            let now = sorted(scores.iter().copied());
            found.extend(numbers(PREDICTION, before, &now));
            continue;
        }
        let Some(position) = rows.position(name) else { continue };
        let column = rows.at(position);
        match before {
            ReferenceColumn::Levels(then) => found.push(texts(name, then, &levels(column))),
            ReferenceColumn::Numbers { rows: then_rows, known } => {
                let now = sorted((0..column.len()).map(|row| column.number(row)));
                let missing = [*then_rows - known.len() as u64, (column.len() - now.len()) as u64];
                found.extend(numbers(name, before, &now));
                if missing.iter().any(|&count| count > 0) {
                    let counts = [[missing[0], known.len() as u64], [missing[1], now.len() as u64]];
                    let test = categorical_test(&counts[0], &counts[1]);
                    let mut share = described(&format!("{name}{MISSING}"), test.as_ref());
                    let of = |[missing, known]: [u64; 2]| missing as f64 / (missing + known).max(1) as f64;
                    share.levels = vec![("missing".to_owned(), of(counts[0]), of(counts[1]))];
                    found.push((share, test));
                }
            }
        }
    }
    Ok(decide(found, settings))
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
    // A column without a test stands as NaN and takes no part.
    let untested = ColumnTest {
        p_value: f64::NAN,
        effect: 0.0,
        effect_kind: EffectKind::TotalVariation,
        reference_rows: 0,
        current_rows: 0,
    };
    let tests: Vec<ColumnTest> = found.iter().map(|(_, test)| test.unwrap_or(untested)).collect();
    let decisions = policy.decide(&tests);
    let judged = found.into_iter().zip(decisions).map(|((mut column, _), decision)| {
        column.adjusted_p = decision.adjusted_p;
        column.alarm = decision.verdict == Verdict::Drifted;
        column
    });
    judged.collect()
}

fn numbers(name: &str, before: &ReferenceColumn, now: &[f64]) -> Option<(ColumnDrift, Option<ColumnTest>)> {
    let ReferenceColumn::Numbers { known, .. } = before else { return None };
    let test = numeric_test(known, now);
    let mut column = described(name, test.as_ref());
    column.quantiles = five(known).zip(five(now));
    Some((column, test))
}

fn texts(name: &str, then: &BTreeMap<String, u64>, now: &BTreeMap<String, u64>) -> (ColumnDrift, Option<ColumnTest>) {
    let mut all: Vec<&String> = then.keys().chain(now.keys()).collect();
    all.sort();
    all.dedup();
    let count = |counts: &BTreeMap<String, u64>, level: &String| counts.get(level).copied().unwrap_or(0);
    let before: Vec<u64> = all.iter().map(|level| count(then, level)).collect();
    let after: Vec<u64> = all.iter().map(|level| count(now, level)).collect();
    let test = categorical_test(&before, &after);
    let mut column = described(name, test.as_ref());
    let share = |count: u64, counts: &[u64]| count as f64 / counts.iter().sum::<u64>().max(1) as f64;
    column.levels = all
        .into_iter()
        .zip(before.iter().zip(&after))
        .map(|(level, (&b, &a))| (level.clone(), share(b, &before), share(a, &after)))
        .collect();
    column.levels.sort_by(|a, b| (b.1 + b.2).total_cmp(&(a.1 + a.2)).then_with(|| a.0.cmp(&b.0)));
    column.levels.truncate(LEVELS_SHOWN);
    (column, test)
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
        adjusted_p: None,
        effect: test.map_or(0.0, |test| test.effect),
        effect_name: effect_name.to_owned(),
        alarm: false,
        quantiles: None,
        levels: Vec::new(),
    }
}

/// The known values in rising order.
fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut known: Vec<f64> = values.filter(|x| x.is_finite()).collect();
    known.sort_unstable_by(f64::total_cmp);
    known
}

/// Minimum, quartiles and maximum of rising values.
fn five(values: &[f64]) -> Option<[f64; 5]> {
    let last = values.len().checked_sub(1)?;
    Some([0.0, 0.25, 0.5, 0.75, 1.0].map(|q| values[((last as f64) * q).round() as usize]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flyball_core::rng::Rng;
    use flyball_core::{Column, TextColumn};

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
        let before = table(&mut rng, 5000, 0.0, 0.0);
        let columns = before.columns().map(|(name, column)| (name.to_owned(), ReferenceColumn::of(column))).collect();
        let settings = WindowSettings { false_alarm_rate: 0.05, effect_floor: 0.05, min_rows: 100 };
        compare(&Reference::of(columns), &table(&mut rng, 2000, shift, missing), &[], &settings).unwrap()
    }

    fn alarms(columns: &[ColumnDrift]) -> Vec<&str> {
        columns.iter().filter(|column| column.alarm).map(|column| column.column.as_str()).collect()
    }

    #[test]
    fn a_shift_and_a_gap_are_seen_and_nothing_else() {
        assert!(alarms(&judged(0.0, 0.0)).is_empty());
        assert_eq!(alarms(&judged(0.4, 0.0)), ["wind"]);
        assert_eq!(alarms(&judged(0.0, 0.3)), ["wind missing"]);
    }
}
