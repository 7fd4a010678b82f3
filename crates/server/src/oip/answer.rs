//! From a request to its answer, and to the JSON of that.

use std::slice;
use std::sync::Arc;

use flyball_core::{Error, Result, Task, Value};
use flyball_serving::contract::missing_column;
use flyball_serving::{Answers, LiveEndpoint, Revision, RowRequest, TableRequest};
use serde::Serialize;

use super::binary;
use super::request::InferRequest;
use crate::scoring;

/// Answers a request: one row of exactly the columns that all revisions take on the short path, anything else as a table
/// (which also finds columns that are sent twice).
///
/// # Errors
/// As [`LiveEndpoint::infer`].
pub(crate) fn answer<T>(
    endpoint: &LiveEndpoint,
    version: Option<i64>,
    request: &InferRequest<'_>,
    write: impl FnOnce(&Part<'_>) -> Result<T>,
) -> Result<T> {
    let at = request.at().inspect_err(|_| endpoint.refuse())?;
    let keys = keys(request).inspect_err(|_| endpoint.refuse())?;
    let features = &endpoint.contract.signature.features;
    let given: usize = request.inputs.iter().map(|tensor| tensor.columns).sum();
    let exact = endpoint.contract.uniform && given == features.len();
    if request.rows() == 1 && exact {
        let values = row(endpoint, request).inspect_err(|_| endpoint.refuse())?;
        let key = keys.and_then(<[String]>::first).map(String::as_str).or(request.parameters.key.as_deref());
        let answer = endpoint.infer_row(RowRequest { key, at, values: &values, version })?;
        return write(&Part {
            prediction_ids: slice::from_ref(&answer.prediction_id),
            revisions: slice::from_ref(&answer.revision),
            answered_by: &[0],
            scores: &answer.scores,
        });
    }
    let rows = request.table(features).inspect_err(|_| endpoint.refuse())?;
    let times = at.map(|at| vec![at; rows.rows()]);
    let single: Option<Vec<String>> = request.parameters.key.as_ref().map(|key| vec![key.to_string(); rows.rows()]);
    let keys = keys.or(single.as_deref());
    let answers = endpoint.infer(TableRequest { rows: &rows, keys, times: times.as_deref(), version })?;
    write(&Part::of(&answers))
}

/// What was answered, however it was asked.
pub(crate) struct Part<'a> {
    pub(crate) prediction_ids: &'a [String],
    revisions: &'a [Arc<Revision>],
    answered_by: &'a [u32],
    pub(crate) scores: &'a [f64],
}

impl<'a> Part<'a> {
    /// The answers to a table.
    pub(super) fn of(answers: &'a Answers) -> Self {
        Self {
            prediction_ids: &answers.prediction_ids,
            revisions: &answers.revisions,
            answered_by: &answers.answered_by,
            scores: &answers.scores,
        }
    }

    /// The version that answered, of several the first.
    pub(crate) fn version(&self) -> Result<i64> {
        let first = self.revisions.first().ok_or_else(|| Error::internal("an answer without a revision"))?;
        Ok(first.version)
    }

    /// Who answered the first row.
    pub(crate) fn first_revision(&self) -> &str {
        self.answered_by.first().map_or("", |row| self.revision(*row))
    }

    fn revision(&self, row: u32) -> &str {
        self.revisions.get(row as usize).map_or("", |revision| &*revision.id)
    }
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
pub(crate) struct Output<'a> {
    pub(crate) name: &'static str,
    pub(crate) datatype: &'static str,
    pub(crate) shape: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<OutputParameters>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Data<'a>>,
}

#[derive(Serialize)]
struct OutputParameters {
    binary_data_size: usize,
}

/// An answer on the wire.
pub(crate) struct InferAnswer {
    /// The JSON, and behind it the outputs that are wanted as bytes.
    pub(crate) body: Vec<u8>,
    /// How much of it is JSON, when bytes follow.
    pub(crate) json_length: Option<usize>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Data<'a> {
    Labels(Vec<&'a str>),
    Numbers(&'a [f64]),
}

/// The JSON of an answer, with the outputs that are wanted as bytes behind it.
pub(crate) fn json(endpoint: &LiveEndpoint, request: &InferRequest<'_>, part: &Part<'_>) -> Result<InferAnswer> {
    let mut outputs = tensors(endpoint, request, part.scores)?;
    let mut bytes = Vec::new();
    let mut any = false;
    for output in outputs.iter_mut().filter(|output| request.wants_bytes(output.name)) {
        let before = bytes.len();
        match output.data.take() {
            Some(Data::Labels(labels)) => binary::write_texts(&labels, &mut bytes)?,
            Some(Data::Numbers(numbers)) => binary::write_numbers(numbers, &mut bytes),
            None => {}
        }
        output.parameters = Some(OutputParameters { binary_data_size: bytes.len() - before });
        any = true;
    }
    let by = |row: &u32| part.revision(*row);
    let body = Body {
        model_name: endpoint.endpoint.name.as_str(),
        model_version: part.version()?.to_string(),
        id: request.id.as_deref(),
        parameters: AnswerParameters {
            prediction_ids: part.prediction_ids,
            revision: part.first_revision(),
            revisions: (part.revisions.len() > 1).then(|| part.answered_by.iter().map(by).collect()),
        },
        outputs,
    };
    let mut body = serde_json::to_vec(&body).map_err(Error::internal)?;
    let json_length = any.then_some(body.len());
    body.append(&mut bytes);
    Ok(InferAnswer { body, json_length })
}

fn output<'a>(name: &'static str, datatype: &'static str, shape: Vec<usize>, data: Data<'a>) -> Output<'a> {
    Output { name, datatype, shape, parameters: None, data: Some(data) }
}

/// The outputs that are asked for, all when none are named.
pub(crate) fn tensors<'a>(
    endpoint: &'a LiveEndpoint,
    request: &InferRequest<'_>,
    scores: &'a [f64],
) -> Result<Vec<Output<'a>>> {
    let signature = &endpoint.contract.signature;
    let (width, rows) = (signature.width(), scores.len() / signature.width());
    let names: &[&str] = match signature.task {
        Task::Classification => &["label", "probabilities"],
        Task::Regression => &["prediction"],
    };
    let tensor = |name: &str| match name {
        "label" if signature.task == Task::Classification => {
            let label = |row| scoring::best(&signature.classes, row).unwrap_or_default();
            let labels = scores.chunks_exact(width).map(label).collect();
            Some(output("label", "BYTES", vec![rows], Data::Labels(labels)))
        }
        "probabilities" if signature.task == Task::Classification => {
            Some(output("probabilities", "FP64", vec![rows, width], Data::Numbers(scores)))
        }
        "prediction" if signature.task == Task::Regression => {
            Some(output("prediction", "FP64", vec![rows], Data::Numbers(scores)))
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

/// The values of the only row, in the order of the contract.
fn row(endpoint: &LiveEndpoint, request: &InferRequest<'_>) -> Result<Vec<Value>> {
    if let Some(cells) = request.matrix(&endpoint.contract.signature.features)? {
        return Ok((0..cells.len()).map(|place| cells.value(place)).collect());
    }
    let inputs = &request.inputs;
    let value = |(position, feature): (usize, &flyball_core::Feature)| {
        // Clients mostly send the features in the model's order.
        let same_place = inputs.get(position).filter(|tensor| tensor.name == feature.name);
        let tensor = same_place.or_else(|| inputs.iter().find(|tensor| tensor.name == feature.name));
        tensor.map(|tensor| tensor.cells().value(0)).ok_or_else(|| missing_column(feature))
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
