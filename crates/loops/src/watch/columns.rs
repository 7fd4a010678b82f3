//! The columns that a monitor names: each must be among what is recorded of a prediction, which is its features and its key.

use flyball_core::{Column, Error, ErrorCode, Result, Table};
use flyball_data::QueryEngine;
use flyball_serving::record_columns;

use super::segments::Segments;
use crate::file::{LoopFile, Segment};

/// What says which rows belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RowsOf {
    /// The values of a feature.
    Feature(String),
    /// The key that joins a prediction with what really happened.
    Key,
}

impl RowsOf {
    /// What the file says; `None` when each row stands for itself.
    ///
    /// # Errors
    /// `InvalidLoopFile` when the column is neither a feature nor the key.
    pub(super) fn of<S: AsRef<str>>(file: &LoopFile, features: &[S]) -> Result<Option<Self>> {
        let Some(column) = &file.monitor.drift.rows_of else { return Ok(None) };
        if features.iter().any(|feature| feature.as_ref() == column) {
            return Ok(Some(Self::Feature(column.clone())));
        }
        let key = file.training_dataset()?.key.as_deref();
        if key == Some(column) || column == record_columns::KEY {
            return Ok(Some(Self::Key));
        }
        let message = format!("monitor.drift.rows_of: '{column}' is neither a feature of the model nor its key");
        let hint =
            format!("rows belong together by a feature ({}), or by {}", list(features), key.unwrap_or("the key"));
        Err(Error::new(ErrorCode::InvalidLoopFile, message).hint(hint))
    }

    /// The column of a batch that says it.
    ///
    /// # Errors
    /// `NotFound` when it is not there.
    pub(super) fn column<'a>(&self, features: &'a Table, records: &'a Table) -> Result<&'a Column> {
        match self {
            Self::Feature(name) => features.column(name),
            Self::Key => records.column(record_columns::KEY),
        }
    }
}

/// Whether a monitor can judge a model of these features: before anything serves, so that no window fails.
///
/// # Errors
/// `InvalidLoopFile` for a column that is not recorded.
pub(crate) fn check<S: AsRef<str>>(file: &LoopFile, features: &[S]) -> Result<()> {
    RowsOf::of(file, features)?;
    let segments = file.monitor.segments.iter().filter_map(|segment| match segment {
        Segment::Column(column) => Some(("segments", column)),
        Segment::Condition { .. } => None,
    });
    let groups =
        file.monitor.fairness.iter().flat_map(|fairness| fairness.by.iter().map(|column| ("fairness.by", column)));
    for (place, column) in segments.chain(groups) {
        if !features.iter().any(|feature| feature.as_ref() == column) {
            return Err(no_feature(&format!("monitor.{place}"), column, features));
        }
    }
    Ok(())
}

/// Whether the conditions of a monitor's segments can be asked of rows such as these.
///
/// # Errors
/// `SqlError` when one cannot.
pub(crate) fn check_conditions(file: &LoopFile, query: &dyn QueryEngine, features: &Table) -> Result<()> {
    let conditions = file.monitor.segments.iter().filter(|segment| matches!(segment, Segment::Condition { .. }));
    let conditions: Vec<Segment> = conditions.cloned().collect();
    Segments::new(&conditions, features)?.of(query, features).map(drop)
}

/// A column that a monitor names and the model does not have.
pub(super) fn no_feature<S: AsRef<str>>(place: &str, column: &str, features: &[S]) -> Error {
    let message = format!("{place}: the column '{column}' is no feature of the model, and so it is not recorded");
    let hint = format!("name one of the features: {}", list(features));
    Error::new(ErrorCode::InvalidLoopFile, message).hint(hint)
}

fn list<S: AsRef<str>>(features: &[S]) -> String {
    features.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")
}
