//! Patterns that are decided here.

use flyball_core::{Error, Result};
use flyball_tracking::search::{Comparator, Condition, Value};
use regex::{Regex, RegexBuilder};

/// Largest compiled pattern, in bytes.
const COMPILED_BYTES: usize = 1024 * 1024;

/// A test of a text.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// It is one of these.
    OneOf(Vec<String>),
    /// It is none of these.
    NoneOf(Vec<String>),
    /// The pattern is found in it.
    Pattern(Regex),
}

impl Test {
    /// The test of a condition on texts.
    ///
    /// # Errors
    /// `InvalidInput` for a regular expression that is none.
    pub(super) fn of(condition: &Condition) -> Result<Self> {
        let texts = match &condition.value {
            Value::Text(text) => vec![text.clone()],
            Value::Texts(texts) => texts.clone(),
            _ => Vec::new(),
        };
        let pattern = texts.first().map(String::as_str).unwrap_or_default();
        Ok(match condition.comparator {
            Comparator::Like => Self::Pattern(regex(&wildcards(pattern), false)?),
            Comparator::ILike => Self::Pattern(regex(&wildcards(pattern), true)?),
            Comparator::RLike => Self::Pattern(regex(pattern, false)?),
            Comparator::NotEqual | Comparator::NotIn => Self::NoneOf(texts),
            _ => Self::OneOf(texts),
        })
    }

    /// Whether a text passes.
    pub(super) fn passes(&self, text: &str) -> bool {
        match self {
            Self::OneOf(texts) => texts.iter().any(|one| one == text),
            Self::NoneOf(texts) => texts.iter().all(|one| one != text),
            Self::Pattern(regex) => regex.is_match(text),
        }
    }
}

/// A pattern with `%` and `_` as a regular expression for the whole text.
fn wildcards(pattern: &str) -> String {
    let mut regex = String::from(r"(?s)\A");
    for c in pattern.chars() {
        match c {
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            other => regex.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    regex + r"\z"
}

fn regex(pattern: &str, same_case: bool) -> Result<Regex> {
    let built = RegexBuilder::new(pattern).case_insensitive(same_case).size_limit(COMPILED_BYTES).build();
    built.map_err(|cause| {
        let shown: String = pattern.chars().take(100).collect();
        Error::invalid(format!("'{}' is not a regular expression, or too large a one", shown.escape_debug()))
            .hint("look-around and back-references are not supported")
            .cause(cause)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(comparator: Comparator, value: Value) -> Result<Test> {
        Test::of(&Condition { entity: "span", key: "name".to_owned(), comparator, value })
    }

    #[test]
    fn comparators_mean_what_they_say() {
        let text = |text: &str| Value::Text(text.to_owned());
        let cases = [
            (Comparator::Like, text("a%_c"), "ab\nxc", true),
            (Comparator::Like, text("A%"), "abc", false),
            (Comparator::ILike, text("A%"), "abc", true),
            (Comparator::Like, text("a.c"), "abc", false),
            (Comparator::RLike, text("^a.c$"), "abc", true),
            (Comparator::RLike, text("b"), "abc", true),
            (Comparator::Equal, text("abc"), "abc", true),
            (Comparator::NotEqual, text("abc"), "abc", false),
            (Comparator::In, Value::Texts(vec!["x".to_owned(), "abc".to_owned()]), "abc", true),
            (Comparator::NotIn, Value::Texts(vec!["x".to_owned()]), "abc", true),
        ];
        for (comparator, value, against, wanted) in cases {
            assert_eq!(
                test(comparator, value.clone()).unwrap().passes(against),
                wanted,
                "{comparator} {value:?} {against}"
            );
        }
        for bad in ["(", "(?=x)", "(a{1000}){1000}"] {
            assert!(test(Comparator::RLike, text(bad)).is_err(), "{bad}");
        }
    }
}
