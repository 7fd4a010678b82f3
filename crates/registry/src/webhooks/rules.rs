//! Which webhooks are accepted.

use flyball_core::{Error, ErrorCode, Result};

use super::model::{Action, Entity, Subject};

/// Longest name.
const NAME_CHARS: usize = 63;
/// Longest URL, description and secret, in characters.
const TEXT_CHARS: usize = 1_000;

/// Checks a name: letters, digits, `.`, `_` and `-`, with a letter or digit at both ends.
pub(super) fn name(name: &str) -> Result<()> {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if name.len() <= NAME_CHARS && name.chars().all(inside) && end(name.chars().next()) && end(name.chars().next_back())
    {
        return Ok(());
    }
    let message = format!("Webhook name '{}' is invalid", name.chars().take(NAME_CHARS).collect::<String>());
    Err(Error::new(ErrorCode::InvalidName, message).hint(
        "It must start and end with a letter or digit, be at most 63 characters long, and contain only letters, digits, \
         dots (.), underscores (_), and hyphens (-)",
    ))
}

/// Checks the length of the other texts.
pub(super) fn text(what: &str, text: &str) -> Result<()> {
    flyball_tracking::rules::check_length(what, text, TEXT_CHARS)
}

/// Checks what a webhook is to be told of, and leaves out repetitions.
pub(super) fn events(events: &[Subject]) -> Result<Vec<Subject>> {
    if events.is_empty() {
        return Err(Error::invalid("Webhook events cannot be empty"));
    }
    let mut kept = events.to_vec();
    kept.sort_unstable();
    kept.dedup();
    kept.iter().try_for_each(|event| check(*event))?;
    Ok(kept)
}

/// Checks that this can happen to that.
pub(super) fn check(event: Subject) -> Result<()> {
    let actions = actions_of(event.entity);
    if actions.contains(&event.action) {
        return Ok(());
    }
    let known: Vec<&str> = actions.iter().map(|action| action.as_str()).collect();
    Err(Error::invalid(format!(
        "Invalid action '{}' for entity '{}'. Valid actions are: {}",
        event.action.as_str(),
        event.entity.as_str(),
        known.join(", ")
    )))
}

fn actions_of(entity: Entity) -> &'static [Action] {
    match entity {
        Entity::RegisteredModel | Entity::ModelVersion | Entity::Prompt | Entity::PromptVersion => &[Action::Created],
        Entity::ModelVersionTag | Entity::PromptTag | Entity::PromptVersionTag => &[Action::Set, Action::Deleted],
        Entity::ModelVersionAlias | Entity::PromptAlias => &[Action::Created, Action::Deleted],
        Entity::BudgetPolicy => &[Action::Exceeded],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        let (longest, longer) = ("a".repeat(63), "a".repeat(64));
        for good in ["a", "A1", "my.web_hook-1", &longest] {
            assert!(name(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", ".a", "a b", "é", "a\n", &longer] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn only_what_can_happen_can_be_told() {
        let subject = |entity, action| Subject { entity, action };
        let pairs: Vec<Subject> =
            Entity::ALL.iter().flat_map(|e| Action::ALL.iter().map(|a| subject(*e, *a))).collect();
        assert_eq!(pairs.iter().filter(|pair| check(**pair).is_ok()).count(), 15);
        let set = subject(Entity::PromptTag, Action::Set);
        assert_eq!(events(&[set, set]).unwrap(), [set]);
        assert!(events(&[]).is_err());
        let error = events(&[set, subject(Entity::ModelVersion, Action::Deleted)]).unwrap_err();
        assert!(error.message().contains("Invalid action 'deleted' for entity 'model_version'"), "{error}");
    }
}
