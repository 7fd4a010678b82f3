//! A tiny engine whose models are one line of text, and a service around it.

use std::sync::Arc;

use flyball_core::model::{Engine, Interface, Loaded, Model, TensorModel};
use flyball_core::{
    Clock, DataType, Edit, Error, ErrorCode, Feature, FeatureKind, Format, Name, Package, Permit, Predictions, Result,
    Signature, Table, Task, Tensor, TensorData, TensorSignature, TensorSpec, Timestamp, Value, VirtualClock,
};
use flyball_serving::{
    NewRevision, PredictionIds, Revision, Serving, Share, create_endpoint, create_revision, set_traffic,
};
use flyball_store::{Blobs, Db};
use tempfile::TempDir;

/// `toy BIAS CLASSES FEATURE…`: the last score is the bias plus the first feature; features that begin with `t` are text.
/// The value 13 makes it fail, 14 panic, 15 answer NaN.
#[derive(Debug)]
pub(crate) struct Toy {
    bias: f64,
    signature: Signature,
}

pub(crate) struct ToyEngine;

impl Engine for ToyEngine {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn reads(&self, format: Format) -> bool {
        format == Format::Onnx
    }

    fn state(&self) -> Result<String> {
        Ok("always".to_owned())
    }

    fn load(&self, package: &Package<'_>) -> Result<Loaded> {
        let artifact = package.main()?;
        let text = String::from_utf8_lossy(&artifact);
        let words: Vec<&str> = text.split(' ').collect();
        if let ["doubler", factor] = words.as_slice() {
            return Ok(Loaded::Tensors(Arc::new(Doubler::new(factor.parse().unwrap()))));
        }
        let ["toy", bias, classes, features @ ..] = words.as_slice() else {
            return Err(Error::new(ErrorCode::UnsupportedModel, "not a toy"));
        };
        let kind = |name: &str| if name.starts_with('t') { FeatureKind::Text } else { FeatureKind::Number };
        let features = features.iter().map(|name| Feature { name: (*name).to_owned(), kind: kind(name) }).collect();
        let classes: Vec<String> = (0..classes.parse().unwrap()).map(|class: usize| format!("c{class}")).collect();
        let task = if classes.is_empty() { Task::Regression } else { Task::Classification };
        let signature = Signature { task, features, classes };
        Ok(Loaded::Rows(Arc::new(Toy { bias: bias.parse().unwrap(), signature })))
    }
}

impl Model for Toy {
    fn memory_bytes(&self) -> u64 {
        1_000
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn predict(&self, rows: &Table) -> Result<Predictions> {
        let mut scores = Vec::new();
        let names: Vec<&str> = self.signature.features.iter().map(|feature| feature.name.as_str()).collect();
        let rows = rows.select(&names)?;
        (0..rows.rows()).try_for_each(|row| self.predict_row(&rows.row(row), &mut scores))?;
        Ok(Predictions { width: self.signature.width(), scores })
    }

    fn predict_row(&self, row: &[Value], scores: &mut Vec<f64>) -> Result<()> {
        let first = row.first().map_or(f64::NAN, Value::number);
        match first {
            13.0 => return Err(Error::internal("thirteen")),
            14.0 => panic!("fourteen"),
            15.0 => scores.push(f64::NAN),
            _ => scores.push(self.bias + if first.is_nan() { 0.0 } else { first }),
        }
        let last = scores.pop().unwrap_or_default();
        scores.extend(std::iter::repeat_n(0.0, self.signature.width() - 1));
        scores.push(last);
        Ok(())
    }
}

/// `doubler FACTOR`: its output `y` is its input `x` times the factor; the value 13 makes it fail.
pub(crate) struct Doubler {
    factor: f64,
    signature: TensorSignature,
}

impl Doubler {
    fn new(factor: f64) -> Self {
        let spec =
            |name: &str| TensorSpec { name: name.into(), datatype: DataType::Fp64, shape: vec![-1], optional: false };
        let signature = TensorSignature { inputs: vec![spec("x")], outputs: vec![spec("y")], ..Default::default() };
        Self { factor, signature }
    }
}

/// A tensor of fractions.
pub(crate) fn fractions(name: &str, values: &[f64]) -> Tensor {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Tensor::new(name, DataType::Fp64, vec![values.len()], TensorData::Packed(bytes.into())).unwrap()
}

impl TensorModel for Doubler {
    fn signature(&self) -> &TensorSignature {
        &self.signature
    }

    fn run(&self, inputs: &[Tensor], _: Option<&[&str]>, _: std::time::Duration) -> Result<Vec<Tensor>> {
        let values: Vec<f64> = (0..inputs[0].len()).map(|at| inputs[0].number(at)).collect();
        if values.contains(&13.0) {
            return Err(Error::new(ErrorCode::InvalidData, "thirteen"));
        }
        Ok(vec![fractions("y", &values.iter().map(|value| value * self.factor).collect::<Vec<_>>())])
    }

    fn parallel(&self) -> usize {
        2
    }

    fn memory_bytes(&self) -> u64 {
        5_000
    }
}

pub(crate) struct Fixture {
    pub(crate) serving: Serving,
    pub(crate) db: Db,
    pub(crate) blobs: Blobs,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) folder: TempDir,
}

pub(crate) const START: Timestamp = Timestamp(1_362_096_000_000);

pub(crate) fn permit() -> Permit<Edit> {
    flyball_governance::identity::local_user().unwrap().edit()
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

impl Fixture {
    pub(crate) fn new(db: &Db) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path().to_str().unwrap()).unwrap();
        let clock = Arc::new(VirtualClock::at(START));
        let serving = restart(db, &blobs, &clock);
        Self { serving, db: db.clone(), blobs, clock, folder }
    }

    /// What a new process would see.
    pub(crate) fn restarted(&self) -> Serving {
        let serving = restart(&self.db, &self.blobs, &self.clock);
        serving.refresh().unwrap();
        serving
    }

    /// Deploys toys at an endpoint, each with its share, and refreshes.
    pub(crate) fn deploy(&self, endpoint: &str, toys: &[(&str, u16)]) -> Vec<Revision> {
        let revisions = self.prepare(endpoint, toys);
        self.serving.refresh().unwrap();
        revisions
    }

    /// Deploys without a refresh.
    pub(crate) fn prepare(&self, endpoint: &str, toys: &[(&str, u16)]) -> Vec<Revision> {
        let (endpoint, now) = (name(endpoint), self.clock.now());
        let toys: Vec<_> = toys
            .iter()
            .map(|(toy, share)| (self.blobs.put(toy.as_bytes()).unwrap(), (*toy).to_owned(), *share))
            .collect();
        let work = move |tx: &mut flyball_store::Tx<'_>| {
            create_endpoint(tx, &permit(), &endpoint, None, now)?;
            let (mut revisions, mut shares) = (Vec::new(), Vec::new());
            for (artifact, toy, per_mille) in toys {
                let (version, interface) = (version(&toy), interface(&toy));
                let model = name("toy");
                let (endpoint, model, loop_name) = (&endpoint, &model, None);
                let new = NewRevision { endpoint, model, version, artifact, loop_name, interface, memory: 5_000 };
                let revision = create_revision(tx, &permit(), &new, now)?;
                shares.push(Share::new(Arc::clone(&revision.id), per_mille));
                revisions.push(revision);
            }
            set_traffic(tx, &permit(), &endpoint, &shares, now)?;
            Ok(revisions)
        };
        self.db.write(work).unwrap()
    }
}

fn restart(db: &Db, blobs: &Blobs, clock: &Arc<VirtualClock>) -> Serving {
    let clock: Arc<dyn Clock> = clock.clone();
    Serving::new(db.clone(), blobs.clone(), clock, vec![Arc::new(ToyEngine)], PredictionIds::Derived)
}

/// What is known of a model of tensors without loading it.
fn interface(toy: &str) -> Option<Interface> {
    let factor = toy.strip_prefix("doubler ")?.parse().ok()?;
    Some(Interface::Tensors(Doubler::new(factor).signature))
}

/// The bias tells the version.
fn version(toy: &str) -> i64 {
    toy.split(' ').nth(1).and_then(|bias| bias.parse::<f64>().ok()).map_or(0, |bias| bias as i64)
}
