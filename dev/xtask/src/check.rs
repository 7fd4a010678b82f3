//! Formatting, lints and the house rules.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::run::{self, command, root};

/// Longest source file: past it a module has more than one reason.
const FILE_LINES: usize = 500;
/// Words that mark unfinished work.
const UNFINISHED: [&str; 4] = ["TODO", "FIXME", "XXX", "HACK"];

/// Runs every check.
pub(crate) fn run() -> Result<()> {
    run::run(&mut command(&["cargo", "fmt", "--all", "--check"]))?;
    run::run(&mut command(&["cargo", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    house_rules()
}

/// Rules that no lint knows: short files, nothing unfinished, dependencies that point one way.
pub(crate) fn house_rules() -> Result<()> {
    let mut broken = Vec::new();
    let mut files = Vec::new();
    for folder in ["crates", "dev"] {
        collect(&root().join(folder), &mut files)?;
    }
    for file in files {
        let text = std::fs::read_to_string(&file)?;
        let shown = file.strip_prefix(root()).unwrap_or(&file).display().to_string();
        let lines = text.lines().count();
        if lines > FILE_LINES {
            broken.push(format!("{shown} has {lines} lines; at most {FILE_LINES}"));
        }
        let own = shown.ends_with("xtask/src/check.rs");
        for word in UNFINISHED.iter().filter(|word| !own && text.contains(*word)) {
            broken.push(format!("{shown} holds the word {word}"));
        }
    }
    broken.extend(wrong_dependencies()?);
    if broken.is_empty() {
        return Ok(());
    }
    bail!("house rules are broken:\n  {}", broken.join("\n  "))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        // Sample data for previews is long by nature and holds no reasoning.
        if path.ends_with("examples") {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The layers, lowest first. A crate may depend on crates before it, never on later ones; only the cli names engines.
const LAYERS: &[&str] = &[
    "core",
    "egress",
    "stats",
    "store",
    "snapshots",
    "jobs",
    "governance",
    "data",
    "labels",
    "pipelines",
    "tracking",
    "traces",
    "evaluation",
    "registry",
    "moving",
    "serving",
    "monitoring",
    "remedies",
    "loops",
    "web",
    "client",
    "server",
    "engine-onnx",
    "engine-python",
    "engine-query",
    "engine-tabular",
];

fn wrong_dependencies() -> Result<Vec<String>> {
    let text =
        run::output(&mut command(&["cargo", "metadata", "--format-version", "1", "--no-deps"])).unwrap_or_default();
    let metadata: serde_json::Value = serde_json::from_str(&text)?;
    let position = |name: &str| LAYERS.iter().position(|layer| name == format!("flyball-{layer}"));
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let Some(own) = position(name) else { continue };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let other = dependency["name"].as_str().unwrap_or_default();
            let shipped = dependency["kind"].is_null();
            if shipped && position(other).is_some_and(|other| other > own) {
                wrong.push(format!("{name} depends on {other}, which is a later layer"));
            }
            if shipped && other.starts_with("flyball-engine-") {
                wrong.push(format!("{name} names {other}; only the cli may"));
            }
        }
    }
    Ok(wrong)
}
