//! What a session takes and gives.

use flyball_core::tensor::{DataType, TensorSignature, TensorSpec};
use flyball_core::{Error, ErrorCode, Result};
use ort::session::Session;
use ort::value::{Outlet, TensorElementType, ValueType};

use crate::errors::shown;
use crate::graph::Prepared;

/// The signature of a session of this graph.
///
/// # Errors
/// `UnsupportedModel` when it takes or gives something else than tensors of the known types.
pub(crate) fn of(session: &Session, graph: &Prepared) -> Result<TensorSignature> {
    let inputs = session.inputs().iter().map(|outlet| spec("input", outlet, graph)).collect::<Result<Vec<_>>>()?;
    let outputs = session.outputs().iter().map(|outlet| spec("output", outlet, graph)).collect::<Result<Vec<_>>>()?;
    // A number of dimensions that is not said cannot be checked before ONNX Runtime does.
    let open = inputs.iter().any(|input| graph.unranked.contains(&input.name));
    Ok(TensorSignature { inputs, outputs, open, columns: false })
}

fn spec(role: &str, outlet: &Outlet, graph: &Prepared) -> Result<TensorSpec> {
    let name = outlet.name();
    let refused = |what: String| {
        let message = format!("the {role} '{}' of the model is {what}, no tensor that can be sent", shown(name));
        Error::new(ErrorCode::UnsupportedModel, message)
    };
    let (ty, shape) = match outlet.dtype() {
        ValueType::Tensor { ty, shape, .. } => (*ty, shape),
        ValueType::Sequence(_) => {
            return Err(refused("a sequence".into()).hint("convert the model with zipmap=False, or give tensors"));
        }
        ValueType::Map { .. } => return Err(refused("a map".into()).hint("convert the model with zipmap=False")),
        ValueType::Optional(_) => return Err(refused("an optional value".into())),
    };
    let datatype = datatype(ty).ok_or_else(|| refused(format!("a tensor of {ty}")))?;
    let shape = if shape.is_empty() && graph.unranked.contains(name) {
        // Its own classes are all that is known of it.
        let classes = graph.classes.get(name).and_then(|count| i64::try_from(*count).ok());
        std::iter::once(-1).chain(classes).collect()
    } else {
        shape.iter().map(|size| (*size).max(-1)).collect()
    };
    Ok(TensorSpec { name: name.to_owned(), datatype, shape, optional: false })
}

/// Our name of a type of elements.
pub(crate) fn datatype(ty: TensorElementType) -> Option<DataType> {
    Some(match ty {
        TensorElementType::Bool => DataType::Bool,
        TensorElementType::Uint8 => DataType::Uint8,
        TensorElementType::Uint16 => DataType::Uint16,
        TensorElementType::Uint32 => DataType::Uint32,
        TensorElementType::Uint64 => DataType::Uint64,
        TensorElementType::Int8 => DataType::Int8,
        TensorElementType::Int16 => DataType::Int16,
        TensorElementType::Int32 => DataType::Int32,
        TensorElementType::Int64 => DataType::Int64,
        TensorElementType::Float16 => DataType::Fp16,
        TensorElementType::Bfloat16 => DataType::Bf16,
        TensorElementType::Float32 => DataType::Fp32,
        TensorElementType::Float64 => DataType::Fp64,
        TensorElementType::String => DataType::Bytes,
        _ => return None,
    })
}
