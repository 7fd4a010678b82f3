//! An inference request as it comes in: JSON, and behind it the tensors that are sent as bytes.

use std::borrow::Cow;

use flyball_core::{Error, Feature, Result, Table, Timestamp, limits};
use serde::Deserialize;

use super::binary;
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
    /// Whether outputs are wanted as bytes.
    binary_data_output: Option<bool>,
}

impl<'a> Parameters<'a> {
    pub(super) fn new(key: Option<Cow<'a, str>>, at: Option<Moment>) -> Self {
        Self { key, at, ..Self::default() }
    }

    /// The event time.
    pub(super) fn at(&self) -> Result<Option<Timestamp>> {
        match &self.at {
            None => Ok(None),
            Some(Moment::Millis(millis)) => Ok(Some(Timestamp(*millis))),
            Some(Moment::Text(text)) => text.parse().map(Some),
        }
    }

    /// Takes a key where the request names none.
    pub(super) fn default_key(&mut self, key: Option<Cow<'a, str>>) {
        if self.keys.is_none() && self.key.is_none() {
            self.key = key;
        }
    }

    /// Whether outputs are wanted as bytes where they do not say.
    pub(super) fn binary_outputs(&self) -> bool {
        self.binary_data_output.unwrap_or(false)
    }

    /// The key of all rows, or that of each.
    ///
    /// # Errors
    /// `InvalidInput` when both are sent.
    pub(super) fn all_keys(&self) -> Result<Option<Vec<String>>> {
        match (&self.key, &self.keys) {
            (Some(_), Some(_)) => Err(Error::invalid("send either `key` or `keys`, not both")),
            (Some(key), None) => Ok(Some(vec![key.to_string()])),
            (None, keys) => Ok(keys.clone()),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Moment {
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
    /// How many columns it has: a feature is one, all features together are a matrix.
    #[serde(skip)]
    pub(crate) columns: usize,
}

#[derive(Debug, Default, Deserialize)]
struct TensorParameters {
    binary_data_size: Option<u64>,
}

/// An output that is asked for.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct WantedOutput<'a> {
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    #[serde(default)]
    parameters: OutputParameters,
}

impl<'a> WantedOutput<'a> {
    /// The output of this name, perhaps as a classification.
    pub(super) fn named(name: Cow<'a, str>, classification: bool) -> Self {
        let parameters = OutputParameters { binary_data: None, classification: classification.then_some(1) };
        Self { name, parameters }
    }

    /// Whether it is wanted as bytes, when it says so.
    pub(super) fn binary(&self) -> Option<bool> {
        self.parameters.binary_data
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct OutputParameters {
    binary_data: Option<bool>,
    classification: Option<u64>,
}

impl<'a> InferRequest<'a> {
    /// Reads and checks a body; afterwards all inputs have the same number of rows.
    ///
    /// # Errors
    /// `InvalidInput` that says where and what.
    pub(crate) fn parse(json: &'a [u8], mut bytes: &[u8]) -> Result<Self> {
        let mut request: InferRequest<'a> = serde_json::from_slice(json)
            .map_err(|error| Error::invalid(format!("the body is not an inference request: {error}")))?;
        for tensor in &mut request.inputs {
            let read = tensor.take_bytes(&mut bytes).and_then(|()| tensor.check_json());
            read.map_err(|error| error.context(format_args!("input '{}'", shown(&tensor.name))))?;
        }
        if !bytes.is_empty() {
            return Err(Error::invalid(format!("{} bytes follow the last tensor", bytes.len())));
        }
        request.check()?;
        Ok(request)
    }

    /// Checks that its tensors fit together.
    ///
    /// # Errors
    /// `InvalidInput` for the first that does not.
    pub(super) fn check(&self) -> Result<()> {
        if self.inputs.is_empty() || self.inputs.len() > limits::TABLE_COLUMNS {
            let message = format!("a request has 1 to {} inputs", limits::TABLE_COLUMNS);
            return Err(Error::invalid(message).hint("send one input for each feature, by its name"));
        }
        let (first, single) = (self.rows(), self.inputs.len() == 1);
        for tensor in &self.inputs {
            if tensor.rows() != first {
                let (name, rows) = (shown(&tensor.name), tensor.rows());
                return Err(Error::invalid(format!("the input '{name}' has {rows} rows, the first has {first}")));
            }
            if tensor.columns > 1 && !single {
                let message = format!("the input '{}' has {} columns", shown(&tensor.name), tensor.columns);
                return Err(
                    Error::invalid(message).hint("send one input for each feature, or one matrix of all of them")
                );
            }
        }
        for output in self.outputs.iter().flatten() {
            if output.parameters.classification.is_some() {
                return Err(Error::invalid("the parameter 'classification' is not supported")
                    .hint("ask for the outputs 'label' and 'probabilities'"));
            }
        }
        Ok(())
    }

    /// How many rows.
    pub(crate) fn rows(&self) -> usize {
        self.inputs.first().map_or(0, Tensor::rows)
    }

    /// Whether an output is wanted as bytes.
    pub(crate) fn wants_bytes(&self, output: &str) -> bool {
        let asked = self.outputs.iter().flatten().find(|wanted| wanted.name == output);
        let own = asked.and_then(|wanted| wanted.parameters.binary_data);
        own.or(self.parameters.binary_data_output).unwrap_or(false)
    }

    /// The event time that the request names.
    pub(crate) fn at(&self) -> Result<Option<Timestamp>> {
        self.parameters.at()
    }

    /// The one matrix that holds all features, in their order.
    ///
    /// # Errors
    /// `InvalidInput` when it has another number of columns.
    pub(crate) fn matrix(&self, features: &[Feature]) -> Result<Option<&Cells>> {
        let Some(tensor) = self.inputs.first().filter(|tensor| tensor.columns > 1) else { return Ok(None) };
        if tensor.columns != features.len() {
            let message = format!("the matrix has {} columns, the model takes {}", tensor.columns, features.len());
            let names: Vec<&str> = features.iter().map(|feature| feature.name.as_str()).take(30).collect();
            return Err(Error::invalid(message).hint(format!("they are: {}", names.join(", "))));
        }
        Ok(Some(tensor.cells()))
    }

    /// All inputs as a table.
    pub(crate) fn table(&self, features: &[Feature]) -> Result<Table> {
        let columns = match self.matrix(features)? {
            Some(cells) => {
                let column =
                    |(place, feature): (usize, &Feature)| (feature.name.clone(), cells.column(place, features.len()));
                features.iter().enumerate().map(column).collect()
            }
            None => {
                let column = |tensor: &Tensor<'_>| (tensor.name.clone().into_owned(), tensor.cells().column(0, 1));
                self.inputs.iter().map(column).collect()
            }
        };
        Table::new(columns).map_err(|error| Error::invalid(error.message()))
    }
}

impl<'a> Tensor<'a> {
    /// A tensor without data.
    pub(super) fn new(name: Cow<'a, str>, shape: Vec<i64>, datatype: Cow<'a, str>) -> Self {
        Self { name, shape, datatype, parameters: TensorParameters::default(), data: None, columns: 0 }
    }

    /// Takes its data from bytes.
    ///
    /// # Errors
    /// `InvalidInput` when they do not fit its shape and datatype.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<()> {
        let (rows, columns) = self.dimensions()?;
        let count = rows.checked_mul(columns).filter(|count| *count <= limits::INFER_ELEMENTS);
        let too_many = || Error::invalid(format!("it has more than {} elements", limits::INFER_ELEMENTS));
        self.take(binary::read(&self.datatype, bytes, count.ok_or_else(too_many)?)?)
    }

    /// Takes its data.
    ///
    /// # Errors
    /// `InvalidInput` when it is not of its shape.
    pub(super) fn take(&mut self, cells: Cells) -> Result<()> {
        self.data = Some(cells);
        self.check_shape()
    }
}

impl Tensor<'_> {
    /// The elements; a checked tensor always has them.
    pub(crate) fn cells(&self) -> &Cells {
        static NOTHING: Cells = Cells { elements: Elements::Missing(0), whole: true, range: (0.0, 0.0) };
        self.data.as_ref().unwrap_or(&NOTHING)
    }

    /// How many rows.
    fn rows(&self) -> usize {
        self.cells().len() / self.columns.max(1)
    }

    /// Takes the data from the bytes behind the JSON, when it is there.
    fn take_bytes(&mut self, bytes: &mut &[u8]) -> Result<()> {
        let Some(size) = self.parameters.binary_data_size else { return Ok(()) };
        if self.data.is_some() {
            return Err(Error::invalid("it has data and also 'binary_data_size'").hint("send one of them"));
        }
        let size = usize::try_from(size).ok().and_then(|size| bytes.split_at_checked(size));
        let (own, rest) = size.ok_or_else(|| Error::invalid("its bytes go beyond the end of the body"))?;
        *bytes = rest;
        self.read(own)
    }

    /// Rows and columns.
    fn dimensions(&self) -> Result<(usize, usize)> {
        let size = |size: i64| usize::try_from(size).ok();
        let dimensions = match self.shape.as_slice() {
            [rows] => size(*rows).zip(Some(1)),
            [rows, columns] => size(*rows).zip(size(*columns)).filter(|(_, columns)| *columns > 0),
            _ => None,
        };
        dimensions.ok_or_else(|| {
            Error::invalid("its shape is not understood").hint(
                "a feature is a column: use the shape [n] or [n, 1]; all features together are a matrix [n, features]",
            )
        })
    }

    /// Checks the data that came in JSON; bytes were checked when they were read.
    fn check_json(&mut self) -> Result<()> {
        if self.parameters.binary_data_size.is_some() {
            return Ok(());
        }
        self.check_shape()?;
        self.check_datatype(self.cells())
    }

    fn check_shape(&mut self) -> Result<()> {
        let (rows, columns) = self.dimensions()?;
        self.columns = columns;
        let cells = self.data.as_ref().ok_or_else(|| Error::invalid("it has no data"))?;
        let length = rows.checked_mul(columns);
        if length != Some(cells.len()) {
            let length = length.map_or("too many".to_owned(), |length| length.to_string());
            return Err(Error::invalid(format!("its shape has {length} elements, its data {}", cells.len())));
        }
        Ok(())
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
                return Err(Error::invalid(format!("{} has no form in JSON", self.datatype))
                    .hint("send it as bytes, or as FP32"));
            }
            other => return Err(unknown_datatype(other)),
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

pub(super) fn unknown_datatype(datatype: &str) -> Error {
    Error::invalid(format!("the datatype '{}' is unknown", shown(datatype)))
        .hint("use BOOL, BYTES, FP16, BF16, FP32, FP64, INT8 to INT64 or UINT8 to UINT64")
}

/// A client's text, short and without control characters.
fn shown(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(body: &str) -> String {
        InferRequest::parse(body.as_bytes(), &[]).unwrap_err().message().to_owned()
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
            assert!(InferRequest::parse(body(good).as_bytes(), &[]).is_ok(), "{datatype}");
            assert!(InferRequest::parse(body("[null]").as_bytes(), &[]).is_ok(), "{datatype}");
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
            (tensor(r#""shape":[1,2],"datatype":"FP64","data":[1]"#), "its shape has 2 elements, its data 1"),
            (tensor(r#""shape":[1,0],"datatype":"FP64","data":[]"#), "shape is not understood"),
            (tensor(r#""shape":[4294967296,4294967296],"datatype":"FP64","data":[1]"#), "too many"),
            (tensor(r#""shape":[],"datatype":"FP64","data":[1]"#), "shape is not understood"),
            (tensor(r#""shape":[1e99],"datatype":"FP64","data":[1]"#), "not an inference request"),
            (tensor(r#""shape":[1],"datatype":"FP16","data":[1]"#), "no form in JSON"),
            (tensor(r#""shape":[1],"datatype":"COMPLEX","data":[1]"#), "'COMPLEX' is unknown"),
            (tensor(r#""shape":[1],"datatype":"FP64""#), "no data"),
            (tensor(r#""shape":[1],"datatype":"FP32","parameters":{"binary_data_size":4}"#), "beyond the end"),
            (tensor(r#""shape":[1],"datatype":"FP32","parameters":{"binary_data_size":0},"data":[1]"#), "and also"),
            (tensor(r#""shape":[1],"datatype":"FP64","data":[NaN]"#), "not an inference request"),
            (tensor(r#""shape":[1],"datatype":"FP64","data":[1e400]"#), "out of range"),
            (format!(r#"{{"inputs":{}"#, "[".repeat(100_000)), "not an inference request"),
        ] {
            assert!(error(&body).contains(wanted), "{}: {}", &body[..body.len().min(90)], error(&body));
        }
    }

    #[test]
    fn tensors_may_be_sent_as_bytes_behind_the_json() {
        let json = br#"{"inputs":[{"name":"a","shape":[2,1],"datatype":"FP32","parameters":{"binary_data_size":8}},
            {"name":"b","shape":[2],"datatype":"INT64","data":[1,2]},
            {"name":"c","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":11}}]}"#;
        let mut bytes = [1.5f32.to_le_bytes(), f32::NAN.to_le_bytes()].concat();
        bytes.extend_from_slice(b"\x03\0\0\0EWR\0\0\0\0");
        let request = InferRequest::parse(json, &bytes).unwrap();
        let table = request.table(&[]).unwrap();
        assert_eq!(
            (table.rows(), table.at(0).is_missing(1), table.at(2).value(0).text()),
            (2, true, Some("EWR".to_owned()))
        );
        for bytes in [&bytes[..18], &[bytes.clone(), vec![0]].concat()] {
            assert!(InferRequest::parse(json, bytes).is_err(), "{}", bytes.len());
        }
    }

    #[test]
    fn one_matrix_holds_all_features_in_order() {
        let feature = |name: &str| Feature { name: name.to_owned(), kind: flyball_core::FeatureKind::Number };
        let features = [feature("a"), feature("b")];
        let body = tensor(r#""shape":[2,2],"datatype":"FP64","data":[[1,2],[3,null]]"#);
        let request = InferRequest::parse(body.as_bytes(), &[]).unwrap();
        let table = request.table(&features).unwrap();
        assert_eq!((table.column("b").unwrap().value(0).number(), request.rows()), (2.0, 2));
        assert!(request.table(&features[..1]).unwrap_err().message().contains("2 columns, the model takes 1"));
        let two = body.replace("}]}", r#"},{"name":"y","shape":[2],"datatype":"FP64","data":[1,2]}]}"#);
        assert!(error(&two).contains("has 2 columns"));
    }
}
