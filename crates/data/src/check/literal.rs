//! Values in rules.

use std::fmt;

use flyball_core::{Kind, Timestamp};
use serde::{Deserialize, Serialize};

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
    pub(super) fn number(&self, kind: Kind) -> Option<f64> {
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
