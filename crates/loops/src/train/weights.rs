//! The weights of training rows: what the dataset says, and what makes groups of people and the label independent.

use flyball_core::{Error, Result, Table};
use flyball_evaluation::answers::weights_of;
use flyball_evaluation::fairness::reweigh;
use flyball_evaluation::grouping::Grouping;
use serde_json::{Map, Value, json};

use crate::declared::Declared;

/// The weights of the rows that are learned from.
pub(super) struct Weights {
    /// One for each row.
    pub(super) rows: Vec<f64>,
    /// What they change, as parameters of the run.
    pub(super) told: Map<String, Value>,
}

/// The weights, each the product of what the dataset says and what reweighing asks; `None` where the loop has neither.
pub(super) fn weights(declared: &Declared, rows: &Table) -> Result<Option<Weights>> {
    let own = of_dataset(declared, rows)?;
    let Some(columns) = &declared.file.train.reweigh else {
        return Ok(own.map(|rows| Weights { rows, told: Map::new() }));
    };
    let context = |error: Error| error.context("train.fairness");
    let grouping = Grouping::of(rows, columns).map_err(context)?;
    let labels = Grouping::of(rows, &[declared.file.training_dataset()?.label()?.to_owned()]).map_err(context)?;
    if labels.names.len() != 2 {
        let message = format!("rows are reweighed between two classes, and there are {}", labels.names.len());
        return Err(Error::invalid(message).hint("leave train.fairness out"));
    }
    // Which of the two classes counts as positive makes no difference to the weights.
    let truth: Vec<f64> = labels.codes.iter().map(|code| f64::from(*code)).collect();
    let (weights, found) = reweigh(&truth, &grouping, own.as_deref()).map_err(context)?;
    let parameters = [
        ("reweigh", json!(columns.join(", "))),
        ("reweigh_base_rate_difference_before", json!(range(&found.before))),
        ("reweigh_base_rate_difference_after", json!(range(&found.after))),
    ];
    let told = parameters.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
    Ok(Some(Weights { rows: weights, told }))
}

/// How much each row counts by what the dataset says; `None` where it says nothing.
pub(super) fn of_dataset(declared: &Declared, rows: &Table) -> Result<Option<Vec<f64>>> {
    let Some(column) = &declared.file.training_dataset()?.weight else { return Ok(None) };
    let context = |error: Error| error.context(format!("data.{}.weight", declared.file.train.on));
    weights_of(rows, column).map(Some).map_err(context)
}

/// Highest less lowest share of one class.
fn range(shares: &[Option<f64>]) -> Option<f64> {
    let defined = || shares.iter().flatten().copied();
    Some(defined().reduce(f64::max)? - defined().reduce(f64::min)?)
}
