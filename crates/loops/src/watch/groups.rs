//! The groups of people that a monitor compares, gathered while the rows of a window pass by.

use flyball_core::table::TextBuilder;
use flyball_core::{Column, Error, ErrorCode, Result, Table, Task};
use flyball_evaluation::Evaluated;
use flyball_evaluation::fairness::{FairnessOptions, FairnessReport, fairness};
use flyball_evaluation::grouping::Grouping;

use super::columns::no_feature;

/// Most groups of a column that a window compares: its report is kept for as long as the loop is.
const GROUPS: usize = 50;

/// The values of the columns by which rows are grouped.
pub(super) struct Groups {
    columns: Vec<(String, TextBuilder)>,
}

impl Groups {
    /// No rows yet.
    pub(super) fn new(by: &[String]) -> Self {
        Self { columns: by.iter().map(|name| (name.clone(), TextBuilder::default())).collect() }
    }

    /// Adds rows.
    ///
    /// # Errors
    /// `InvalidLoopFile` when a column is no feature.
    pub(super) fn add(&mut self, features: &Table) -> Result<()> {
        for (name, values) in &mut self.columns {
            let position = features.position(name).ok_or_else(|| no_feature("monitor", name, features.names()))?;
            let column = features.at(position);
            (0..column.len()).for_each(|row| values.push(column.value(row).text().as_deref()));
        }
        Ok(())
    }

    /// How alike the groups are treated; `None` when none were asked for.
    ///
    /// # Errors
    /// `LimitExceeded` when a column has too many values to compare.
    pub(super) fn judge(self, task: Task, answers: Evaluated) -> Result<Option<FairnessReport>> {
        if self.columns.is_empty() || answers.score.is_empty() {
            return Ok(None);
        }
        let columns = self.columns.into_iter().map(|(name, values)| (name, Column::Text(values.finish())));
        let rows = Table::new(columns.collect())?;
        let groupings = rows.names().iter().map(|name| {
            let grouping = Grouping::of(&rows, std::slice::from_ref(name))?;
            if grouping.names.len() > GROUPS {
                let message = format!("monitor.fairness: '{name}' has more than {GROUPS} values");
                return Err(Error::new(ErrorCode::LimitExceeded, message).hint("compare by a column with fewer values"));
            }
            Ok(grouping)
        });
        let groupings = groupings.collect::<Result<Vec<_>>>()?;
        fairness(task, &answers, &groupings, &FairnessOptions::default()).map(Some)
    }
}
