//! The commit of the project's code, read from its git folder.

use std::path::Path;

/// The commit that the project's folder (or a folder above it) has checked out; `None` outside a git repository.
pub(crate) fn of(project_root: &Path) -> Option<String> {
    let git = project_root.ancestors().map(|folder| folder.join(".git")).find(|git| git.is_dir())?;
    let head = read(&git.join("HEAD"))?;
    let Some(reference) = head.strip_prefix("ref: ") else { return Some(head) };
    read(&git.join(reference)).or_else(|| {
        let packed = read(&git.join("packed-refs"))?;
        packed.lines().find_map(|line| line.strip_suffix(reference).map(|hash| hash.trim().to_owned()))
    })
}

fn read(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}
