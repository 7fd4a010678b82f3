//! What the exported graphs of both trainers have in common.

use std::collections::HashSet;

use flyball_core::{Error, Feature, FeatureKind, Result, Signature, Task};
use prost::Message;

use crate::onnx::proto::{Attribute, Graph, Node, Tensor, ValueInfo, data_type};
use crate::onnx::{SIGNATURE_KEY, build};

/// A graph under construction: one input per feature, names that never clash with those of features.
pub(crate) struct Exporter<'a> {
    signature: &'a Signature,
    taken: HashSet<String>,
    nodes: Vec<Node>,
    constants: Vec<Tensor>,
    outputs: Vec<ValueInfo>,
    metadata: Vec<(&'static str, String)>,
}

impl<'a> Exporter<'a> {
    pub(crate) fn new(signature: &'a Signature) -> Self {
        let taken = signature.features.iter().map(|f| f.name.clone()).collect();
        let (nodes, constants, outputs, metadata) = Default::default();
        Self { signature, taken, nodes, constants, outputs, metadata }
    }

    /// A name like `wish` that nothing else has.
    fn fresh(&mut self, wish: &str) -> String {
        let names = std::iter::once(wish.to_owned()).chain((1..).map(|i| format!("{wish}_{i}")));
        let name = names.into_iter().find(|name| !self.taken.contains(name)).unwrap_or_default();
        self.taken.insert(name.clone());
        name
    }

    /// A standard node with one output, whose name is given back.
    pub(crate) fn node(&mut self, op_type: &str, inputs: &[&str], attributes: Vec<Attribute>) -> String {
        let output = self.fresh(&op_type.to_lowercase());
        self.nodes.push(build::node(op_type, inputs, &[&output], attributes));
        output
    }

    /// A machine-learning node with one output, whose name is given back.
    pub(crate) fn ml_node(&mut self, op_type: &str, inputs: &[&str], attributes: Vec<Attribute>) -> String {
        let output = self.fresh(&op_type.to_lowercase());
        self.nodes.push(build::ml_node(op_type, inputs, &[&output], attributes));
        output
    }

    /// A constant list of whole numbers, whose name is given back.
    pub(crate) fn constant(&mut self, wish: &str, values: Vec<i64>) -> String {
        let name = self.fresh(wish);
        self.constants.push(build::int_tensor(&name, values));
        name
    }

    /// Joins tensors by columns; a single one stays as it is.
    pub(crate) fn concat(&mut self, inputs: &[String]) -> String {
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        self.node("Concat", &inputs, vec![build::int("axis", 1)])
    }

    /// The model at the end: `ops` are the operators for classification and regression. Its outputs become the graph's.
    pub(crate) fn model(&mut self, ops: (&str, &str), input: &str, mut attributes: Vec<Attribute>) {
        let names = if self.signature.task == Task::Classification {
            attributes.push(build::texts("classlabels_strings", &self.signature.classes));
            let names = vec![self.fresh("label"), self.fresh("probabilities")];
            self.outputs.push(build::value(&names[0], data_type::STRING, None));
            names
        } else {
            vec![self.fresh("prediction")]
        };
        let scores = build::value(&names[names.len() - 1], data_type::FLOAT, Some(self.signature.width() as i64));
        self.outputs.push(scores);
        let op_type = if names.len() == 2 { ops.0 } else { ops.1 };
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.nodes.push(build::ml_node(op_type, &[input], &names, attributes));
    }

    pub(crate) fn metadata(&mut self, key: &'static str, value: String) {
        self.metadata.push((key, value));
    }

    /// The bytes of the ONNX file.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>> {
        let signature = serde_json::to_string(self.signature).map_err(Error::internal)?;
        self.metadata.insert(0, (SIGNATURE_KEY, signature));
        let input = |feature: &Feature| {
            let element = if feature.kind == FeatureKind::Text { data_type::STRING } else { data_type::FLOAT };
            build::value(&feature.name, element, Some(1))
        };
        let graph = Graph {
            node: self.nodes,
            name: "flyball".into(),
            initializer: self.constants,
            input: self.signature.features.iter().map(input).collect(),
            output: self.outputs,
        };
        Ok(build::model(graph, self.metadata).encode_to_vec())
    }
}
