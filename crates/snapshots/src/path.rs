//! Paths of files within a dataset.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use flyball_core::{Error, ErrorCode, Result};

/// Longest path: what the system itself takes.
const PATH_BYTES: usize = 4095;

/// A relative path in its one form: names parted by `/`, none of them empty, `.` or `..`. Names are bytes, as the file system
/// keeps them, so that no name is too odd to be kept. Paths are ordered by their bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilePath(Box<[u8]>);

impl FilePath {
    /// The path that these bytes spell.
    ///
    /// # Errors
    /// `InvalidName` for bytes that are not in that form: such a path could lead out of the dataset.
    pub fn new(bytes: &[u8]) -> Result<Self> {
        let odd = |name: &[u8]| name.is_empty() || name == b"." || name == b".." || name.contains(&0);
        if bytes.len() > PATH_BYTES || bytes.split(|byte| *byte == b'/').any(odd) {
            let shown = show(bytes.get(..80).unwrap_or(bytes));
            return Err(Error::new(ErrorCode::InvalidName, format!("'{shown}' is not a path within a dataset"))
                .hint("paths are relative, without '.', '..' and empty names"));
        }
        Ok(Self(bytes.into()))
    }

    /// A name below a folder that was found on a disk.
    pub(crate) fn below(folder: &[u8], name: &[u8]) -> Result<Self> {
        let mut bytes = Vec::with_capacity(folder.len() + name.len());
        bytes.extend_from_slice(folder);
        bytes.extend_from_slice(name);
        if bytes.len() > PATH_BYTES {
            return Self::new(&bytes);
        }
        Ok(Self(bytes.into()))
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path as the file system takes it.
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// The folders above and the name.
    pub(crate) fn parts(&self) -> (&[u8], &[u8]) {
        match self.0.iter().rposition(|byte| *byte == b'/') {
            Some(at) => (&self.0[..at], &self.0[at + 1..]),
            None => (&[], &self.0),
        }
    }

    /// Whether it is this folder or lies below it; everything lies below the empty folder.
    pub(crate) fn is_below(&self, folder: &[u8]) -> bool {
        folder.is_empty()
            || self.0.strip_prefix(folder).is_some_and(|rest| rest.first().is_none_or(|byte| *byte == b'/'))
    }
}

/// Bytes for people: what is no text or would move the cursor is escaped.
fn show(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for part in bytes.utf8_chunks() {
        for character in part.valid().chars() {
            if character.is_control() { text.extend(character.escape_default()) } else { text.push(character) }
        }
        part.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show(&self.0))
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FilePath({self})")
    }
}

impl serde::Serialize for FilePath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Which files of a dataset are meant.
#[derive(Debug, Default)]
pub struct Selection {
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
enum Pattern {
    /// A file or a folder with all below it.
    Below(Vec<u8>),
    Glob(glob::Pattern),
}

impl Selection {
    /// The files that match any of these paths, folders and globs (`*`, `?`, `[…]` within a name, `**` across folders); all
    /// files if there is none.
    ///
    /// # Errors
    /// `InvalidInput` for a glob that cannot be read.
    pub fn new(patterns: &[String]) -> Result<Self> {
        let read = |text: &String| {
            if text.contains(['*', '?', '[']) {
                let glob = glob::Pattern::new(text);
                return glob.map(Pattern::Glob).map_err(|error| {
                    Error::invalid(format!("the glob '{text}' cannot be read: {}", error.msg))
                        .hint("use * and ? within a name, ** across folders, [abc] for one of some letters")
                });
            }
            Ok(Pattern::Below(text.trim_end_matches('/').as_bytes().to_vec()))
        };
        Ok(Self { patterns: patterns.iter().map(read).collect::<Result<_>>()? })
    }

    /// Whether every file is meant.
    pub fn is_all(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether this file is meant.
    pub fn holds(&self, path: &FilePath) -> bool {
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: false,
        };
        let matches = |pattern: &Pattern| match pattern {
            Pattern::Below(folder) => path.is_below(folder),
            Pattern::Glob(glob) => glob.matches_with(&String::from_utf8_lossy(path.bytes()), options),
        };
        self.is_all() || self.patterns.iter().any(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_nowhere_else() {
        for good in ["a", "a/b", "…/ü", "a b/-", ".hidden", "..."] {
            assert_eq!(FilePath::new(good.as_bytes()).unwrap().to_string(), good);
        }
        for bad in ["", "/a", "a/", "a//b", "../a", "a/../b", ".", "a/.", "a\0b"] {
            assert!(FilePath::new(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert_eq!(FilePath::new(b"a\xffb\nc").unwrap().to_string(), "a\\xffb\\nc");
    }

    #[test]
    fn selections_are_paths_folders_and_globs() {
        let holds = |pattern: &str, path: &str| {
            Selection::new(&[pattern.to_owned()]).unwrap().holds(&FilePath::new(path.as_bytes()).unwrap())
        };
        assert!(holds("train", "train/a.png") && holds("train/", "train/a.png") && holds("train/a.png", "train/a.png"));
        assert!(!holds("train", "trainer/a.png") && !holds("a.png", "train/a.png"));
        assert!(holds("*/*.png", "train/a.png") && !holds("*.png", "train/a.png") && holds("**/*.png", "x/y/a.png"));
        assert!(Selection::default().holds(&FilePath::new(b"x").unwrap()));
        assert!(Selection::new(&["a[".to_owned()]).is_err());
    }
}
