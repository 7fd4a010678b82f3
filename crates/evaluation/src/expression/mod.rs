//! Conditions on measured facts: the language of gates, of a rollout's `abort_if` and of remedies.
//!
//! ```text
//! condition  = any [ "for" whole-number "windows" ]
//! any        = all { "or" all }
//! all        = opposite { "and" opposite }
//! opposite   = "not" opposite | comparison
//! comparison = sum [ (">=" | ">" | "<=" | "<" | "==" | "!=") sum ]
//! sum        = product { ("+" | "-") product }
//! product    = signed { ("*" | "/") signed }
//! signed     = "-" signed | number ["%"] | flag | [subject "."] metric | function "(" metric "," by ")"
//!            | fairness "(" by ")" | claim "(" metric ["," "margin" ":" number] ["," by] ")"
//!            | fact "(" column ")" | "(" any ")"
//! by         = "by" ":" (column | "[" column { "," column } "]")
//! ```
//!
//! A value that is missing makes what depends on it unknown, never true or false (Kleene's three-valued logic): `a or b`
//! holds when `a` does, whatever `b` would be.

mod ast;
mod eval;
mod lexer;
mod metric;
mod parse;
mod rates;
mod suggest;

pub use ast::{Aggregate, Claim, ClaimKind, Condition, Subject, Term};
pub use eval::{Facts, Measured, Verdict};
pub use metric::{COLUMN_FACTS, Direction, Domain, FLAGS, METRICS, Metric, higher_is_better, listed, metric};
pub use parse::{ExpressionError, Scope};
pub use rates::RATES;
pub use suggest::nearest;
