//! Requests to models of tensors: read into the tensors that the model takes, and its answer written as it was asked for.

use std::borrow::Cow;

use bytes::Bytes;
use flyball_core::tensor::{Number, pack};
use flyball_core::{DataType, Error, Result, Tensor, TensorData, TensorSignature, Timestamp, limits};
use flyball_serving::{LiveEndpoint, TensorAnswer, TensorRequest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::answer::InferAnswer;
use super::elements::{Elements, Nested};
use super::request::{Parameters, WantedOutput};

/// The body of a request to a model of tensors.
#[derive(Debug, Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    parameters: Parameters<'a>,
    #[serde(borrow)]
    inputs: Vec<Input<'a>>,
    #[serde(borrow)]
    outputs: Option<Vec<WantedOutput<'a>>>,
}

#[derive(Debug, Deserialize)]
struct Input<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    shape: Vec<i64>,
    #[serde(borrow)]
    datatype: Cow<'a, str>,
    #[serde(default)]
    parameters: InputParameters,
    data: Option<Nested>,
}

#[derive(Debug, Default, Deserialize)]
struct InputParameters {
    binary_data_size: Option<u64>,
}

/// A request, read.
pub(crate) struct TensorCall<'a> {
    pub(crate) id: Option<Cow<'a, str>>,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) outputs: Option<Vec<WantedOutput<'a>>>,
    pub(crate) keys: Option<Vec<String>>,
    pub(crate) at: Option<Timestamp>,
    binary_outputs: bool,
}

impl<'a> TensorCall<'a> {
    /// Reads a body: JSON, and behind it the tensors that are sent as bytes, which are not copied.
    ///
    /// # Errors
    /// `InvalidInput` that says where and what.
    pub(crate) fn parse(json: &'a [u8], mut bytes: Bytes) -> Result<Self> {
        let body: Body<'a> = serde_json::from_slice(json)
            .map_err(|error| Error::invalid(format!("the body is not an inference request: {error}")))?;
        if body.inputs.len() > limits::TABLE_COLUMNS {
            return Err(Error::invalid(format!("a request has 1 to {} inputs", limits::TABLE_COLUMNS)));
        }
        let mut inputs = Vec::with_capacity(body.inputs.len());
        for input in body.inputs {
            let name = input.name.clone();
            let shown = || name.chars().take(60).flat_map(char::escape_debug).collect::<String>();
            let read = input.read(&mut bytes);
            inputs.push(read.map_err(|error| error.context(format_args!("input '{}'", shown())))?);
        }
        if !bytes.is_empty() {
            return Err(Error::invalid(format!("{} bytes follow the last tensor", bytes.len())));
        }
        Self::new(body.id, &body.parameters, inputs, body.outputs)
    }

    /// A call for the answer to rows, which are not its inputs.
    pub(super) fn for_rows(request: &super::InferRequest<'a>) -> Result<Self> {
        Self::new(request.id.clone(), &request.parameters, Vec::new(), request.outputs.clone())
    }

    pub(super) fn new(
        id: Option<Cow<'a, str>>,
        parameters: &Parameters<'_>,
        inputs: Vec<Tensor>,
        outputs: Option<Vec<WantedOutput<'a>>>,
    ) -> Result<Self> {
        let (at, binary_outputs) = (parameters.at()?, parameters.binary_outputs());
        Ok(Self { id, inputs, outputs, keys: parameters.all_keys()?, at, binary_outputs })
    }

    /// Answers it.
    ///
    /// # Errors
    /// As [`LiveEndpoint::infer_tensors`].
    pub(crate) fn answer(&self, endpoint: &LiveEndpoint, version: Option<i64>) -> Result<TensorAnswer> {
        let fitted = match &endpoint.contract.tensors {
            Some(signature) => fit(signature, &self.inputs).inspect_err(|_| endpoint.refuse())?,
            None => Cow::Borrowed(self.inputs.as_slice()),
        };
        let wanted: Option<Vec<&str>> =
            self.outputs.as_ref().map(|outputs| outputs.iter().map(|output| output.name.as_ref()).collect());
        let (wanted, keys) = (wanted.as_deref(), self.keys.as_deref());
        endpoint.infer_tensors(TensorRequest { inputs: &fitted, wanted, keys, at: self.at, version })
    }

    /// The outputs that are asked for, all when none are named.
    ///
    /// # Errors
    /// `InvalidInput` for one that the model does not have.
    pub(crate) fn chosen<'t>(&self, answer: &'t TensorAnswer) -> Result<Vec<&'t Tensor>> {
        let Some(wanted) = &self.outputs else { return Ok(answer.outputs.iter().collect()) };
        let find = |output: &WantedOutput<'_>| {
            answer.outputs.iter().find(|tensor| tensor.name() == output.name).ok_or_else(|| {
                let names: Vec<&str> = answer.outputs.iter().map(Tensor::name).collect();
                Error::invalid("an output that is asked for is not one of the model's")
                    .hint(format!("its outputs are: {}", names.join(", ")))
            })
        };
        wanted.iter().map(find).collect()
    }

    /// The JSON of an answer, with the outputs that are wanted as bytes behind it.
    pub(crate) fn write(&self, endpoint: &LiveEndpoint, answer: &TensorAnswer) -> Result<InferAnswer> {
        let mut bytes = Vec::new();
        let mut any = false;
        let mut outputs = Vec::new();
        for tensor in self.chosen(answer)? {
            let asked = self.outputs.iter().flatten().find(|output| output.name == tensor.name());
            let binary = asked.and_then(WantedOutput::binary).unwrap_or(self.binary_outputs);
            let mut written = WrittenTensor {
                name: tensor.name(),
                datatype: tensor.datatype().as_str(),
                shape: tensor.shape(),
                parameters: None,
                data: None,
            };
            if binary {
                let before = bytes.len();
                append(tensor, &mut bytes)?;
                written.parameters = Some(json!({ "binary_data_size": bytes.len() - before }));
                any = true;
            } else {
                written.data = Some(elements(tensor)?);
            }
            outputs.push(written);
        }
        let body = Written {
            model_name: endpoint.endpoint.name.as_str(),
            model_version: answer.revision.version.to_string(),
            id: self.id.as_deref(),
            parameters: json!({ "prediction_ids": answer.prediction_ids, "revision": answer.revision.id }),
            outputs,
        };
        let mut body = serde_json::to_vec(&body).map_err(Error::internal)?;
        let json_length = any.then_some(body.len());
        body.append(&mut bytes);
        Ok(InferAnswer { body, json_length })
    }
}

#[derive(Serialize)]
struct Written<'a> {
    model_name: &'a str,
    model_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    parameters: Value,
    outputs: Vec<WrittenTensor<'a>>,
}

#[derive(Serialize)]
struct WrittenTensor<'a> {
    name: &'a str,
    datatype: &'static str,
    shape: &'a [usize],
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Vec<Value>>,
}

impl Input<'_> {
    fn read(self, bytes: &mut Bytes) -> Result<Tensor> {
        let datatype: DataType = self.datatype.parse()?;
        let size = |size: &i64| usize::try_from(*size).ok();
        let shape: Option<Vec<usize>> = self.shape.iter().map(size).collect();
        let shape = shape.ok_or_else(|| Error::invalid("its shape has a negative size"))?;
        let data = match (self.parameters.binary_data_size, self.data) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid("it has data and also 'binary_data_size'").hint("send one of them"));
            }
            (None, None) => return Err(Error::invalid("it has no data")),
            (None, Some(nested)) => {
                if matches!(datatype, DataType::Fp16 | DataType::Bf16) {
                    return Err(
                        Error::invalid(format!("{datatype} has no form in JSON")).hint("send it as bytes, or as FP32")
                    );
                }
                nested.elements.data(datatype)?
            }
            (Some(size), None) => {
                let size = usize::try_from(size).ok().filter(|size| *size <= bytes.len());
                let size = size.ok_or_else(|| Error::invalid("its bytes go beyond the end of the body"))?;
                read_bytes(datatype, bytes.split_to(size))?
            }
        };
        Tensor::new(self.name, datatype, shape, data)
    }
}

/// The elements in bytes as they come over the wire.
///
/// # Errors
/// `InvalidInput` when texts do not fit their lengths.
pub(super) fn read_bytes(datatype: DataType, mut bytes: Bytes) -> Result<TensorData> {
    if datatype != DataType::Bytes {
        return Ok(TensorData::Packed(bytes));
    }
    let cut =
        || Error::invalid("its texts do not fit its bytes").hint("each text stands behind its length in four bytes");
    let mut texts = Vec::new();
    while !bytes.is_empty() {
        let length = bytes.first_chunk::<4>().map(|length| u32::from_le_bytes(*length)).ok_or_else(cut)?;
        let _length = bytes.split_to(4);
        let length = usize::try_from(length).ok().filter(|length| *length <= bytes.len()).ok_or_else(cut)?;
        texts.push(bytes.split_to(length));
        if texts.len() > limits::INFER_ELEMENTS {
            return Err(Error::invalid(format!("it has more than {} elements", limits::INFER_ELEMENTS)));
        }
    }
    Ok(TensorData::Texts(texts))
}

/// Appends a tensor as it goes over the wire.
///
/// # Errors
/// `Internal` for a text of more than four gigabytes.
pub(super) fn append(tensor: &Tensor, to: &mut Vec<u8>) -> Result<()> {
    match tensor.data() {
        TensorData::Packed(bytes) => to.extend_from_slice(bytes),
        TensorData::Texts(texts) => {
            for text in texts {
                to.extend_from_slice(&u32::try_from(text.len()).map_err(Error::internal)?.to_le_bytes());
                to.extend_from_slice(text);
            }
        }
    }
    Ok(())
}

/// The elements as JSON, flat.
///
/// # Errors
/// `InvalidInput` for the types that JSON cannot hold.
pub(crate) fn elements(tensor: &Tensor) -> Result<Vec<Value>> {
    if matches!(tensor.datatype(), DataType::Fp16 | DataType::Bf16) {
        let message = format!("the output '{}' is {}, which has no form in JSON", tensor.name(), tensor.datatype());
        return Err(Error::invalid(message).hint("ask for it as bytes"));
    }
    Ok((0..tensor.len()).map(|at| element(tensor, at)).collect())
}

/// One element as JSON; what is not finite is null.
pub(crate) fn element(tensor: &Tensor, at: usize) -> Value {
    let packed = |size: usize| match tensor.data() {
        TensorData::Packed(bytes) => bytes.get(at * size..(at + 1) * size).unwrap_or_default(),
        TensorData::Texts(_) => &[],
    };
    match tensor.datatype() {
        DataType::Bytes => tensor.text(at).map_or(Value::Null, |text| json!(String::from_utf8_lossy(text))),
        DataType::Bool => json!(tensor.number(at) == 1.0),
        DataType::Int64 => json!(packed(8).first_chunk().map(|bytes| i64::from_le_bytes(*bytes))),
        DataType::Uint64 => json!(packed(8).first_chunk().map(|bytes| u64::from_le_bytes(*bytes))),
        DataType::Fp32 => json!(tensor.number(at) as f32),
        DataType::Fp16 | DataType::Bf16 | DataType::Fp64 => json!(tensor.number(at)),
        _ => json!(tensor.number(at) as i64),
    }
}

/// The inputs as a model whose inputs are the columns of a table takes them: a matrix is cut into its columns, a column
/// may be `[n, 1]`, and numbers become those of the column's type where nothing is lost. Other models take what is sent.
///
/// # Errors
/// `InvalidInput` that names the column.
pub(crate) fn fit<'t>(signature: &TensorSignature, inputs: &'t [Tensor]) -> Result<Cow<'t, [Tensor]>> {
    if !signature.columns {
        return Ok(Cow::Borrowed(inputs));
    }
    let specs = &signature.inputs;
    if let [matrix] = inputs
        && matrix.shape().len() == 2
        && matrix.shape()[1] == specs.len()
        && (specs.len() > 1 || specs[0].name != matrix.name())
    {
        let columns = specs.len();
        let cut = specs.iter().enumerate().map(|(place, spec)| {
            let rows = matrix.rows();
            let places = (0..rows).map(|row| row * columns + place);
            convert(matrix, &spec.name, spec.datatype, vec![rows], places)
        });
        return cut.collect::<Result<Vec<_>>>().map(Cow::Owned);
    }
    let fitted = inputs.iter().map(|tensor| {
        let Some(spec) = signature.input(tensor.name()) else { return Ok(tensor.clone()) };
        let flat = tensor.row_len() == 1 && spec.shape.len() == 1;
        if spec.datatype == tensor.datatype() && tensor.shape().len() == spec.shape.len() {
            return Ok(tensor.clone());
        }
        let shape = if flat { vec![tensor.rows()] } else { tensor.shape().to_vec() };
        convert(tensor, &spec.name, spec.datatype, shape, 0..tensor.len())
    });
    fitted.collect::<Result<Vec<_>>>().map(Cow::Owned)
}

/// Some elements of a tensor as those of another type.
fn convert(
    from: &Tensor,
    name: &str,
    datatype: DataType,
    shape: Vec<usize>,
    places: impl ExactSizeIterator<Item = usize>,
) -> Result<Tensor> {
    let wrong = || {
        Error::invalid(format!("the column '{name}' is {}, the model takes {datatype}", from.datatype()))
            .hint("send values of its type; a whole number cannot be missing")
    };
    let data = match from.data() {
        TensorData::Texts(texts) if datatype == DataType::Bytes => {
            TensorData::Texts(places.filter_map(|at| texts.get(at).cloned()).collect())
        }
        TensorData::Packed(_) if datatype != DataType::Bytes => {
            let whole = from.datatype() == DataType::Int64;
            let number = |at| match element(from, at) {
                Value::Number(number) if whole => number.as_i64().map_or(Number::Fraction(f64::NAN), Number::Whole),
                _ => Number::Fraction(from.number(at)),
            };
            TensorData::Packed(pack(datatype, places.map(number)).ok_or_else(wrong)?.into())
        }
        _ => return Err(wrong()),
    };
    Tensor::new(name, datatype, shape, data)
}

/// A tensor of elements that came as nested lists.
///
/// # Errors
/// `InvalidInput` when they are not of the type, or the lists not of one length.
pub(crate) fn of_nested(name: &str, datatype: Option<DataType>, nested: Nested) -> Result<Tensor> {
    let Nested { elements, shape } = nested;
    let datatype = datatype.unwrap_or_else(|| elements.datatype());
    let elements = match (elements, datatype) {
        // A list of booleans is fine for numbers here: scoring clients do not say which they mean.
        (Elements::Bools(bits), wanted) if wanted != DataType::Bool => {
            Elements::Whole(bits.into_iter().map(i64::from).collect())
        }
        (elements, _) => elements,
    };
    Tensor::new(name, datatype, shape, elements.data(datatype)?)
}

/// The rows of outputs as JSON: one output gives its values, several give objects.
pub(crate) fn rows(outputs: &[Tensor]) -> Value {
    let count = outputs.iter().map(Tensor::rows).max().unwrap_or(0);
    if let [only] = outputs
        && only.name() == "predictions"
    {
        return nested(only);
    }
    if outputs.iter().all(|output| output.rows() == count && !output.shape().is_empty()) {
        let record = |row: usize| {
            let entry = |output: &Tensor| {
                let one = output.slice(row, row + 1).map_or(Value::Null, |row| nested(&row));
                let value = if let Value::Array(mut one) = one { one.pop().unwrap_or_default() } else { one };
                (output.name().to_owned(), value)
            };
            Value::Object(outputs.iter().map(entry).collect::<Map<_, _>>())
        };
        return Value::Array((0..count).map(record).collect());
    }
    Value::Object(outputs.iter().map(|output| (output.name().to_owned(), nested(output))).collect())
}

/// A tensor as nested lists.
pub(crate) fn nested(tensor: &Tensor) -> Value {
    fn level(tensor: &Tensor, shape: &[usize], from: usize) -> Value {
        let Some((size, inner)) = shape.split_first() else { return element(tensor, from) };
        let step: usize = inner.iter().product();
        Value::Array((0..*size).map(|at| level(tensor, inner, from + at * step)).collect())
    }
    level(tensor, tensor.shape(), 0)
}

#[cfg(test)]
mod tests {
    use flyball_core::TensorSpec;

    use super::*;

    fn call(json: &str, bytes: &'static [u8]) -> Result<Vec<Tensor>> {
        TensorCall::parse(json.as_bytes(), Bytes::from_static(bytes)).map(|call| call.inputs)
    }

    #[test]
    fn tensors_come_as_json_and_as_bytes() {
        let json = r#"{"inputs":[{"name":"a","shape":[1,2,2],"datatype":"FP32","data":[[[1,2],[3,4]]]},
            {"name":"b","shape":[2],"datatype":"INT16","parameters":{"binary_data_size":4}},
            {"name":"c","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":9}}]}"#;
        let inputs = call(json, b"\x01\x00\xff\xff\x01\x00\x00\x00x\x00\x00\x00\x00").unwrap();
        assert_eq!((inputs[0].number(3), inputs[1].number(1)), (4.0, -1.0));
        assert_eq!(inputs[2].text(0).unwrap().as_ref(), b"x");
        assert_eq!(nested(&inputs[0]), json!([[[1.0, 2.0], [3.0, 4.0]]]));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let tensor = |rest: &str| format!(r#"{{"inputs":[{{"name":"x",{rest}}}]}}"#);
        for (json, bytes, wanted) in [
            (tensor(r#""shape":[2],"datatype":"FP32","data":[1]"#), &b""[..], "2 elements, its data 1"),
            (tensor(r#""shape":[-1],"datatype":"FP32","data":[1]"#), b"", "negative"),
            (tensor(r#""shape":[1],"datatype":"FP16","data":[1]"#), b"", "no form in JSON"),
            (tensor(r#""shape":[1],"datatype":"FP32""#), b"", "no data"),
            (tensor(r#""shape":[1],"datatype":"FP32","parameters":{"binary_data_size":8}"#), b"1234", "beyond"),
            (tensor(r#""shape":[1],"datatype":"FP32","parameters":{"binary_data_size":3}"#), b"123", "not FP32"),
            (tensor(r#""shape":[1],"datatype":"FP32","parameters":{"binary_data_size":4}"#), b"12345", "follow"),
            (tensor(r#""shape":[1000000000],"datatype":"FP32","data":[1]"#), b"", "more than"),
            (tensor(r#""shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":6}"#), b"\xff\0\0\0ab", "texts"),
        ] {
            let error = call(&json, Box::leak(bytes.to_vec().into_boxed_slice())).unwrap_err();
            assert!(error.message().contains(wanted), "{json}: {error}");
        }
    }

    #[test]
    fn a_matrix_becomes_the_columns_of_the_model() {
        let spec = |name: &str, datatype| TensorSpec { name: name.into(), datatype, shape: vec![-1], optional: false };
        let signature = TensorSignature {
            inputs: vec![spec("a", DataType::Fp64), spec("b", DataType::Int64)],
            columns: true,
            ..TensorSignature::default()
        };
        let matrix =
            call(r#"{"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[1.5,2,3,4]}]}"#, b"").unwrap();
        let fitted = fit(&signature, &matrix).unwrap();
        signature.check(&fitted).unwrap();
        assert_eq!((fitted[0].number(1), fitted[1].number(0)), (3.0, 2.0));
        let fraction = call(r#"{"inputs":[{"name":"b","shape":[1,1],"datatype":"FP32","data":[1.5]}]}"#, b"").unwrap();
        assert!(fit(&signature, &fraction).unwrap_err().message().contains("'b' is FP32"));
    }
}
