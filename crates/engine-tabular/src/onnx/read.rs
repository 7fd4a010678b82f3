//! Decoding of model files and of their constants, with every size checked.

use std::sync::Arc;

use flyball_core::{Error, ErrorCode, Result};
use prost::Message;

use super::proto::{Model, Tensor as TensorProto, data_type};
use crate::graph::tensor::{Data, Tensor, elements, mismatch};

/// Reads a model file. Bytes that are not an ONNX model with a graph are refused.
pub(crate) fn model(artifact: &[u8]) -> Result<Model> {
    let model = Model::decode(artifact).map_err(|cause| {
        Error::new(ErrorCode::UnsupportedModel, "the artifact is not an ONNX model")
            .hint("export the model to ONNX, for example with skl2onnx")
            .cause(cause)
    })?;
    if model.graph.as_ref().is_none_or(|g| g.output.is_empty() || g.node.is_empty()) {
        return Err(Error::new(ErrorCode::UnsupportedModel, "the artifact holds no ONNX graph"));
    }
    Ok(model)
}

/// Text from bytes that must be UTF-8.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|cause| mismatch("a text of the model is not UTF-8").cause(cause))
}

/// A constant. Data outside the file is refused: an artifact must not name files of this machine.
pub(crate) fn tensor(proto: &TensorProto) -> Result<Tensor> {
    if proto.data_location != 0 || !proto.external_data.is_empty() {
        return Err(Error::new(
            ErrorCode::UnsupportedModel,
            format!("the constant '{}' stands outside the model file", proto.name),
        )
        .hint("save the model with its data inside (save_as_external_data=False)"));
    }
    let shape = proto
        .dims
        .iter()
        .map(|&d| {
            usize::try_from(d).map_err(|_| mismatch(format!("the constant '{}' has a negative size", proto.name)))
        })
        .collect::<Result<Vec<_>>>()?;
    let count = elements(&shape)?;
    let raw = proto.raw_data.as_deref();
    let data = match proto.data_type {
        data_type::FLOAT => Data::Float(match raw {
            Some(raw) => little_endian(raw, count, f32::from_le_bytes)?,
            None => proto.float_data.clone(),
        }),
        data_type::DOUBLE => Data::Float(match raw {
            Some(raw) => little_endian(raw, count, |b| f64::from_le_bytes(b) as f32)?,
            None => proto.double_data.iter().map(|&x| x as f32).collect(),
        }),
        data_type::INT64 => Data::Int(match raw {
            Some(raw) => little_endian(raw, count, i64::from_le_bytes)?,
            None => proto.int64_data.clone(),
        }),
        data_type::INT32 => Data::Int(match raw {
            Some(raw) => little_endian(raw, count, |b| i64::from(i32::from_le_bytes(b)))?,
            None => proto.int32_data.iter().map(|&x| i64::from(x)).collect(),
        }),
        data_type::BOOL => Data::Bool(match raw {
            Some(raw) => little_endian(raw, count, |[b]| b != 0)?,
            None => proto.int32_data.iter().map(|&x| x != 0).collect(),
        }),
        data_type::STRING => {
            Data::Text(proto.string_data.iter().map(|s| utf8(s).map(Arc::from)).collect::<Result<_>>()?)
        }
        other => {
            return Err(Error::new(
                ErrorCode::UnsupportedModel,
                format!("the constant '{}' has the element type {other}, which the tabular engine lacks", proto.name),
            ));
        }
    };
    Tensor::new(shape, data)
}

/// `count` elements of `N` bytes each.
fn little_endian<const N: usize, T>(raw: &[u8], count: usize, read: impl Fn([u8; N]) -> T) -> Result<Vec<T>> {
    let (chunks, rest) = raw.as_chunks::<N>();
    if !rest.is_empty() || chunks.len() != count {
        return Err(mismatch(format!("a constant holds {} bytes, {count} elements need {}", raw.len(), count * N)));
    }
    Ok(chunks.iter().map(|&bytes| read(bytes)).collect())
}

#[cfg(test)]
mod tests {
    use super::super::proto::Entry;
    use super::*;

    fn floats(dims: Vec<i64>, raw: &[u8]) -> TensorProto {
        TensorProto { dims, data_type: data_type::FLOAT, raw_data: Some(raw.to_vec()), ..TensorProto::default() }
    }

    #[test]
    fn raw_constants_are_little_endian_and_fill_their_shape() {
        let read = tensor(&floats(vec![1, 1], &1.5f32.to_le_bytes())).unwrap();
        assert_eq!(read.data, Data::Float(vec![1.5]));
        for (dims, raw) in
            [(vec![2], &[0u8; 4][..]), (vec![1], &[0; 5]), (vec![-1], &[]), (vec![1 << 40, 1 << 40], &[])]
        {
            assert!(tensor(&floats(dims, raw)).is_err());
        }
    }

    #[test]
    fn constants_outside_the_file_are_refused() {
        let location = Entry { key: "location".into(), value: "../secret".into() };
        let outside = TensorProto { external_data: vec![location], data_location: 1, ..floats(vec![1], &[0; 4]) };
        let error = tensor(&outside).unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnsupportedModel);
        assert!(error.message().contains("outside the model file"));
    }
}
