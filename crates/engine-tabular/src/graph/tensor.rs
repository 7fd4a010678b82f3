//! Tensors of the interpreter: 32-bit floats, whole numbers, truth values and text.

use std::sync::Arc;

use flyball_core::{Error, ErrorCode, Result};

/// Most elements of one tensor: 512 MB of floats. A hostile graph cannot ask for more.
const TENSOR_ELEMENTS: usize = 1 << 27;

/// The elements of a tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    Float(Vec<f32>),
    Int(Vec<i64>),
    Bool(Vec<bool>),
    Text(Vec<Arc<str>>),
}

impl Data {
    pub(crate) fn len(&self) -> usize {
        match self {
            Data::Float(v) => v.len(),
            Data::Int(v) => v.len(),
            Data::Bool(v) => v.len(),
            Data::Text(v) => v.len(),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Data::Float(_) => "float",
            Data::Int(_) => "integer",
            Data::Bool(_) => "boolean",
            Data::Text(_) => "text",
        }
    }
}

/// A shape with as many elements as it says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Data,
}

/// The error of a graph whose tensors do not fit together.
pub(crate) fn mismatch(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::UnsupportedModel, message)
        .hint("check the model with onnx.checker and the inputs with its signature")
}

/// How many elements a shape has, within the limit.
pub(crate) fn elements(shape: &[usize]) -> Result<usize> {
    shape
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d))
        .filter(|&n| n <= TENSOR_ELEMENTS)
        .ok_or_else(|| Error::new(ErrorCode::LimitExceeded, format!("a tensor of the shape {shape:?} is too large")))
}

impl Tensor {
    /// A tensor, if the elements fill the shape.
    pub(crate) fn new(shape: Vec<usize>, data: Data) -> Result<Self> {
        if elements(&shape)? != data.len() {
            return Err(mismatch(format!("{} elements do not fill the shape {shape:?}", data.len())));
        }
        Ok(Self { shape, data })
    }

    /// A float matrix.
    pub(crate) fn matrix(rows: usize, columns: usize, values: Vec<f32>) -> Result<Self> {
        Self::new(vec![rows, columns], Data::Float(values))
    }

    /// Rows and columns: a vector is one row per element count of its first dimension, as ONNX-ML operators read it.
    pub(crate) fn rows_columns(&self) -> (usize, usize) {
        match self.shape.as_slice() {
            [] => (1, self.data.len()),
            [n] => (1, *n),
            [rows, rest @ ..] => (*rows, rest.iter().product()),
        }
    }

    /// The elements as 32-bit floats; text is refused.
    pub(crate) fn floats(&self) -> Result<std::borrow::Cow<'_, [f32]>> {
        use std::borrow::Cow;
        Ok(match &self.data {
            Data::Float(v) => Cow::Borrowed(v),
            Data::Int(v) => Cow::Owned(v.iter().map(|&x| x as f32).collect()),
            Data::Bool(v) => Cow::Owned(v.iter().map(|&x| f32::from(u8::from(x))).collect()),
            Data::Text(_) => return Err(self.wrong("numbers")),
        })
    }

    /// The elements as whole numbers, if that is what they are.
    pub(crate) fn ints(&self) -> Result<&[i64]> {
        match &self.data {
            Data::Int(v) => Ok(v),
            _ => Err(self.wrong("whole numbers")),
        }
    }

    /// The elements as truth values, if that is what they are.
    pub(crate) fn bools(&self) -> Result<&[bool]> {
        match &self.data {
            Data::Bool(v) => Ok(v),
            _ => Err(self.wrong("booleans")),
        }
    }

    fn wrong(&self, wanted: &str) -> Error {
        mismatch(format!("{wanted} are needed where the graph gives {} elements", self.data.kind()))
    }
}
