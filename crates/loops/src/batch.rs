//! Predicts a whole dataset into another one, with the very model that an endpoint serves.

use std::sync::Arc;
use std::time::Duration;

use flyball_core::model::{Loaded, Model};
use flyball_core::{Column, Edit, Error, ErrorCode, Name, Permit, Read, Result, Table, TextColumn};
use flyball_data::{DatasetVersion, Origin};
use flyball_serving::{LiveRevision, columns};

use crate::explain;
use crate::platform::Platform;

/// Rows that a model of tensors is given at once: enough to be fast, few enough for the memory of networks.
const TENSOR_ROWS: usize = 1_024;
/// How long a model of tensors may take for them, and any model for explanations of all rows.
const WITHIN: Duration = Duration::from_secs(600);

/// What is predicted, and how.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The rows.
    pub rows: &'a DatasetVersion,
    /// The version of the model; the one with the largest share when `None`.
    pub version: Option<i64>,
    /// Whether the contribution of each feature stands beside the prediction.
    pub explain: bool,
}

/// Predicts the rows of a dataset version with the model that has the largest share at an endpoint, or the asked version
/// of it, into a new version of `into`: all columns of the rows, and behind them what was predicted; with explanations, also
/// the `base_value` and a column `contribution.FEATURE` for each feature. The endpoint's SQL
/// runs in front, its rules are not asked, and no inference records are made: the dataset is the record.
///
/// # Errors
/// `NotFound`; `InvalidInput` and `InvalidData` when rows and model do not fit; what the model fails with.
pub fn predict(
    platform: &Platform,
    permit: &Permit<Edit>,
    endpoint: &Name,
    batch: Batch<'_>,
    into: &Name,
) -> Result<DatasetVersion> {
    let Batch { rows, version, explain } = batch;
    if *into == rows.dataset {
        return Err(Error::invalid("the predictions would become a version of the dataset they were made from")
            .hint("choose another name with --into"));
    }
    let live = platform.serving.endpoint(endpoint.as_str())?;
    let largest = || live.revisions.iter().max_by_key(|live| live.per_mille);
    let chosen = match version {
        Some(version) => live.version(version)?,
        None => largest().ok_or_else(|| Error::new(ErrorCode::Unavailable, format!("nothing serves at {endpoint}")))?,
    };
    let revision = &chosen.revision;
    let table = platform.datasets.table(&permit.read(), &rows.id)?;
    let features = match &live.endpoint.settings.features_sql {
        Some(sql) => Arc::new(platform.query.sql(sql, &[("request".to_owned(), Arc::clone(&table))])?),
        None => Arc::clone(&table),
    };
    if features.rows() != table.rows() {
        return Err(Error::invalid(format!("the endpoint's SQL makes {} rows of {}", features.rows(), table.rows())));
    }
    let held = platform.serving.load(revision.artifact)?;
    let mut predicted = match &*held {
        Loaded::Rows(model) => scored(model.as_ref(), &features)?,
        Loaded::Tensors(model) => {
            let mut parts: Vec<Vec<(String, Column)>> = Vec::new();
            for start in (0..features.rows()).step_by(TENSOR_ROWS) {
                let rows: Vec<usize> = (start..features.rows().min(start + TENSOR_ROWS)).collect();
                let inputs = columns::tensors(model.signature(), &features.take(&rows))?;
                model.signature().check(&inputs)?;
                parts.push(columns::of_outputs(&model.run(&inputs, None, WITHIN)?, rows.len())?);
            }
            joined(parts)?
        }
    };
    if explain {
        predicted.extend(explained(platform, &permit.read(), chosen, &held, &features)?);
    }
    let mut out = Table::clone(&table);
    for (name, column) in predicted {
        let taken = out.position(&name).is_some();
        out.push(if taken { format!("predicted.{name}") } else { name }, column)?;
    }
    let origin = Origin::Predictions {
        inputs: vec![rows.id.clone()],
        endpoint: endpoint.to_string(),
        model: revision.model.to_string(),
        model_version: revision.version,
        artifact: revision.artifact,
    };
    platform.datasets.keep_made(permit, into, out, origin)
}

/// The base value and the contribution of each feature.
fn explained(
    platform: &Platform,
    permit: &Permit<Read>,
    live: &LiveRevision,
    model: &Loaded,
    features: &Table,
) -> Result<Vec<(String, Column)>> {
    let (names, found) = explain::of_table(platform, permit, &live.revision, model, features, WITHIN)?;
    let amounts = |at: usize| found.amounts.iter().skip(at).step_by(found.features.max(1)).copied().collect();
    let base = ("base_value".to_owned(), Column::Float(vec![found.base; features.rows()]));
    let contributions =
        names.iter().enumerate().map(|(at, name)| (format!("contribution.{name}"), Column::Float(amounts(at))));
    Ok(std::iter::once(base).chain(contributions).collect())
}

/// The prediction of each row, and for a classifier the probability of each class.
fn scored(model: &dyn Model, features: &Table) -> Result<Vec<(String, Column)>> {
    let predictions = model.predict(features)?;
    let classes = &model.signature().classes;
    let scores = |place: usize| predictions.scores.chunks_exact(predictions.width.max(1)).map(move |row| row[place]);
    if classes.is_empty() {
        return Ok(vec![("prediction".to_owned(), Column::Float(scores(0).collect()))]);
    }
    // Of equally probable classes the last, so that the positive one wins at one half.
    let best = |row: &[f64]| (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b]));
    let labels = (0..predictions.rows()).map(|row| best(predictions.row(row)).map(|class| classes[class].as_str()));
    let mut columns = vec![("prediction".to_owned(), Column::Text(TextColumn::from_texts(labels)))];
    for (place, class) in classes.iter().enumerate() {
        columns.push((format!("probability_{class}"), Column::Float(scores(place).collect())));
    }
    Ok(columns)
}

/// The parts of each column, one behind the other.
fn joined(parts: Vec<Vec<(String, Column)>>) -> Result<Vec<(String, Column)>> {
    let mut parts = parts.into_iter();
    let Some(first) = parts.next() else { return Ok(Vec::new()) };
    let mut whole: Vec<(String, Vec<Column>)> = first.into_iter().map(|(name, column)| (name, vec![column])).collect();
    for part in parts {
        if part.len() != whole.len() {
            return Err(Error::new(ErrorCode::InvalidData, "the model gives other outputs for other rows"));
        }
        for ((_, own), (_, column)) in whole.iter_mut().zip(part) {
            own.push(column);
        }
    }
    whole.into_iter().map(|(name, parts)| Ok((name, one_column(parts)?))).collect()
}

fn one_column(parts: Vec<Column>) -> Result<Column> {
    let kind = parts.first().map(Column::kind).ok_or_else(|| Error::internal("a column without parts"))?;
    let values: Vec<_> = parts.iter().flat_map(|part| (0..part.len()).map(|row| part.value(row))).collect();
    Column::from_values(kind, &values)
}
