//! Checks as lines of text.

use std::fmt;

use super::Check;
use super::literal::Literal;
use super::rule::{Count, Measured, Rule};

/// Most values of a set that the text of a check lists.
const SHOWN_VALUES: usize = 8;

/// `min <= what <= max`, with what there is of it.
struct Band<'a, T>(&'a dyn fmt::Display, Option<&'a T>, Option<&'a T>);

impl<T: fmt::Display> fmt::Display for Band<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Band(what, Some(min), Some(max)) => write!(f, "{min} <= {what} <= {max}"),
            Band(what, Some(min), None) => write!(f, "{what} >= {min}"),
            Band(what, None, Some(max)) => write!(f, "{what} <= {max}"),
            Band(what, None, None) => write!(f, "{what} without bounds"),
        }
    }
}

fn count(f: &mut fmt::Formatter<'_>, name: &str, bounds: &Count) -> fmt::Result {
    write!(f, "{}", Band(&name, bounds.min.as_ref(), bounds.max.as_ref()))
}

fn measured(f: &mut fmt::Formatter<'_>, name: &str, measured: &Measured) -> fmt::Result {
    let what = format!("{name}({})", measured.column);
    write!(f, "{}", Band(&what, measured.min.as_ref(), measured.max.as_ref()))
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::RowCount(bounds) => count(f, "row_count", bounds),
            Rule::ColumnCount(bounds) => count(f, "column_count", bounds),
            Rule::Schema { columns } => {
                let columns: Vec<String> =
                    columns.iter().map(|(name, kind)| format!("{name}: {}", kind.as_str())).collect();
                write!(f, "schema({})", columns.join(", "))
            }
            Rule::ColumnExists { columns } => write!(f, "column_exists({})", columns.join(", ")),
            Rule::Type { column, kind } => write!(f, "type({column}) is {}", kind.as_str()),
            Rule::NotNull { columns } => write!(f, "not_null({})", columns.join(", ")),
            Rule::NullRate { column, max } => write!(f, "null_rate({column}) <= {max}"),
            Rule::Unique { columns } => write!(f, "unique({})", columns.join(", ")),
            Rule::DuplicateRows { max } => write!(f, "duplicate_rows <= {max}"),
            Rule::InSet(set) => write!(f, "{} in {}", set.column, Set(&set.values)),
            Rule::NotInSet(set) => write!(f, "{} not in {}", set.column, Set(&set.values)),
            Rule::DistinctSet(set) => write!(f, "distinct({}) = {}", set.column, Set(&set.values)),
            Rule::References { column, dataset, to } => write!(f, "{column} references {dataset}({to})"),
            Rule::Between { column, min, max } => write!(f, "{}", Band(column, min.as_ref(), max.as_ref())),
            Rule::DistinctCount(m) => measured(f, "distinct_count", m),
            Rule::Min(m) => measured(f, "min", m),
            Rule::Max(m) => measured(f, "max", m),
            Rule::Mean(m) => measured(f, "mean", m),
            Rule::Median(m) => measured(f, "median", m),
            Rule::Stdev(m) => measured(f, "stdev", m),
            Rule::Sum(m) => measured(f, "sum", m),
            Rule::Quantile { column, level, min, max } => {
                let what = format!("quantile({column}, {level})");
                write!(f, "{}", Band(&what, min.as_ref(), max.as_ref()))
            }
            Rule::Length { column, min, max } => {
                write!(f, "{}", Band(&format!("length({column})"), min.as_ref(), max.as_ref()))
            }
            Rule::Regex(p) => write!(f, "{} matches /{}/", p.column, p.pattern),
            Rule::Like(p) => write!(f, "{} like '{}'", p.column, p.pattern),
            Rule::DateFormat { column, format } => write!(f, "{column} has the format {format}"),
            Rule::Json { column, keys } if keys.is_empty() => write!(f, "{column} is JSON"),
            Rule::Json { column, keys } => write!(f, "{column} is JSON with {}", keys.join(", ")),
            Rule::Increasing(order) | Rule::Decreasing(order) => {
                let strictly = if order.strictly { "strictly " } else { "" };
                let way = if matches!(self, Rule::Increasing(_)) { "increasing" } else { "decreasing" };
                write!(f, "{} is {strictly}{way}", order.column)
            }
            Rule::Compare { column, is, other } => write!(f, "{column} {} {other}", is.as_str()),
            Rule::Expression { sql } => f.write_str(sql),
            Rule::FailingRows { sql } => write!(f, "no rows from {sql}"),
            Rule::Metric { sql, min, max } => write!(f, "{}", Band(&format!("({sql})"), min.as_ref(), max.as_ref())),
            _ => self.of_history(f),
        }
    }
}

impl Rule {
    /// The rules that look at other versions, at time, or at the columns together.
    fn of_history(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Freshness { column, max_age } => write!(f, "age({column}) <= {max_age}"),
            Rule::RowCountChange { min, max } => {
                write!(f, "{}", Band(&"row_count_change", min.as_ref(), max.as_ref()))
            }
            Rule::Anomaly { of, column, deviations, change } => {
                write!(f, "{}", of.as_str())?;
                if let Some(column) = column {
                    write!(f, "({column})")?;
                }
                f.write_str(" as in earlier versions")?;
                if let Some(deviations) = deviations {
                    write!(f, ", within {deviations} deviations")?;
                }
                change.map_or(Ok(()), |change| write!(f, ", changed by at most {}%", percent(change)))
            }
            Rule::Distribution { column, distance, max, against } => {
                let against = against.as_deref().unwrap_or("the version before");
                write!(f, "{}({column}, {against}) <= {max}", distance.as_str())
            }
            Rule::Outliers { column, method, limit } => {
                let unit = match method {
                    super::OutlierMethod::Iqr => "interquartile ranges",
                    super::OutlierMethod::ZScore => "standard deviations",
                };
                write!(f, "no outliers in {column} past {limit} {unit}")
            }
            Rule::ClassBalance { column, min } => {
                write!(f, "every class of {column} has {}% of the rows", percent(*min))
            }
            Rule::Leakage { label, max } => write!(f, "no column alone tells {label} better than {max}"),
            _ => Ok(()),
        }
    }
}

fn percent(share: f64) -> f64 {
    (share * 1e6).round() / 1e4
}

struct Set<'a>(&'a [Literal]);

impl fmt::Display for Set<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> = self.0.iter().take(SHOWN_VALUES).map(ToString::to_string).collect();
        let more = if self.0.len() > SHOWN_VALUES { ", …" } else { "" };
        write!(f, "{{{}{more}}}", shown.join(", "))
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.rule)?;
        if let Some(condition) = &self.condition {
            write!(f, " where {condition}")?;
        }
        if self.mostly < 1.0 {
            write!(f, " for {}% of the rows", percent(self.mostly))?;
        }
        Ok(())
    }
}
