//! Names in the tree of artifacts.

use std::fmt;
use std::str::FromStr;

use flyball_core::{Error, ErrorCode, Result, limits};

/// Deepest path: the ancestors of a path are looked up in one statement.
const DEPTH: usize = 64;
/// The scheme of artifact URIs that this server resolves.
const SCHEME: &str = "mlflow-artifacts:/";

/// The path of an artifact or of a folder of artifacts, decoded once, relative to the root of the tree. It is a key in a
/// table and never a file name, so spaces, colons and any letters pass and come back byte for byte. What could be read
/// in two ways is refused: `.`, `..` and empty segments, backslashes, `#`, control and direction-changing characters,
/// what is still percent-encoded, and what begins like a URL or with a drive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(String);

impl TreePath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last segment.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The path that an `mlflow-artifacts:/…` URI names.
    ///
    /// # Errors
    /// `InvalidInput` when the artifacts live elsewhere, `InvalidName` when the path is not in its one accepted form.
    pub fn from_uri(uri: &str) -> Result<Self> {
        let path = uri.strip_prefix(SCHEME).ok_or_else(|| {
            Error::invalid("these artifacts are not kept by this server").hint("ask the store that their URI names")
        })?;
        path.parse()
    }

    /// A path below this one.
    ///
    /// # Errors
    /// `InvalidName` when both together are too long or too deep.
    pub fn join(&self, below: &TreePath) -> Result<Self> {
        format!("{self}/{below}").parse()
    }

    /// The folders that hold this path, outermost first.
    pub(super) fn ancestors(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(at, _)| &self.0[..at])
    }
}

impl FromStr for TreePath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match fault(text) {
            None => Ok(Self(text.to_owned())),
            // The first two words are what clients know the refusal by.
            Some(fault) => Err(Error::new(ErrorCode::InvalidName, format!("Invalid path: {fault}"))
                .hint("write a relative path such as model/MLmodel")),
        }
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is wrong with a path. The text itself is left out of the answer: it may be hostile.
fn fault(text: &str) -> Option<&'static str> {
    if text.is_empty() || text.len() > limits::PATH_BYTES {
        return Some("it is empty or too long");
    }
    if text.chars().any(is_refused) {
        return Some("it holds a backslash, '#', a control or direction-changing character, or bytes that are no text");
    }
    if text.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return Some("it is absolute, ends with a slash, or a segment is empty, '.' or '..'");
    }
    if text.matches('/').count() >= DEPTH {
        return Some("it is nested too deeply");
    }
    if text.split('/').next().is_some_and(|first| first.ends_with(':')) {
        return Some("it begins like a URL or with a drive");
    }
    let encoded = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if text.split('%').skip(1).any(encoded) {
        return Some("it is still percent-encoded after it was decoded once");
    }
    None
}

fn is_refused(character: char) -> bool {
    // The replacement character stands for bytes that were no text. The last code point bounds the ranges that the tree
    // is searched by.
    character.is_control()
        || matches!(character, '\\' | '#' | char::REPLACEMENT_CHARACTER | char::MAX)
        || matches!(character, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_only_unusual_come_back_as_they_are() {
        for good in [
            "1/run/artifacts/model/MLmodel",
            "a b.txt",
            " lead",
            "dot.",
            "...",
            "a:b.txt",
            "50%.txt",
            "100% done.txt",
            "q?x",
            ";a",
            "CON",
            "日本語/été.bin",
            "e\u{301}",
        ] {
            assert_eq!(good.parse::<TreePath>().unwrap().as_str(), good);
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let (long, deep) = ("x".repeat(4096), "a/".repeat(64) + "a");
        for bad in [
            "",
            "../../etc/passwd",
            "a/../b",
            "a/..",
            "./a",
            "a//b",
            "a/",
            "/etc/passwd",
            "//host/x",
            "%2e%2e%2fx",
            "%252e%252e",
            "a%2Fb",
            "a%00.jpg",
            "C:/x",
            "C:\\x",
            "\\\\host\\share",
            "http:///#/../../etc/",
            "mlflow-artifacts://h/x",
            "file:///etc/",
            "a%3f/../../..",
            ";/../",
            "a#b",
            "a\0b",
            "a\r\nX: y",
            "a\u{7f}",
            "a\u{202e}gpj",
            "..\u{fffd}\u{fffd}x",
            "\u{10ffff}",
            &long,
            &deep,
        ] {
            let error = bad.parse::<TreePath>().unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidName, "{bad:?}");
            assert!(error.message().starts_with("Invalid path"), "{bad:?}");
        }
    }

    #[test]
    fn only_uris_of_this_server_name_a_path() {
        assert_eq!(TreePath::from_uri("mlflow-artifacts:/1/r/artifacts").unwrap().as_str(), "1/r/artifacts");
        for bad in ["s3://bucket/x", "file:///etc", "mlflow-artifacts://host/x", "mlflow-artifacts:/../x", "1/r"] {
            assert!(TreePath::from_uri(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn paths_are_joined_and_taken_apart() {
        let root: TreePath = "1/r/artifacts".parse().unwrap();
        let file = root.join(&"model/MLmodel".parse().unwrap()).unwrap();
        assert_eq!(file.name(), "MLmodel");
        assert_eq!(file.ancestors().collect::<Vec<_>>(), ["1", "1/r", "1/r/artifacts", "1/r/artifacts/model"]);
        assert!(root.join(&"x".repeat(2040).parse().unwrap()).is_err());
    }
}
