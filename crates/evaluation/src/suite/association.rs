//! How well one column predicts another, in the manner of the predictive power score: a tree of one feature learned on
//! half of the rows, judged on the other half against answers without a feature.

use std::collections::HashMap;

use flyball_core::rng::Rng;
use flyball_core::{Column, Kind};
use flyball_stats::interval::{Interval, mean_interval};

use super::integrity::classes_of;
use crate::measure::CONFIDENCE;

/// Numbers are cut into so many parts of equal size: a tree of depth five.
const CUTS: usize = 32;
/// Fewer rows than this tell nothing about a half.
const LEAST_ROWS: usize = 40;
/// So many rows of the prior are added to each part, so that a part with one row predicts little.
const PRIOR: f64 = 5.0;

/// How well a column predicts another: 0 for no better than without, 1 for perfectly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Power {
    /// The part of the loss that the column removes; at least 0.
    pub(super) value: f64,
    /// Its 95 % interval.
    pub(super) interval: Option<Interval>,
}

/// What is predicted.
enum Target {
    Classes(Vec<Option<usize>>, usize),
    Numbers(Vec<f64>),
}

/// How well `feature` predicts `target`; `None` with too few rows, or when either is constant.
pub(super) fn predictive_power(feature: &Column, target: &Column, rng: &mut Rng) -> Option<Power> {
    let target = target_of(target);
    let known = |row: &usize| match &target {
        Target::Classes(places, _) => places[*row].is_some(),
        Target::Numbers(values) => values[*row].is_finite(),
    };
    let mut rows: Vec<usize> = (0..feature.len()).filter(known).collect();
    if rows.len() < LEAST_ROWS {
        return None;
    }
    rng.shuffle(&mut rows);
    let (learn, judge) = rows.split_at(rows.len() / 2);
    let parts = parts_of(feature, learn);
    let losses = match &target {
        Target::Classes(places, count) => class_losses(&parts, places, *count, learn, judge),
        Target::Numbers(values) => number_losses(&parts, values, learn, judge),
    };
    power(&losses)
}

/// The part of the loss without the feature (second) that the feature (first) removes.
fn power(losses: &[(f64, f64)]) -> Option<Power> {
    let plain: f64 = losses.iter().map(|(_, plain)| plain).sum::<f64>() / losses.len() as f64;
    if plain.is_nan() || plain <= 0.0 {
        return None;
    }
    let saved: Vec<f64> = losses.iter().map(|(with, plain)| plain - with).collect();
    let value = saved.iter().sum::<f64>() / saved.len() as f64 / plain;
    let share = |x: f64| (x / plain).min(1.0);
    let interval = mean_interval(&saved, CONFIDENCE).map(|i| Interval { low: share(i.low), high: share(i.high) });
    Some(Power { value: value.clamp(0.0, 1.0), interval })
}

/// Brier losses of each judged row: with the part's class shares, and with those of all rows.
fn class_losses(
    parts: &[u64],
    places: &[Option<usize>],
    count: usize,
    learn: &[usize],
    judge: &[usize],
) -> Vec<(f64, f64)> {
    let mut overall = vec![0.0; count];
    let mut by_part: HashMap<u64, Vec<f64>> = HashMap::new();
    for (row, place) in learn.iter().filter_map(|row| Some((*row, places[*row]?))) {
        overall[place] += 1.0 / learn.len() as f64;
        by_part.entry(parts[row]).or_insert_with(|| vec![0.0; count])[place] += 1.0;
    }
    let brier = |shares: &dyn Fn(usize) -> f64, place: usize| -> f64 {
        (0..count).map(|class| (shares(class) - f64::from(u8::from(class == place))).powi(2)).sum()
    };
    let rows = judge.iter().filter_map(|row| Some((*row, places[*row]?)));
    rows.map(|(row, place)| {
        let plain = brier(&|class| overall[class], place);
        let Some(counts) = by_part.get(&parts[row]) else { return (plain, plain) };
        let total: f64 = counts.iter().sum::<f64>() + PRIOR;
        (brier(&|class| (counts[class] + PRIOR * overall[class]) / total, place), plain)
    })
    .collect()
}

/// Squared errors of each judged row: with the part's mean, and with that of all rows.
fn number_losses(parts: &[u64], values: &[f64], learn: &[usize], judge: &[usize]) -> Vec<(f64, f64)> {
    let mean = learn.iter().map(|row| values[*row]).sum::<f64>() / learn.len().max(1) as f64;
    let mut by_part: HashMap<u64, (f64, f64)> = HashMap::new();
    for row in learn {
        let part = by_part.entry(parts[*row]).or_default();
        part.0 += values[*row];
        part.1 += 1.0;
    }
    judge
        .iter()
        .map(|row| {
            let own = by_part.get(&parts[*row]).map_or(mean, |(sum, count)| (sum + PRIOR * mean) / (count + PRIOR));
            ((values[*row] - own).powi(2), (values[*row] - mean).powi(2))
        })
        .collect()
}

fn target_of(target: &Column) -> Target {
    // Fractions are a measure even when they happen to be whole; 0 and 1 are classes however they are kept.
    let classes = classes_of(target).filter(|classes| target.kind() != Kind::Float || classes.len() <= 2);
    match classes {
        Some(classes) => {
            let place: HashMap<&str, usize> =
                classes.iter().enumerate().map(|(place, (class, _))| (class.as_str(), place)).collect();
            let of = |row| place.get(target.value(row).text()?.as_str()).copied();
            Target::Classes((0..target.len()).map(of).collect(), classes.len())
        }
        None => Target::Numbers(target.numbers()),
    }
}

/// The part of each row: its level, or the part of equal size of its number; missing values are a part of their own.
fn parts_of(feature: &Column, learn: &[usize]) -> Vec<u64> {
    if let Column::Text(texts) = feature {
        return texts.codes.iter().map(|code| u64::from(*code)).collect();
    }
    let mut known: Vec<f64> = learn.iter().map(|row| feature.number(*row)).filter(|value| !value.is_nan()).collect();
    known.sort_unstable_by(f64::total_cmp);
    let mut cuts: Vec<f64> = (1..CUTS).filter_map(|cut| known.get(known.len() * cut / CUTS).copied()).collect();
    cuts.dedup();
    let part = |value: f64| if value.is_nan() { u64::MAX } else { cuts.partition_point(|cut| *cut <= value) as u64 };
    feature.numbers().into_iter().map(part).collect()
}
