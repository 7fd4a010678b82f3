//! Files of the user's project.

use std::path::Path;

use flyball_core::{Error, ErrorCode, Result, limits};

use crate::wire::Places;

/// Reads a loop file of the project.
pub(crate) fn read_loop_file(places: &Places, file: &Path) -> Result<String> {
    let path = places.project.join(file);
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::new(ErrorCode::NotFound, format!("there is no {}", path.display()))
            .hint("run `flyball init` to get one, or name the project with --project"),
        _ => Error::new(ErrorCode::InvalidInput, format!("cannot read {}: {error}", path.display())),
    };
    let length = std::fs::metadata(&path).map_err(failed)?.len();
    if length > limits::LOOP_FILE_BYTES as u64 {
        return Err(Error::new(
            ErrorCode::LimitExceeded,
            format!("{} is larger than {} bytes", path.display(), limits::LOOP_FILE_BYTES),
        ));
    }
    std::fs::read_to_string(&path).map_err(failed)
}
