//! The engines that the binary was built with, and where they find what they need on this machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use flyball_core::model::Engine;
use flyball_engine_onnx::{Index, OnnxRuntime};
use flyball_engine_python::{PythonEngine, PythonSettings};
use flyball_engine_tabular::TabularEngine;

use crate::args::ModelOptions;

const MIB: u64 = 1024 * 1024;

/// All engines, the one to ask first first.
pub(crate) fn all(options: &ModelOptions, data_dir: &Path) -> Vec<Arc<dyn Engine>> {
    let mut engines: Vec<Arc<dyn Engine>> =
        vec![Arc::new(TabularEngine), Arc::new(OnnxRuntime::new(places(options, data_dir)))];
    if !options.no_model_code {
        engines.push(Arc::new(PythonEngine::new(settings(options, data_dir))));
    }
    engines
}

/// How many bytes of models may be in memory.
pub(crate) fn memory_budget(options: &ModelOptions) -> u64 {
    options.model_memory.map_or_else(|| machine_memory() / 2, |mib| mib * MIB)
}

/// The machine's memory, in bytes; without an answer as if there were no end.
fn machine_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.map_or(u64::MAX, |kib| kib * 1024)
}

/// Where engines and environments are kept.
fn cache(options: &ModelOptions, data_dir: &Path) -> PathBuf {
    let own = || {
        let base = path("XDG_CACHE_HOME").or_else(|| path("HOME").map(|home| home.join(".cache")))?;
        Some(base.join("flyball"))
    };
    options.cache_dir.clone().or_else(own).unwrap_or_else(|| data_dir.join("cache"))
}

/// Where the library of ONNX Runtime may lie.
pub(crate) fn places(options: &ModelOptions, data_dir: &Path) -> flyball_engine_onnx::Places {
    let binary = std::env::current_exe().ok();
    let pythons = [options.model_python.clone(), path("VIRTUAL_ENV")];
    flyball_engine_onnx::Places {
        named: options.onnxruntime.clone(),
        variable: path("ORT_DYLIB_PATH"),
        binary_folder: binary.as_deref().and_then(Path::parent).map(Path::to_owned),
        cache: Some(cache(options, data_dir)),
        pythons: pythons.into_iter().flatten().collect(),
        system: true,
    }
}

/// Where packages of Python come from, as pip and uv are told.
pub(crate) fn index() -> Index {
    let urls = ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"].into_iter().filter_map(text).collect();
    let certificates = ["PIP_CERT", "SSL_CERT_FILE"].into_iter().find_map(path);
    let (named, environment, home) = (path("PIP_CONFIG_FILE"), path("VIRTUAL_ENV"), path("HOME"));
    let pip_files = Index::pip_files(named.as_deref(), environment.as_deref(), home.as_deref());
    Index { urls, certificates, pip_files }
}

fn settings(options: &ModelOptions, data_dir: &Path) -> PythonSettings {
    /// What the building of environments may see of ours.
    const BUILDERS: [&str; 5] = ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"];
    let wanted = |name: &str| name.starts_with("PIP_") || name.starts_with("UV_") || BUILDERS.contains(&name);
    let index = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| wanted(name));
    let idle = options.worker_idle.map(|idle| Duration::from_millis(idle.0.unsigned_abs()));
    let defaults = PythonSettings::new(cache(options, data_dir));
    PythonSettings {
        python: options.model_python.clone(),
        path: variable("PATH").unwrap_or_else(|| defaults.path.clone()),
        workers: options.workers,
        memory: options.worker_memory * MIB,
        idle_after: idle,
        index: index.collect(),
        network: options.worker_network,
        ..defaults
    }
}

fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::vars_os().find(|(own, value)| own == name && !value.is_empty()).map(|(_, value)| value)
}

fn path(name: &str) -> Option<PathBuf> {
    variable(name).map(PathBuf::from)
}

fn text(name: &str) -> Option<String> {
    variable(name)?.into_string().ok()
}
