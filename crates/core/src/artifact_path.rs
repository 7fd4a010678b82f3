//! Relative paths of artifacts and project files, in one accepted form.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorCode, Result, limits};

/// A relative path in normal form: segments joined by `/`, none empty, `.` or `..`; no backslash, colon, percent sign,
/// control or direction-changing character. It is decoded once, at the edge; what is not in this form is refused, not
/// repaired, so that no second reading of it can differ from the first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ArtifactPath(String);

impl ArtifactPath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the last dot of the last segment, in lower case.
    pub fn extension(&self) -> Option<String> {
        let last = self.0.rsplit('/').next()?;
        last.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase())
    }
}

impl FromStr for ArtifactPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refuse = |why: &str| {
            let shown: String = text.chars().take(60).collect();
            Err(Error::new(ErrorCode::InvalidName, format!("the path {shown:?} is refused: {why}"))
                .hint("write a relative path such as data/flights.parquet"))
        };
        if text.is_empty() || text.len() > limits::PATH_BYTES {
            return refuse("it is empty or too long");
        }
        let banned = |c: char| {
            c.is_control()
                || matches!(c, '\\' | ':' | '%' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        if text.chars().any(banned) {
            return refuse("it holds a backslash, colon, percent sign or control character");
        }
        for segment in text.split('/') {
            if segment.is_empty() || segment == "." || segment == ".." {
                return refuse("it is absolute, or a segment is empty, '.' or '..'");
            }
            if segment.ends_with('.') || segment.ends_with(' ') || segment.starts_with(' ') {
                return refuse("a segment begins or ends with a space or ends with a dot");
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for ArtifactPath {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<ArtifactPath> for String {
    fn from(path: ArtifactPath) -> String {
        path.0
    }
}

impl fmt::Display for ArtifactPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_normal_form_passes() {
        for good in ["data/flights.parquet", "model.onnx", "a/b/c d.txt", "données/été.csv"] {
            assert_eq!(good.parse::<ArtifactPath>().unwrap().as_str(), good);
        }
        let long = "a/".repeat(3000);
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "./a",
            "a/.",
            "C:\\x",
            "\\\\host\\share",
            "//host/x",
            "%2e%2e%2f",
            "a%00.jpg",
            "a\0",
            "a\r\nX: y",
            "a\u{202e}gpj",
            "file:///etc",
            "a.",
            "a /b",
            " a",
            &long,
        ] {
            assert!(bad.parse::<ArtifactPath>().is_err(), "{bad:?}");
        }
    }
}
