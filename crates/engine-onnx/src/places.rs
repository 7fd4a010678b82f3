//! Where the library may lie on this machine.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use flyball_core::{Error, ErrorCode, Result};

use crate::install;

/// What to do where there is no library.
pub(crate) const NEXT_STEP: &str = "flyball engines install onnxruntime";

/// Where to look for the library, in this order. Who starts the process knows its environment and fills this in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The library itself, as the configuration names it. If it is not there, no other is taken.
    pub named: Option<PathBuf>,
    /// The same as the environment names it (`ORT_DYLIB_PATH`).
    pub variable: Option<PathBuf>,
    /// The folder of the running binary.
    pub binary_folder: Option<PathBuf>,
    /// The folder into which [`install`](crate::install) puts libraries.
    pub cache: Option<PathBuf>,
    /// Interpreters of Python, or the folders of their environments (`VIRTUAL_ENV`).
    pub pythons: Vec<PathBuf>,
    /// Whether the system's loader is asked in the end.
    pub system: bool,
}

/// A library that may work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) path: PathBuf,
    /// Whether somebody asked for this very library.
    pub(crate) named: bool,
}

impl Places {
    /// The libraries that are there, the one to prefer first. Those of the system come last and may not exist.
    pub(crate) fn candidates(&self) -> Result<Vec<Candidate>> {
        if let Some(path) = self.named.as_ref().or(self.variable.as_ref()) {
            if !path.is_file() {
                let message = format!("there is no library '{}', which is to be ONNX Runtime", path.display());
                return Err(Error::new(ErrorCode::UnsupportedModel, message)
                    .hint(format!("correct the path, or leave it out and run `{NEXT_STEP}`")));
            }
            // A relative path would be looked up beside the binary.
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            return Ok(vec![Candidate { path, named: true }]);
        }
        let mut found: Vec<PathBuf> = self.binary_folder.iter().filter_map(|folder| library_in(folder)).collect();
        found.extend(self.cache.as_deref().map(install::library_path).filter(|path| path.is_file()));
        found.extend(self.pythons.iter().flat_map(|python| in_python(python)));
        if self.system {
            found.extend(["libonnxruntime.so", "libonnxruntime.so.1"].map(PathBuf::from));
        }
        Ok(found.into_iter().map(|path| Candidate { path, named: false }).collect())
    }
}

/// The newest library of a folder.
fn library_in(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let newest = names.filter(|name| is_library(name)).max_by(|one, other| by_version(one, other))?;
    Some(std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()).join(newest))
}

fn is_library(name: &str) -> bool {
    // Its helpers are called libonnxruntime_….
    name.strip_prefix("libonnxruntime.")
        .is_some_and(|rest| rest == "so" || rest.starts_with("so.") || rest == "dylib" || rest.ends_with(".dylib"))
}

/// The numbers of a version in a library's name: 1, 32 and 0 in `libonnxruntime.so.1.32.0`.
pub(crate) fn version_numbers(name: &str) -> Vec<u32> {
    name.split('.').filter_map(|part| part.parse().ok()).collect()
}

fn by_version(one: &str, other: &str) -> Ordering {
    version_numbers(one).cmp(&version_numbers(other))
}

/// The library in the packages of an interpreter or an environment.
fn in_python(python: &Path) -> Vec<PathBuf> {
    // The link is not followed: it would lead from an environment to the interpreter that it was made with.
    let prefix = if python.is_dir() { Some(python) } else { python.parent().and_then(Path::parent) };
    let Some(prefix) = prefix else { return Vec::new() };
    let mut found = Vec::new();
    for library_folder in ["lib", "lib64"] {
        let Ok(entries) = std::fs::read_dir(prefix.join(library_folder)) else { continue };
        let mut versions: Vec<PathBuf> = entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("python3"))
            .map(|entry| entry.path())
            .collect();
        versions.sort();
        for (version, packages) in versions.iter().flat_map(|v| [(v, "site-packages"), (v, "dist-packages")]) {
            found.extend(library_in(&version.join(packages).join("onnxruntime").join("capi")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, b"").unwrap();
    }

    #[test]
    fn places_are_asked_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let root = std::path::absolute(folder.path()).unwrap();
        let capi = root.join("venv/lib/python3.12/site-packages/onnxruntime/capi");
        touch(&capi.join("libonnxruntime.so.1.9.0"));
        touch(&capi.join("libonnxruntime.so.1.32.0"));
        touch(&capi.join("libonnxruntime_providers_shared.so"));
        touch(&root.join("venv/bin/python"));
        touch(&root.join("bin/libonnxruntime.so"));
        touch(&install::library_path(&root.join("cache")));
        let places = Places {
            binary_folder: Some(root.join("bin")),
            cache: Some(root.join("cache")),
            pythons: vec![root.join("venv/bin/python"), root.join("venv"), root.join("none/bin/python")],
            system: true,
            ..Places::default()
        };
        let paths = |places: &Places| -> Vec<PathBuf> {
            places.candidates().unwrap().into_iter().map(|candidate| candidate.path).collect()
        };
        let newest = capi.join("libonnxruntime.so.1.32.0");
        assert_eq!(
            paths(&places),
            [
                root.join("bin/libonnxruntime.so"),
                install::library_path(&root.join("cache")),
                newest.clone(),
                newest.clone(),
                "libonnxruntime.so".into(),
                "libonnxruntime.so.1".into(),
            ]
        );
        let named = Places { variable: Some(newest.clone()), ..places.clone() };
        assert_eq!(named.candidates().unwrap(), [Candidate { path: newest, named: true }]);
        let wrong = Places { named: Some(root.join("gone.so")), ..places };
        let error = wrong.candidates().unwrap_err();
        assert!(error.message().contains("gone.so") && error.next_step().unwrap().contains("install"), "{error:?}");
        assert!(Places::default().candidates().unwrap().is_empty());
    }
}
