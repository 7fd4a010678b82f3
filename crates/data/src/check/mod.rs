//! Checks: rules on a dataset version, each with a severity and the share of rows that must follow it.

mod evaluate;
mod rows;

use std::fmt;

use flyball_core::{Kind, Timestamp};
use serde::{Deserialize, Serialize};

pub use evaluate::{CheckOutcome, evaluate, passed};

/// A rule, how bad it is to break it, and the share of rows that must follow it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What must hold.
    pub rule: Rule,
    /// What a failure does.
    #[serde(default)]
    pub severity: Severity,
    /// The share of the examined rows that must follow the rule, from 0 to 1. It means nothing to rules on the table as
    /// a whole (`null_rate`, `row_count`, `type`, `schema`).
    #[serde(default = "all_rows")]
    pub mostly: f64,
}

fn all_rows() -> f64 {
    1.0
}

impl Check {
    /// A check that blocks unless every row follows the rule.
    pub fn strict(rule: Rule) -> Self {
        Self { rule, severity: Severity::Error, mostly: 1.0 }
    }
}

/// What a failed check does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It blocks what comes after: training, promotion.
    #[default]
    Error,
    /// It is reported.
    Warn,
}

/// What must hold. Missing values are the business of `not_null` and `null_rate` alone; other rules pass over them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Rule {
    /// The columns have a value in every row.
    NotNull {
        /// The columns; a row fails when any of them is missing.
        columns: Vec<String>,
    },
    /// At most this share of a column is missing.
    NullRate {
        /// The column.
        column: String,
        /// The largest share, from 0 to 1.
        max: f64,
    },
    /// No two rows agree in all of these columns. Rows that lack one of the values are passed over, as in SQL.
    Unique {
        /// The columns.
        columns: Vec<String>,
    },
    /// Every value is one of these.
    InSet {
        /// The column.
        column: String,
        /// The allowed values.
        values: Vec<Literal>,
    },
    /// No value is one of these.
    NotInSet {
        /// The column.
        column: String,
        /// The forbidden values.
        values: Vec<Literal>,
    },
    /// Every value lies between the bounds, both included.
    Between {
        /// The column: numbers or times.
        column: String,
        /// The lower bound; none means no bound.
        #[serde(default)]
        min: Option<Literal>,
        /// The upper bound; none means no bound.
        #[serde(default)]
        max: Option<Literal>,
    },
    /// The number of rows lies between the bounds, both included.
    RowCount {
        /// The fewest rows; none means no bound.
        #[serde(default)]
        min: Option<u64>,
        /// The most rows; none means no bound.
        #[serde(default)]
        max: Option<u64>,
    },
    /// The pattern is found in every text (anchor it with `^…$` to match the whole).
    Regex {
        /// The column: text.
        column: String,
        /// The pattern, in the syntax of the Rust `regex` crate.
        pattern: String,
    },
    /// The column has this type; whole numbers pass as `float`.
    Type {
        /// The column.
        column: String,
        /// The type.
        kind: Kind,
    },
    /// The table has exactly these columns with these types, in any order.
    Schema {
        /// The columns and their types.
        columns: Vec<(String, Kind)>,
    },
    /// An SQL condition over the columns of a row does not give false.
    Expression {
        /// The condition, such as `arr_time > dep_time`.
        sql: String,
    },
}

/// A value in a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Literal {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text, or a time for a time column.
    Text(String),
}

impl Literal {
    /// The literal as a number for a column of the type `kind`; `None` when it cannot be compared with it.
    fn number(&self, kind: Kind) -> Option<f64> {
        match (kind, self) {
            (Kind::Bool, Literal::Bool(x)) => Some(f64::from(u8::from(*x))),
            (Kind::Time, Literal::Text(text)) => text.parse::<Timestamp>().ok().map(|at| at.0 as f64),
            (Kind::Float | Kind::Int, Literal::Int(x)) => Some(*x as f64),
            (Kind::Float | Kind::Int, Literal::Float(x)) => Some(*x),
            _ => None,
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Bool(x) => write!(f, "{x}"),
            Literal::Int(x) => write!(f, "{x}"),
            Literal::Float(x) => write!(f, "{x}"),
            Literal::Text(x) => f.write_str(x),
        }
    }
}

/// Most values of a set that the text of a check lists.
const SHOWN_VALUES: usize = 8;

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::NotNull { columns } => write!(f, "not_null({})", columns.join(", ")),
            Rule::NullRate { column, max } => write!(f, "null_rate({column}) <= {max}"),
            Rule::Unique { columns } => write!(f, "unique({})", columns.join(", ")),
            Rule::InSet { column, values } => write!(f, "{column} in {}", Values(values)),
            Rule::NotInSet { column, values } => write!(f, "{column} not in {}", Values(values)),
            Rule::Between { column, min: Some(min), max: Some(max) } => write!(f, "{min} <= {column} <= {max}"),
            Rule::Between { column, min: Some(min), max: None } => write!(f, "{column} >= {min}"),
            Rule::Between { column, min: None, max: Some(max) } => write!(f, "{column} <= {max}"),
            Rule::Between { column, .. } => write!(f, "{column} without bounds"),
            Rule::RowCount { min, max } => match (min, max) {
                (Some(min), Some(max)) => write!(f, "{min} <= row_count <= {max}"),
                (Some(min), None) => write!(f, "row_count >= {min}"),
                (None, Some(max)) => write!(f, "row_count <= {max}"),
                (None, None) => f.write_str("row_count without bounds"),
            },
            Rule::Regex { column, pattern } => write!(f, "{column} matches /{pattern}/"),
            Rule::Type { column, kind } => write!(f, "type({column}) is {}", kind.as_str()),
            Rule::Schema { columns } => {
                let columns: Vec<String> =
                    columns.iter().map(|(name, kind)| format!("{name}: {}", kind.as_str())).collect();
                write!(f, "schema({})", columns.join(", "))
            }
            Rule::Expression { sql } => f.write_str(sql),
        }
    }
}

struct Values<'a>(&'a [Literal]);

impl fmt::Display for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> = self.0.iter().take(SHOWN_VALUES).map(ToString::to_string).collect();
        let more = if self.0.len() > SHOWN_VALUES { ", …" } else { "" };
        write!(f, "{{{}{more}}}", shown.join(", "))
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.rule)?;
        if self.mostly < 1.0 {
            write!(f, " for {}% of the rows", (self.mostly * 1e6).round() / 1e4)?;
        }
        Ok(())
    }
}
