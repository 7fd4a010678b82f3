//! Between the messages of gRPC and requests and answers as HTTP has them.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use flyball_core::{Error, Result};
use flyball_serving::LiveEndpoint;

use super::messages as m;
use crate::oip::answer::{Data, Part, tensors};
use crate::oip::binary;
use crate::oip::cells::{Cells, Elements};
use crate::oip::describe::Statistics;
use crate::oip::request::{InferRequest, Moment, Parameters, Tensor, WantedOutput};

/// A request, checked.
///
/// # Errors
/// `InvalidInput` for the first thing that may not be.
pub(super) fn request(message: &m::ModelInferRequest) -> Result<InferRequest<'_>> {
    let raw = &message.raw_input_contents;
    if !raw.is_empty() && raw.len() != message.inputs.len() {
        let (raw, inputs) = (raw.len(), message.inputs.len());
        return Err(Error::invalid(format!("there are {raw} raw contents for {inputs} inputs")));
    }
    let mut inputs = Vec::with_capacity(message.inputs.len());
    for (place, input) in message.inputs.iter().enumerate() {
        let read = tensor(input, raw.get(place));
        inputs.push(read.map_err(|error| error.context(format_args!("input '{}'", input.name.escape_debug())))?);
    }
    let outputs = message.outputs.iter().map(|output| {
        WantedOutput::named(Cow::Borrowed(&output.name), output.parameters.contains_key("classification"))
    });
    let request = InferRequest {
        id: Some(message.id.as_str()).filter(|id| !id.is_empty()).map(Cow::Borrowed),
        parameters: parameters(message)?,
        inputs,
        outputs: if message.outputs.is_empty() { None } else { Some(outputs.collect()) },
    };
    request.check()?;
    Ok(request)
}

fn parameters(message: &m::ModelInferRequest) -> Result<Parameters<'_>> {
    let choice = |name: &str| message.parameters.get(name).and_then(|parameter| parameter.choice.as_ref());
    let wrong = |name: &str| Error::invalid(format!("the parameter '{name}' is of another type"));
    let key = match choice("key") {
        None => None,
        Some(m::Choice::Text(key)) => Some(Cow::Borrowed(key.as_str())),
        Some(_) => return Err(wrong("key").hint("send it as string_param")),
    };
    let at = match choice("at") {
        None => None,
        Some(m::Choice::Int64(millis)) => Some(Moment::Millis(*millis)),
        Some(m::Choice::Text(text)) => Some(Moment::Text(text.clone())),
        Some(_) => return Err(wrong("at").hint("send milliseconds as int64_param, or a time as string_param")),
    };
    Ok(Parameters::new(key, at))
}

fn tensor<'a>(input: &'a m::InferTensor, raw: Option<&Bytes>) -> Result<Tensor<'a>> {
    let mut tensor = Tensor::new(Cow::Borrowed(&input.name), input.shape.clone(), Cow::Borrowed(&input.datatype));
    match (raw, &input.contents) {
        (Some(_), Some(contents)) if *contents != m::Contents::default() => {
            return Err(Error::invalid("it has contents and also raw contents").hint("send one of them"));
        }
        (Some(raw), _) => tensor.read(raw)?,
        (None, Some(contents)) => tensor.take(cells(&input.datatype, contents)?)?,
        (None, None) => return Err(Error::invalid("it has no contents")),
    }
    Ok(tensor)
}

/// The elements in the list of a datatype.
fn cells(datatype: &str, contents: &m::Contents) -> Result<Cells> {
    fn numbers<T: Copy>(list: &[T], number: impl Fn(T) -> f64) -> Elements {
        Elements::Numbers(list.iter().map(|one| number(*one)).collect())
    }
    let elements = match datatype {
        "BOOL" => Elements::Bools(contents.bool.iter().map(|one| f64::from(u8::from(*one))).collect()),
        "INT8" | "INT16" | "INT32" => numbers(&contents.int, f64::from),
        "INT64" => numbers(&contents.int64, |one| one as f64),
        "UINT8" | "UINT16" | "UINT32" => numbers(&contents.uint, f64::from),
        "UINT64" => numbers(&contents.uint64, |one| one as f64),
        "FP32" => numbers(&contents.fp32, f64::from),
        "FP64" => numbers(&contents.fp64, f64::from),
        "BYTES" => {
            let text = |bytes: &Bytes| match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(Arc::from(text))),
                Err(_) => Err(Error::invalid("one of its texts is not UTF-8")),
            };
            Elements::Texts(contents.bytes.iter().map(text).collect::<Result<_>>()?)
        }
        "FP16" | "BF16" => return Err(Error::invalid(format!("{datatype} has raw contents only"))),
        other => return Err(crate::oip::request::unknown_datatype(other)),
    };
    Ok(Cells { elements, whole: true, range: (0.0, 0.0) })
}

/// The answer, with raw contents for those who sent raw contents.
pub(super) fn response(
    endpoint: &LiveEndpoint,
    request: &InferRequest<'_>,
    part: &Part<'_>,
    raw: bool,
) -> Result<m::ModelInferResponse> {
    let mut response = m::ModelInferResponse {
        model_name: endpoint.endpoint.name.to_string(),
        model_version: part.version()?.to_string(),
        id: request.id.as_deref().unwrap_or_default().to_owned(),
        ..m::ModelInferResponse::default()
    };
    let text = |text: String| m::InferParameter { choice: Some(m::Choice::Text(text)) };
    response.parameters.insert("prediction_ids".to_owned(), text(part.prediction_ids.join(",")));
    response.parameters.insert("revision".to_owned(), text(part.first_revision().to_owned()));
    for output in tensors(endpoint, request, part.scores)? {
        let shape = output.shape.iter().map(|size| *size as i64).collect();
        let mut tensor = m::InferTensor {
            name: output.name.to_owned(),
            datatype: output.datatype.to_owned(),
            shape,
            contents: None,
        };
        let (mut bytes, mut contents) = (Vec::new(), m::Contents::default());
        match output.data {
            Some(Data::Labels(labels)) if raw => binary::write_texts(&labels, &mut bytes)?,
            Some(Data::Numbers(numbers)) if raw => binary::write_numbers(numbers, &mut bytes),
            Some(Data::Labels(labels)) => {
                contents.bytes = labels.iter().map(|label| Bytes::copy_from_slice(label.as_bytes())).collect();
            }
            Some(Data::Numbers(numbers)) => contents.fp64 = numbers.to_vec(),
            None => {}
        }
        if raw {
            response.raw_output_contents.push(bytes.into());
        } else {
            tensor.contents = Some(contents);
        }
        response.outputs.push(tensor);
    }
    Ok(response)
}

/// The number of a datatype in a model's configuration.
pub(super) fn data_type(datatype: &str) -> i32 {
    match datatype {
        "FP64" => 12,
        "BYTES" => 13,
        // Nothing else is described.
        _ => 0,
    }
}

pub(super) fn statistics(of: Statistics) -> m::ModelStatistics {
    let duration = |count, ns| Some(m::StatisticDuration { count, ns });
    m::ModelStatistics {
        name: of.name,
        version: of.version,
        inference_count: of.rows,
        execution_count: of.requests,
        inference_stats: Some(m::InferStatistics {
            success: duration(of.answered, of.nanos),
            fail: duration(of.failed, 0),
            compute_infer: duration(of.answered, of.nanos),
        }),
    }
}
