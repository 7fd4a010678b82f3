//! Names that people give to things.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorCode, Result, limits};

/// A name of a loop, dataset, model, endpoint or environment: letters, digits, `.`, `_` and `-`, beginning with a letter
/// or digit. It is safe in a URL, a file name and a metric label without escaping.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let starts = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        if starts && text.len() <= limits::NAME_BYTES && text.bytes().all(good) && !text.ends_with('.') {
            return Ok(Self(text.to_owned()));
        }
        let shown: String = text.chars().take(40).collect();
        Err(Error::new(ErrorCode::InvalidName, format!("{shown:?} is not a name")).hint(format!(
            "use letters, digits, '.', '_' and '-', begin with a letter or digit, at most {} bytes",
            limits::NAME_BYTES
        )))
    }
}

impl TryFrom<String> for Name {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> String {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_refused() {
        for good in ["flight-delays", "a", "v1.2_x"] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        let long = "a".repeat(200);
        for bad in ["", ".", "..", "../x", "a/b", "a b", "-a", "é", "a\0", "a\n", "a.", &long] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
    }
}
