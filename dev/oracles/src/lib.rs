//! Compares Flyball's mathematics with what the field's own tools computed: each fixture is a JSON file with inputs,
//! expected values and tolerances, as in `fixtures/`. Any folder of files in that format can be checked.

mod cbpe;
mod checks;
mod compare;
mod drift;
mod fairness;
mod labels;
mod metrics;
mod mmd;
mod read;
mod shap;
mod streams;

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

pub use checks::{Checks, Deviation};

/// Compares one fixture with what we compute.
type Check = fn(&Value, &mut Checks);

/// The fixtures that we know, by how their file's name begins. Several areas may share a file.
const KNOWN: &[(&str, Check)] = &[
    // One a line.
    ("cbpe", cbpe::check),
    ("drift", drift::check),
    ("drift", mmd::check),
    ("drift", streams::check),
    ("fairness", fairness::check),
    ("labels", labels::check),
    ("metrics", metrics::check),
    ("shap", shap::check),
];

/// Checks every fixture of a folder, in the order of their names. Files that are no fixture are left alone; a fixture of a
/// kind that we do not know is reported as such.
///
/// # Errors
/// When the folder or a file cannot be read, is not JSON, or no fixture is there.
pub fn check_folder(folder: &Path) -> Result<Vec<Checks>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    if files.is_empty() {
        bail!("{} holds no fixture; fixtures are files that end in .json", folder.display());
    }
    let mut reports = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut checks = Checks::new(&name);
        let known: Vec<Check> =
            KNOWN.iter().filter(|(known, _)| name.starts_with(known)).map(|(_, check)| *check).collect();
        if known.is_empty() {
            checks.leave_out("the whole file: nothing here computes what it expects");
        } else {
            let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
            let fixture = serde_json::from_str(&text).with_context(|| file.display().to_string())?;
            known.iter().for_each(|check| check(&fixture, &mut checks));
        }
        reports.push(checks);
    }
    Ok(reports)
}
