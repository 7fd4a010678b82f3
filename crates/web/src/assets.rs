//! The static files, embedded in the binary.

use std::borrow::Cow;
use std::fmt::Write;

use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/assets"]
struct Files;

/// A static file.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Its bytes.
    pub bytes: Cow<'static, [u8]>,
    /// The value for `Content-Type`.
    pub content_type: &'static str,
    /// The first 8 hex digits of its SHA-256: what [`asset_url`] puts after `?v=`.
    pub hash: String,
}

impl Asset {
    /// The value for `ETag`.
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.hash)
    }

    /// The value for `Cache-Control`: for ever if the request named this version of the file, else ask each time.
    pub fn cache_control(&self, requested_version: Option<&str>) -> &'static str {
        if requested_version == Some(self.hash.as_str()) { "public, max-age=31536000, immutable" } else { "no-cache" }
    }
}

/// The file at `path` below `/assets/` (`app.css`, `vendor/htmx/htmx.min.js`), if there is one.
pub fn asset(path: &str) -> Option<Asset> {
    let file = Files::get(path)?;
    Some(Asset { content_type: content_type(path), hash: short_hash(&file), bytes: file.data })
}

/// The address of a file, with the hash of its content so that it can be cached for ever.
pub fn asset_url(path: &str) -> String {
    match Files::get(path) {
        Some(file) => format!("/assets/{path}?v={}", short_hash(&file)),
        None => format!("/assets/{path}"),
    }
}

/// The paths of all files.
pub fn asset_paths() -> impl Iterator<Item = Cow<'static, str>> {
    Files::iter()
}

fn short_hash(file: &EmbeddedFile) -> String {
    file.metadata.sha256_hash().iter().take(4).fold(String::with_capacity(8), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_a_known_type_and_an_address_with_its_hash() {
        for path in asset_paths() {
            let file = asset(&path).unwrap();
            assert_ne!(file.content_type, "application/octet-stream", "{path}");
            assert_eq!(asset_url(&path), format!("/assets/{path}?v={}", file.hash));
        }
    }

    #[test]
    fn only_embedded_files_are_found() {
        for path in ["", "../Cargo.toml", "/etc/passwd", "vendor", "vendor/../app.css/../../Cargo.toml", "App.css"] {
            assert!(asset(path).is_none(), "{path}");
        }
    }

    #[test]
    fn only_the_named_version_is_cached_for_ever() {
        let file = asset("app.css").unwrap();
        assert!(file.cache_control(Some(&file.hash)).contains("immutable"));
        assert_eq!(file.cache_control(Some("00000000")), "no-cache");
        assert_eq!(file.cache_control(None), "no-cache");
    }

    #[test]
    fn vendored_code_keeps_its_licence_beside_it() {
        for package in ["htmx", "htmx-ext-sse", "uplot"] {
            assert!(asset(&format!("vendor/{package}/LICENSE.txt")).is_some(), "{package}");
        }
    }
}
