//! The pure rules of the registry.

mod names;
mod source;
mod stage;

pub(crate) use names::{alias, model_name, new_alias, tags, version_number};
pub use names::tag;
pub(crate) use source::{Source, inside, reference, unsafe_path};
pub use stage::Stage;

/// The tag that makes a registered model a prompt, and a version the version of one.
pub const PROMPT_TAG: &str = "mlflow.prompt.is_prompt";

/// Whether these tags are those of a prompt.
pub(crate) fn is_prompt(tags: &[crate::model::Tag]) -> bool {
    // Of several values of a key the last one holds.
    tags.iter().rev().find(|(key, _)| key == PROMPT_TAG).is_some_and(|(_, value)| value.eq_ignore_ascii_case("true"))
}
