//! What an engine loads: the files of a model, one of which is the model itself.

use serde::{Deserialize, Serialize};

use crate::{Digest, Error, ErrorCode, Result};

/// The form in which a model is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// An ONNX graph.
    Onnx,
    /// A booster of XGBoost, as JSON or UBJSON.
    Xgboost,
    /// A booster of LightGBM, as its text.
    Lightgbm,
    /// A folder as MLflow writes it, which its Python function loads. It may run any code.
    Pyfunc,
}

impl Format {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Onnx => "onnx",
            Format::Xgboost => "xgboost",
            Format::Lightgbm => "lightgbm",
            Format::Pyfunc => "pyfunc",
        }
    }

    /// Whether loading it runs code that came with it.
    pub fn runs_code(self) -> bool {
        self == Format::Pyfunc
    }
}

/// One file of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageFile {
    /// Its path in the model's folder, with `/`.
    pub path: String,
    /// Its content.
    pub digest: Digest,
    /// How long it is, in bytes.
    pub size: u64,
}

/// What a model consists of. It is kept as a blob itself, whose digest names the model with all its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "flyball_package", rename = "1")]
pub struct Manifest {
    /// The form of the main file.
    pub format: Format,
    /// The path of the model itself; for a Python function that of the folder's description.
    pub main: String,
    /// All files, by path.
    pub files: Vec<PackageFile>,
    /// The signature as MLflow keeps it, with its lists of columns as texts of JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<serde_json::Value>,
}

/// How the bytes of a manifest begin; no graph begins so.
const MARK: &[u8] = br#"{"flyball_package":"#;

impl Manifest {
    /// The manifest in these bytes; `None` when they are the model itself.
    ///
    /// # Errors
    /// `InvalidData` when they begin as a manifest and are none.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>> {
        if !bytes.starts_with(MARK) {
            return Ok(None);
        }
        serde_json::from_slice(bytes).map(Some).map_err(|cause| {
            Error::new(ErrorCode::InvalidData, "the description of a model's files is broken").cause(cause)
        })
    }

    /// The bytes to keep.
    ///
    /// # Errors
    /// `Internal`.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(Error::internal)
    }

    /// All that the files take, in bytes.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// Reads the content of a digest; it is checked against the digest.
pub trait Contents: Send + Sync {
    /// The bytes.
    ///
    /// # Errors
    /// `NotFound`, or `InvalidData` when they are not those of the digest.
    fn read(&self, digest: &Digest) -> Result<Vec<u8>>;
}

/// A model to load.
#[derive(Clone, Copy)]
pub struct Package<'a> {
    /// What names it, with all its files.
    pub digest: Digest,
    /// What it consists of.
    pub manifest: &'a Manifest,
    contents: &'a dyn Contents,
}

impl<'a> Package<'a> {
    /// The model that a manifest describes.
    pub fn new(digest: Digest, manifest: &'a Manifest, contents: &'a dyn Contents) -> Self {
        Self { digest, manifest, contents }
    }

    /// The form of the model.
    pub fn format(&self) -> Format {
        self.manifest.format
    }

    /// The model itself.
    ///
    /// # Errors
    /// As [`Package::file`].
    pub fn main(&self) -> Result<Vec<u8>> {
        self.file(&self.manifest.main)
    }

    /// One of its files.
    ///
    /// # Errors
    /// `NotFound`; `InvalidData` when it is not what it was when the model was deployed.
    pub fn file(&self, path: &str) -> Result<Vec<u8>> {
        let file = self.manifest.files.iter().find(|file| file.path == path);
        let file = file.ok_or_else(|| Error::not_found("file of the model", path))?;
        self.contents.read(&file.digest)
    }
}

/// Loads a lone file that is its own model, such as a graph.
pub struct Lone<'a>(pub &'a [u8]);

impl Contents for Lone<'_> {
    fn read(&self, _digest: &Digest) -> Result<Vec<u8>> {
        Ok(self.0.to_vec())
    }
}

/// The manifest of a lone graph.
pub fn lone(format: Format, digest: Digest, size: usize) -> Manifest {
    let main = "model".to_owned();
    let file = PackageFile { path: main.clone(), digest, size: size as u64 };
    Manifest { format, main, files: vec![file], signature: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_told_from_a_graph() {
        let manifest = lone(Format::Onnx, Digest::of(b"x"), 1);
        let bytes = manifest.bytes().unwrap();
        assert_eq!(Manifest::read(&bytes).unwrap(), Some(manifest));
        assert_eq!(Manifest::read(b"\x08\x07").unwrap(), None);
        assert!(Manifest::read(br#"{"flyball_package":"9"}"#).is_err());
    }
}
