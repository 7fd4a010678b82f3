//! Tokens and cost of a trace from those of its spans.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use crate::Span;
use crate::otlp::messages::AnyValue;

/// What a span says it used, and where it stands in the tree.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) id: u64,
    pub(crate) parent: Option<u64>,
    pub(crate) used: Option<Map<String, Value>>,
}

impl Node {
    /// The node of a span, with what its attribute says.
    pub(crate) fn of(span: &Span, attribute: &str) -> Self {
        let used = match span.attribute(attribute).map(AnyValue::to_json) {
            Some(Value::Object(used)) => Some(used),
            Some(Value::String(text)) => serde_json::from_str(&text).ok(),
            _ => None,
        };
        Self { id: span.id(), parent: span.parent(), used }
    }
}

/// Keys of token counts: three that are always given, and some that are given when a span has them.
const TOKENS: [&str; 3] = ["input_tokens", "output_tokens", "total_tokens"];
const CACHED: [&str; 3] =
    ["cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation_input_tokens_above_1hr"];
const COSTS: [&str; 3] = ["input_cost", "output_cost", "total_cost"];

/// The sum of token counts. A span that has counts stands for all below it, so that nothing is counted twice.
pub(crate) fn tokens(nodes: &[Node]) -> Option<Value> {
    let counted = counted(nodes);
    let count = |used: &Map<String, Value>, key: &str| used.get(key).and_then(Value::as_i64);
    let sum = |key: &str| counted.iter().filter_map(|used| count(used, key)).fold(0, i64::saturating_add);
    let mut sums: Map<String, Value> = TOKENS.iter().map(|key| ((*key).to_owned(), json!(sum(key)))).collect();
    for key in CACHED.iter().filter(|key| counted.iter().any(|used| count(used, key).is_some())) {
        sums.insert((*key).to_owned(), json!(sum(key)));
    }
    (!counted.is_empty()).then_some(Value::Object(sums))
}

/// The sum of costs, by the same rule.
pub(crate) fn cost(nodes: &[Node]) -> Option<Value> {
    let counted = counted(nodes);
    let sum = |key: &str| -> f64 { counted.iter().filter_map(|used| used.get(key).and_then(Value::as_f64)).sum() };
    (!counted.is_empty())
        .then(|| COSTS.iter().map(|key| ((*key).to_owned(), json!(sum(key)))).collect::<Map<_, _>>().into())
}

/// What the topmost spans that say something used.
fn counted(nodes: &[Node]) -> Vec<&Map<String, Value>> {
    let known: HashSet<u64> = nodes.iter().map(|node| node.id).collect();
    let mut children: HashMap<u64, Vec<&Node>> = HashMap::new();
    let mut open: Vec<&Node> = Vec::new();
    for node in nodes {
        match node.parent.filter(|parent| known.contains(parent)) {
            Some(parent) => children.entry(parent).or_default().push(node),
            None => open.push(node),
        }
    }
    let mut found = Vec::new();
    while let Some(node) = open.pop() {
        match &node.used {
            Some(used) => found.push(used),
            // Taken out, so that a span that is its own ancestor is met once.
            None => open.extend(children.remove(&node.id).unwrap_or_default()),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: u64, parent: Option<u64>, used: Value) -> Node {
        Node { id, parent, used: used.as_object().cloned() }
    }

    #[test]
    fn a_span_with_counts_stands_for_those_below_it() {
        let leaf = json!({"input_tokens": 1, "output_tokens": 2, "total_tokens": 3});
        let whole = json!({"input_tokens": 5, "output_tokens": 5, "total_tokens": 10, "cache_read_input_tokens": 4});
        let nodes = [
            node(1, None, Value::Null),
            node(2, Some(1), whole),
            node(3, Some(2), leaf.clone()),
            node(4, Some(1), leaf),
            node(5, Some(99), json!({"total_tokens": 7})),
            node(6, Some(6), json!({"total_tokens": 1000})),
        ];
        let sums = tokens(&nodes).unwrap();
        assert_eq!(
            sums.to_string(),
            r#"{"input_tokens":6,"output_tokens":7,"total_tokens":20,"cache_read_input_tokens":4}"#
        );
        assert_eq!(tokens(&[node(1, None, Value::Null)]), None);
        assert_eq!(
            cost(&[node(1, None, json!({"input_cost": 0.5, "total_cost": 1}))]).unwrap(),
            json!({"input_cost": 0.5, "output_cost": 0.0, "total_cost": 1.0})
        );
    }
}
