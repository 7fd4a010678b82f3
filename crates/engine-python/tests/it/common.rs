//! The models of the tests, and how they are loaded and asked.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use flyball_core::model::{Engine, Loaded, TensorModel};
use flyball_core::package::{Contents, Manifest};
use flyball_core::{DataType, Digest, Error, Format, Package, PackageFile, Result, Tensor, TensorData};
use flyball_engine_python::{PythonEngine, PythonSettings};

/// The Python that the environment names.
pub(crate) fn python() -> PathBuf {
    let found = std::env::var_os("FLYBALL_PYTHON").unwrap_or_else(|| {
        panic!("run `cargo xtask test`, or set FLYBALL_PYTHON to a Python with mlflow, scikit-learn and xgboost")
    });
    found.into()
}

/// The folder of a model. All models are made once, by the first test that needs one.
pub(crate) fn model(name: &str) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models.py");
    let digest = Digest::of(&fs::read(&script).unwrap()).short();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("python-models-{digest}"));
    fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    if !folder.join("whole-set").exists() {
        fs::remove_dir_all(&folder).unwrap();
        fs::create_dir_all(&folder).unwrap();
        #[allow(
            clippy::disallowed_methods,
            reason = "the tests make their models with MLflow, which runs as a process"
        )]
        let output = Command::new(python()).arg(script).arg(&folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        File::create(folder.join("whole-set")).unwrap();
    }
    folder.join(name)
}

/// What MLflow itself predicted.
pub(crate) fn expected(name: &str) -> Vec<f64> {
    serde_json::from_slice(&fs::read(model(&format!("{name}.json"))).unwrap()).unwrap()
}

/// A model's files as a server keeps them.
#[derive(Default)]
pub(crate) struct Files {
    pub(crate) blobs: HashMap<Digest, Vec<u8>>,
    pub(crate) files: Vec<PackageFile>,
}

impl Contents for Files {
    fn read(&self, digest: &Digest) -> Result<Vec<u8>> {
        let bytes = self.blobs.get(digest).ok_or_else(|| Error::not_found("blob", digest))?;
        if Digest::of(bytes) != *digest {
            return Err(Error::new(flyball_core::ErrorCode::InvalidData, "the file is not what it was"));
        }
        Ok(bytes.clone())
    }
}

impl Files {
    pub(crate) fn of(folder: &Path) -> Self {
        let mut files = Self::default();
        files.gather(folder, folder);
        files
    }

    fn gather(&mut self, root: &Path, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.gather(root, &path);
            } else {
                self.add(path.strip_prefix(root).unwrap().to_str().unwrap(), fs::read(&path).unwrap());
            }
        }
    }

    pub(crate) fn add(&mut self, path: &str, bytes: Vec<u8>) {
        let digest = Digest::of(&bytes);
        self.files.retain(|file| file.path != path);
        self.files.push(PackageFile { path: path.to_owned(), digest, size: bytes.len() as u64 });
        self.blobs.insert(digest, bytes);
    }

    pub(crate) fn load(&self, engine: &PythonEngine) -> Result<Arc<dyn TensorModel>> {
        let files = self.files.clone();
        let manifest = Manifest { format: Format::Pyfunc, main: "MLmodel".into(), files, signature: None };
        let digest = Digest::of(&manifest.bytes().unwrap());
        match engine.load(&Package::new(digest, &manifest, self))? {
            Loaded::Tensors(model) => Ok(model),
            Loaded::Rows(_) => panic!("a model of tensors was expected"),
        }
    }
}

/// An engine, and the folder that it keeps its things in.
pub(crate) struct Bench {
    pub(crate) engine: PythonEngine,
    pub(crate) cache: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut PythonSettings)) -> Self {
        let cache = tempfile::tempdir().unwrap();
        let mut settings = PythonSettings::new(cache.path());
        settings.python = Some(python());
        settings.path = std::env::var_os("PATH").unwrap_or(settings.path);
        change(&mut settings);
        Self { engine: PythonEngine::new(settings), cache }
    }

    pub(crate) fn load(&self, name: &str) -> Arc<dyn TensorModel> {
        self.try_load(name).unwrap()
    }

    pub(crate) fn try_load(&self, name: &str) -> Result<Arc<dyn TensorModel>> {
        Files::of(&model(name)).load(&self.engine)
    }

    /// The scratch folders that there are.
    pub(crate) fn scratch(&self) -> usize {
        fs::read_dir(self.cache.path().join("scratch")).map_or(0, Iterator::count)
    }
}

/// Asks a model, after the check that the server makes.
pub(crate) fn ask(model: &dyn TensorModel, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
    ask_within(model, inputs, Duration::from_secs(30))
}

pub(crate) fn ask_within(model: &dyn TensorModel, inputs: &[Tensor], within: Duration) -> Result<Vec<Tensor>> {
    model.signature().check(inputs)?;
    model.run(inputs, None, within)
}

/// Asks a model that takes one text and gives one.
pub(crate) fn tell(model: &dyn TensorModel, action: &str) -> Result<String> {
    let answer = ask(model, &[texts("do", &[action.as_bytes()])])?;
    Ok(first_text(&answer))
}

pub(crate) fn first_text(answer: &[Tensor]) -> String {
    String::from_utf8(answer[0].text(0).unwrap().to_vec()).unwrap()
}

pub(crate) fn packed(name: &str, datatype: DataType, shape: &[usize], bytes: Vec<u8>) -> Tensor {
    Tensor::new(name, datatype, shape.to_vec(), TensorData::Packed(bytes.into())).unwrap()
}

pub(crate) fn doubles(name: &str, values: &[f64]) -> Tensor {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    packed(name, DataType::Fp64, &[values.len()], bytes)
}

pub(crate) fn longs(name: &str, values: &[i64]) -> Tensor {
    packed(name, DataType::Int64, &[values.len()], values.iter().flat_map(|value| value.to_le_bytes()).collect())
}

pub(crate) fn floats(name: &str, shape: &[usize], values: &[f32]) -> Tensor {
    packed(name, DataType::Fp32, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect())
}

pub(crate) fn texts(name: &str, values: &[&[u8]]) -> Tensor {
    let values: Vec<bytes::Bytes> = values.iter().map(|value| bytes::Bytes::copy_from_slice(value)).collect();
    Tensor::new(name, DataType::Bytes, vec![values.len()], TensorData::Texts(values)).unwrap()
}

/// All elements as numbers.
pub(crate) fn numbers(tensor: &Tensor) -> Vec<f64> {
    (0..tensor.len()).map(|at| tensor.number(at)).collect()
}
