//! A suite of checks inferred from data: what holds for the rows that are there, with room for those that come.
//!
//! The rules are those of Deequ (completeness, type, categories, fractions of categories, no negative numbers, uniqueness)
//! and of TFDV's schema inference, with ranges and forms beside. What is guessed with some freedom only warns.

use std::sync::Arc;

use flyball_core::{Column, Kind, Result};

use crate::check::{Check, Count, Literal, Pattern, Rule, Severity, Values, is_date, strftime};
use crate::profile::{ColumnProfile, NumberProfile, TableProfile, profile_rows};
use crate::scan::Rows;
use crate::sensitive::Sensitive;

/// Up to so many different texts are categories.
const CATEGORIES: usize = 20;
/// Each category must appear so often on average.
const ROWS_OF_CATEGORY: usize = 10;
/// A range is widened by this share of its width on either side.
const MARGIN: f64 = 0.1;
/// Rows that are looked at for dates.
const DATE_ROWS: usize = 2_000;
/// Formats of dates that are known, the commonest first.
const DATE_FORMATS: &[&str] = &[
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%Y%m%d",
];

/// Infers a suite from rows.
pub fn suggest(rows: &dyn Rows) -> Result<Vec<Check>> {
    let profile = profile_rows(rows)?;
    let first: Vec<usize> = (0..rows.count().min(DATE_ROWS)).collect();
    let sample = rows.take(&first)?;
    let dates = |name: &str| sample.column(name).ok().and_then(date_format);
    Ok(from_profile(&profile, &dates))
}

fn from_profile(profile: &TableProfile, dates: &dyn Fn(&str) -> Option<&'static str>) -> Vec<Check> {
    if profile.rows == 0 {
        return Vec::new();
    }
    let mut checks = vec![warning(Rule::RowCount(Count { min: Some((profile.rows as u64).div_ceil(2)), max: None }))];
    let kinds = profile.columns.iter().map(|column| (column.name.clone(), column.kind)).collect();
    checks.push(Check::strict(Rule::Schema { columns: kinds }));
    let complete: Vec<String> =
        profile.columns.iter().filter(|column| column.missing == 0).map(|column| column.name.clone()).collect();
    if !complete.is_empty() {
        checks.push(Check::strict(Rule::NotNull { columns: complete }));
    }
    let keys = profile.columns.iter().filter(|column| column.candidate_key && column.kind != Kind::Time);
    checks.extend(keys.map(|column| Check::strict(Rule::Unique { columns: vec![column.name.clone()] })));
    for column in &profile.columns {
        checks.extend(of_column(column, profile.rows, dates));
    }
    checks
}

fn warning(rule: Rule) -> Check {
    Check { severity: Severity::Warn, ..Check::strict(rule) }
}

fn of_column(column: &ColumnProfile, rows: usize, dates: &dyn Fn(&str) -> Option<&'static str>) -> Vec<Check> {
    let name = || column.name.clone();
    let mut checks = Vec::new();
    if column.missing > 0 && column.missing < rows {
        let share = column.missing as f64 / rows as f64;
        // The upper end of the normal interval of 95 %, as Deequ's RetainCompleteness has it.
        let most = share + 1.96 * (share * (1.0 - share) / rows as f64).sqrt();
        checks.push(warning(Rule::NullRate { column: name(), max: rounded_up(most).min(1.0) }));
    }
    let present = rows - column.missing;
    if column.kind == Kind::Text && present > 0 {
        checks.push(of_text(column, present, dates));
    }
    if let (Some(numbers), Kind::Int | Kind::Float) = (&column.numbers, column.kind)
        && !column.candidate_key
    {
        checks.extend(of_numbers(column, numbers));
    }
    checks
}

fn of_text(column: &ColumnProfile, present: usize, dates: &dyn Fn(&str) -> Option<&'static str>) -> Check {
    let name = || column.name.clone();
    if column.distinct <= CATEGORIES && present >= ROWS_OF_CATEGORY * column.distinct {
        let mut values: Vec<&str> = column.top.iter().map(|level| level.value.as_str()).collect();
        values.sort_unstable();
        let values = values.into_iter().map(|value| Literal::Text(value.to_owned())).collect();
        return Check::strict(Rule::InSet(Values { column: name(), values }));
    }
    if let Some(format) = dates(&column.name) {
        return Check::strict(Rule::DateFormat { column: name(), format: format.to_owned() });
    }
    if column.sensitive == Some(Sensitive::Email) {
        let pattern = r"^[^@\s]+@[^@\s]+\.[^@\s]+$".to_owned();
        return Check { mostly: 0.99, ..Check::strict(Rule::Regex(Pattern { column: name(), pattern })) };
    }
    let (min, max) = column.lengths.map_or((0, 0), |lengths| (lengths.min as u64, lengths.max as u64));
    if min == max {
        return Check::strict(Rule::Length { column: name(), min: Some(min), max: Some(max) });
    }
    warning(Rule::Length { column: name(), min: Some(min.min(1)), max: Some(max * 2) })
}

fn of_numbers(column: &ColumnProfile, numbers: &NumberProfile) -> Option<Check> {
    if !(numbers.min.is_finite() && numbers.max > numbers.min) {
        return None;
    }
    let room = (numbers.max / 2.0 - numbers.min / 2.0) * 2.0 * MARGIN;
    let (mut min, mut max) = (numbers.min - room, numbers.max + room);
    if numbers.min >= 0.0 {
        min = min.max(0.0);
    }
    // Shares and probabilities stay what they are.
    if numbers.min >= 0.0 && numbers.max <= 1.0 && column.kind == Kind::Float {
        (min, max) = (0.0, 1.0);
    }
    let literal = |x: f64| match column.kind {
        Kind::Int => Literal::Int(x.round() as i64),
        _ => Literal::Float(x),
    };
    let bounds = [-rounded_up(-min), rounded_up(max)].map(|x| if x == 0.0 { 0.0 } else { x });
    let [min, max] = bounds.map(|x| Some(literal(x)));
    Some(warning(Rule::Between { column: column.name.clone(), min, max }))
}

/// The next number with two digits that matter, upwards.
fn rounded_up(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let digits = 1 - x.abs().log10().floor() as i32;
    if digits >= 0 {
        let unit = 10_f64.powi(digits);
        (x * unit - 1e-9).ceil() / unit
    } else {
        let unit = 10_f64.powi(-digits);
        (x / unit - 1e-9).ceil() * unit
    }
}

/// The format that all texts of a column have, when it is one of dates.
fn date_format(column: &Column) -> Option<&'static str> {
    let Column::Text(text) = column else { return None };
    let values: Vec<&Arc<str>> = (0..text.codes.len()).filter_map(|row| text.get(row)).collect();
    let is_all = |format: &&&str| strftime(format).is_ok_and(|items| values.iter().all(|value| is_date(value, &items)));
    if values.is_empty() { None } else { DATE_FORMATS.iter().find(is_all).copied() }
}
