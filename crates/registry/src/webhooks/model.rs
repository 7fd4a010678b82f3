//! The types of webhooks.

use flyball_core::{Error, Result, Timestamp};
use serde::Serialize;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// All of them, in the order of the protocol's numbers, which begin at 1.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The word, in lower case.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }

            pub(crate) fn parse(text: &str) -> Result<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text)
                    .ok_or_else(|| Error::internal(format!("'{text}' is not known")))
            }
        }
    };
}

words! {
    /// What something happened to.
    Entity {
        /// A registered model.
        RegisteredModel => "registered_model",
        /// A version of a model.
        ModelVersion => "model_version",
        /// A tag of a version.
        ModelVersionTag => "model_version_tag",
        /// An alias of a version.
        ModelVersionAlias => "model_version_alias",
        /// A prompt.
        Prompt => "prompt",
        /// A version of a prompt.
        PromptVersion => "prompt_version",
        /// A tag of a prompt.
        PromptTag => "prompt_tag",
        /// A tag of a version of a prompt.
        PromptVersionTag => "prompt_version_tag",
        /// An alias of a version of a prompt.
        PromptAlias => "prompt_alias",
        /// A limit of spending. Flyball has none; clients may ask to be told all the same.
        BudgetPolicy => "budget_policy",
    }
}

words! {
    /// What happened.
    Action {
        /// It was made.
        Created => "created",
        /// It was changed.
        Updated => "updated",
        /// It was deleted.
        Deleted => "deleted",
        /// It was set.
        Set => "set",
        /// It was exceeded.
        Exceeded => "exceeded",
    }
}

words! {
    /// Whether a webhook is told anything.
    Status {
        /// It is.
        Active => "active",
        /// It is not.
        Disabled => "disabled",
    }
}

/// What a webhook can be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Subject {
    /// To what.
    pub entity: Entity,
    /// What happened.
    pub action: Action,
}

/// Who is to be told.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// The id, which nobody can guess.
    pub id: String,
    /// The name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Where to.
    pub url: String,
    /// Of what.
    pub events: Vec<Subject>,
    /// What deliveries are signed with.
    pub secret: Option<String>,
    /// Whether it is told anything.
    pub status: Status,
}

/// What is to be changed of a webhook; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct WebhookChange {
    /// The name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Where to.
    pub url: Option<String>,
    /// Of what, all of it.
    pub events: Option<Vec<Subject>>,
    /// What deliveries are signed with; an empty text takes the signature away.
    pub secret: Option<String>,
    /// Whether it is told anything.
    pub status: Option<Status>,
}

/// A webhook as it may be seen: its secret is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Webhook {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Where to.
    pub url: String,
    /// Of what.
    pub events: Vec<Subject>,
    /// Whether it is told anything.
    pub status: Status,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
}
