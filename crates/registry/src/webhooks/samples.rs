//! Made-up events, for trying a webhook out.

use serde_json::{Value, json};

use super::model::{Action, Entity, Subject};

/// What a webhook could be told of such an event.
pub(super) fn of(event: Subject) -> Value {
    let prompt = matches!(
        event.entity,
        Entity::Prompt | Entity::PromptVersion | Entity::PromptTag | Entity::PromptVersionTag | Entity::PromptAlias
    );
    let name = if prompt { "example_prompt" } else { "example_model" };
    let tags = json!({ "example_key": "example_value" });
    let description = format!("An example {}", event.entity.as_str().replace('_', " "));
    let mut data = match event.entity {
        Entity::RegisteredModel | Entity::Prompt => json!({ "name": name, "tags": tags, "description": description }),
        Entity::ModelVersion => json!({
            "name": name, "version": "1", "source": "models:/123", "run_id": "abcd1234abcd5678", "tags": tags,
            "description": description,
        }),
        Entity::PromptVersion => json!({
            "name": name, "version": "1", "template": "Hello {{name}}!", "tags": tags, "description": description,
        }),
        Entity::ModelVersionTag | Entity::PromptVersionTag => {
            json!({ "name": name, "version": "1", "key": "example_key" })
        }
        Entity::PromptTag => json!({ "name": name, "key": "example_key" }),
        Entity::ModelVersionAlias | Entity::PromptAlias => json!({ "name": name, "alias": "example_alias" }),
        Entity::BudgetPolicy => json!({
            "budget_policy_id": "bp-abc123", "budget_unit": "USD", "budget_amount": 100.0, "current_spend": 105.5,
            "duration_unit": "MONTHS", "duration_value": 1, "target_scope": "ENDPOINT", "workspace": "default",
            "target_value": "ep-abc123", "window_start": 1_704_067_200_000_i64,
        }),
    };
    match (event.action, event.entity) {
        (Action::Set, _) => data["value"] = "example_value".into(),
        (Action::Created, Entity::ModelVersionAlias | Entity::PromptAlias) => data["version"] = "1".into(),
        _ => {}
    }
    data
}
