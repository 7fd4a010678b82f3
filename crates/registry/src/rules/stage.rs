//! Stages: how versions were told apart before there were aliases. Clients still use them.

use flyball_core::{Error, Result};
use serde::Serialize;

/// The stage of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Stage {
    /// No stage, as at the beginning.
    None,
    /// It is tried out.
    Staging,
    /// It serves.
    Production,
    /// It is over.
    Archived,
}

impl Stage {
    /// All stages.
    pub const ALL: [Stage; 4] = [Stage::None, Stage::Staging, Stage::Production, Stage::Archived];

    /// The name, as stored and answered.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::None => "None",
            Stage::Staging => "Staging",
            Stage::Production => "Production",
            Stage::Archived => "Archived",
        }
    }

    /// The stage that a client names, in any case.
    ///
    /// # Errors
    /// `InvalidInput` when there is no such stage.
    pub fn named(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str().eq_ignore_ascii_case(name)).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            Error::invalid(format!("Invalid Model Version stage: {name}. Value must be one of {known}."))
        })
    }

    /// Whether entering it can send the versions that are there to the archive.
    pub fn is_active(self) -> bool {
        matches!(self, Stage::Staging | Stage::Production)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_named_in_any_case_and_unknown_ones_are_refused() {
        assert_eq!(Stage::named("pRODUCTION").unwrap(), Stage::Production);
        assert_eq!(Stage::named("none").unwrap().as_str(), "None");
        let error = Stage::named("foo").unwrap_err();
        assert!(error.message().contains("Invalid Model Version stage: foo"), "{error}");
        assert!(Stage::named("").is_err());
    }
}
