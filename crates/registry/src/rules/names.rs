//! Which names, aliases, keys and numbers are accepted. Lengths are in characters.

use flyball_core::{Error, ErrorCode, Result};

use crate::model::Tag;

/// Longest name of a registered model.
const NAME_CHARS: usize = 256;
/// Longest alias.
const ALIAS_CHARS: usize = 255;
/// Longest key of a tag.
const KEY_CHARS: usize = 250;
/// Longest value of a tag: a prompt's text is one.
const VALUE_CHARS: usize = 100_000;

/// Checks the name of a registered model. It stands in URIs such as `models:/NAME/1`.
pub(crate) fn model_name(parameter: &str, name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(Error::invalid(format!("Missing value for required parameter '{parameter}'.")));
    }
    if name.contains(['/', ':']) {
        return Err(refused(format!("Invalid model name '{name}'. Names cannot contain '/' or ':'.")));
    }
    if name == "." || name.starts_with("..") {
        return Err(refused(format!("Invalid value {name:?} for parameter '{parameter}' supplied: a path, not a name.")));
    }
    longest("name", NAME_CHARS, name)
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
    longest("Registered model alias name", ALIAS_CHARS, alias)
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

/// The alias that stands for the highest version.
pub(crate) const LATEST: &str = "latest";

/// Checks a tag of a registered model or of a version.
///
/// # Errors
/// `InvalidName` or `LimitExceeded` with the reason.
pub fn tag(key: &str, value: &str) -> Result<()> {
    tag_key(key)?;
    longest("key", KEY_CHARS, key)?;
    longest("value", VALUE_CHARS, value)
}

/// The tags to store: checked, one value for each key, by key.
pub(crate) fn tags(given: &[Tag]) -> Result<Vec<Tag>> {
    let mut kept = std::collections::BTreeMap::new();
    for (key, value) in given {
        tag(key, value)?;
        kept.insert(key.clone(), value.clone());
    }
    Ok(kept.into_iter().collect())
}

/// Checks the key of a tag: it must be its own normal form as a relative path.
pub(crate) fn tag_key(key: &str) -> Result<()> {
    if !key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '/' | '-' | '.' | ' ' | ':')) {
        return Err(refused(format!(
            "Invalid value {key:?} for parameter 'key' supplied: Names may only contain alphanumerics, underscores (_), \
             dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)."
        )));
    }
    if key.split('/').any(|part| matches!(part, "" | "." | "..")) || key.starts_with("..") {
        return Err(refused(format!(
            "Invalid value {key:?} for parameter 'key' supplied: Names may be treated as files in certain cases, and must \
             not resolve to other names."
        )));
    }
    Ok(())
}

/// The number of a version as a client writes it.
pub(crate) fn version_number(text: &str) -> Result<i64> {
    text.trim().parse().map_err(|_| Error::invalid(format!("Parameter 'version' must be an integer, got '{text}'.")))
}

fn longest(what: &str, limit: usize, text: &str) -> Result<()> {
    if text.chars().count() <= limit {
        return Ok(());
    }
    let message = format!("'{what}' exceeds the maximum length of {limit} characters");
    Err(Error::new(ErrorCode::LimitExceeded, message))
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
    fn tag_keys_are_normal_relative_paths() {
        for good in ["a", "a/b", "a b:c", "mlflow.prompt.is_prompt", "é"] {
            assert!(tag(good, "").is_ok(), "{good}");
        }
        let long = "k".repeat(251);
        for bad in ["", "/a", "a/", "a//b", "a/./b", "../a", "a/../b", ".", "..a", "a\\b", "a,b", &long] {
            assert!(tag(bad, "x").is_err(), "{bad:?}");
        }
        assert!(tag("k", &"é".repeat(100_000)).is_ok());
        assert_eq!(tag("k", &"x".repeat(100_001)).unwrap_err().code(), ErrorCode::LimitExceeded);
    }

    #[test]
    fn of_several_values_of_a_key_the_last_holds() {
        let given = [("b", "1"), ("a", "2"), ("b", "3")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let kept: Vec<_> = tags(&given).unwrap();
        assert_eq!(kept, [("a".to_owned(), "2".to_owned()), ("b".to_owned(), "3".to_owned())]);
    }

    #[test]
    fn version_numbers_are_integers() {
        assert_eq!(version_number(" 12 ").unwrap(), 12);
        assert!(version_number("x").unwrap_err().message().contains("must be an integer, got 'x'"));
    }
}
