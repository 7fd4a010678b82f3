//! Rules for tags and metadata.

use flyball_core::{Error, Result, limits};
use flyball_tracking::rules;

/// Tags that only the server changes.
const FIXED: [&str; 3] = ["mlflow.trace.spansLocation", "mlflow.trace.archiveLocation", "mlflow.trace.archivalFailure"];

/// A tag as it is kept.
///
/// # Errors
/// `InvalidInput` when the key cannot be one.
pub(crate) fn valid_tag(key: &str, value: &str) -> Result<(String, String)> {
    rules::check_key("tag", key)?;
    Ok((key.to_owned(), valid_value(value)))
}

/// A value as it is kept: cut, and without the character that databases refuse.
pub(crate) fn valid_value(value: &str) -> String {
    rules::cut(value, limits::TAG_VALUE_CHARS).replace('\0', "\u{fffd}")
}

/// Refuses changes to tags that only the server changes.
pub(crate) fn check_free(key: &str, deleting: bool) -> Result<()> {
    // Deleting the mark of a failure is how one asks for another try.
    if FIXED.contains(&key) && !(deleting && key == FIXED[2]) {
        let verb = if deleting { "deleted" } else { "set" };
        return Err(Error::invalid(format!("Tag '{key}' is immutable and cannot be {verb} on a trace.")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_plain_names_and_values_are_cut() {
        for good in ["a", "mlflow.x", "a b:c/d", "é"] {
            assert!(valid_tag(good, "").is_ok(), "{good}");
        }
        for bad in ["", "a//b", "/a", "a/", "../a", ".", "a\0", "a;b", &"k".repeat(251)] {
            assert!(valid_tag(bad, "").is_err(), "{bad:?}");
        }
        assert_eq!(valid_tag("k", &"é".repeat(9000)).unwrap().1.chars().count(), limits::TAG_VALUE_CHARS);
        assert_eq!(valid_tag("k", "a\0b").unwrap().1, "a\u{fffd}b");
        assert!(check_free("a", false).is_ok() && check_free(FIXED[0], true).is_err());
        assert!(check_free(FIXED[2], false).is_err() && check_free(FIXED[2], true).is_ok());
    }
}
