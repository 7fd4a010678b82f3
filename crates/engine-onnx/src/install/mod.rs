//! Fetches the library from where Python packages come from: nothing but the very file that is pinned here is taken.

mod index;
mod wheel;

use std::io::Write;
use std::path::{Path, PathBuf};

use flyball_core::{Error, ErrorCode, Result};
use sha2::{Digest as _, Sha256};

pub use index::Index;

use crate::places::Places;

/// The version that is installed.
pub const VERSION: &str = "1.32.0";
/// Its package.
const PACKAGE: &str = "onnxruntime";
/// The largest file of a wheel that is unpacked.
const UNPACKED_BYTES: usize = 128 * 1024 * 1024;

/// A wheel that was looked at, and its library.
#[derive(Clone, Copy, Debug)]
struct Pin {
    /// The name of the wheel.
    file: &'static str,
    /// How long it is.
    bytes: u64,
    /// Its SHA-256.
    sha256: &'static str,
    /// The SHA-256 of the library in it.
    sha256_unpacked: &'static str,
}

const X86_64: Pin = Pin {
    file: "onnxruntime-1.32.0-cp311-cp311-manylinux_2_28_x86_64.whl",
    bytes: 27_773_237,
    sha256: "5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d",
    sha256_unpacked: "6c1585d1bbf45b0712ea4a21b705c5fcb4ba04ff2e30f1fbf81a49faf658638f",
};

const AARCH64: Pin = Pin {
    file: "onnxruntime-1.32.0-cp311-cp311-manylinux_2_28_aarch64.whl",
    bytes: 23_195_070,
    sha256: "2303372a85299b6757b0e11e1cbf13e410ddf7e10c37f4b37e99d1c90e7daf7c",
    sha256_unpacked: "49852228a93995158b2a813d4df487d47a1b76b0eaa894507ef49e91b6d7954a",
};

impl Pin {
    /// The wheel for this machine.
    fn of_this_machine() -> Result<Self> {
        match (std::env::consts::OS, std::env::consts::ARCH) {
            // A binary without glibc cannot open the library.
            ("linux", "x86_64") if cfg!(target_env = "gnu") => Ok(X86_64),
            ("linux", "aarch64") if cfg!(target_env = "gnu") => Ok(AARCH64),
            (system, machine) => {
                let message = format!("no library of ONNX Runtime is known for this build ({system}, {machine})");
                Err(Error::new(ErrorCode::UnsupportedModel, message)
                    .hint("install ONNX Runtime yourself and name its library"))
            }
        }
    }
}

/// Where the wheel comes from.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// A package index.
    Index(&'a Index),
    /// A wheel that was fetched before, for machines without a network.
    Wheel(&'a Path),
}

/// What was installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The library.
    pub path: PathBuf,
    /// Whether it was not there before.
    pub fresh: bool,
}

/// Puts the library of ONNX Runtime into the cache folder of `places`, where it is found from then on.
///
/// # Errors
/// `Unavailable` when the index does not answer, `InvalidData` when the wheel is not the pinned one, `UnsupportedModel` on
/// machines without a pinned wheel.
pub fn install(places: &Places, source: Source<'_>) -> Result<Installed> {
    let Some(cache) = &places.cache else {
        return Err(Error::invalid("there is no folder to install into").hint("set HOME, or name a folder"));
    };
    install_pinned(cache, source, &Pin::of_this_machine()?)
}

/// Where the library is installed.
pub(crate) fn library_path(cache: &Path) -> PathBuf {
    cache.join(format!("{PACKAGE}-{VERSION}")).join(format!("libonnxruntime.so.{VERSION}"))
}

fn install_pinned(cache: &Path, source: Source<'_>, pin: &Pin) -> Result<Installed> {
    let library = library_path(cache);
    if std::fs::read(&library).is_ok_and(|bytes| sha256(&bytes) == pin.sha256_unpacked) {
        return Ok(Installed { path: library, fresh: false });
    }
    let wheel = match source {
        Source::Index(index) => index.fetch(PACKAGE, pin.file, pin.bytes)?,
        Source::Wheel(path) => std::fs::read(path)
            .map_err(|cause| Error::invalid(format!("the wheel '{}' cannot be read: {cause}", path.display())))?,
    };
    let found = sha256(&wheel);
    if found != pin.sha256 {
        let message = format!("the wheel is not {}: its SHA-256 is {found}, not {}", pin.file, pin.sha256);
        return Err(
            Error::new(ErrorCode::InvalidData, message).hint("fetch it from https://pypi.org/project/onnxruntime")
        );
    }
    let files = wheel::Files::read(&wheel)?;
    // The library comes last: once it is there, everything is.
    for licence in ["LICENSE", "ThirdPartyNotices.txt"] {
        let text = files.unpack(&format!("{PACKAGE}/{licence}"), UNPACKED_BYTES)?;
        put(&library.with_file_name(licence), &text)?;
    }
    let unpacked = files.unpack(&format!("{PACKAGE}/capi/libonnxruntime.so.{VERSION}"), UNPACKED_BYTES)?;
    put(&library, &unpacked)?;
    Ok(Installed { path: library, fresh: true })
}

/// Writes a file that is there as a whole or not at all.
fn put(path: &Path, content: &[u8]) -> Result<()> {
    let failed = |cause: std::io::Error| {
        let code = if cause.kind() == std::io::ErrorKind::StorageFull {
            ErrorCode::StorageFull
        } else {
            ErrorCode::Unavailable
        };
        Error::new(code, format!("'{}' cannot be written: {cause}", path.display()))
    };
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let temporary = folder.join(format!(".{name}.{}", std::process::id()));
    let written = write(&temporary, content).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err()
        && let Err(cause) = std::fs::remove_file(&temporary)
    {
        tracing::debug!(?cause, "a half-written file stays behind");
    }
    written.map_err(failed)
}

fn write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.write_all(content)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    file.sync_all()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
