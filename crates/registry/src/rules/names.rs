//! Which names, aliases, keys and numbers are accepted. Lengths are in characters.

use std::collections::BTreeMap;

use flyball_core::{Error, ErrorCode, Result, limits};
use flyball_tracking::Pair;
use flyball_tracking::rules::{check_key, check_length};

/// The alias that stands for the highest version.
pub(crate) const LATEST: &str = "latest";

/// Checks the name of a registered model. It stands in URIs such as `models:/NAME/1`.
pub(crate) fn model_name(parameter: &str, name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(Error::invalid(format!("Missing value for required parameter '{parameter}'.")));
    }
    if name.contains(['/', ':']) {
        return Err(refused(format!("Invalid model name '{name}'. Names cannot contain '/' or ':'.")));
    }
    if name == "." || name.starts_with("..") {
        return Err(refused(format!(
            "Invalid value {name:?} for parameter '{parameter}' supplied: a path, not a name."
        )));
    }
    check_length("name", name, limits::MODEL_NAME_CHARS)
}

/// Checks the form of an alias.
pub(crate) fn alias(alias: &str) -> Result<()> {
    if alias.is_empty() {
        return Err(Error::invalid("Registered model alias name cannot be empty."));
    }
    if !alias.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) {
        return Err(refused(format!(
            "Invalid alias name: '{alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-)."
        )));
    }
    check_length("Registered model alias name", alias, limits::ALIAS_CHARS)
}

/// Checks an alias that is to be set: some are read as versions.
pub(crate) fn new_alias(text: &str) -> Result<()> {
    alias(text)?;
    if text.eq_ignore_ascii_case(LATEST) {
        return Err(refused("'latest' alias name (case insensitive) is reserved.".to_owned()));
    }
    let digits = text.strip_prefix(['v', 'V']).unwrap_or_default();
    if !digits.is_empty() && digits.chars().all(char::is_numeric) {
        return Err(refused(format!("Version alias name '{text}' is reserved.")));
    }
    Ok(())
}

/// Checks a tag of a registered model or of a version.
pub(crate) fn tag(key: &str, value: &str) -> Result<()> {
    tag_key(key)?;
    check_length("value", value, limits::REGISTRY_TAG_VALUE_CHARS)
}

/// Checks the key of a tag.
pub(crate) fn tag_key(key: &str) -> Result<()> {
    check_key("tag", key)?;
    // Clients of the registry know such a key as one that leads out of its place.
    if key.starts_with("..") {
        return Err(refused(format!("Invalid tag name '{key}': Names must not resolve to other names as a path")));
    }
    Ok(())
}

/// The tags to store: checked, one value for each key, by key.
pub(crate) fn tags(given: &[Pair]) -> Result<BTreeMap<&str, &str>> {
    let mut kept = BTreeMap::new();
    for Pair { key, value } in given {
        tag(key, value)?;
        // Of several values of a key the last one holds.
        kept.insert(key.as_str(), value.as_str());
    }
    Ok(kept)
}

/// The number of a version as a client writes it.
pub(crate) fn version_number(text: &str) -> Result<i64> {
    text.trim().parse().map_err(|_| Error::invalid(format!("Parameter 'version' must be an integer, got '{text}'.")))
}

fn refused(message: String) -> Error {
    Error::new(ErrorCode::InvalidName, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_names_fit_into_a_uri() {
        for good in ["flights", "my model", "modèle", ".hidden", "a..b", "a@b"] {
            assert!(model_name("name", good).is_ok(), "{good}");
        }
        let long = "a".repeat(257);
        for bad in ["", "  ", "a/b", "a:b", ".", "..", "..a", &long] {
            assert!(model_name("name", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn aliases_cannot_be_read_as_versions() {
        for good in ["champion", "a-b_c", "vX", "v", "été", "1"] {
            assert!(new_alias(good).is_ok(), "{good}");
        }
        let long = "a".repeat(256);
        for bad in ["", "latest", "LaTeSt", "v1", "V12", "a b", "a.b", "a/b", "#", &long] {
            assert!(new_alias(bad).is_err(), "{bad:?}");
        }
        assert!(alias("latest").is_ok(), "it can be asked for");
    }

    #[test]
    fn tags_are_checked_and_the_last_value_of_a_key_holds() {
        assert!(tag("k", &"é".repeat(100_000)).is_ok());
        assert!(tag("k", &"x".repeat(100_001)).is_err());
        assert!(tag("a//b", "").is_err() && tag("..a", "").is_err());
        let given = [Pair::new("b", "1"), Pair::new("a", "2"), Pair::new("b", "3")];
        assert_eq!(tags(&given).unwrap().into_iter().collect::<Vec<_>>(), [("a", "2"), ("b", "3")]);
    }

    #[test]
    fn version_numbers_are_integers() {
        assert_eq!(version_number(" 12 ").unwrap(), 12);
        assert!(version_number("x").unwrap_err().message().contains("must be an integer, got 'x'"));
    }
}
