//! The contract of a model, from its metadata or, for models of other tools, from its graph.

use std::collections::HashSet;

use flyball_core::{Error, ErrorCode, Feature, FeatureKind, Result, Signature, Task};

use crate::graph::operator::{Function, Operator};
use crate::graph::{Element, Graph};
use crate::onnx::{SIGNATURE_KEY, proto};

/// The contract, and the slot of the graph's scores.
pub(crate) fn read(graph: &Graph, metadata: &[proto::Entry]) -> Result<(Signature, usize)> {
    let labels = label_slots(graph);
    let mut outputs = graph.outputs.iter();
    let scores = outputs.find(|(_, slot)| !labels.contains(slot)).ok_or_else(|| {
        Error::new(ErrorCode::UnsupportedModel, "the model gives labels without scores")
            .hint("export the probabilities too, as skl2onnx does by default")
    })?;
    let features = features(graph);
    let stored = metadata
        .iter()
        .find(|entry| entry.key == SIGNATURE_KEY)
        .and_then(|entry| serde_json::from_str::<Signature>(&entry.value).ok())
        .filter(|stored| stored.features.iter().map(|f| f.kind).eq(features.iter().map(|f| f.kind)));
    if let Some(stored) = stored {
        return Ok((stored, scores.1));
    }
    let probabilities = |o: &Operator| matches!(o, Operator::Function(Function::Sigmoid) | Operator::Softmax(_));
    let classifies = graph.labels.is_some()
        || !labels.is_empty()
        || graph.steps.iter().any(|s| s.outputs.contains(&Some(scores.1)) && probabilities(&s.operator));
    let task = if classifies { Task::Classification } else { Task::Regression };
    let classes = match (&graph.labels, task) {
        (Some(labels), Task::Classification) => labels.names(),
        _ => Vec::new(),
    };
    Ok((Signature { task, features, classes }, scores.1))
}

/// The slots that hold predicted labels rather than scores.
fn label_slots(graph: &Graph) -> HashSet<usize> {
    let mut labels = HashSet::new();
    for step in &graph.steps {
        let from_label = step.inputs.iter().flatten().any(|slot| labels.contains(slot));
        let is_label = match &step.operator {
            Operator::Linear { labels, .. } | Operator::Trees { labels, .. } => labels.is_some(),
            Operator::ArgMax { .. } => true,
            _ => from_label,
        };
        if is_label {
            labels.extend(step.outputs.first().copied().flatten());
        }
    }
    labels
}

/// One feature per input column. The columns of a single wide input are called f0, f1, …, as XGBoost does.
fn features(graph: &Graph) -> Vec<Feature> {
    let single = graph.inputs.len() == 1;
    let mut features = Vec::new();
    for input in &graph.inputs {
        let kind = if input.element == Element::Text { FeatureKind::Text } else { FeatureKind::Number };
        for column in 0..input.columns {
            let name = match (input.columns, single) {
                (1, _) => input.name.clone(),
                (_, true) => format!("f{column}"),
                (_, false) => format!("{}_{column}", input.name),
            };
            features.push(Feature { name, kind });
        }
    }
    features
}
