//! What a file holds, guessed from its name alone.

/// Endings of what is shown as text, whatever it is used for; the last two are whole names.
const TEXT: &[&str] = &[
    "txt",
    "log",
    "err",
    "cfg",
    "conf",
    "cnf",
    "cf",
    "ini",
    "properties",
    "prop",
    "hocon",
    "toml",
    "yaml",
    "yml",
    "xml",
    "json",
    "js",
    "py",
    "py3",
    "csv",
    "tsv",
    "md",
    "rst",
    "ipynb",
    "mlmodel",
    "mlproject",
];
/// Other endings and their media types, in the order of the endings.
const KNOWN: &[(&str, &str)] = &[
    ("7z", "application/x-7z-compressed"),
    ("avi", "video/x-msvideo"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("css", "text/css"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("eps", "application/postscript"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("h5", "application/x-hdf5"),
    ("hdf", "application/x-hdf"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("ico", "image/vnd.microsoft.icon"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("mjs", "text/javascript"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("mpeg", "video/mpeg"),
    ("mpg", "video/mpeg"),
    ("oga", "audio/ogg"),
    ("ogg", "audio/ogg"),
    ("opus", "audio/ogg"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("ps", "application/postscript"),
    ("pyc", "application/x-python-code"),
    ("rtf", "application/rtf"),
    ("sh", "text/x-sh"),
    ("svg", "image/svg+xml"),
    ("tar", "application/x-tar"),
    ("tex", "text/x-tex"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("wasm", "application/wasm"),
    ("wav", "audio/x-wav"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("zip", "application/zip"),
];

/// The media type for a file's name.
pub(super) fn of(name: &str) -> &'static str {
    // A leading dot begins a name, not an ending.
    let ending = name.rsplit_once('.').filter(|(stem, _)| !stem.trim_start_matches('.').is_empty());
    let ending = ending.map_or(name, |(_, ending)| ending).to_ascii_lowercase();
    if TEXT.contains(&ending.as_str()) {
        return "text/plain";
    }
    match KNOWN.binary_search_by_key(&ending.as_str(), |(known, _)| known) {
        Ok(position) => KNOWN[position].1,
        Err(_) => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_files_hold() {
        assert!(KNOWN.is_sorted_by_key(|(ending, _)| *ending));
        for (name, wanted) in [
            ("a.json", "text/plain"),
            ("MLmodel", "text/plain"),
            ("conda.yaml", "text/plain"),
            ("plot.png", "image/png"),
            ("PLOT.PNG", "image/png"),
            ("page.html", "text/html"),
            ("model.pkl", "application/octet-stream"),
            ("model.tar.gz", "application/gzip"),
            ("noending", "application/octet-stream"),
            (".png", "application/octet-stream"),
            ("", "application/octet-stream"),
        ] {
            assert_eq!(of(name), wanted, "{name}");
        }
    }
}
