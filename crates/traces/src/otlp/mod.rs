//! The OpenTelemetry protocol: what exporters send, as protobuf or as JSON.

mod body;
mod census;
mod json;
pub mod messages;

use flyball_core::{Error, Result, limits};
use prost::Message;

pub use body::{Encoding, unpack};
pub use messages::ExportRequest;

/// How a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Protobuf, `application/x-protobuf`.
    Protobuf,
    /// JSON with hexadecimal ids, `application/json`.
    Json,
}

/// Reads a request for export. What it can grow to in memory is bounded before anything is allocated.
///
/// # Errors
/// `InvalidInput` for bytes that are not such a request; `LimitExceeded` for more spans or values than one request may hold.
pub fn read(body: &[u8], format: Format) -> Result<ExportRequest> {
    let malformed = || Error::invalid("Invalid OpenTelemetry format");
    match format {
        Format::Protobuf => {
            census::of_protobuf(body)?;
            ExportRequest::decode(body).map_err(|cause| malformed().cause(cause))
        }
        Format::Json => {
            census::of_json(body)?;
            let request: ExportRequest = serde_json::from_slice(body).map_err(|cause| malformed().cause(cause))?;
            census::spans(request.spans())?;
            Ok(request)
        }
    }
}

/// The error for a request that holds more than `most` of something.
fn too_many(what: &str, most: usize) -> Error {
    Error::new(flyball_core::ErrorCode::LimitExceeded, format!("the request holds more than {most} {what}"))
        .hint(format!("export at most {} spans at once", limits::TRACE_SPANS))
}
