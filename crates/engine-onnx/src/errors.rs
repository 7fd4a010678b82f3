//! What the errors of ONNX Runtime mean here.

use flyball_core::{Error, ErrorCode};
use ort::ErrorCode as Code;

/// How much of its text is told, in characters.
const TOLD_CHARS: usize = 500;

/// Why a graph cannot be loaded.
pub(crate) fn of_load(error: &ort::Error) -> Error {
    let told = told(error);
    match error.code() {
        Code::InvalidProtobuf | Code::NoModel => {
            Error::new(ErrorCode::InvalidData, format!("ONNX Runtime cannot read the graph: {told}"))
        }
        _ => Error::new(ErrorCode::UnsupportedModel, format!("ONNX Runtime cannot run the graph: {told}")),
    }
}

/// Why a run failed.
pub(crate) fn of_run(error: &ort::Error) -> Error {
    match error.code() {
        Code::InvalidArgument => Error::invalid(format!("the model cannot take the inputs: {}", told(error))),
        _ => {
            Error::new(ErrorCode::Internal, "the model failed; the log has the cause").cause(error.message().to_owned())
        }
    }
}

/// Why inputs or outputs cannot be handed over.
pub(crate) fn of_values(name: &str, error: &ort::Error) -> Error {
    Error::new(ErrorCode::Internal, format!("the tensor '{}' cannot be handed over", shown(name)))
        .cause(error.message().to_owned())
}

fn told(error: &ort::Error) -> String {
    let line = error.message().lines().next().unwrap_or_default();
    line.chars().filter(|letter| !letter.is_control()).take(TOLD_CHARS).collect()
}

/// A name as it may stand in a message.
pub(crate) fn shown(name: &str) -> String {
    name.chars().take(120).flat_map(char::escape_debug).collect()
}
