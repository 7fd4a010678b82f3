//! From a request to the JSON of its answer.

use std::slice;
use std::sync::Arc;

use flyball_core::{Error, Result, Task, Value};
use flyball_serving::contract::missing_column;
use flyball_serving::{LiveEndpoint, Revision, RowRequest, TableRequest};
use serde::Serialize;

use super::request::InferRequest;

/// Answers a request: one row of exactly the columns that all revisions take on the short path, anything else as a table
/// (which also finds columns that are sent twice).
///
/// # Errors
/// As [`LiveEndpoint::infer`].
pub(crate) fn answer(endpoint: &LiveEndpoint, version: Option<i64>, request: &InferRequest<'_>) -> Result<Vec<u8>> {
    let at = request.at().inspect_err(|_| endpoint.refuse())?;
    let keys = keys(request).inspect_err(|_| endpoint.refuse())?;
    let outputs = |part: &Part<'_>| outputs(endpoint, request, part);
    let exact = endpoint.contract.uniform && request.inputs.len() == endpoint.contract.signature.features.len();
    if request.rows() == 1 && exact {
        let values = row(endpoint, request).inspect_err(|_| endpoint.refuse())?;
        let key = keys.and_then(<[String]>::first).map(String::as_str).or(request.parameters.key.as_deref());
        let answer = endpoint.infer_row(RowRequest { key, at, values: &values, version })?;
        return outputs(&Part {
            prediction_ids: slice::from_ref(&answer.prediction_id),
            revisions: slice::from_ref(&answer.revision),
            answered_by: &[0],
            scores: &answer.scores,
        });
    }
    let rows = request.table().inspect_err(|_| endpoint.refuse())?;
    let times = at.map(|at| vec![at; rows.rows()]);
    let single: Option<Vec<String>> = request.parameters.key.as_ref().map(|key| vec![key.to_string(); rows.rows()]);
    let keys = keys.or(single.as_deref());
    let answers = endpoint.infer(TableRequest { rows: &rows, keys, times: times.as_deref(), version })?;
    outputs(&Part {
        prediction_ids: &answers.prediction_ids,
        revisions: &answers.revisions,
        answered_by: &answers.answered_by,
        scores: &answers.scores,
    })
}

/// What was answered, however it was asked.
struct Part<'a> {
    prediction_ids: &'a [String],
    revisions: &'a [Arc<Revision>],
    answered_by: &'a [u32],
    scores: &'a [f64],
}

#[derive(Serialize)]
struct Body<'a> {
    model_name: &'a str,
    model_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    parameters: AnswerParameters<'a>,
    outputs: Vec<Output<'a>>,
}

#[derive(Serialize)]
struct AnswerParameters<'a> {
    prediction_ids: &'a [String],
    /// Who answered the first row.
    revision: &'a str,
    /// Who answered each row, when they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    revisions: Option<Vec<&'a str>>,
}

#[derive(Serialize)]
struct Output<'a> {
    name: &'static str,
    datatype: &'static str,
    shape: Vec<usize>,
    data: Data<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Labels(Vec<&'a str>),
    Numbers(&'a [f64]),
}

fn outputs(endpoint: &LiveEndpoint, request: &InferRequest<'_>, part: &Part<'_>) -> Result<Vec<u8>> {
    let first = part.revisions.first().ok_or_else(|| Error::internal("an answer without a revision"))?;
    let by = |row: &u32| part.revisions.get(*row as usize).map_or("", |revision| &*revision.id);
    let body = Body {
        model_name: endpoint.endpoint.name.as_str(),
        model_version: first.version.to_string(),
        id: request.id.as_deref(),
        parameters: AnswerParameters {
            prediction_ids: part.prediction_ids,
            revision: part.answered_by.first().map_or("", by),
            revisions: (part.revisions.len() > 1).then(|| part.answered_by.iter().map(by).collect()),
        },
        outputs: tensors(endpoint, request, part.scores)?,
    };
    serde_json::to_vec(&body).map_err(Error::internal)
}

/// The outputs that are asked for, all when none are named.
fn tensors<'a>(endpoint: &'a LiveEndpoint, request: &InferRequest<'_>, scores: &'a [f64]) -> Result<Vec<Output<'a>>> {
    let signature = &endpoint.contract.signature;
    let (width, rows) = (signature.width(), scores.len() / signature.width());
    let names: &[&str] = match signature.task {
        Task::Classification => &["label", "probabilities"],
        Task::Regression => &["prediction"],
    };
    let tensor = |name: &str| match name {
        "label" if signature.task == Task::Classification => {
            let labels = scores.chunks_exact(width).map(|row| label(&signature.classes, row)).collect();
            Some(Output { name: "label", datatype: "BYTES", shape: vec![rows], data: Data::Labels(labels) })
        }
        "probabilities" if signature.task == Task::Classification => {
            let shape = vec![rows, width];
            Some(Output { name: "probabilities", datatype: "FP64", shape, data: Data::Numbers(scores) })
        }
        "prediction" if signature.task == Task::Regression => {
            Some(Output { name: "prediction", datatype: "FP64", shape: vec![rows], data: Data::Numbers(scores) })
        }
        _ => None,
    };
    let wanted = request.outputs.iter().flatten().map(|output| output.name.as_ref());
    let wanted: Vec<&str> = if request.outputs.is_some() { wanted.collect() } else { names.to_vec() };
    wanted
        .into_iter()
        .map(|name| {
            let unknown = || Error::invalid("an output that is asked for is not one of the model's");
            tensor(name).ok_or_else(|| unknown().hint(format!("its outputs are: {}", names.join(", "))))
        })
        .collect()
}

/// The most probable class; of equals the last, so that the positive class wins at one half.
fn label<'a>(classes: &'a [String], scores: &[f64]) -> &'a str {
    let best = classes.iter().zip(scores).max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or("", |(class, _)| class)
}

/// The values of the only row, in the order of the contract.
fn row(endpoint: &LiveEndpoint, request: &InferRequest<'_>) -> Result<Vec<Value>> {
    let inputs = &request.inputs;
    let value = |(position, feature): (usize, &flyball_core::Feature)| {
        // Clients mostly send the features in the model's order.
        let same_place = inputs.get(position).filter(|tensor| tensor.name == feature.name);
        let tensor = same_place.or_else(|| inputs.iter().find(|tensor| tensor.name == feature.name));
        tensor.map(|tensor| tensor.cells().first()).ok_or_else(|| missing_column(feature))
    };
    endpoint.contract.signature.features.iter().enumerate().map(value).collect()
}

fn keys<'a>(request: &'a InferRequest<'_>) -> Result<Option<&'a [String]>> {
    let keys = request.parameters.keys.as_deref();
    match keys {
        Some(_) if request.parameters.key.is_some() => Err(Error::invalid("send either `key` or `keys`, not both")),
        Some(keys) if keys.len() != request.rows() => {
            Err(Error::invalid(format!("there are {} keys for {} rows", keys.len(), request.rows())))
        }
        keys => Ok(keys),
    }
}
