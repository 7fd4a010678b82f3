//! Between the messages of gRPC and requests and answers as HTTP has them.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use flyball_core::tensor::{Number, pack};
use flyball_core::{self as core, DataType, Error, Result, TensorData};
use flyball_serving::{LiveEndpoint, TensorAnswer};

use super::messages as m;
use crate::app::App;
use crate::inference::{self, Answered, Rows};
use crate::oip::answer::{self, Data, Part};
use crate::oip::cells::{Cells, Elements};
use crate::oip::describe::Statistics;
use crate::oip::request::{InferRequest, Moment, Parameters, Tensor, WantedOutput};
use crate::oip::{TensorCall, binary, tensors};

/// Answers a message. `key` is that of a request that names none.
///
/// # Errors
/// As [`LiveEndpoint::infer`] and [`LiveEndpoint::infer_tensors`].
pub(super) fn infer(
    app: &App,
    endpoint: &LiveEndpoint,
    version: Option<i64>,
    key: Option<String>,
    message: &m::ModelInferRequest,
) -> Result<m::ModelInferResponse> {
    let raw = !message.raw_input_contents.is_empty();
    let sql = endpoint.endpoint.settings.features_sql.is_some();
    if endpoint.contract.tensors.is_some() && !sql {
        let mut call = tensor_call(message).inspect_err(|_| endpoint.refuse())?;
        call.keys = call.keys.or(key.map(|key| vec![key]));
        let answer = call.answer(endpoint, version)?;
        return tensor_response(endpoint, &call, &answer, raw);
    }
    let mut request = request(message).inspect_err(|_| endpoint.refuse())?;
    request.parameters.default_key(key.map(Cow::Owned));
    if sql {
        let table = request.table(&[]).inspect_err(|_| endpoint.refuse())?;
        let rows = table.rows();
        let keys = request.parameters.all_keys()?.and_then(|keys| keys.first().map(|key| vec![key.clone(); rows]));
        let rows = Rows { table, keys, at: request.at()?, version };
        return match inference::rows(app, endpoint, rows)? {
            Answered::Scores(answers) => response(endpoint, &request, &Part::of(&answers), raw),
            Answered::Tensors(answer) => tensor_response(endpoint, &TensorCall::for_rows(&request)?, &answer, raw),
        };
    }
    answer::answer(endpoint, version, &request, |part| response(endpoint, &request, part, raw))
}

/// Reads each input with its raw contents, where there are such.
///
/// # Errors
/// `InvalidInput` that names the input; also when there are raw contents for some inputs only.
fn each_input<'a, T>(
    message: &'a m::ModelInferRequest,
    read: impl Fn(&'a m::InferTensor, Option<&Bytes>) -> Result<T>,
) -> Result<Vec<T>> {
    let raw = &message.raw_input_contents;
    if !raw.is_empty() && raw.len() != message.inputs.len() {
        let (raw, inputs) = (raw.len(), message.inputs.len());
        return Err(Error::invalid(format!("there are {raw} raw contents for {inputs} inputs")));
    }
    let named = |(place, input): (usize, &'a m::InferTensor)| {
        let read = read(input, raw.get(place));
        read.map_err(|error| error.context(format_args!("input '{}'", input.name.escape_debug())))
    };
    message.inputs.iter().enumerate().map(named).collect()
}

/// A request to a model of tensors.
fn tensor_call(message: &m::ModelInferRequest) -> Result<TensorCall<'_>> {
    let inputs = each_input(message, typed)?;
    let outputs = message.outputs.iter().map(|output| WantedOutput::named(Cow::Borrowed(&output.name), false));
    let outputs = if message.outputs.is_empty() { None } else { Some(outputs.collect()) };
    let id = Some(message.id.as_str()).filter(|id| !id.is_empty()).map(Cow::Borrowed);
    TensorCall::new(id, &parameters(message)?, inputs, outputs)
}

fn typed(input: &m::InferTensor, raw: Option<&Bytes>) -> Result<core::Tensor> {
    let datatype: DataType = input.datatype.parse()?;
    let shape: Option<Vec<usize>> = input.shape.iter().map(|size| usize::try_from(*size).ok()).collect();
    let shape = shape.ok_or_else(|| Error::invalid("its shape has a negative size"))?;
    let data = match (raw, &input.contents) {
        (Some(_), Some(contents)) if *contents != m::Contents::default() => {
            return Err(Error::invalid("it has contents and also raw contents").hint("send one of them"));
        }
        (Some(raw), _) => tensors::read_bytes(datatype, raw.clone())?,
        (None, Some(contents)) => listed(datatype, contents)?,
        (None, None) => return Err(Error::invalid("it has no contents")),
    };
    core::Tensor::new(&input.name, datatype, shape, data)
}

/// The elements in the list of a datatype.
fn listed(datatype: DataType, contents: &m::Contents) -> Result<TensorData> {
    fn whole<T: Copy + Into<i64>>(list: &[T]) -> impl ExactSizeIterator<Item = Number> {
        list.iter().map(|one| Number::Whole((*one).into()))
    }
    let fraction = |one: f64| Number::Fraction(one);
    let packed = match datatype {
        DataType::Bytes => return Ok(TensorData::Texts(contents.bytes.clone())),
        DataType::Bool => Some(contents.bool.iter().map(|one| u8::from(*one)).collect()),
        DataType::Int8 | DataType::Int16 | DataType::Int32 => pack(datatype, whole(&contents.int)),
        DataType::Int64 => pack(datatype, whole(&contents.int64)),
        DataType::Uint8 | DataType::Uint16 | DataType::Uint32 => pack(datatype, whole(&contents.uint)),
        DataType::Uint64 => Some(contents.uint64.iter().flat_map(|one| one.to_le_bytes()).collect()),
        DataType::Fp32 => pack(datatype, contents.fp32.iter().map(|one| fraction(f64::from(*one)))),
        DataType::Fp64 => pack(datatype, contents.fp64.iter().map(|one| fraction(*one))),
        DataType::Fp16 | DataType::Bf16 => {
            return Err(Error::invalid(format!("{datatype} has raw contents only")));
        }
    };
    let packed = packed.ok_or_else(|| Error::invalid(format!("its contents are not {datatype}")))?;
    Ok(TensorData::Packed(packed.into()))
}

/// The answer of a model of tensors, with raw contents for those who sent raw contents, and for types that have no list.
fn tensor_response(
    endpoint: &LiveEndpoint,
    call: &TensorCall<'_>,
    answer: &TensorAnswer,
    raw: bool,
) -> Result<m::ModelInferResponse> {
    let chosen = call.chosen(answer)?;
    let half = |tensor: &&core::Tensor| matches!(tensor.datatype(), DataType::Fp16 | DataType::Bf16);
    let raw = raw || chosen.iter().any(half);
    let text = |text: String| m::InferParameter { choice: Some(m::Choice::Text(text)) };
    let mut response = m::ModelInferResponse {
        model_name: endpoint.endpoint.name.to_string(),
        model_version: answer.revision.version.to_string(),
        id: call.id.as_deref().unwrap_or_default().to_owned(),
        ..m::ModelInferResponse::default()
    };
    response.parameters.insert("prediction_ids".to_owned(), text(answer.prediction_ids.join(",")));
    response.parameters.insert("revision".to_owned(), text(answer.revision.id.to_string()));
    for tensor in chosen {
        let mut written = m::InferTensor {
            name: tensor.name().to_owned(),
            datatype: tensor.datatype().as_str().to_owned(),
            shape: tensor.shape().iter().map(|size| *size as i64).collect(),
            contents: None,
        };
        if raw {
            response.raw_output_contents.push(match tensor.data() {
                TensorData::Packed(bytes) => bytes.clone(),
                TensorData::Texts(_) => {
                    let mut bytes = Vec::new();
                    tensors::append(tensor, &mut bytes)?;
                    bytes.into()
                }
            });
        } else {
            written.contents = Some(lists(tensor));
        }
        response.outputs.push(written);
    }
    Ok(response)
}

fn lists(tensor: &core::Tensor) -> m::Contents {
    let mut contents = m::Contents::default();
    let all = 0..tensor.len();
    let whole = |at: usize| tensors::element(tensor, at).as_i64().unwrap_or_default();
    match tensor.datatype() {
        DataType::Bytes => contents.bytes = all.filter_map(|at| tensor.text(at).cloned()).collect(),
        DataType::Bool => contents.bool = all.map(|at| tensor.number(at) == 1.0).collect(),
        DataType::Int8 | DataType::Int16 | DataType::Int32 => contents.int = all.map(|at| whole(at) as i32).collect(),
        DataType::Int64 => contents.int64 = all.map(whole).collect(),
        DataType::Uint8 | DataType::Uint16 | DataType::Uint32 => {
            contents.uint = all.map(|at| whole(at) as u32).collect()
        }
        DataType::Uint64 => {
            contents.uint64 = all.map(|at| tensors::element(tensor, at).as_u64().unwrap_or_default()).collect();
        }
        DataType::Fp64 => contents.fp64 = all.map(|at| tensor.number(at)).collect(),
        DataType::Fp16 | DataType::Bf16 | DataType::Fp32 => {
            contents.fp32 = all.map(|at| tensor.number(at) as f32).collect();
        }
    }
    contents
}

/// A request, checked.
///
/// # Errors
/// `InvalidInput` for the first thing that may not be.
pub(super) fn request(message: &m::ModelInferRequest) -> Result<InferRequest<'_>> {
    let inputs = each_input(message, tensor)?;
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
    for output in answer::tensors(endpoint, request, part.scores)? {
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
    const NAMES: [&str; 14] = [
        "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64",
        "BYTES", "BF16",
    ];
    NAMES.iter().zip(1..).find(|(name, _)| **name == datatype).map_or(0, |(_, number)| number)
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
