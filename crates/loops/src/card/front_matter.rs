//! The head of a card as the Hugging Face Hub reads it: YAML with the fields of its model cards, `model-index` included
//! (<https://huggingface.co/docs/hub/model-cards>). Written as JSON strings and lists, which YAML holds.

use flyball_core::Task;
use serde_json::{Value, json};

use super::ModelCard;

/// The metrics that the Hub has a name for, by ours.
const HUB_NAMES: &[(&str, &str)] =
    &[("auc", "roc_auc"), ("rmse", "rmse"), ("mae", "mae"), ("r2", "r_squared"), ("brier", "brier_score")];

/// The lines between the two rules of `---`.
pub(super) fn front_matter(card: &ModelCard) -> String {
    let mut lines = String::new();
    let mut line = |key: &str, value: &Value| {
        // One-line JSON is YAML; strings are quoted, so that no text of a user's can become a key.
        lines.push_str(&format!("{key}: {value}\n"));
    };
    if let Some(licence) = card.statements.get("license") {
        line("license", &json!(licence.to_lowercase()));
    }
    line("library_name", &json!("flyball"));
    let task = match card.task() {
        Some(Task::Classification) => Some("tabular-classification"),
        Some(Task::Regression) => Some("tabular-regression"),
        None => None,
    };
    if let Some(task) = task {
        line("pipeline_tag", &json!(task));
    }
    line("tags", &json!(["tabular", "flyball"]));
    if let Some(dataset) = card.training.as_ref().and_then(|training| training.dataset.as_ref()) {
        line("datasets", &json!([hub_name(dataset)]));
    }
    if let (Some(evaluation), Some(task)) = (&card.evaluation, task) {
        let named = |name: &str| {
            HUB_NAMES.iter().find(|(own, _)| *own == name).map_or(name.to_owned(), |(_, hub)| (*hub).to_owned())
        };
        line("metrics", &json!(evaluation.metrics.keys().map(|name| named(name)).collect::<Vec<_>>()));
        let metrics: Vec<Value> = evaluation
            .metrics
            .iter()
            .map(|(name, measure)| json!({ "type": named(name), "name": name, "value": measure.value }))
            .collect();
        let dataset = card
            .training
            .as_ref()
            .and_then(|training| training.dataset.clone())
            .unwrap_or_else(|| "held-out rows".to_owned());
        let result = json!({
            "task": { "type": task },
            "dataset": { "type": hub_name(&dataset), "name": dataset, "split": "holdout" },
            "metrics": metrics,
        });
        line("model-index", &json!([{ "name": card.model, "results": [result] }]));
    }
    lines
}

/// A name as the Hub allows it: letters, digits, `-`, `_` and `.`.
fn hub_name(name: &str) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let plain: String = name.chars().map(|c| if kept(c) { c } else { '-' }).collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    words.join("-")
}

#[cfg(test)]
mod tests {
    use super::hub_name;

    #[test]
    fn names_for_the_hub_hold_no_other_signs() {
        assert_eq!(hub_name("departures version 3"), "departures-version-3");
        assert_eq!(hub_name("a/b: \"c\""), "a-b-c");
    }
}
