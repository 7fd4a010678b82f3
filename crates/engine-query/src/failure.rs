//! The engine's errors in the user's words.

use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use flyball_core::{Error, ErrorCode};
use flyball_data::nearest;

use crate::session;

/// Turns an error of planning or running into one for the user; `tables` are the names that the query could use.
pub(crate) fn readable(error: DataFusionError, tables: &[String]) -> Error {
    let root = first(error.find_root());
    match root {
        DataFusionError::SchemaError(schema, _) => schema_error(schema),
        DataFusionError::Plan(message) => plan_error(message, tables),
        DataFusionError::SQL(parser, _) => {
            let (ParserError::ParserError(text) | ParserError::TokenizerError(text)) = parser.as_ref() else {
                return too_deep();
            };
            refuse(format!("the SQL cannot be read: {}", lower_first(text)))
        }
        DataFusionError::ResourcesExhausted(_) => too_large(),
        DataFusionError::Internal(_) | DataFusionError::External(_) | DataFusionError::ExecutionJoin(_) => {
            refuse("the query failed inside the engine").hint("try to write it in another way").cause(error)
        }
        other => refuse(lower_first(first_line(&other.message()))),
    }
}

/// A query that needs more memory than it may have.
pub(crate) fn too_large() -> Error {
    Error::new(ErrorCode::LimitExceeded, "the query needs more memory than it may use")
        .hint("filter earlier, join on fewer rows, or raise the memory limit of queries")
}

/// A query whose expressions are nested deeper than the planner should walk.
pub(crate) fn too_deep() -> Error {
    refuse("the SQL is nested too deeply")
        .hint("write long chains of OR as IN (…), or split the query into several datasets")
}

/// Of several errors the first one tells most.
fn first(error: &DataFusionError) -> &DataFusionError {
    match error {
        DataFusionError::Collection(errors) => errors.first().map_or(error, |one| first(one.find_root())),
        DataFusionError::Diagnostic(_, inner) | DataFusionError::Context(_, inner) => first(inner),
        other => other,
    }
}

fn schema_error(error: &SchemaError) -> Error {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let mut names: Vec<&str> = valid_fields.iter().map(Column::name).collect();
            names.sort_unstable();
            names.dedup();
            let error = refuse(format!("there is no column '{}'", field.flat_name()));
            match names.as_slice() {
                [] => error,
                names => error.hint(nearest::hint(field.name(), names.iter().copied(), "columns")),
            }
        }
        SchemaError::AmbiguousReference { field } => refuse(format!("several tables have a column '{}'", field.name()))
            .hint(format!("write the table before it, such as t.{}", field.name())),
        SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
            appears_twice(name)
        }
    }
}

fn plan_error(message: &str, tables: &[String]) -> Error {
    if let Some(name) = quoted(message, "table '", "' not found") {
        let name = name.rsplit('.').next().unwrap_or(name);
        return refuse(format!("there is no table '{name}'")).hint(nearest::hint(
            name,
            tables.iter().map(String::as_str),
            "tables",
        ));
    }
    if let Some(name) = quoted(message, "Invalid function '", "'") {
        if session::UNREPEATABLE.contains(&name.to_lowercase().as_str()) {
            return refuse(format!("the function '{name}' is not allowed"))
                .hint("a dataset must come out the same each time; take times and numbers from columns");
        }
        let error = refuse(format!("there is no function '{name}'"));
        return match quoted(message, "Did you mean '", "'") {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error,
        };
    }
    if let Some(name) = quoted(message, "unique expression names but the expression \"", "\"") {
        return appears_twice(name);
    }
    refuse(lower_first(first_line(message)))
}

fn appears_twice(name: &str) -> Error {
    refuse(format!("the column '{name}' appears twice")).hint("rename one of them with AS")
}

/// The part of `text` between `before` and the next `after`.
fn quoted<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = text.split_once(before)?.1;
    Some(rest.split_once(after)?.0)
}

fn refuse(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::SqlError, message)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_end_matches('.')
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
