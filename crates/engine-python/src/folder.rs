//! A model's files as a folder, as MLflow wants them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use flyball_core::package::Package;
use flyball_core::{Clock, Digest, Error, ErrorCode, Result, limits};

/// A text of the requirements is short; what is longer is not read.
const MOST_TEXT: u64 = 1 << 20;

/// The folder of a model in the cache, written when it is not there or not what it should be.
pub(crate) fn place(cache: &Path, package: &Package<'_>) -> Result<PathBuf> {
    let manifest = package.manifest;
    let files: Vec<PathBuf> = manifest.files.iter().map(|file| inner(&file.path)).collect::<Result<_>>()?;
    let main = inner(&manifest.main)?;
    if !files.contains(&main) {
        return Err(Error::new(ErrorCode::InvalidData, format!("the model lacks its file '{}'", manifest.main)));
    }
    let models = cache.join("models");
    fs::create_dir_all(&models).map_err(|error| written(error, &models))?;
    let folder = models.join(package.digest.to_string());
    if !same(&folder, package, &files) {
        let made = tempfile::Builder::new().prefix(".new-").tempdir_in(&models).map_err(|e| written(e, &models))?;
        for (file, path) in manifest.files.iter().zip(&files) {
            let bytes = package.file(&file.path)?;
            let path = made.path().join(path);
            path.parent().map_or(Ok(()), fs::create_dir_all).map_err(|error| written(error, &path))?;
            fs::write(&path, bytes).map_err(|error| written(error, &path))?;
        }
        protect(made.path()).map_err(|error| written(error, made.path()))?;
        remove(&folder).map_err(|error| written(error, &folder))?;
        put(made, &folder, package, &files)?;
    }
    Ok(folder.join(main).parent().map_or_else(|| folder.clone(), Path::to_path_buf))
}

/// Gives a finished folder its name. Another process may have been faster; then that one's is as good.
fn put(made: tempfile::TempDir, folder: &Path, package: &Package<'_>, files: &[PathBuf]) -> Result<()> {
    let made = made.keep();
    let renamed = fs::rename(&made, folder);
    if renamed.is_ok() {
        return Ok(());
    }
    remove(&made).map_err(|error| written(error, &made))?;
    if same(folder, package, files) { Ok(()) } else { renamed.map_err(|error| written(error, folder)) }
}

/// A path below the folder: nothing but names.
fn inner(path: &str) -> Result<PathBuf> {
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']);
    let found = Path::new(path);
    let names = found.components().all(|part| matches!(part, Component::Normal(_)));
    if path.len() > limits::PATH_BYTES || !names || !path.split('/').all(plain) {
        return Err(Error::new(ErrorCode::InvalidData, format!("'{}' is no path in a model", crate::log::shown(path))));
    }
    Ok(found.to_path_buf())
}

/// Whether a folder has exactly the files of the model, with their contents.
fn same(folder: &Path, package: &Package<'_>, files: &[PathBuf]) -> bool {
    let mut found = Vec::new();
    if !folder.is_dir() || list(folder, folder, &mut found).is_err() || found.len() != files.len() {
        return false;
    }
    let told = package.manifest.files.iter().zip(files);
    told.into_iter().all(|(file, path)| {
        found.contains(path) && fs::read(folder.join(path)).is_ok_and(|bytes| Digest::of(&bytes) == file.digest)
    })
}

/// The files below a folder; anything but files and folders is an error.
fn list(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list(root, &entry.path(), found)?;
        } else if let (true, Ok(path)) = (kind.is_file(), entry.path().strip_prefix(root)) {
            found.push(path.to_path_buf());
        } else {
            return Err(std::io::Error::other("neither a file nor a folder"));
        }
    }
    Ok(())
}

/// Takes away the right to write, from the innermost on.
fn protect(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { protect(&path)? } else { fs::set_permissions(&path, Permissions::from_mode(0o444))? }
    }
    fs::set_permissions(folder, Permissions::from_mode(0o555))
}

/// Removes a folder that may be protected.
pub(crate) fn remove(folder: &Path) -> std::io::Result<()> {
    fn open(folder: &Path) -> std::io::Result<()> {
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open(&entry.path())?;
            }
        }
        Ok(())
    }
    if !folder.exists() {
        return Ok(());
    }
    open(folder)?;
    fs::remove_dir_all(folder)
}

/// Removes scratch folders that a server left behind when it was killed: nobody holds their lock.
pub(crate) fn sweep(cache: &Path, clock: &dyn Clock) {
    for entry in fs::read_dir(cache.join("scratch")).into_iter().flatten().flatten() {
        let path = entry.path();
        let changed = entry.metadata().and_then(|about| about.modified()).ok();
        let since = changed.and_then(|at| i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok());
        // A new one is locked a moment after it is made.
        let old = since.is_some_and(|since| clock.now().0 - since > 60_000);
        let left = || fs::File::open(&path).is_ok_and(|folder| folder.try_lock().is_ok());
        if old
            && left()
            && let Err(error) = remove(&path)
        {
            tracing::warn!(%error, folder = %path.display(), "a scratch folder cannot be removed");
        }
    }
}

/// A text of a model; `None` when it has none of that name.
pub(crate) fn text(folder: &Path, name: &str) -> Option<String> {
    let path = folder.join(name);
    let short = fs::metadata(&path).is_ok_and(|about| about.len() <= MOST_TEXT);
    short.then(|| fs::read_to_string(&path).ok()).flatten()
}

/// The cache cannot be written.
pub(crate) fn written(error: std::io::Error, path: &Path) -> Error {
    let code = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorCode::StorageFull,
        _ => ErrorCode::Unavailable,
    };
    Error::new(code, format!("'{}' cannot be written: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        for bad in ["", "/etc/passwd", "../x", "a/../b", "./a", "a//b", "a/", "a\\b", "a\0b"] {
            assert!(inner(bad).is_err(), "{bad:?}");
        }
        assert_eq!(inner("data/model.pkl").unwrap(), Path::new("data/model.pkl"));
    }
}
