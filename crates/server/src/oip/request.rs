//! An inference request as it comes in.

use std::borrow::Cow;

use flyball_core::{Error, Result, Table, Timestamp, limits};
use serde::Deserialize;

use super::cells::{Cells, Elements};

/// The body of an inference request. Fields that are not named here are ignored, as the protocol asks.
#[derive(Debug, Deserialize)]
pub(crate) struct InferRequest<'a> {
    #[serde(borrow)]
    pub(crate) id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) parameters: Parameters<'a>,
    #[serde(borrow)]
    pub(crate) inputs: Vec<Tensor<'a>>,
    #[serde(borrow)]
    pub(crate) outputs: Option<Vec<WantedOutput<'a>>>,
}

/// What we understand of the parameters.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Parameters<'a> {
    #[serde(borrow)]
    pub(crate) key: Option<Cow<'a, str>>,
    pub(crate) keys: Option<Vec<String>>,
    at: Option<Moment>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Moment {
    Millis(i64),
    Text(String),
}

/// One column of the request.
#[derive(Debug, Deserialize)]
pub(crate) struct Tensor<'a> {
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    shape: Vec<i64>,
    #[serde(borrow)]
    datatype: Cow<'a, str>,
    #[serde(default)]
    parameters: TensorParameters,
    data: Option<Cells>,
}

#[derive(Debug, Default, Deserialize)]
struct TensorParameters {
    binary_data_size: Option<u64>,
}

/// An output that is asked for.
#[derive(Debug, Deserialize)]
pub(crate) struct WantedOutput<'a> {
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
}

impl<'a> InferRequest<'a> {
    /// Reads and checks a body; afterwards all inputs have the same number of rows.
    ///
    /// # Errors
    /// `InvalidInput` that says where and what.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self> {
        let request: InferRequest<'a> = serde_json::from_slice(body)
            .map_err(|error| Error::invalid(format!("the body is not an inference request: {error}")))?;
        if request.inputs.is_empty() || request.inputs.len() > limits::TABLE_COLUMNS {
            let message = format!("a request has 1 to {} inputs", limits::TABLE_COLUMNS);
            return Err(Error::invalid(message).hint("send one input for each feature, by its name"));
        }
        for tensor in &request.inputs {
            tensor.check().map_err(|error| error.context(format_args!("input '{}'", shown(&tensor.name))))?;
            if tensor.cells().len() != request.rows() {
                let (rows, first) = (tensor.cells().len(), request.rows());
                let message = format!("the input '{}' has {rows} rows, the first has {first}", shown(&tensor.name));
                return Err(Error::invalid(message));
            }
        }
        Ok(request)
    }

    /// How many rows.
    pub(crate) fn rows(&self) -> usize {
        self.inputs.first().map_or(0, |tensor| tensor.cells().len())
    }

    /// The event time that the request names.
    pub(crate) fn at(&self) -> Result<Option<Timestamp>> {
        match &self.parameters.at {
            None => Ok(None),
            Some(Moment::Millis(millis)) => Ok(Some(Timestamp(*millis))),
            Some(Moment::Text(text)) => text.parse().map(Some),
        }
    }

    /// All inputs as a table.
    pub(crate) fn table(&self) -> Result<Table> {
        let column = |tensor: &Tensor<'_>| (tensor.name.clone().into_owned(), tensor.cells().column());
        Table::new(self.inputs.iter().map(column).collect()).map_err(|error| Error::invalid(error.message()))
    }
}

impl Tensor<'_> {
    /// The elements; a checked tensor always has them.
    pub(crate) fn cells(&self) -> &Cells {
        static NOTHING: Cells = Cells { elements: Elements::Missing(0), whole: true, range: (0.0, 0.0) };
        self.data.as_ref().unwrap_or(&NOTHING)
    }

    fn check(&self) -> Result<()> {
        if self.parameters.binary_data_size.is_some() {
            return Err(Error::invalid("binary tensors are not supported")
                .hint("send JSON; with tritonclient use set_data_from_numpy(…, binary_data=False)"));
        }
        let cells = self.data.as_ref().ok_or_else(|| Error::invalid("it has no data"))?;
        let length = match self.shape.as_slice() {
            [length] | [length, 1] => usize::try_from(*length).ok(),
            _ => None,
        };
        let length = length.ok_or_else(|| {
            Error::invalid("its shape is not understood").hint("a feature is a column: use the shape [n] or [n, 1]")
        })?;
        if length != cells.len() {
            return Err(Error::invalid(format!("its shape has {length} elements, its data {}", cells.len())));
        }
        self.check_datatype(cells)
    }

    fn check_datatype(&self, cells: &Cells) -> Result<()> {
        // The greatest numbers of 64 bits are compared as floating point: what JSON says beyond 2^53 is rounded anyway.
        let bounds = match self.datatype.as_ref() {
            "BOOL" => return self.only(matches!(cells.elements, Elements::Bools(_) | Elements::Missing(_))),
            "BYTES" => return self.only(matches!(cells.elements, Elements::Texts(_) | Elements::Missing(_))),
            "FP32" | "FP64" => return self.only(matches!(cells.elements, Elements::Numbers(_) | Elements::Missing(_))),
            "INT8" => (i8::MIN.into(), i8::MAX.into()),
            "INT16" => (i16::MIN.into(), i16::MAX.into()),
            "INT32" => (i32::MIN.into(), i32::MAX.into()),
            "INT64" => (i64::MIN as f64, i64::MAX as f64),
            "UINT8" => (0.0, u8::MAX.into()),
            "UINT16" => (0.0, u16::MAX.into()),
            "UINT32" => (0.0, u32::MAX.into()),
            "UINT64" => (0.0, u64::MAX as f64),
            "FP16" | "BF16" => {
                return Err(Error::invalid(format!("{} has no form in JSON", self.datatype)).hint("send it as FP32"));
            }
            other => {
                return Err(Error::invalid(format!("the datatype '{}' is unknown", shown(other)))
                    .hint("use BOOL, BYTES, FP32, FP64, INT8 to INT64 or UINT8 to UINT64"));
            }
        };
        match cells.elements {
            Elements::Missing(_) => Ok(()),
            Elements::Numbers(_) => self.only(cells.whole && cells.range.0 >= bounds.0 && cells.range.1 <= bounds.1),
            Elements::Bools(_) | Elements::Texts(_) => self.only(false),
        }
    }

    fn only(&self, fits: bool) -> Result<()> {
        if fits { Ok(()) } else { Err(Error::invalid(format!("its data is not {}", self.datatype))) }
    }
}

/// A client's text, short and without control characters.
fn shown(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(body: &str) -> String {
        InferRequest::parse(body.as_bytes()).unwrap_err().message().to_owned()
    }

    fn tensor(rest: &str) -> String {
        format!(r#"{{"inputs":[{{"name":"x",{rest}}}]}}"#)
    }

    #[test]
    fn every_datatype_takes_its_values_and_no_others() {
        for (datatype, good, bad) in [
            ("BOOL", "[true]", "[1]"),
            ("BYTES", r#"["a"]"#, "[1]"),
            ("FP32", "[1.5]", "[true]"),
            ("FP64", "[1]", r#"["1"]"#),
            ("INT8", "[-128]", "[128]"),
            ("INT64", "[9007199254740992]", "[1.5]"),
            ("UINT16", "[65535]", "[-1]"),
            ("UINT64", "[18446744073709551615]", "[true]"),
        ] {
            let body = |data: &str| tensor(&format!(r#""shape":[1],"datatype":"{datatype}","data":{data}"#));
            assert!(InferRequest::parse(body(good).as_bytes()).is_ok(), "{datatype}");
            assert!(InferRequest::parse(body("[null]").as_bytes()).is_ok(), "{datatype}");
            assert_eq!(error(&body(bad)), format!("input 'x': its data is not {datatype}"));
        }
    }

    #[test]
    fn malformed_bodies_are_refused_with_the_reason() {
        for (body, wanted) in [
            (String::new(), "not an inference request"),
            (r#"{"inputs":[]}"#.to_owned(), "1 to 2000 inputs"),
            (tensor(r#""shape":[2],"datatype":"FP64","data":[1]"#), "its shape has 2 elements, its data 1"),
            (tensor(r#""shape":[9223372036854775807],"datatype":"FP64","data":[1]"#), "its data 1"),
            (tensor(r#""shape":[-1],"datatype":"FP64","data":[1]"#), "shape is not understood"),
            (tensor(r#""shape":[1,2],"datatype":"FP64","data":[1,2]"#), "shape is not understood"),
            (tensor(r#""shape":[],"datatype":"FP64","data":[1]"#), "shape is not understood"),
            (tensor(r#""shape":[1e99],"datatype":"FP64","data":[1]"#), "not an inference request"),
            (tensor(r#""shape":[1],"datatype":"FP16","data":[1]"#), "no form in JSON"),
            (tensor(r#""shape":[1],"datatype":"COMPLEX","data":[1]"#), "'COMPLEX' is unknown"),
            (tensor(r#""shape":[1],"datatype":"FP64""#), "no data"),
            (tensor(r#""shape":[1],"datatype":"FP32","parameters":{"binary_data_size":4}"#), "binary tensors"),
            (tensor(r#""shape":[1],"datatype":"FP64","data":[NaN]"#), "not an inference request"),
            (tensor(r#""shape":[1],"datatype":"FP64","data":[1e400]"#), "out of range"),
            (format!(r#"{{"inputs":{}"#, "[".repeat(100_000)), "not an inference request"),
        ] {
            assert!(error(&body).contains(wanted), "{}: {}", &body[..body.len().min(90)], error(&body));
        }
    }
}
