//! The Open Inference Protocol V2: requests into rows, answers into tensors, over HTTP and over gRPC.

mod answer;
mod binary;
mod cells;
pub(crate) mod describe;
pub(crate) mod grpc;
mod request;

pub(crate) use answer::{InferAnswer, answer, json};
pub(crate) use request::InferRequest;

use flyball_core::{Error, Result};

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
