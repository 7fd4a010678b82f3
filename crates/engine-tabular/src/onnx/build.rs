//! Small constructors for the parts of an ONNX graph that the trainers export.

use super::ML_DOMAIN;
use super::proto::{
    Attribute, Dimension, Entry, Graph, Model, Node, OperatorSet, Shape, Tensor, TensorType, Type, ValueInfo,
    attribute_kind, data_type,
};

/// A float attribute.
pub(crate) fn float(name: &str, value: f32) -> Attribute {
    Attribute { name: name.into(), f: Some(value), kind: attribute_kind::FLOAT, ..Attribute::default() }
}

/// An integer attribute.
pub(crate) fn int(name: &str, value: i64) -> Attribute {
    Attribute { name: name.into(), i: Some(value), kind: attribute_kind::INT, ..Attribute::default() }
}

/// A text attribute.
pub(crate) fn text(name: &str, value: &str) -> Attribute {
    Attribute { name: name.into(), s: Some(value.into()), kind: attribute_kind::STRING, ..Attribute::default() }
}

/// A list of floats.
pub(crate) fn floats(name: &str, values: Vec<f32>) -> Attribute {
    Attribute { name: name.into(), floats: values, kind: attribute_kind::FLOATS, ..Attribute::default() }
}

/// A list of integers.
pub(crate) fn ints(name: &str, values: Vec<i64>) -> Attribute {
    Attribute { name: name.into(), ints: values, kind: attribute_kind::INTS, ..Attribute::default() }
}

/// A list of texts.
pub(crate) fn texts<T: AsRef<str>>(name: &str, values: &[T]) -> Attribute {
    let strings = values.iter().map(|v| v.as_ref().as_bytes().to_vec()).collect();
    Attribute { name: name.into(), strings, kind: attribute_kind::STRINGS, ..Attribute::default() }
}

/// A node of the standard domain.
pub(crate) fn node(op_type: &str, inputs: &[&str], outputs: &[&str], attribute: Vec<Attribute>) -> Node {
    Node {
        input: inputs.iter().map(|&s| s.to_owned()).collect(),
        output: outputs.iter().map(|&s| s.to_owned()).collect(),
        op_type: op_type.into(),
        attribute,
        ..Node::default()
    }
}

/// A node of the machine-learning domain.
pub(crate) fn ml_node(op_type: &str, inputs: &[&str], outputs: &[&str], attribute: Vec<Attribute>) -> Node {
    Node { domain: ML_DOMAIN.into(), ..node(op_type, inputs, outputs, attribute) }
}

/// An input or output with a free first dimension.
pub(crate) fn value(name: &str, elem_type: i32, columns: Option<i64>) -> ValueInfo {
    let rows = Dimension { value: None, name: Some("N".into()) };
    let width = columns.map(|c| Dimension { value: Some(c), name: None });
    let shape = Some(Shape { dim: std::iter::once(rows).chain(width).collect() });
    ValueInfo { name: name.into(), r#type: Some(Type { tensor: Some(TensorType { elem_type, shape }) }) }
}

/// A constant list of whole numbers.
pub(crate) fn int_tensor(name: &str, values: Vec<i64>) -> Tensor {
    Tensor {
        dims: vec![values.len() as i64],
        data_type: data_type::INT64,
        int64_data: values,
        name: name.into(),
        ..Tensor::default()
    }
}

/// The model around a graph, with metadata. The versions are the oldest that have all operators in use, so that older
/// runtimes can load it too.
pub(crate) fn model(graph: Graph, metadata: Vec<(&str, String)>) -> Model {
    Model {
        ir_version: 8,
        producer_name: "flyball".into(),
        graph: Some(graph),
        opset_import: vec![
            OperatorSet { domain: String::new(), version: 17 },
            OperatorSet { domain: ML_DOMAIN.into(), version: 3 },
        ],
        metadata: metadata.into_iter().map(|(key, value)| Entry { key: key.into(), value }).collect(),
    }
}
