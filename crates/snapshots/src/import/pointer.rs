//! What `.dvc` files and DVC's configuration say.

use std::path::{Path, PathBuf};

use flyball_core::{Error, ErrorCode, Result};
use saphyr_parser::{Event, Parser};

/// Largest `.dvc` file: a thousand times a usual one.
const POINTER_BYTES: u64 = 1024 * 1024;

/// An output of a `.dvc` file: data that DVC keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Output {
    /// Where it lies, from the folder of the `.dvc` file.
    pub(super) path: String,
    /// The MD5 digest of its content, with `.dir` behind it for a folder.
    pub(super) md5: String,
    /// Whether the digest is that of DVC before version 3, which ends lines as Unix does.
    pub(super) is_old: bool,
}

/// The outputs that a `.dvc` file names.
///
/// # Errors
/// `InvalidData` when it cannot be understood or names what is not kept by its MD5 digest.
pub(super) fn outputs(file: &Path) -> Result<Vec<Output>> {
    let broken = |why: &str| {
        Error::new(ErrorCode::InvalidData, format!("{} cannot be understood: {why}", file.display()))
            .hint("dvc add writes it anew; --dataset leaves it out")
    };
    let failed = |error| crate::failure::io("read", file.display(), error);
    if std::fs::metadata(file).map_err(failed)?.len() > POINTER_BYTES {
        return Err(broken("it is too large"));
    }
    let text = std::fs::read_to_string(file).map_err(failed)?;
    let mut folder = String::new();
    let mut outputs: Vec<(Output, bool)> = Vec::new();
    // The keys on the way to what is read, a list counting as one.
    let mut way: Vec<Option<String>> = Vec::new();
    let mut key: Option<String> = None;
    for event in Parser::new_from_str(&text) {
        let (event, _) = event.map_err(|error| broken(error.info()))?;
        match event {
            Event::MappingStart(..) => {
                way.push(key.take());
                // An entry of the list of outputs, and nothing deeper.
                if way.len() == 3 && way[1].as_deref() == Some("outs") {
                    outputs.push((Output::default(), false));
                }
            }
            Event::SequenceStart(..) => way.push(key.take()),
            Event::MappingEnd | Event::SequenceEnd => {
                way.pop();
                key = None;
            }
            Event::Scalar(text, ..) => {
                let Some(name) = key.take() else {
                    key = Some(text.into_owned());
                    continue;
                };
                if way.len() == 1 && name == "wdir" {
                    folder = text.into_owned();
                } else if way.len() == 3
                    && way[1].as_deref() == Some("outs")
                    && let Some((output, is_new)) = outputs.last_mut()
                {
                    match name.as_str() {
                        "path" => output.path = text.into_owned(),
                        "md5" => output.md5 = text.into_owned(),
                        "hash" => *is_new = text == "md5",
                        _ => {}
                    }
                }
            }
            Event::Alias(_) => return Err(broken("it has an alias")),
            _ => {}
        }
    }
    let finish = |(mut output, is_new): (Output, bool)| {
        output.is_old = !is_new;
        if !folder.is_empty() && folder != "." {
            output.path = format!("{folder}/{}", output.path);
        }
        let hex = output.md5.strip_suffix(".dir").unwrap_or(&output.md5);
        if hex.len() != 32 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(broken(&format!("'{}' has no MD5 digest", output.path)));
        }
        Ok(output)
    };
    outputs.into_iter().map(finish).collect()
}

/// The folders in which DVC may keep objects of a repository: its cache, then remotes that are folders.
pub(super) fn caches(repository: &Path) -> Vec<PathBuf> {
    let settings = repository.join(".dvc");
    let mut caches = Vec::new();
    let mut remotes = Vec::new();
    for name in ["config.local", "config"] {
        let Ok(text) = std::fs::read_to_string(settings.join(name)) else { continue };
        let mut section = "";
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                section = line.trim_matches(['[', ']', '\'', '"']);
            } else if let Some((key, value)) = line.split_once('=') {
                match (section, key.trim()) {
                    ("cache", "dir") => caches.push(settings.join(value.trim())),
                    (section, "url") if section.starts_with("remote") && !value.contains("://") => {
                        remotes.push(settings.join(value.trim()));
                    }
                    _ => {}
                }
            }
        }
    }
    caches.push(settings.join("cache"));
    caches.extend(remotes);
    caches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Output>> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.dvc");
        std::fs::write(&file, text).unwrap();
        outputs(&file)
    }

    #[test]
    fn outputs_are_read_as_dvc_writes_them() {
        let md5 = "22e3f61e52c0ba45334d973244efc155";
        let text = format!(
            "deps:\n- path: elsewhere\n  md5: nothing\nouts:\n- md5: {md5}.dir\n  size: 1\n  nfiles: 2\n  hash: md5\n  path: \
             images\n  meta:\n    path: not this\n- md5: {md5}\n  path: table.csv\nwdir: ../data\nmeta:\n  outs: []\n"
        );
        let found = read(&text).unwrap();
        let shown: Vec<_> = found.iter().map(|output| (output.path.as_str(), output.is_old)).collect();
        assert_eq!(shown, [("../data/images", false), ("../data/table.csv", true)]);
        assert_eq!(found[0].md5, format!("{md5}.dir"));
        for broken in ["outs:\n- path: a\n", "outs: [", "outs:\n- etag: x\n  path: a\n", "a: &x 1\nouts: *x\n"] {
            assert!(read(broken).is_err(), "{broken}");
        }
    }
}
