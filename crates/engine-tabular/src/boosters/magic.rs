//! What a file is, by how it begins; its name says nothing.

use flyball_core::{Error, ErrorCode, Format, Result};

use super::library;

/// The forms that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Ubjson,
    Text,
}

/// How other files begin that are saved under a booster's name.
const STRANGERS: [(&[u8], &str); 6] = [
    (b"\x80", "a Python pickle"),
    (b"binf", "a booster in XGBoost's old binary form"),
    (b"\x1f\x8b", "compressed (gzip)"),
    (b"PK\x03\x04", "a zip archive"),
    (b"x\x9c", "compressed (zlib)"),
    (b"\x28\xb5\x2f\xfd", "compressed (zstd)"),
];

/// What the file is, if it is of the format.
pub(super) fn recognize(bytes: &[u8], format: Format) -> Result<Kind> {
    let kind = kind_of(bytes);
    match (kind, format) {
        (Some(kind @ (Kind::Json | Kind::Ubjson)), Format::Xgboost) => return Ok(kind),
        (Some(Kind::Text), Format::Lightgbm) => return Ok(Kind::Text),
        _ => {}
    }
    let stranger = STRANGERS.iter().find(|(start, _)| bytes.starts_with(start));
    let found = match (kind, stranger) {
        (_, Some((_, name))) => format!("it is {name}"),
        (Some(Kind::Json), _) => "it is JSON".to_owned(),
        (Some(Kind::Ubjson), _) => "it is UBJSON".to_owned(),
        (Some(Kind::Text), _) => "it is a booster of LightGBM".to_owned(),
        (None, _) => "it begins as none does".to_owned(),
    };
    let next = if format == Format::Lightgbm {
        "save it with booster.save_model(\"model.txt\"), of the scikit-learn wrapper with model.booster_.save_model"
    } else {
        "save it with model.save_model(\"model.ubj\")"
    };
    let message = format!("the file is no booster of {}: {found}", library(format));
    Err(Error::new(ErrorCode::UnsupportedModel, message).hint(next))
}

fn kind_of(bytes: &[u8]) -> Option<Kind> {
    let text = bytes.trim_ascii_start();
    if let Some(rest) = text.strip_prefix(b"{") {
        return match rest.trim_ascii_start().first() {
            Some(b'"') => Some(Kind::Json),
            Some(b'i' | b'U' | b'I' | b'l' | b'L' | b'$' | b'#') => Some(Kind::Ubjson),
            _ => None,
        };
    }
    let line = text.split(|&byte| byte == b'\n').next()?;
    (line.trim_ascii_end() == b"tree").then_some(Kind::Text)
}
