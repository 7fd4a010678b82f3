//! The operators that the engine knows: how each is read from its node.

use std::sync::Arc;

use flyball_core::{Error, ErrorCode, Result};

use super::attributes::Attributes;
use super::elementwise::Arithmetic;
use super::encoders::{LabelMap, OneHot};
use super::ensemble::Ensemble;
use super::linear::Linear;
use super::tensor::{Data, Tensor, mismatch};
use super::trees;
use crate::onnx::ML_DOMAIN;
use crate::onnx::proto::{Node, data_type};

/// The labels of a classifier.
#[derive(Clone, Debug)]
pub(crate) enum Labels {
    Text(Vec<Arc<str>>),
    Int(Vec<i64>),
}

impl Labels {
    pub(crate) fn read(attributes: &Attributes<'_>) -> Result<Option<Self>> {
        let texts = attributes.texts("classlabels_strings")?;
        let ints = match attributes.ints("classlabels_int64s") {
            [] => attributes.ints("classlabels_ints"),
            ints => ints,
        };
        Ok(match (texts.is_empty(), ints.is_empty()) {
            (false, _) => Some(Labels::Text(texts)),
            (true, false) => Some(Labels::Int(ints.to_vec())),
            (true, true) => None,
        })
    }

    fn required(attributes: &Attributes<'_>) -> Result<Self> {
        Self::read(attributes)?.ok_or_else(|| mismatch(format!("{} names no classes", attributes.0.op_type)))
    }

    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            Labels::Text(v) => v.iter().map(ToString::to_string).collect(),
            Labels::Int(v) => v.iter().map(ToString::to_string).collect(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Labels::Text(v) => v.len(),
            Labels::Int(v) => v.len(),
        }
    }

    /// The labels at these positions.
    pub(crate) fn pick(&self, positions: impl Iterator<Item = usize>) -> Data {
        match self {
            Labels::Text(v) => Data::Text(positions.map(|p| v[p].clone()).collect()),
            Labels::Int(v) => Data::Int(positions.map(|p| v[p]).collect()),
        }
    }
}

/// The norm of a Normalizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Norm {
    Max,
    L1,
    L2,
}

/// What a Cast gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CastTo {
    Float,
    Int,
    Bool,
    Text,
}

/// Functions of one float.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Function {
    Sigmoid,
    Exp,
    Log,
    Neg,
    Abs,
    Sqrt,
    Relu,
    Tanh,
}

/// An operator with its attributes read.
#[derive(Clone, Debug)]
pub(crate) enum Operator {
    Scaler { offset: Vec<f32>, scale: Vec<f32> },
    Imputer { values: Vec<f32>, replaced: f32 },
    Linear { model: Arc<Linear>, labels: Option<Labels> },
    Trees { model: Arc<Ensemble>, labels: Option<Labels> },
    OneHot(Arc<OneHot>),
    LabelMap(Arc<LabelMap>),
    Normalizer(Norm),
    ArrayFeatureExtractor,
    FeatureVectorizer,
    Concat(i64),
    Cast(CastTo),
    Reshape { allow_zero: bool },
    Flatten(i64),
    Squeeze(Option<Vec<i64>>),
    Unsqueeze(Option<Vec<i64>>),
    MatMul,
    Gemm { alpha: f32, beta: f32, transposed: (bool, bool) },
    Arithmetic(Arithmetic),
    Compare { less: bool },
    Where,
    Not,
    IsNan,
    Clip { least: Option<f32>, most: Option<f32> },
    Function(Function),
    Softmax(i64),
    ArgMax { axis: i64, keep: bool },
    Identity,
    Constant(Tensor),
}

impl Operator {
    /// Reads a node, or says which operator is missing. ZipMap reads as `Identity`: its input is the same scores
    /// without the maps that make it slow.
    pub(crate) fn read(node: &Node) -> Result<Self> {
        let attributes = Attributes(node);
        match node.domain.as_str() {
            ML_DOMAIN => read_ml(&attributes),
            "" | "ai.onnx" => read_standard(&attributes),
            _ => Err(unsupported(node)),
        }
    }
}

fn unsupported(node: &Node) -> Error {
    let domain = if node.domain.is_empty() { "ai.onnx" } else { &node.domain };
    Error::new(ErrorCode::UnsupportedModel, format!("the tabular engine lacks the operator {domain}.{}", node.op_type))
}

fn read_ml(attributes: &Attributes<'_>) -> Result<Operator> {
    Ok(match attributes.0.op_type.as_str() {
        "Scaler" => Operator::Scaler {
            offset: attributes.floats("offset").to_vec(),
            scale: attributes.floats("scale").to_vec(),
        },
        "Imputer" => {
            let floats = attributes.floats("imputed_value_floats");
            if floats.is_empty() {
                return Err(mismatch("the tabular engine imputes floats only"));
            }
            let replaced = attributes.float("replaced_value_float").unwrap_or(0.0);
            Operator::Imputer { values: floats.to_vec(), replaced }
        }
        "LinearClassifier" => {
            let labels = Labels::required(attributes)?;
            let model = Arc::new(Linear::read(attributes, Some(labels.len()))?);
            Operator::Linear { model, labels: Some(labels) }
        }
        "LinearRegressor" => Operator::Linear { model: Arc::new(Linear::read(attributes, None)?), labels: None },
        "TreeEnsembleClassifier" => {
            let labels = Labels::required(attributes)?;
            let model = Arc::new(trees::compile(attributes, Some(labels.len()))?);
            Operator::Trees { model, labels: Some(labels) }
        }
        "TreeEnsembleRegressor" => Operator::Trees { model: Arc::new(trees::compile(attributes, None)?), labels: None },
        "OneHotEncoder" => Operator::OneHot(Arc::new(OneHot::read(attributes)?)),
        "LabelEncoder" => Operator::LabelMap(Arc::new(LabelMap::read(attributes)?)),
        "Normalizer" => Operator::Normalizer(match attributes.text("norm")?.unwrap_or("MAX") {
            "MAX" => Norm::Max,
            "L1" => Norm::L1,
            "L2" => Norm::L2,
            other => return Err(mismatch(format!("there is no norm {other}"))),
        }),
        "ArrayFeatureExtractor" => Operator::ArrayFeatureExtractor,
        "FeatureVectorizer" => Operator::FeatureVectorizer,
        "ZipMap" => Operator::Identity,
        _ => return Err(unsupported(attributes.0)),
    })
}

fn read_standard(attributes: &Attributes<'_>) -> Result<Operator> {
    let node = attributes.0;
    let axes = || attributes.has("axes").then(|| attributes.ints("axes").to_vec());
    Ok(match node.op_type.as_str() {
        "Concat" => Operator::Concat(attributes.int("axis").unwrap_or(1)),
        "Cast" => Operator::Cast(match attributes.int("to").and_then(|t| i32::try_from(t).ok()).unwrap_or(0) {
            data_type::FLOAT => CastTo::Float,
            data_type::INT32 | data_type::INT64 => CastTo::Int,
            data_type::BOOL => CastTo::Bool,
            data_type::STRING => CastTo::Text,
            other => {
                let message = format!("the tabular engine lacks Cast to the element type {other}");
                return Err(Error::new(ErrorCode::UnsupportedModel, message));
            }
        }),
        "Reshape" => Operator::Reshape { allow_zero: attributes.int("allowzero") == Some(1) },
        "Flatten" => Operator::Flatten(attributes.int("axis").unwrap_or(1)),
        "Squeeze" => Operator::Squeeze(axes()),
        "Unsqueeze" => Operator::Unsqueeze(axes()),
        "MatMul" => Operator::MatMul,
        "Gemm" => Operator::Gemm {
            alpha: attributes.float("alpha").unwrap_or(1.0),
            beta: attributes.float("beta").unwrap_or(1.0),
            transposed: (attributes.int("transA") == Some(1), attributes.int("transB") == Some(1)),
        },
        "Add" => Operator::Arithmetic(Arithmetic::Add),
        "Sub" => Operator::Arithmetic(Arithmetic::Sub),
        "Mul" => Operator::Arithmetic(Arithmetic::Mul),
        "Div" => Operator::Arithmetic(Arithmetic::Div),
        "Less" => Operator::Compare { less: true },
        "Greater" => Operator::Compare { less: false },
        "Where" => Operator::Where,
        "Not" => Operator::Not,
        "IsNaN" => Operator::IsNan,
        "Clip" => Operator::Clip { least: attributes.float("min"), most: attributes.float("max") },
        "Sigmoid" => Operator::Function(Function::Sigmoid),
        "Exp" => Operator::Function(Function::Exp),
        "Log" => Operator::Function(Function::Log),
        "Neg" => Operator::Function(Function::Neg),
        "Abs" => Operator::Function(Function::Abs),
        "Sqrt" => Operator::Function(Function::Sqrt),
        "Relu" => Operator::Function(Function::Relu),
        "Tanh" => Operator::Function(Function::Tanh),
        "Softmax" => Operator::Softmax(attributes.int("axis").unwrap_or(-1)),
        "ArgMax" => Operator::ArgMax {
            axis: attributes.int("axis").unwrap_or(0),
            keep: attributes.int("keepdims").unwrap_or(1) != 0,
        },
        "Identity" => Operator::Identity,
        "Constant" => {
            Operator::Constant(attributes.tensor("value")?.ok_or_else(|| mismatch("a Constant holds no tensor"))?)
        }
        _ => return Err(unsupported(node)),
    })
}
