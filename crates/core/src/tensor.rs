//! Named tensors, as networks and models of other tools take and give them.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, limits};

macro_rules! data_types {
    ($($variant:ident $text:literal $size:literal;)*) => {
        /// The type of a tensor's elements, with the names of the Open Inference Protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[allow(missing_docs, reason = "the names say it")]
        pub enum DataType { $(#[serde(rename = $text)] $variant,)* }

        impl DataType {
            /// The name in the protocol.
            pub fn as_str(self) -> &'static str {
                match self { $(DataType::$variant => $text,)* }
            }

            /// How many bytes an element has; `None` for texts, which have a length each.
            pub fn size(self) -> Option<usize> {
                let size = match self { $(DataType::$variant => $size,)* };
                (size > 0).then_some(size)
            }
        }

        impl FromStr for DataType {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                match text {
                    $($text => Ok(DataType::$variant),)*
                    other => Err(unknown(other)),
                }
            }
        }
    };
}

data_types! {
    Bool "BOOL" 1;
    Uint8 "UINT8" 1;
    Uint16 "UINT16" 2;
    Uint32 "UINT32" 4;
    Uint64 "UINT64" 8;
    Int8 "INT8" 1;
    Int16 "INT16" 2;
    Int32 "INT32" 4;
    Int64 "INT64" 8;
    Fp16 "FP16" 2;
    Bf16 "BF16" 2;
    Fp32 "FP32" 4;
    Fp64 "FP64" 8;
    Bytes "BYTES" 0;
}

fn unknown(datatype: &str) -> Error {
    let shown: String = datatype.chars().take(60).flat_map(char::escape_debug).collect();
    Error::invalid(format!("the datatype '{shown}' is unknown"))
        .hint("use BOOL, BYTES, FP16, BF16, FP32, FP64, INT8 to INT64 or UINT8 to UINT64")
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The elements of a tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum TensorData {
    /// Elements of one size, little-endian, one behind the other; a boolean is one byte, 0 or 1.
    Packed(Bytes),
    /// The elements of a `BYTES` tensor.
    Texts(Vec<Bytes>),
}

/// A named tensor. Its data always has exactly the elements of its shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    name: String,
    datatype: DataType,
    shape: Vec<usize>,
    data: TensorData,
}

impl Tensor {
    /// A tensor whose data was checked against its shape and type.
    ///
    /// # Errors
    /// `InvalidInput` when they do not fit, or it has more than [`limits::INFER_ELEMENTS`] elements.
    pub fn new(name: impl Into<String>, datatype: DataType, shape: Vec<usize>, data: TensorData) -> Result<Self> {
        let count = elements(&shape)?;
        let found = match (&data, datatype.size()) {
            (TensorData::Packed(bytes), Some(size)) if bytes.len().is_multiple_of(size) => bytes.len() / size,
            (TensorData::Texts(texts), None) => texts.len(),
            _ => return Err(Error::invalid(format!("its data is not {datatype}"))),
        };
        if found != count {
            return Err(Error::invalid(format!("its shape {shape:?} has {count} elements, its data {found}")));
        }
        if let (DataType::Bool, TensorData::Packed(bytes)) = (datatype, &data)
            && bytes.iter().any(|byte| *byte > 1)
        {
            return Err(Error::invalid("its data is not BOOL: a boolean is the byte 0 or 1"));
        }
        Ok(Self { name: name.into(), datatype, shape, data })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of the elements.
    pub fn datatype(&self) -> DataType {
        self.datatype
    }

    /// The size of each dimension, the outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements.
    pub fn data(&self) -> &TensorData {
        &self.data
    }

    /// The same tensor with another name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How many elements.
    pub fn len(&self) -> usize {
        match (&self.data, self.datatype.size()) {
            (TensorData::Packed(bytes), Some(size)) => bytes.len() / size,
            (TensorData::Packed(bytes), None) => bytes.len(),
            (TensorData::Texts(texts), _) => texts.len(),
        }
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The size of the outermost dimension, which is what a batch counts; 1 for a scalar.
    pub fn rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }

    /// How many elements each row has.
    pub fn row_len(&self) -> usize {
        self.shape.iter().skip(1).product()
    }

    /// The element at `at` as a number; NaN for texts and beyond the end.
    pub fn number(&self, at: usize) -> f64 {
        let TensorData::Packed(bytes) = &self.data else { return f64::NAN };
        let size = self.datatype.size().unwrap_or(1);
        let Some(own) = at.checked_mul(size).and_then(|start| bytes.get(start..start + size)) else { return f64::NAN };
        number(self.datatype, own)
    }

    /// The element at `at` of a `BYTES` tensor.
    pub fn text(&self, at: usize) -> Option<&Bytes> {
        match &self.data {
            TensorData::Texts(texts) => texts.get(at),
            TensorData::Packed(_) => None,
        }
    }

    /// Rows `from..to` along the outermost dimension.
    ///
    /// # Errors
    /// `Internal` when it has fewer rows.
    pub fn slice(&self, from: usize, to: usize) -> Result<Self> {
        if self.shape.is_empty() || from > to || to > self.rows() {
            return Err(Error::internal(format!("rows {from} to {to} of a tensor of the shape {:?}", self.shape)));
        }
        let row = self.row_len();
        let data = match (&self.data, self.datatype.size()) {
            (TensorData::Packed(bytes), size) => {
                let width = row * size.unwrap_or(1);
                TensorData::Packed(bytes.slice(from * width..to * width))
            }
            (TensorData::Texts(texts), _) => TensorData::Texts(texts[from * row..to * row].to_vec()),
        };
        let mut shape = self.shape.clone();
        shape[0] = to - from;
        Ok(Self { name: self.name.clone(), datatype: self.datatype, shape, data })
    }

    /// Tensors of one type and row shape, one behind the other along the outermost dimension.
    ///
    /// # Errors
    /// `InvalidInput` when they do not fit together, or there are none.
    pub fn stack(parts: &[&Tensor]) -> Result<Self> {
        let Some(first) = parts.first() else { return Err(Error::internal("nothing to stack")) };
        let fits = |part: &&Tensor| {
            part.datatype == first.datatype && !part.shape.is_empty() && part.shape[1..] == first.shape[1..]
        };
        if first.shape.is_empty() || !parts.iter().all(fits) {
            return Err(Error::invalid(format!("tensors '{}' of different shapes cannot be batched", first.name)));
        }
        let mut shape = first.shape.clone();
        shape[0] = parts.iter().map(|part| part.rows()).sum();
        let packed = |part: &&Tensor| match &part.data {
            TensorData::Packed(bytes) => bytes.clone(),
            TensorData::Texts(_) => Bytes::new(),
        };
        let data = match &first.data {
            TensorData::Packed(_) => TensorData::Packed(parts.iter().map(packed).collect::<Vec<_>>().concat().into()),
            TensorData::Texts(_) => {
                let texts = parts.iter().filter_map(|part| match &part.data {
                    TensorData::Texts(texts) => Some(texts.iter().cloned()),
                    TensorData::Packed(_) => None,
                });
                TensorData::Texts(texts.flatten().collect())
            }
        };
        Self::new(first.name.clone(), first.datatype, shape, data)
    }
}

/// How many elements a shape has.
///
/// # Errors
/// `InvalidInput` for more than [`limits::INFER_ELEMENTS`].
pub fn elements(shape: &[usize]) -> Result<usize> {
    let count = shape.iter().try_fold(1usize, |count, size| count.checked_mul(*size));
    count
        .filter(|count| *count <= limits::INFER_ELEMENTS)
        .ok_or_else(|| Error::invalid(format!("its shape {shape:?} has more than {} elements", limits::INFER_ELEMENTS)))
}

/// One little-endian element as a number.
fn number(datatype: DataType, own: &[u8]) -> f64 {
    let mut eight = [0u8; 8];
    eight[..own.len()].copy_from_slice(own);
    let bits = u64::from_le_bytes(eight);
    match datatype {
        DataType::Bool | DataType::Uint8 | DataType::Uint16 | DataType::Uint32 | DataType::Uint64 => bits as f64,
        DataType::Int8 => f64::from(bits as u8 as i8),
        DataType::Int16 => f64::from(bits as u16 as i16),
        DataType::Int32 => f64::from(bits as u32 as i32),
        DataType::Int64 => bits as i64 as f64,
        DataType::Fp16 => half::f16::from_bits(bits as u16).to_f64(),
        DataType::Bf16 => half::bf16::from_bits(bits as u16).to_f64(),
        DataType::Fp32 => f64::from(f32::from_bits(bits as u32)),
        DataType::Fp64 => f64::from_bits(bits),
        DataType::Bytes => f64::NAN,
    }
}

/// A number on its way into a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole one, exact.
    Whole(i64),
    /// Any other.
    Fraction(f64),
}

impl Number {
    fn fraction(self) -> f64 {
        match self {
            Number::Whole(whole) => whole as f64,
            Number::Fraction(number) => number,
        }
    }

    fn whole(self) -> Option<i128> {
        match self {
            Number::Whole(whole) => Some(whole.into()),
            // Up to the greatest number of 64 bits, all of which 128 bits hold.
            Number::Fraction(number) => (number.fract() == 0.0 && number.abs() < 2e19).then_some(number as i128),
        }
    }
}

/// Numbers as little-endian bytes of a type; `None` when one is not of it.
pub fn pack(datatype: DataType, numbers: impl ExactSizeIterator<Item = Number>) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(numbers.len() * datatype.size()?);
    macro_rules! whole {
        ($kind:ty) => {
            for number in numbers {
                bytes.extend_from_slice(&<$kind>::try_from(number.whole()?).ok()?.to_le_bytes());
            }
        };
    }
    match datatype {
        DataType::Uint8 => whole!(u8),
        DataType::Uint16 => whole!(u16),
        DataType::Uint32 => whole!(u32),
        DataType::Uint64 => whole!(u64),
        DataType::Int8 => whole!(i8),
        DataType::Int16 => whole!(i16),
        DataType::Int32 => whole!(i32),
        DataType::Int64 => whole!(i64),
        DataType::Fp16 => numbers.for_each(|number| bytes.extend(half::f16::from_f64(number.fraction()).to_le_bytes())),
        DataType::Bf16 => {
            numbers.for_each(|number| bytes.extend(half::bf16::from_f64(number.fraction()).to_le_bytes()))
        }
        DataType::Fp32 => numbers.for_each(|number| bytes.extend((number.fraction() as f32).to_le_bytes())),
        DataType::Fp64 => numbers.for_each(|number| bytes.extend(number.fraction().to_le_bytes())),
        DataType::Bool => {
            for number in numbers {
                bytes.push(u8::try_from(number.whole()?).ok().filter(|bit| *bit <= 1)?);
            }
        }
        DataType::Bytes => return None,
    }
    Some(bytes)
}

/// What a model takes or gives under one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorSpec {
    /// The name.
    pub name: String,
    /// The type of the elements.
    pub datatype: DataType,
    /// The size of each dimension; -1 is any.
    pub shape: Vec<i64>,
    /// Whether a request may leave it out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

impl TensorSpec {
    /// Whether a tensor of this shape fits.
    pub fn takes(&self, shape: &[usize]) -> bool {
        self.shape.len() == shape.len()
            && self.shape.iter().zip(shape).all(|(wanted, size)| *wanted < 0 || *wanted == *size as i64)
    }
}

/// What a model of tensors takes and gives: its contract.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorSignature {
    /// What it takes.
    pub inputs: Vec<TensorSpec>,
    /// What it gives; empty when that is only known from its answers.
    pub outputs: Vec<TensorSpec>,
    /// Whether it takes inputs of any name and type, because it does not say what it takes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
    /// Whether the inputs are the columns of a table, one value for each row.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub columns: bool,
}

impl TensorSignature {
    /// The input of a name.
    pub fn input(&self, name: &str) -> Option<&TensorSpec> {
        self.inputs.iter().find(|spec| spec.name == name)
    }

    /// Checks the inputs of a request: names, types and shapes.
    ///
    /// # Errors
    /// `InvalidInput` that names the input and what is expected.
    pub fn check(&self, inputs: &[Tensor]) -> Result<()> {
        for (place, tensor) in inputs.iter().enumerate() {
            if inputs[..place].iter().any(|other| other.name == tensor.name) {
                return Err(Error::invalid(format!("the input '{}' is sent twice", shown(&tensor.name))));
            }
        }
        if self.open {
            return if inputs.is_empty() { Err(Error::invalid("the request has no inputs")) } else { Ok(()) };
        }
        for spec in self.inputs.iter().filter(|spec| !spec.optional) {
            if !inputs.iter().any(|tensor| tensor.name == spec.name) {
                let word = if self.columns { "column" } else { "input" };
                return Err(Error::invalid(format!("the {word} '{}' is missing", spec.name))
                    .hint(format!("the model takes it as {} of the shape {:?}", spec.datatype, spec.shape)));
            }
        }
        for tensor in inputs {
            let Some(spec) = self.input(&tensor.name) else {
                let names: Vec<&str> = self.inputs.iter().map(|spec| spec.name.as_str()).take(30).collect();
                return Err(Error::invalid(format!("the model has no input '{}'", shown(&tensor.name)))
                    .hint(format!("its inputs are: {}", names.join(", "))));
            };
            if spec.datatype != tensor.datatype {
                let message =
                    format!("the input '{}' is {}, the model takes {}", spec.name, tensor.datatype, spec.datatype);
                return Err(Error::invalid(message));
            }
            if !spec.takes(&tensor.shape) {
                let message = format!(
                    "the input '{}' has the shape {:?}, the model takes {:?}",
                    spec.name, tensor.shape, spec.shape
                );
                return Err(Error::invalid(message).hint("-1 stands for any size"));
            }
        }
        Ok(())
    }
}

fn shown(name: &str) -> String {
    name.chars().take(60).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(name: &str, shape: Vec<usize>, values: &[f32]) -> Result<Tensor> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Tensor::new(name, DataType::Fp32, shape, TensorData::Packed(bytes.into()))
    }

    #[test]
    fn data_has_exactly_the_elements_of_the_shape() {
        assert!(floats("x", vec![2, 2], &[1.0; 4]).is_ok());
        assert!(floats("x", vec![2, 2], &[1.0; 3]).is_err());
        assert!(floats("x", vec![usize::MAX, 2], &[1.0]).is_err());
        let odd = TensorData::Packed(Bytes::from_static(&[1, 2, 3]));
        assert!(Tensor::new("x", DataType::Fp32, vec![1], odd).is_err());
        let two = TensorData::Packed(Bytes::from_static(&[2]));
        assert!(Tensor::new("x", DataType::Bool, vec![1], two).is_err());
        assert!(floats("x", vec![0, 5], &[]).unwrap().is_empty());
    }

    #[test]
    fn elements_read_as_numbers_and_rows_stack_and_slice() {
        let tensor = floats("x", vec![2, 2], &[1.0, -2.0, 3.0, 4.5]).unwrap();
        assert_eq!((tensor.number(1), tensor.number(3)), (-2.0, 4.5));
        assert!(tensor.number(4).is_nan());
        let (head, tail) = (tensor.slice(0, 1).unwrap(), tensor.slice(1, 2).unwrap());
        assert_eq!(Tensor::stack(&[&head, &tail]).unwrap(), tensor);
        assert!(tensor.slice(1, 3).is_err());
        assert!(Tensor::stack(&[&head, &floats("x", vec![1, 3], &[0.0; 3]).unwrap()]).is_err());
        let minus = TensorData::Packed(Bytes::from_static(&[0xff, 0xff]));
        assert_eq!(Tensor::new("x", DataType::Int16, vec![1], minus).unwrap().number(0), -1.0);
    }

    #[test]
    fn a_signature_names_what_does_not_fit() {
        let spec = |name: &str, optional| TensorSpec {
            name: name.into(),
            datatype: DataType::Fp32,
            shape: vec![-1, 2],
            optional,
        };
        let signature = TensorSignature { inputs: vec![spec("a", false), spec("b", true)], ..Default::default() };
        let message = |inputs: &[Tensor]| signature.check(inputs).unwrap_err().message().to_owned();
        let fits = floats("a", vec![1, 2], &[0.0; 2]).unwrap();
        assert!(signature.check(std::slice::from_ref(&fits)).is_ok());
        assert_eq!(message(&[]), "the input 'a' is missing");
        assert_eq!(message(&[fits.clone(), fits.clone()]), "the input 'a' is sent twice");
        assert_eq!(message(&[fits.clone(), fits.named("c")]), "the model has no input 'c'");
        let wide = floats("a", vec![1, 3], &[0.0; 3]).unwrap();
        assert_eq!(message(&[wide]), "the input 'a' has the shape [1, 3], the model takes [-1, 2]");
    }
}
