//! The pure rules of the registry.

use flyball_tracking::Pair;

mod names;
mod source;
mod stage;

pub(crate) use names::{LATEST, alias, model_name, new_alias, tag, tag_key, tags, version_number};
pub(crate) use source::{Reference, Source, inside, invalid, local, not_of, unsafe_path};
pub use stage::Stage;

/// The tag that makes a registered model a prompt, and a version the version of one.
pub const PROMPT_TAG: &str = "mlflow.prompt.is_prompt";

/// Whether these tags are those of a prompt.
pub(crate) fn is_prompt(tags: &[Pair]) -> bool {
    // Of several values of a key the last one holds.
    tags.iter().rev().find(|tag| tag.key == PROMPT_TAG).is_some_and(|tag| tag.value.eq_ignore_ascii_case("true"))
}
