//! Models from Python, and the library of the same Python.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flyball_core::model::{Engine, Loaded, TensorModel};
use flyball_core::package::{Contents, Format, Manifest, Package, PackageFile};
use flyball_core::tensor::{DataType, Tensor, TensorData};
use flyball_core::{Digest, Error, Result};
use flyball_engine_onnx::{OnnxRuntime, Places};
use serde_json::Value;

/// How long a run of these tests may take that should be quick.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// The interpreter that the environment names.
#[allow(clippy::disallowed_methods, reason = "the tests compare with Python, whose place the environment names")]
pub(crate) fn interpreter() -> PathBuf {
    std::env::var_os("FLYBALL_PYTHON").map(PathBuf::from).unwrap_or_else(|| {
        panic!(
            "run `cargo xtask test`, or set FLYBALL_PYTHON to a Python with onnx, onnxruntime, scikit-learn, skl2onnx"
        )
    })
}

/// The engine with the library of that interpreter.
pub(crate) fn engine() -> OnnxRuntime {
    OnnxRuntime::new(Places { pythons: vec![interpreter()], ..Places::default() })
}

/// A folder with a model and what it answers.
pub(crate) struct Made {
    folder: tempfile::TempDir,
}

impl Made {
    /// The model that `models.py` makes under this name.
    #[allow(clippy::disallowed_methods, reason = "the models are made by Python, which runs as a process")]
    pub(crate) fn new(kind: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models.py");
        let output = Command::new(interpreter()).arg(script).arg(kind).arg(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self { folder }
    }

    pub(crate) fn file(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(name)).unwrap()
    }

    /// The model with the other files that are named.
    pub(crate) fn files(&self, names: &[&str]) -> Files {
        let files = names.iter().map(|name| ((*name).to_owned(), self.file(name)));
        Files { main: "model.onnx".into(), files: files.collect() }
    }

    pub(crate) fn load(&self) -> Arc<dyn TensorModel> {
        self.files(&["model.onnx"]).load(&engine()).unwrap()
    }

    /// Where the models of `elsewhere` keep their tensors.
    pub(crate) fn locations(&self) -> Vec<String> {
        let locations: Vec<String> = serde_json::from_slice(&self.file("locations.json")).unwrap();
        assert!(!locations.is_empty());
        locations
    }

    /// The inputs and the answers of ONNX Runtime's own Python.
    pub(crate) fn case(&self) -> (Vec<Tensor>, Vec<Tensor>) {
        self.case_of("case.json")
    }

    /// The same of another file.
    pub(crate) fn case_of(&self, name: &str) -> (Vec<Tensor>, Vec<Tensor>) {
        let case: Value = serde_json::from_slice(&self.file(name)).unwrap();
        let tensors = |key: &str| case[key].as_array().unwrap().iter().map(tensor).collect();
        (tensors("inputs"), tensors("outputs"))
    }
}

/// The files of a model.
pub(crate) struct Files {
    pub(crate) main: String,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Files {
    /// A model of one file.
    pub(crate) fn lone(graph: Vec<u8>) -> Self {
        Self { main: "model.onnx".into(), files: BTreeMap::from([("model.onnx".into(), graph)]) }
    }

    pub(crate) fn load(&self, engine: &OnnxRuntime) -> Result<Arc<dyn TensorModel>> {
        let file = |(path, content): (&String, &Vec<u8>)| PackageFile {
            path: path.clone(),
            digest: Digest::of(content),
            size: content.len() as u64,
        };
        let files = self.files.iter().map(file).collect();
        let manifest = Manifest { format: Format::Onnx, main: self.main.clone(), files, signature: None };
        match engine.load(&Package::new(Digest::of(b"package"), &manifest, self))? {
            Loaded::Tensors(model) => Ok(model),
            Loaded::Rows(_) => panic!("the engine gives models of tensors"),
        }
    }

    pub(crate) fn refused(&self) -> Error {
        match self.load(&engine()) {
            Ok(_) => panic!("the model was loaded"),
            Err(error) => error,
        }
    }
}

impl Contents for Files {
    fn read(&self, digest: &Digest) -> Result<Vec<u8>> {
        Ok(self.files.values().find(|content| Digest::of(content) == *digest).unwrap().clone())
    }
}

fn tensor(value: &Value) -> Tensor {
    let datatype: DataType = value["datatype"].as_str().unwrap().parse().unwrap();
    let shape = value["shape"].as_array().unwrap().iter().map(|size| size.as_u64().unwrap() as usize).collect();
    let data = match value["texts"].as_array() {
        Some(texts) => {
            TensorData::Texts(texts.iter().map(|text| Bytes::from(text.as_str().unwrap().to_owned())).collect())
        }
        None => {
            let digits = value["hex"].as_str().unwrap();
            let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
            TensorData::Packed((0..digits.len()).step_by(2).map(byte).collect())
        }
    };
    Tensor::new(value["name"].as_str().unwrap(), datatype, shape, data).unwrap()
}

/// A tensor of 32-bit floats.
pub(crate) fn floats(name: &str, shape: &[usize], values: &[f32]) -> Tensor {
    let bytes: Bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Tensor::new(name, DataType::Fp32, shape.to_vec(), TensorData::Packed(bytes)).unwrap()
}

/// A tensor of whole numbers.
pub(crate) fn whole(name: &str, shape: &[usize], values: &[i64]) -> Tensor {
    let bytes: Bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Tensor::new(name, DataType::Int64, shape.to_vec(), TensorData::Packed(bytes)).unwrap()
}
