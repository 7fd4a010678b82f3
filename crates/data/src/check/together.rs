//! The rules that look at all values of a column together: outliers, distributions, leaks.

use flyball_core::{Column, Error, Kind, Result};
use flyball_stats::classification::roc_auc;
use flyball_stats::drift::{NumberStatistics, ShareStatistics, sorted};
use flyball_stats::sketch::QuantileSketch;
use serde::{Deserialize, Serialize};

use super::figures::shown;
use super::pass::{Ended, Found, Pass, Piece};
use super::rows;
use super::rule::{Distance, OutlierMethod};
use crate::measure::{self, Levels, Running, Sample};
use crate::scan::Rows;

/// Most values of a column that are compared with another's: ranks are then off by a thousandth at most.
const COMPARED: usize = 1 << 20;
/// Most rows of which it is asked whether a column tells the label.
const LEAK_ROWS: usize = 100_000;
/// With fewer rows than this chance alone can tell a label.
const FEWEST_LEAK_ROWS: usize = 200;

/// Finds the bounds past which values are outliers; a second scan finds the rows.
pub(super) struct Outliers {
    column: String,
    method: OutlierMethod,
    limit: f64,
    moments: Running,
    quantiles: QuantileSketch,
    scratch: Vec<f64>,
}

impl Outliers {
    pub(super) fn new(column: String, method: OutlierMethod, limit: f64) -> Self {
        let (moments, quantiles) = (Running::default(), QuantileSketch::default());
        Self { column, method, limit, moments, quantiles, scratch: Vec::new() }
    }

    fn bounds(&self) -> Option<(f64, f64)> {
        let (low, high, unit) = match self.method {
            OutlierMethod::Iqr => {
                let quartiles = self.quantiles.quantiles(&[0.25, 0.75])?;
                let [low, high] = quartiles.as_slice() else { return None };
                (*low, *high, high - low)
            }
            OutlierMethod::ZScore => (self.moments.mean, self.moments.mean, self.moments.deviation()?),
        };
        Some((low - self.limit * unit, high + self.limit * unit))
    }
}

impl Pass for Outliers {
    fn add(&mut self, piece: &Piece<'_>) -> Result<()> {
        let column = piece.table.column(&self.column)?;
        match self.method {
            OutlierMethod::Iqr => measure::add_quantiles(&mut self.quantiles, column, &mut self.scratch),
            OutlierMethod::ZScore => drop(self.moments.add(column)),
        }
        Ok(())
    }

    fn end(self: Box<Self>) -> Result<Ended> {
        Ok(match self.bounds() {
            Some((low, high)) => Ended::Again(rows::numbers(self.column, move |x| x < low || x > high)),
            None => Ended::Found(Found::Whole(true, "the column has no values".into())),
        })
    }
}

/// The values of one column, as they are compared with another's.
pub(crate) enum Spread {
    /// An even sample of numbers.
    Numbers(Sample),
    /// How often each level appears.
    Levels(Levels),
}

impl Spread {
    /// Of a column, from as many values as a check compares.
    pub(super) fn new(column: &str, kind: Kind) -> Self {
        Self::sample_of(column, kind, COMPARED)
    }

    /// Of a column, from at most so many numbers.
    pub(crate) fn sample_of(column: &str, kind: Kind, most: usize) -> Self {
        match kind {
            Kind::Text | Kind::Bool => Spread::Levels(Levels::default()),
            _ => Spread::Numbers(Sample::new([(column.to_owned(), kind)], most)),
        }
    }

    pub(crate) fn add(&mut self, table: &flyball_core::Table, column: &Column, first: usize) {
        match self {
            Spread::Numbers(sample) => sample.add(table, first),
            Spread::Levels(levels) => levels.add(column),
        }
    }

    fn sorted(sample: &Sample) -> Vec<f64> {
        let values = sample.columns().first().map(|(_, values)| values.as_slice()).unwrap_or_default();
        sorted(values)
    }

    /// The distance from a reference; an error says why there is none.
    fn distance(&self, reference: &Spread, distance: Distance) -> std::result::Result<f64, String> {
        match (reference, self) {
            (Spread::Numbers(reference), Spread::Numbers(current)) => {
                let found = NumberStatistics::of(&Self::sorted(reference), &Self::sorted(current))
                    .ok_or("one of the two has no values")?;
                Ok(match distance {
                    Distance::Ks => found.ks.statistic,
                    Distance::Wasserstein => found.wasserstein_normed,
                    other => of_shares(&found.shares, other),
                })
            }
            (Spread::Levels(reference), Spread::Levels(current)) => {
                if matches!(distance, Distance::Ks | Distance::Wasserstein) {
                    return Err(format!("{} is for numbers; use psi, jensen_shannon or l_infinity", distance.as_str()));
                }
                let (before, now) = side_by_side(reference, current);
                let found = ShareStatistics::of(&before, &now).ok_or("one of the two has no values")?;
                Ok(of_shares(&found, distance))
            }
            _ => Err("the column of the reference has another type".into()),
        }
    }
}

/// How far a distribution moved.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distances {
    /// The population stability index.
    pub psi: f64,
    /// Jensen and Shannon's distance, to base 2.
    pub jensen_shannon: f64,
    /// Kolmogorov and Smirnov's distance; none for levels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ks: Option<f64>,
    /// The probability of a distance like this without drift: by Kolmogorov and Smirnov's test for numbers, by the χ² test
    /// for levels.
    pub p_value: f64,
}

impl Spread {
    /// How far this is from a reference; `None` when the types differ or one of them has no values.
    pub(crate) fn distances(&self, reference: &Spread) -> Option<Distances> {
        let (shares, ks) = match (reference, self) {
            (Spread::Numbers(reference), Spread::Numbers(current)) => {
                let found = NumberStatistics::of(&Self::sorted(reference), &Self::sorted(current))?;
                (found.shares, Some(found.ks))
            }
            (Spread::Levels(reference), Spread::Levels(current)) => {
                let (before, now) = side_by_side(reference, current);
                (ShareStatistics::of(&before, &now)?, None)
            }
            _ => return None,
        };
        Some(Distances {
            psi: shares.population_stability,
            jensen_shannon: shares.jensen_shannon_base_2,
            ks: ks.map(|ks| ks.statistic),
            p_value: ks.map_or(shares.pooled.p_value, |ks| ks.p_value),
        })
    }
}

fn of_shares(shares: &ShareStatistics, distance: Distance) -> f64 {
    match distance {
        Distance::Psi => shares.population_stability,
        Distance::JensenShannon => shares.jensen_shannon_base_2,
        Distance::LInfinity => shares.l_infinity,
        _ => shares.contingency.cramers_v,
    }
}

/// Counts of the levels of both, in one order.
fn side_by_side(before: &Levels, now: &Levels) -> (Vec<u64>, Vec<u64>) {
    let mut counts: std::collections::BTreeMap<String, (u64, u64)> = std::collections::BTreeMap::new();
    before.top(usize::MAX).into_iter().for_each(|(level, rows)| counts.entry(level).or_default().0 += rows);
    now.top(usize::MAX).into_iter().for_each(|(level, rows)| counts.entry(level).or_default().1 += rows);
    counts.into_values().unzip()
}

/// Compares the distribution of a column with that of a reference.
pub(super) struct Distribution {
    pub(super) column: String,
    pub(super) distance: Distance,
    pub(super) max: f64,
    pub(super) reference: Spread,
    pub(super) current: Spread,
}

/// The distribution of a column of other rows.
pub(super) fn spread_of(rows: &dyn Rows, column: &str, kind: Kind) -> Result<Spread> {
    let mut spread = Spread::new(column, kind);
    rows.scan(Some(&[column.to_owned()]), &mut |table, first| {
        spread.add(table, table.column(column)?, first);
        Ok(())
    })?;
    Ok(spread)
}

impl Pass for Distribution {
    fn add(&mut self, piece: &Piece<'_>) -> Result<()> {
        self.current.add(piece.table, piece.table.column(&self.column)?, piece.number(0));
        Ok(())
    }

    fn end(self: Box<Self>) -> Result<Ended> {
        Ok(Ended::Found(match self.current.distance(&self.reference, self.distance) {
            Ok(found) => Found::Whole(found <= self.max, format!("it is {}", shown(found))),
            Err(reason) => Found::Impossible(reason),
        }))
    }
}

/// Whether a column alone tells the label.
pub(super) struct Leakage {
    label: String,
    max: f64,
    sample: Sample,
}

impl Leakage {
    pub(super) fn new(label: String, max: f64, columns: impl IntoIterator<Item = (String, Kind)>) -> Self {
        Self { label, max, sample: Sample::new(columns, LEAK_ROWS) }
    }
}

impl Pass for Leakage {
    fn add(&mut self, piece: &Piece<'_>) -> Result<()> {
        if piece.table.rows() > 0 {
            self.sample.add(piece.table, piece.number(0));
        }
        Ok(())
    }

    fn end(self: Box<Self>) -> Result<Ended> {
        let label = self.sample.columns().iter().find(|(name, _)| *name == self.label);
        let (_, truth) = label.ok_or_else(|| Error::internal("the label is not in the sample"))?;
        let others = self.sample.columns().iter().filter(|(name, _)| *name != self.label);
        let mut told: Vec<(f64, String)> = others
            .filter_map(|(name, values)| {
                let (power, text) = power(values, truth)?;
                (power > self.max).then(|| (power, format!("'{name}' alone {text}")))
            })
            .collect();
        told.sort_by(|left, right| right.0.total_cmp(&left.0));
        let finding = match told.as_slice() {
            [] => "no column alone tells the label".to_owned(),
            told => told.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(", "),
        };
        Ok(Ended::Found(Found::Whole(told.is_empty(), finding)))
    }
}

/// How well a column tells a label: its AUC for two classes, the share of the variance that it explains for numbers.
fn power(values: &[f64], truth: &[f64]) -> Option<(f64, String)> {
    let known: Vec<(f64, f64)> =
        values.iter().copied().zip(truth.iter().copied()).filter(|(x, y)| !x.is_nan() && !y.is_nan()).collect();
    if known.len() < FEWEST_LEAK_ROWS {
        return None;
    }
    let low = known.iter().map(|pair| pair.1).fold(f64::INFINITY, f64::min);
    let high = known.iter().map(|pair| pair.1).fold(f64::NEG_INFINITY, f64::max);
    if low == high {
        return None;
    }
    if known.iter().all(|(_, y)| *y == low || *y == high) {
        let classes: Vec<bool> = known.iter().map(|(_, y)| *y == high).collect();
        let scores: Vec<f64> = known.iter().map(|(x, _)| *x).collect();
        let auc = roc_auc(&classes, &scores)?;
        let auc = auc.max(1.0 - auc);
        return Some((auc, format!("has AUC {auc:.3}")));
    }
    let (left, right): (Vec<f64>, Vec<f64>) = known.into_iter().unzip();
    let share = measure::correlation(&left, &right)?.powi(2);
    Some((share, format!("explains {:.1}% of the variance", share * 100.0)))
}
