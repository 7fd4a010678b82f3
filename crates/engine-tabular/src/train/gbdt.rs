//! The trainer `gbdt`: gradient-boosted decision trees.

use flyball_core::model::{TrainRequest, Trained, Trainer};
use flyball_core::{Column, Feature, FeatureKind, Result, Signature, Table, Task, TextColumn};

use super::boost::{self, Rows};
use super::export::Exporter;
use super::levels::LevelMeans;
use super::parameters::{Parameter, Parameters, real, whole};
use super::target::Target;
use super::{features, shares, weights};
use crate::onnx::build;

/// What `with` may hold. Depth-limited leaf-wise growth with a moderate rate: close to the best of XGBoost and LightGBM
/// on the reference data sets without tuning.
const PARAMETERS: &[Parameter] = &[
    whole("trees", 200.0, 1.0, 10_000.0),
    real("learning_rate", 0.1, 1e-4, 1.0),
    whole("depth", 6.0, 1.0, 16.0),
    whole("leaves", 31.0, 2.0, 4096.0),
    real("min_child_weight", 1.0, 0.0, 1e6),
    real("min_gain", 0.0, 0.0, 1e6),
    real("l1", 0.0, 0.0, 1e6),
    real("l2", 1.0, 0.0, 1e6),
    real("subsample", 1.0, 0.05, 1.0),
    real("column_sample", 1.0, 0.05, 1.0),
    whole("bins", 256.0, 8.0, 4096.0),
    whole("early_stopping", 20.0, 1.0, 10_000.0),
    real("smoothing", 10.0, 0.0, 1e6),
];

/// Gradient-boosted trees for two classes or a number. Text features become the smoothed mean of the target per level;
/// missing numbers take the direction that each split learned.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gbdt;

impl Trainer for Gbdt {
    fn name(&self) -> &'static str {
        "gbdt"
    }

    fn train(&self, request: &TrainRequest<'_>) -> Result<Trained> {
        let with = Parameters::read(self.name(), PARAMETERS, request.parameters)?;
        let features = features(request)?;
        let target = Target::read(request.rows, request.label, request.task)?;
        let weights = weights(request)?;
        let encoding = Encoding::learn(request, &features, (&target.values, &weights), with.number("smoothing"))?;
        let validation = match request.validation.filter(|v| v.rows() > 0) {
            Some(rows) => Some(Rows {
                matrix: encoding.apply(rows, &features)?,
                target: Target::read_with(rows, request.label, &target.classes)?,
                weights: vec![1.0; rows.rows()],
            }),
            None => None,
        };
        let signature = Signature { task: request.task, features, classes: target.classes };
        let rows = Rows { matrix: encoding.training, target: target.values, weights };
        let boosted = boost::fit(&rows, validation.as_ref(), request.task, &with, request.seed)?;
        let mut exporter = Exporter::new(&signature);
        let columns = export_encoding(&mut exporter, &signature.features, &encoding.means);
        let attributes = boosted.attributes(&rows, request.task);
        exporter.model(("TreeEnsembleClassifier", "TreeEnsembleRegressor"), &columns, attributes);
        let artifact = exporter.finish()?;
        let importance = shares(&signature.features, &boosted.gains());
        let metric = if request.task == Task::Classification { "log_loss" } else { "rmse" };
        let curve = boosted.curve.map(|values| (metric.to_owned(), values));
        Ok(Trained { artifact, signature, parameters: with.into_map(), curve, importance })
    }
}

/// The learned means of the text features, and the training rows encoded.
struct Encoding {
    means: Vec<Option<LevelMeans>>,
    training: Vec<f64>,
}

impl Encoding {
    /// Learns from the labels of the rows and their weights.
    fn learn(
        request: &TrainRequest<'_>,
        features: &[Feature],
        (target, weights): (&[f64], &[f64]),
        smoothing: f64,
    ) -> Result<Self> {
        let mut encoding = Encoding { means: Vec::new(), training: Vec::new() };
        for (position, feature) in (0u64..).zip(features) {
            match request.rows.column(&feature.name)? {
                Column::Text(text) => {
                    let seed = request.seed.wrapping_add(position);
                    let (means, encoded) = LevelMeans::learn(text, (target, weights), smoothing, seed);
                    encoding.means.push(Some(means));
                    encoding.training.extend(encoded);
                }
                numbers => {
                    encoding.means.push(None);
                    encoding.training.extend(exact(numbers));
                }
            }
        }
        Ok(encoding)
    }

    /// Encodes rows that were not learned from.
    fn apply(&self, rows: &Table, features: &[Feature]) -> Result<Vec<f64>> {
        let mut matrix = Vec::with_capacity(rows.rows() * features.len());
        for (feature, means) in features.iter().zip(&self.means) {
            let column = rows.column(&feature.name)?;
            match (means, column) {
                (Some(means), Column::Text(text)) => matrix.extend(means.encode(text)),
                (Some(means), other) => {
                    let texts: Vec<_> = (0..other.len()).map(|row| other.value(row).text()).collect();
                    matrix.extend(means.encode(&TextColumn::from_texts(texts.iter().map(Option::as_deref))));
                }
                (None, numbers) => matrix.extend(exact(numbers)),
            }
        }
        Ok(matrix)
    }
}

/// Numbers rounded to 32-bit floats, as the exported model will see them.
fn exact(numbers: &Column) -> impl Iterator<Item = f64> {
    (0..numbers.len()).map(|row| f64::from(numbers.number(row) as f32))
}

/// The encoders and the join of all features into the model's row; gives the name of its tensor.
fn export_encoding(exporter: &mut Exporter<'_>, features: &[Feature], means: &[Option<LevelMeans>]) -> String {
    let columns: Vec<String> = features
        .iter()
        .zip(means)
        .map(|(feature, means)| match (feature.kind, means) {
            (FeatureKind::Text, Some(means)) => {
                let keys: Vec<_> = means.levels.iter().map(|(level, _)| level).collect();
                let attributes = vec![
                    build::texts("keys_strings", &keys),
                    build::floats("values_floats", means.levels.iter().map(|(_, mean)| *mean).collect()),
                    build::float("default_float", means.prior),
                ];
                exporter.ml_node("LabelEncoder", &[&feature.name], attributes)
            }
            _ => feature.name.clone(),
        })
        .collect();
    exporter.concat(&columns)
}
