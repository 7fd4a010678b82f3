//! The interpreter: runs any graph of the known operators, tensor by tensor.

mod attributes;
mod elementwise;
pub(crate) mod encoders;
pub(crate) mod ensemble;
pub(crate) mod linear;
pub(crate) mod operator;
mod post;
pub(crate) mod run;
mod shape;
pub(crate) mod tensor;
mod trees;

use std::collections::HashMap;

use flyball_core::Result;

use crate::onnx::proto::{self, data_type};
use crate::onnx::read;
use operator::{Labels, Operator};
pub(crate) use post::PostTransform;
use run::Inputs;
use tensor::{Tensor, mismatch};

/// The element type of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    Float,
    Int,
    Bool,
    Text,
}

/// One input of a graph.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) element: Element,
    /// Columns per row; 1 for inputs of the shape [N].
    pub(crate) columns: usize,
    /// Whether the shape is [N] rather than [N, columns].
    pub(crate) flat: bool,
}

/// One node: what it does, and which slots it reads and writes.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) operator: Operator,
    pub(crate) inputs: Vec<Option<usize>>,
    pub(crate) outputs: Vec<Option<usize>>,
}

/// A loaded graph. Tensors stand in numbered slots: constants first, then inputs, then what the steps write.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub(crate) constants: Vec<Tensor>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) steps: Vec<Step>,
    slots: usize,
    /// The outputs' names and slots, in order.
    pub(crate) outputs: Vec<(String, usize)>,
    /// The class labels that the graph names (of its last classifier or ZipMap).
    pub(crate) labels: Option<Labels>,
}

impl Graph {
    /// Loads a graph; an unknown operator is an error that names it.
    pub(crate) fn load(proto: &proto::Graph) -> Result<Self> {
        let mut slots: HashMap<&str, usize> = HashMap::new();
        let mut constants = Vec::with_capacity(proto.initializer.len());
        for initializer in &proto.initializer {
            slots.insert(&initializer.name, constants.len());
            constants.push(read::tensor(initializer)?);
        }
        let mut next = constants.len();
        let mut inputs = Vec::new();
        // Old files list their constants among the inputs too.
        for info in proto.input.iter().filter(|i| proto.initializer.iter().all(|c| c.name != i.name)) {
            slots.insert(&info.name, next);
            next += 1;
            inputs.push(read_input(info)?);
        }
        let mut steps = Vec::with_capacity(proto.node.len());
        let mut labels = None;
        for node in &proto.node {
            let read = |name: &String| {
                if name.is_empty() {
                    return Ok(None);
                }
                let slot = slots.get(name.as_str()).copied();
                slot.map(Some).ok_or_else(|| mismatch(format!("the graph reads '{name}' before anything writes it")))
            };
            let inputs = node.input.iter().map(read).collect::<Result<Vec<_>>>()?;
            let operator = Operator::read(node)?;
            labels = Labels::read(&attributes::Attributes(node))?.or(labels);
            let mut outputs = Vec::with_capacity(node.output.len());
            for name in &node.output {
                outputs.push((!name.is_empty()).then_some(next));
                slots.insert(name, next);
                next += 1;
            }
            steps.push(Step { operator, inputs, outputs });
        }
        let output = |info: &proto::ValueInfo| match slots.get(info.name.as_str()) {
            Some(&slot) => Ok((info.name.clone(), slot)),
            None => Err(mismatch(format!("nothing writes the output '{}'", info.name))),
        };
        let outputs = proto.output.iter().map(output).collect::<Result<_>>()?;
        Ok(Self { constants, inputs, steps, slots: next, outputs, labels })
    }

    /// The slot of the input at `position`.
    pub(crate) fn input_slot(&self, position: usize) -> usize {
        self.constants.len() + position
    }

    /// Runs the graph on inputs in its order and gives the tensor in the slot `wanted`.
    pub(crate) fn run(&self, inputs: Vec<Tensor>, wanted: usize) -> Result<Tensor> {
        let first = self.constants.len();
        let mut written: Vec<Option<Tensor>> = inputs.into_iter().map(Some).collect();
        written.resize(self.slots - first, None);
        for step in &self.steps {
            let results = {
                let at = |slot: &Option<usize>| match *slot {
                    Some(slot) if slot < first => self.constants.get(slot),
                    Some(slot) => written[slot - first].as_ref(),
                    None => None,
                };
                step.operator.run(&Inputs(step.inputs.iter().map(at).collect()))?
            };
            for (slot, result) in step.outputs.iter().zip(results) {
                if let Some(slot) = slot {
                    written[slot - first] = Some(result);
                }
            }
        }
        let result = if wanted < first { self.constants.get(wanted).cloned() } else { written[wanted - first].take() };
        result.ok_or_else(|| mismatch("the graph did not compute its output"))
    }
}

fn read_input(info: &proto::ValueInfo) -> Result<Input> {
    let tensor = info.r#type.as_ref().and_then(|t| t.tensor.as_ref());
    let tensor = tensor.ok_or_else(|| mismatch(format!("the input '{}' is not a tensor", info.name)))?;
    let element = match tensor.elem_type {
        data_type::FLOAT => Element::Float,
        data_type::INT64 | data_type::INT32 => Element::Int,
        data_type::BOOL => Element::Bool,
        data_type::STRING => Element::Text,
        other => {
            return Err(mismatch(format!(
                "the input '{}' has the element type {other}, which is not known",
                info.name
            )));
        }
    };
    let dims = tensor.shape.as_ref().map_or(&[][..], |s| &s.dim);
    let columns = match dims {
        [] | [_] => 1,
        [_, columns] => columns.value.and_then(|c| usize::try_from(c).ok()).filter(|&c| c > 0).unwrap_or(0),
        _ => 0,
    };
    if columns == 0 || columns > flyball_core::limits::TABLE_COLUMNS * 10 {
        return Err(mismatch(format!("the input '{}' does not have the shape [N, columns]", info.name)));
    }
    Ok(Input { name: info.name.clone(), element, columns, flat: dims.len() == 1 })
}
