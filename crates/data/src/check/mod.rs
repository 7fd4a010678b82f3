//! Checks: rules on a dataset version, each with a severity and the share of rows that must follow it.
//!
//! A suite of checks is compiled to few scans: `plan` makes a pass of every check, which sees the rows piece by piece; the
//! figures of a column are counted once for all checks that ask for them; and what has to look twice (which rows repeat
//! one another, what lies far from the others) shares a second scan.

mod evaluate;
mod figures;
mod history;
mod keys;
mod literal;
mod pass;
mod plan;
mod references;
mod rows;
mod rule;
mod sql;
mod text;
mod texts;
mod together;

use serde::{Deserialize, Serialize};

pub use evaluate::{CheckOutcome, Context, Others, evaluate, passed};
pub(crate) use keys::{hash, of_column, of_rows};
pub use literal::Literal;
pub(crate) use rows::each_number;
pub use rule::{Count, Distance, Figure, Measured, Order, OutlierMethod, Pattern, Relation, Rule, Values};
pub(crate) use texts::{is_date, strftime};
pub use together::Distances;
pub(crate) use together::Spread;

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
    /// a whole.
    #[serde(default = "all_rows")]
    pub mostly: f64,
    /// An SQL condition: only rows for which it is true are looked at.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}

fn all_rows() -> f64 {
    1.0
}

impl Check {
    /// A check that blocks unless every row follows the rule.
    pub fn strict(rule: Rule) -> Self {
        Self { rule, severity: Severity::Error, mostly: 1.0, condition: None }
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
