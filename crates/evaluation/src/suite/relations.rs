//! Which columns tell of each other: features of the label, features of features, the key of the label.

use flyball_core::{Column, Result};
use serde_json::json;

use super::association::{Power, predictive_power};
use super::bench::{Bench, Finding};
use super::integrity::SHOWN;

/// Pairs of features that are compared at most: 45 features with each other.
const PAIRS: usize = 1_000;

/// How well each feature predicts the label, the best first.
pub(super) fn powers<'b>(
    bench: &'b Bench<'_>,
    table: &flyball_core::Table,
    label: &Column,
) -> Result<Vec<(&'b str, Power)>> {
    let mut rng = bench.rng("powers");
    let mut found = Vec::new();
    for name in &bench.features {
        let Some(position) = table.position(name) else { continue };
        found.extend(predictive_power(table.at(position), label, &mut rng).map(|power| (name.as_str(), power)));
    }
    found.sort_by(|a, b| b.1.value.total_cmp(&a.1.value));
    Ok(found)
}

pub(super) fn feature_label(bench: &Bench<'_>) -> Result<Finding> {
    let Some(label) = bench.case.label else { return Ok(Finding::missing("no label is known")) };
    let found = powers(bench, &bench.rows, bench.rows.column(label)?)?;
    let Some((name, power)) = found.first() else {
        return Ok(Finding::missing("too few labelled rows, or nothing that varies"));
    };
    let text = format!("'{name}' alone predicts the label with a power of {:.2}", power.value);
    let evidence: Vec<_> =
        found.iter().take(SHOWN).map(|(name, power)| json!({ "feature": name, "power": power.value })).collect();
    Ok(Finding::of(power.value, text).within(power.interval).because(json!({ "features": evidence })))
}

pub(super) fn feature_feature(bench: &Bench<'_>) -> Result<Finding> {
    let mut rng = bench.rng("feature_feature");
    let names = &bench.features;
    let mut pairs: Vec<(usize, usize)> =
        (0..names.len()).flat_map(|a| (a + 1..names.len()).map(move |b| (a, b))).collect();
    let all = pairs.len();
    if all > PAIRS {
        rng.shuffle(&mut pairs);
        pairs.truncate(PAIRS);
    }
    let mut found: Vec<(f64, &str, &str, Option<flyball_stats::interval::Interval>)> = Vec::new();
    for (a, b) in &pairs {
        if !bench.has_time() {
            break;
        }
        let (first, second) = (bench.rows.column(&names[*a])?, bench.rows.column(&names[*b])?);
        let powers = [predictive_power(first, second, &mut rng), predictive_power(second, first, &mut rng)];
        // One that determines another without the reverse is a coarser view of it, not the same.
        if let [Some(one), Some(other)] = powers {
            let weaker = if one.value < other.value { one } else { other };
            found.push((weaker.value, &names[*a], &names[*b], weaker.interval));
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let Some((value, first, second, interval)) = found.first() else {
        return Ok(Finding::missing("there are no two features that vary"));
    };
    let text = format!("'{first}' and '{second}' predict each other with a power of {value:.2}");
    let evidence: Vec<_> =
        found.iter().take(SHOWN).map(|(power, a, b, _)| json!({ "features": [a, b], "power": power })).collect();
    Ok(Finding::of(*value, text)
        .within(*interval)
        .because(json!({ "pairs": evidence, "compared": pairs.len(), "of": all })))
}

pub(super) fn id_label(bench: &Bench<'_>) -> Result<Finding> {
    let (Some(label), Some(key)) = (bench.case.label, bench.case.key) else {
        return Ok(Finding::missing("no key or no label is known"));
    };
    let column = bench.rows.column(key)?;
    // Texts that name rows are compared by their order, which is what a number would tell.
    let ordered = match column {
        Column::Text(texts) => {
            let mut levels: Vec<usize> = (0..texts.levels.len()).collect();
            levels.sort_by(|a, b| texts.levels[*a].cmp(&texts.levels[*b]));
            let mut ranks = vec![0.0; levels.len()];
            levels.iter().enumerate().for_each(|(rank, level)| ranks[*level] = rank as f64);
            let rank = |code: &u32| ranks.get(*code as usize).copied().unwrap_or(f64::NAN);
            Column::Float(texts.codes.iter().map(rank).collect())
        }
        other => other.clone(),
    };
    let power = predictive_power(&ordered, bench.rows.column(label)?, &mut bench.rng("id_label"));
    Ok(match power {
        None => Finding::missing("too few labelled rows, or nothing that varies"),
        Some(power) => {
            Finding::of(power.value, format!("'{key}' predicts the label with a power of {:.2}", power.value))
                .within(power.interval)
        }
    })
}
