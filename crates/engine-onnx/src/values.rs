//! Tensors into the values of ONNX Runtime and back, each copied once.

use bytes::Bytes;
use flyball_core::tensor::{DataType, Tensor, TensorData};
use flyball_core::{Error, ErrorCode, Result};
use half::{bf16, f16};
use ort::session::SessionInputValue;
use ort::value::{DynValue, Tensor as Value, ValueType};

use crate::errors::{of_values, shown};
use crate::signature::datatype;

/// The value of an input.
///
/// # Errors
/// `InvalidInput` for a text that ONNX Runtime does not take.
pub(crate) fn input(tensor: &Tensor) -> Result<SessionInputValue<'static>> {
    let shape: Vec<i64> = tensor.shape().iter().map(|size| *size as i64).collect();
    let bytes = match tensor.data() {
        TensorData::Packed(bytes) => bytes,
        TensorData::Texts(texts) => return strings(tensor.name(), shape, texts),
    };
    macro_rules! value {
        ($element:ty) => {{
            let (elements, _) = bytes.as_chunks::<{ size_of::<$element>() }>();
            let elements: Vec<$element> = elements.iter().map(|own| <$element>::from_le_bytes(*own)).collect();
            Value::from_array((shape, elements)).map(SessionInputValue::from)
        }};
    }
    let value = match tensor.datatype() {
        DataType::Bool => {
            let elements: Vec<bool> = bytes.iter().map(|byte| *byte != 0).collect();
            Value::from_array((shape, elements)).map(SessionInputValue::from)
        }
        DataType::Uint8 => Value::from_array((shape, bytes.to_vec())).map(SessionInputValue::from),
        DataType::Int8 => value!(i8),
        DataType::Uint16 => value!(u16),
        DataType::Int16 => value!(i16),
        DataType::Uint32 => value!(u32),
        DataType::Int32 => value!(i32),
        DataType::Uint64 => value!(u64),
        DataType::Int64 => value!(i64),
        DataType::Fp16 => value!(f16),
        DataType::Bf16 => value!(bf16),
        DataType::Fp32 => value!(f32),
        DataType::Fp64 => value!(f64),
        DataType::Bytes => return Err(Error::internal("a tensor of texts without texts")),
    };
    value.map_err(|error| of_values(tensor.name(), &error))
}

fn strings(name: &str, shape: Vec<i64>, texts: &[Bytes]) -> Result<SessionInputValue<'static>> {
    let texts = texts.iter().map(|text| match std::str::from_utf8(text) {
        Ok(text) if !text.contains('\0') => Ok(text.to_owned()),
        _ => Err(Error::invalid(format!("the input '{}' holds bytes that are no text in UTF-8", shown(name)))
            .hint("this model takes texts without zero bytes")),
    });
    let texts = texts.collect::<Result<Vec<String>>>()?;
    Value::from_string_array((shape, texts.as_slice()))
        .map(SessionInputValue::from)
        .map_err(|error| of_values(name, &error))
}

/// The tensor of an output.
///
/// # Errors
/// `LimitExceeded` when it is too long.
pub(crate) fn output(name: &str, value: &DynValue) -> Result<Tensor> {
    let of = |error: ort::Error| of_values(name, &error);
    let no_tensor = || Error::internal(format!("the output '{name}' is no tensor"));
    let ValueType::Tensor { ty, shape, .. } = value.dtype() else { return Err(no_tensor()) };
    let datatype = datatype(*ty).ok_or_else(no_tensor)?;
    let shape: Vec<usize> = shape.iter().map(|size| usize::try_from(*size).unwrap_or(0)).collect();
    flyball_core::tensor::elements(&shape).map_err(|error| {
        Error::new(ErrorCode::LimitExceeded, format!("the output '{}' is too long: {error}", shown(name)))
    })?;
    macro_rules! packed {
        ($element:ty) => {{
            let (_, elements) = value.try_extract_tensor::<$element>().map_err(of)?;
            let mut bytes = vec![0u8; size_of_val(elements)];
            let (own, _) = bytes.as_chunks_mut::<{ size_of::<$element>() }>();
            own.iter_mut().zip(elements).for_each(|(own, element)| *own = element.to_le_bytes());
            TensorData::Packed(bytes.into())
        }};
    }
    let data = match datatype {
        DataType::Bool => {
            let (_, elements) = value.try_extract_tensor::<bool>().map_err(of)?;
            TensorData::Packed(elements.iter().map(|element| u8::from(*element)).collect())
        }
        DataType::Uint8 => packed!(u8),
        DataType::Int8 => packed!(i8),
        DataType::Uint16 => packed!(u16),
        DataType::Int16 => packed!(i16),
        DataType::Uint32 => packed!(u32),
        DataType::Int32 => packed!(i32),
        DataType::Uint64 => packed!(u64),
        DataType::Int64 => packed!(i64),
        DataType::Fp16 => packed!(f16),
        DataType::Bf16 => packed!(bf16),
        DataType::Fp32 => packed!(f32),
        DataType::Fp64 => packed!(f64),
        DataType::Bytes => {
            let (_, texts) = value.try_extract_strings().map_err(of)?;
            TensorData::Texts(texts.into_iter().map(Bytes::from).collect())
        }
    };
    Tensor::new(name, datatype, shape, data)
}
