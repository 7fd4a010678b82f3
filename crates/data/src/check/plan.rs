//! What a check needs to see, and how it is set to work.

use flyball_core::{Kind, Result};

use super::evaluate::Context;
use super::keys::{Judge, Keys};
use super::pass::{Ended, Found, Pass, Piece, Tally};
use super::rule::{Count, Rule};
use super::sql::Expression;
use super::together::{Distribution, Leakage, Outliers, Spread, spread_of};
use super::{history, references, rows, sql, texts};
use crate::model::ColumnSchema;
use crate::nearest;
use crate::scan::Rows;

/// How a check is carried out.
pub(super) enum Plan<'a> {
    /// It is decided.
    Found(Found),
    /// It looks at the rows.
    Pass(Box<dyn Pass + 'a>),
    /// It asks for figures that are counted for all checks together.
    Figures,
}

type Made = std::result::Result<Box<dyn Pass>, String>;

impl Rule {
    /// The columns that the rule looks at; none means that it looks at the whole row, or at what its SQL names.
    pub(super) fn columns(&self) -> Option<Vec<&str>> {
        Some(match self {
            Rule::NotNull { columns } | Rule::Unique { columns } => columns.iter().map(String::as_str).collect(),
            Rule::NullRate { column, .. }
            | Rule::Type { column, .. }
            | Rule::References { column, .. }
            | Rule::Between { column, .. }
            | Rule::Quantile { column, .. }
            | Rule::Length { column, .. }
            | Rule::DateFormat { column, .. }
            | Rule::Json { column, .. }
            | Rule::Freshness { column, .. }
            | Rule::Distribution { column, .. }
            | Rule::Outliers { column, .. }
            | Rule::ClassBalance { column, .. } => vec![column],
            Rule::Anomaly { column, .. } => column.iter().map(String::as_str).collect(),
            Rule::DistinctCount(m)
            | Rule::Min(m)
            | Rule::Max(m)
            | Rule::Mean(m)
            | Rule::Median(m)
            | Rule::Stdev(m)
            | Rule::Sum(m) => vec![&m.column],
            Rule::InSet(set) | Rule::NotInSet(set) | Rule::DistinctSet(set) => vec![&set.column],
            Rule::Regex(p) | Rule::Like(p) => vec![&p.column],
            Rule::Increasing(order) | Rule::Decreasing(order) => vec![&order.column],
            Rule::Compare { column, other, .. } => vec![column, other],
            Rule::RowCount(_) | Rule::ColumnCount(_) | Rule::Schema { .. } | Rule::ColumnExists { .. } => Vec::new(),
            Rule::RowCountChange { .. } | Rule::FailingRows { .. } | Rule::Metric { .. } => Vec::new(),
            Rule::DuplicateRows { .. } | Rule::Expression { .. } | Rule::Leakage { .. } => return None,
        })
    }

    /// Whether the rule is about texts, about numbers (or times), or about either.
    fn needs(&self) -> Option<(&str, Kinds)> {
        Some(match self {
            Rule::Regex(p) | Rule::Like(p) => (&p.column, Kinds::Text),
            Rule::Length { column, .. } | Rule::DateFormat { column, .. } | Rule::Json { column, .. } => {
                (column, Kinds::Text)
            }
            Rule::Between { column, .. } => (column, Kinds::Ordered),
            Rule::Min(m) | Rule::Max(m) | Rule::Mean(m) | Rule::Median(m) | Rule::Stdev(m) | Rule::Sum(m) => {
                (&m.column, Kinds::Ordered)
            }
            Rule::Quantile { column, .. } | Rule::Outliers { column, .. } => (column, Kinds::Ordered),
            Rule::Increasing(order) | Rule::Decreasing(order) => (&order.column, Kinds::Ordered),
            Rule::Freshness { column, .. } => (column, Kinds::Time),
            Rule::Leakage { label, .. } => (label, Kinds::Ordered),
            _ => return None,
        })
    }
}

/// Types of columns that a rule takes.
#[derive(Clone, Copy, PartialEq)]
enum Kinds {
    Text,
    Ordered,
    Time,
}

/// Why the rule cannot be applied to a table with these columns.
fn unusable(rule: &Rule, schema: &[ColumnSchema]) -> Option<String> {
    let columns = rule.columns().unwrap_or_default();
    if columns.is_empty() && matches!(rule, Rule::NotNull { .. } | Rule::Unique { .. }) {
        return Some("the check names no column".into());
    }
    let needs = rule.needs();
    let named = columns.into_iter().chain(needs.map(|(column, _)| column));
    for column in named {
        if !schema.iter().any(|one| one.name == column) {
            let hint = nearest::hint(column, schema.iter().map(|one| one.name.as_str()), "columns");
            return Some(format!("there is no column '{column}'; {hint}"));
        }
    }
    let (column, kinds) = needs?;
    let kind = kind_of(schema, column);
    match kinds {
        Kinds::Text if kind != Kind::Text => Some(format!("the column is {} and not text", kind.as_str())),
        Kinds::Ordered if kind == Kind::Text => {
            Some("the column is text and has no order here; use numbers or times".into())
        }
        Kinds::Time if kind != Kind::Time => Some(format!("the column is {} and not a time", kind.as_str())),
        _ => None,
    }
}

pub(super) fn kind_of(schema: &[ColumnSchema], column: &str) -> Kind {
    schema.iter().find(|one| one.name == column).map_or(Kind::Float, |one| one.kind)
}

/// Sets a rule to work on `rows`.
pub(super) fn plan<'a>(
    rule: &Rule,
    rows: &dyn Rows,
    schema: &[ColumnSchema],
    context: &Context<'a>,
) -> Result<Plan<'a>> {
    if let Some(reason) = unusable(rule, schema) {
        return Ok(Plan::Found(Found::Impossible(reason)));
    }
    if let Some(found) = of_whole(rule, rows, schema, context)? {
        return Ok(Plan::Found(found));
    }
    if let Rule::Expression { sql } = rule {
        return Ok(match context.query {
            Some(query) => {
                Plan::Pass(Box::new(Expression { query, sql: sql.clone(), tally: Tally::default(), broken: None }))
            }
            None => Plan::Found(no_engine()),
        });
    }
    Ok(match pass(rule, schema, context)? {
        None => Plan::Figures,
        Some(Ok(pass)) => Plan::Pass(pass),
        Some(Err(reason)) => Plan::Found(Found::Impossible(reason)),
    })
}

fn no_engine() -> Found {
    Found::Impossible("no query engine is at hand".into())
}

/// Rules that need no look at single rows.
fn of_whole(rule: &Rule, rows: &dyn Rows, schema: &[ColumnSchema], context: &Context<'_>) -> Result<Option<Found>> {
    Ok(Some(match rule {
        Rule::ColumnCount(bounds) => counted(schema.len(), bounds, "columns"),
        Rule::Schema { columns } => same_schema(schema, columns),
        Rule::ColumnExists { columns } => exist(schema, columns),
        Rule::Type { column, kind } => {
            let actual = kind_of(schema, column);
            Found::Whole(fits(actual, *kind), format!("it is {}", actual.as_str()))
        }
        Rule::RowCountChange { min, max } => history::row_count_change(rows.count(), context.history, *min, *max),
        Rule::FailingRows { sql } => match context.query {
            Some(query) => sql::failing_rows(query, &*rows.whole()?, sql)?,
            None => no_engine(),
        },
        Rule::Metric { sql, min, max } => match context.query {
            Some(query) => sql::metric(query, &rows.whole()?, sql, *min, *max)?,
            None => no_engine(),
        },
        _ => return Ok(None),
    }))
}

/// Whether a number of rows or columns lies between its bounds.
pub(super) fn counted(count: usize, bounds: &Count, what: &str) -> Found {
    let n = count as u64;
    let holds = bounds.min.is_none_or(|min| n >= min) && bounds.max.is_none_or(|max| n <= max);
    Found::Whole(holds, format!("{n} {what}"))
}

fn fits(actual: Kind, wanted: Kind) -> bool {
    actual == wanted || (actual == Kind::Int && wanted == Kind::Float)
}

fn exist(schema: &[ColumnSchema], wanted: &[String]) -> Found {
    let absent: Vec<String> = wanted
        .iter()
        .filter(|name| !schema.iter().any(|one| one.name == **name))
        .map(|name| {
            let hint = nearest::hint(name, schema.iter().map(|one| one.name.as_str()), "columns");
            format!("'{name}' is missing; {hint}")
        })
        .collect();
    let finding = if absent.is_empty() { "they are there".to_owned() } else { absent.join("; ") };
    Found::Whole(absent.is_empty(), finding)
}

fn same_schema(schema: &[ColumnSchema], wanted: &[(String, Kind)]) -> Found {
    let mut differences = Vec::new();
    for (name, kind) in wanted {
        match schema.iter().find(|one| one.name == *name).map(|one| one.kind) {
            None => differences.push(format!("'{name}' is missing")),
            Some(actual) if !fits(actual, *kind) => {
                differences.push(format!("'{name}' is {} and not {}", actual.as_str(), kind.as_str()));
            }
            Some(_) => {}
        }
    }
    let extra = schema.iter().filter(|one| !wanted.iter().any(|(known, _)| *known == one.name));
    differences.extend(extra.map(|one| format!("'{}' is not expected", one.name)));
    let finding = if differences.is_empty() { "all columns are as expected".into() } else { differences.join("; ") };
    Found::Whole(differences.is_empty(), finding)
}

/// The pass of a rule on rows; `None` for a rule on figures.
fn pass(rule: &Rule, schema: &[ColumnSchema], context: &Context<'_>) -> Result<Option<Made>> {
    let kind = |column: &str| kind_of(schema, column);
    Ok(Some(match rule {
        Rule::NotNull { columns } => Ok(rows::not_null(columns.clone())),
        Rule::Unique { columns } => Ok(Box::new(Keys::new(columns.clone(), Judge::Unique))),
        Rule::DuplicateRows { max } => Ok(Box::new(Keys::new(Vec::new(), Judge::Duplicates(*max)))),
        Rule::InSet(set) => rows::in_set(set.column.clone(), kind(&set.column), &set.values, true),
        Rule::NotInSet(set) => rows::in_set(set.column.clone(), kind(&set.column), &set.values, false),
        Rule::Between { column, min, max } => {
            let bound = |literal: &Option<super::Literal>| {
                literal.as_ref().map(|literal| rows::number(literal, kind(column))).transpose()
            };
            match (bound(min), bound(max)) {
                (Ok(min), Ok(max)) => {
                    let (min, max) = (min.unwrap_or(f64::NEG_INFINITY), max.unwrap_or(f64::INFINITY));
                    Ok(rows::numbers(column.clone(), move |x| x < min || x > max))
                }
                (Err(reason), _) | (_, Err(reason)) => Err(reason),
            }
        }
        Rule::Length { column, min, max } => Ok(texts::length(column.clone(), *min, *max)),
        Rule::Regex(p) => texts::regex(p.column.clone(), &p.pattern),
        Rule::Like(p) => texts::like(p.column.clone(), &p.pattern),
        Rule::DateFormat { column, format } => texts::date_format(column.clone(), format),
        Rule::Json { column, keys } => Ok(texts::json(column.clone(), keys.clone())),
        Rule::Increasing(order) => Ok(rows::ordered(order, false)),
        Rule::Decreasing(order) => Ok(rows::ordered(order, true)),
        Rule::Compare { column, is, other } => {
            if (kind(column) == Kind::Text) == (kind(other) == Kind::Text) {
                Ok(rows::compare(column.clone(), *is, other.clone()))
            } else {
                Err(format!("'{column}' is {} and '{other}' is {}", kind(column).as_str(), kind(other).as_str()))
            }
        }
        Rule::Outliers { column, method, limit } => Ok(Box::new(Outliers::new(column.clone(), *method, *limit))),
        Rule::Leakage { label, max } => {
            let columns = schema.iter().map(|one| (one.name.clone(), one.kind));
            Ok(Box::new(Leakage::new(label.clone(), *max, columns)))
        }
        Rule::References { column, dataset, to } => match other(context, Some(dataset))? {
            Ok(Some(found)) => references::references(column.clone(), kind(column), found.as_ref(), to)?,
            Ok(None) => Err(format!("there is no dataset '{dataset}'")),
            Err(reason) => Err(reason),
        },
        Rule::Distribution { column, distance, max, against } => match other(context, against.as_deref())? {
            Ok(Some(found)) => distribution(column, kind(column), (*distance, *max), found.as_ref())?,
            Ok(None) => return Ok(Some(Ok(Box::new(NothingBefore)))),
            Err(reason) => Err(reason),
        },
        _ => return Ok(None),
    }))
}

type Other = std::result::Result<Option<Box<dyn Rows>>, String>;

/// The rows of another version, or why they cannot be had.
fn other(context: &Context<'_>, name: Option<&str>) -> Result<Other> {
    let Some(others) = context.others else { return Ok(Err("no other versions are at hand".into())) };
    match others(name) {
        Ok(found) => Ok(Ok(found)),
        Err(error) if error.code().status() < 500 => Ok(Err(sql::reason(&error))),
        Err(error) => Err(error),
    }
}

fn distribution(column: &str, kind: Kind, (distance, max): (super::Distance, f64), other: &dyn Rows) -> Result<Made> {
    let Some(theirs) = other.schema().into_iter().find(|one| one.name == column) else {
        return Ok(Err(format!("the reference has no column '{column}'")));
    };
    let reference = spread_of(other, column, theirs.kind)?;
    let current = Spread::new(column, kind);
    Ok(Ok(Box::new(Distribution { column: column.to_owned(), distance, max, reference, current })))
}

/// A comparison with a version before, of which there is none.
struct NothingBefore;

impl Pass for NothingBefore {
    fn add(&mut self, _: &Piece<'_>) -> Result<()> {
        Ok(())
    }

    fn end(self: Box<Self>) -> Result<Ended> {
        let said = "there is no earlier version to compare with".to_owned();
        Ok(Ended::Found(Found::Whole(true, said)))
    }
}
