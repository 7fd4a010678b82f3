//! The drift report of a table in one pass over its columns: the reference is made ready once; every statistic and test of
//! a column then follows from one sort or one count of the current window.

mod column;

pub use column::{PreparedColumn, Values, Workspace};

use crate::calibrated::{ColumnDecision, DriftPolicy};
use crate::sketch::Comparison;

/// A reference table, ready for any number of windows.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedReference {
    columns: Vec<PreparedColumn>,
}

/// What was found out about a column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnReport {
    /// Statistics and evidence; `None` if the column is of another kind than in the reference.
    pub comparison: Option<Comparison>,
    /// Whether its values drifted.
    pub values: ColumnDecision,
    /// Whether its share of rows without a value drifted.
    pub missing: ColumnDecision,
}

/// What was found out about a table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableReport {
    /// The columns, in their order.
    pub columns: Vec<ColumnReport>,
}

impl TableReport {
    /// Whether any column drifted.
    pub fn is_alarm(&self) -> bool {
        self.columns.iter().any(|column| column.values.is_alarm() || column.missing.is_alarm())
    }
}

impl PreparedReference {
    /// Makes the columns of a reference ready.
    pub fn new<'a>(columns: impl IntoIterator<Item = Values<'a>>) -> Self {
        Self { columns: columns.into_iter().map(PreparedColumn::new).collect() }
    }

    /// Compares a window, whose columns come in the order of the reference's. `None` if it has another number of columns.
    pub fn report(&self, window: &[Values<'_>], policy: &DriftPolicy) -> Option<TableReport> {
        if window.len() != self.columns.len() {
            return None;
        }
        let mut workspace = Workspace::default();
        let pairs = self.columns.iter().zip(window);
        Some(decide(pairs.map(|(column, values)| column.compare(values, &mut workspace)).collect(), policy))
    }
}

/// One decision over the values and the missing rows of all columns that were compared, from rows or from sketches.
pub fn decide(comparisons: Vec<Option<Comparison>>, policy: &DriftPolicy) -> TableReport {
    let tests = comparisons.iter().flat_map(|comparison| {
        let (values, missing) = comparison.as_ref().map_or((None, None), |found| (found.values, found.missing));
        [values, missing]
    });
    let decisions = policy.decide_known(&tests.collect::<Vec<_>>());
    let columns = comparisons
        .into_iter()
        .zip(decisions.chunks_exact(2))
        .map(|(comparison, decided)| ColumnReport { comparison, values: decided[0], missing: decided[1] })
        .collect();
    TableReport { columns }
}
