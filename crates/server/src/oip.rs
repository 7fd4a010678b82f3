//! The Open Inference Protocol V2: requests into rows, answers into tensors, over HTTP and over gRPC.

mod answer;
mod binary;
mod cells;
pub(crate) mod describe;
pub(crate) mod elements;
pub(crate) mod grpc;
mod request;
pub(crate) mod tensors;

pub(crate) use answer::InferAnswer;
pub(crate) use request::InferRequest;
pub(crate) use tensors::TensorCall;

use std::borrow::Cow;

use bytes::Bytes;
use flyball_core::{Error, Result};
use flyball_serving::LiveEndpoint;

use crate::app::App;
use crate::inference::{self, Answered, Rows};

/// Answers a request as HTTP has it: JSON, and tensors as bytes behind it. `key` is that of a request that names none.
///
/// # Errors
/// As [`LiveEndpoint::infer`] and [`LiveEndpoint::infer_tensors`].
pub(crate) fn infer(
    app: &App,
    endpoint: &LiveEndpoint,
    version: Option<i64>,
    key: Option<String>,
    (json, bytes): (Bytes, Bytes),
) -> Result<InferAnswer> {
    let raw = endpoint.endpoint.settings.features_sql.is_some();
    if endpoint.contract.tensors.is_some() && !raw {
        let mut call = TensorCall::parse(&json, bytes).inspect_err(|_| endpoint.refuse())?;
        call.keys = call.keys.or(key.map(|key| vec![key]));
        let answer = call.answer(endpoint, version)?;
        return call.write(endpoint, &answer);
    }
    let mut request = InferRequest::parse(&json, &bytes).inspect_err(|_| endpoint.refuse())?;
    request.parameters.default_key(key.map(Cow::Owned));
    if raw {
        let table = request.table(&[]).inspect_err(|_| endpoint.refuse())?;
        let keys = request.parameters.all_keys()?.map(|keys| match keys.as_slice() {
            [one] => vec![one.clone(); table.rows()],
            _ => keys,
        });
        let rows = Rows { table, keys, at: request.at()?, version };
        return match inference::rows(app, endpoint, rows)? {
            Answered::Scores(answers) => answer::json(endpoint, &request, &answer::Part::of(&answers)),
            Answered::Tensors(answer) => TensorCall::for_rows(&request)?.write(endpoint, &answer),
        };
    }
    answer::answer(endpoint, version, &request, |part| answer::json(endpoint, &request, part))
}

/// A version as it stands in a path.
///
/// # Errors
/// `NotFound`: versions are numbers, so there is no other one.
pub(crate) fn version_number(text: &str) -> Result<i64> {
    text.parse().map_err(|_| {
        let shown: String = text.chars().take(40).collect();
        Error::not_found("version", shown.escape_debug()).hint("versions are numbers")
    })
}
