//! The rules on figures of a column, which are counted once for all of them.

use std::collections::BTreeMap;

use flyball_core::{Column, Kind, Result, Table, Timestamp, limits};
use flyball_stats::sketch::{DistinctSketch, QuantileSketch};

use super::pass::Found;
use super::rule::{Figure, Measured, Rule, Values};
use crate::measure::{self, Levels, Running};

/// What is counted of a column.
#[derive(Default)]
pub(super) struct Figures {
    rows: u64,
    missing: u64,
    moments: Option<Running>,
    quantiles: Option<QuantileSketch>,
    distinct: Option<DistinctSketch>,
    levels: Option<Levels>,
}

impl Figures {
    fn add(&mut self, column: &Column, scratch: &mut Vec<f64>) {
        self.rows += column.len() as u64;
        match &mut self.moments {
            Some(moments) => self.missing += column.len() as u64 - moments.add(column),
            None => self.missing += missing(column),
        }
        if let Some(quantiles) = &mut self.quantiles {
            measure::add_quantiles(quantiles, column, scratch);
        }
        if let Some(distinct) = &mut self.distinct {
            measure::add_distinct(distinct, column);
        }
        if let Some(levels) = &mut self.levels {
            levels.add(column);
        }
    }

    /// A figure; `None` when the column has no values.
    pub(super) fn figure(&self, figure: Figure) -> Option<f64> {
        let moments = self.moments.filter(|moments| moments.count > 0);
        match figure {
            Figure::RowCount => Some(self.rows as f64),
            Figure::NullRate => Some(if self.rows > 0 { self.missing as f64 / self.rows as f64 } else { 0.0 }),
            Figure::DistinctCount => self.distinct.as_ref().map(|distinct| distinct.count() as f64),
            Figure::Min => moments.map(|moments| moments.min),
            Figure::Max => moments.map(|moments| moments.max),
            Figure::Mean => moments.map(|moments| moments.mean),
            Figure::Stdev => moments.and_then(|moments| moments.deviation()),
        }
    }
}

fn missing(column: &Column) -> u64 {
    let count = match column {
        Column::Text(text) => text.codes.iter().filter(|code| **code == flyball_core::table::MISSING_CODE).count(),
        Column::Int(values) | Column::Time(values) => {
            values.iter().filter(|x| **x == flyball_core::table::MISSING_INT).count()
        }
        Column::Float(values) => values.iter().filter(|x| x.is_nan()).count(),
        Column::Bool(values) => values.iter().filter(|x| **x > 1).count(),
    };
    count as u64
}

/// The figures of the columns that checks ask for, by column.
#[derive(Default)]
pub(super) struct Board {
    columns: BTreeMap<String, Figures>,
    scratch: Vec<f64>,
}

impl Board {
    /// Has counted what the rule asks for; whether it is a rule on figures at all.
    pub(super) fn wants(&mut self, rule: &Rule) -> bool {
        let mut of = |column: &String, ask: fn(&mut Figures)| {
            ask(self.columns.entry(column.clone()).or_default());
            true
        };
        let moments = |figures: &mut Figures| {
            figures.moments.get_or_insert_default();
        };
        let quantiles = |figures: &mut Figures| {
            figures.quantiles.get_or_insert_default();
        };
        let distinct = |figures: &mut Figures| {
            figures.distinct.get_or_insert_default();
        };
        let levels = |figures: &mut Figures| {
            figures.levels.get_or_insert_default();
        };
        match rule {
            Rule::NullRate { column, .. } => of(column, |_| {}),
            Rule::DistinctCount(m) => of(&m.column, distinct),
            Rule::DistinctSet(set) => of(&set.column, levels),
            Rule::ClassBalance { column, .. } => of(column, levels),
            Rule::Min(m) | Rule::Max(m) | Rule::Mean(m) | Rule::Stdev(m) | Rule::Sum(m) => of(&m.column, moments),
            Rule::Median(m) => of(&m.column, quantiles),
            Rule::Quantile { column, .. } => of(column, quantiles),
            Rule::Freshness { column, .. } => of(column, moments),
            Rule::Anomaly { of: figure, column: Some(column), .. } => match figure {
                Figure::RowCount | Figure::NullRate => of(column, |_| {}),
                Figure::DistinctCount => of(column, distinct),
                _ => of(column, moments),
            },
            _ => false,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    pub(super) fn add(&mut self, table: &Table) -> Result<()> {
        for (name, figures) in &mut self.columns {
            figures.add(table.column(name)?, &mut self.scratch);
        }
        Ok(())
    }

    /// The figures of a column that a check asked for.
    pub(super) fn of(&self, column: &str) -> Option<&Figures> {
        self.columns.get(column)
    }

    /// What a rule on figures found.
    pub(super) fn judge(&self, rule: &Rule, kind: impl Fn(&str) -> Kind, now: Option<Timestamp>) -> Option<Found> {
        let figure = |m: &Measured, figure: Figure| {
            let shown = self.of(&m.column).and_then(|figures| figures.figure(figure));
            Some(held(figure.as_str(), shown, m.min, m.max, kind(&m.column)))
        };
        match rule {
            Rule::NullRate { column, max } => {
                let figures = self.of(column)?;
                let share = figures.figure(Figure::NullRate)?;
                Some(Found::Whole(share <= *max, format!("{} of {} rows are missing", figures.missing, figures.rows)))
            }
            Rule::DistinctCount(m) => figure(m, Figure::DistinctCount),
            Rule::Min(m) => figure(m, Figure::Min),
            Rule::Max(m) => figure(m, Figure::Max),
            Rule::Mean(m) => figure(m, Figure::Mean),
            Rule::Stdev(m) => figure(m, Figure::Stdev),
            Rule::Sum(m) => {
                let sum = self.of(&m.column)?.moments.map(|moments| moments.sum);
                Some(held("sum", sum, m.min, m.max, Kind::Float))
            }
            Rule::Median(m) => {
                let median = self.quantile(&m.column, 0.5);
                Some(held("median", median, m.min, m.max, kind(&m.column)))
            }
            Rule::Quantile { column, level, min, max } => {
                Some(held("quantile", self.quantile(column, *level), *min, *max, kind(column)))
            }
            Rule::DistinctSet(set) => self.distinct_set(set),
            Rule::ClassBalance { column, min } => self.balance(column, *min),
            Rule::Freshness { column, max_age } => {
                let Some(latest) = self.of(column)?.figure(Figure::Max) else {
                    return Some(Found::Whole(false, "there is no time in the column".into()));
                };
                let Some(now) = now else { return Some(Found::Impossible("no clock is at hand".into())) };
                let age = now - Timestamp(latest as i64);
                let latest = Timestamp(latest as i64);
                Some(Found::Whole(age <= *max_age, format!("the latest time is {latest}, the check ran at {now}")))
            }
            _ => None,
        }
    }

    fn quantile(&self, column: &str, level: f64) -> Option<f64> {
        let quantiles = self.of(column)?.quantiles.as_ref()?.quantiles(&[level])?;
        quantiles.first().copied()
    }

    fn distinct_set(&self, set: &Values) -> Option<Found> {
        let levels = self.of(&set.column)?.levels.as_ref()?;
        let found: Vec<String> = levels.top(limits::TEXT_LEVELS).into_iter().map(|(level, _)| level).collect();
        let wanted: Vec<String> = set.values.iter().map(ToString::to_string).collect();
        let absent: Vec<&String> = wanted.iter().filter(|value| !found.contains(value)).collect();
        let extra: Vec<&String> = found.iter().filter(|value| !wanted.contains(value)).collect();
        let mut differences = Vec::new();
        let listed =
            |values: &[&String]| values.iter().take(5).map(|v| format!("'{v}'")).collect::<Vec<_>>().join(", ");
        if !absent.is_empty() {
            differences.push(format!("{} does not appear", listed(&absent)));
        }
        if !extra.is_empty() {
            differences.push(format!("{} is not expected", listed(&extra)));
        }
        let is_same = differences.is_empty() && levels.is_exact();
        let finding = if is_same { "the values are as expected".to_owned() } else { differences.join("; ") };
        Some(Found::Whole(is_same, finding))
    }

    fn balance(&self, column: &str, min: f64) -> Option<Found> {
        let levels = self.of(column)?.levels.as_ref()?;
        if !levels.is_exact() {
            return Some(Found::Impossible("the column has too many different values to be classes".into()));
        }
        let classes = levels.top(limits::TEXT_LEVELS);
        let rows: u64 = classes.iter().map(|(_, rows)| rows).sum();
        let Some((rarest, of_it)) = classes.last() else {
            return Some(Found::Whole(false, "the column has no values".into()));
        };
        let share = *of_it as f64 / rows as f64;
        let holds = share >= min && classes.len() > 1;
        Some(Found::Whole(holds, format!("'{rarest}' has {of_it} of {rows} rows in {} classes", classes.len())))
    }
}

/// Whether a figure lies between its bounds, and what it is.
pub(super) fn held(name: &str, figure: Option<f64>, min: Option<f64>, max: Option<f64>, kind: Kind) -> Found {
    let Some(x) = figure.filter(|x| !x.is_nan()) else {
        return Found::Whole(false, format!("there is no {name}: the column has no values"));
    };
    let holds = min.is_none_or(|min| x >= min) && max.is_none_or(|max| x <= max);
    let shown = match kind {
        Kind::Time => Timestamp(x as i64).to_string(),
        _ => shown(x),
    };
    Found::Whole(holds, format!("it is {shown}"))
}

/// A number as people read it: six digits that matter.
pub(super) fn shown(x: f64) -> String {
    if x == 0.0 || !x.is_finite() || (x.fract() == 0.0 && x.abs() < 1e15) {
        return x.to_string();
    }
    let digits = (5 - x.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{x:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
