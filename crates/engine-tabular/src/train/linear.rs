//! The trainer `linear`: logistic and ridge regression.

use flyball_core::model::{TrainRequest, Trained, Trainer};
use flyball_core::{Feature, Result, Signature, Task};

use super::design::{Design, Numbers};
use super::export::Exporter;
use super::parameters::{Parameter, Parameters, real, whole};
use super::target::Target;
use super::{features, newton, shares, weights};
use crate::onnx::proto::data_type;
use crate::onnx::{MEANS_KEY, build};

const PARAMETERS: &[Parameter] = &[real("l2", 1.0, 0.0, 1e9), whole("iterations", 100.0, 1.0, 10_000.0)];

/// A linear model for two classes (logistic regression) or a number (ridge regression), on standardised numbers with
/// missing indicators and one-hot texts; an unknown text counts as none of the levels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Linear;

impl Trainer for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn train(&self, request: &TrainRequest<'_>) -> Result<Trained> {
        let with = Parameters::read(self.name(), PARAMETERS, request.parameters)?;
        let features = features(request)?;
        let target = Target::read(request.rows, request.label, request.task)?;
        let design = Design::learn(request.rows, &features)?;
        let (l2, steps) = (with.number("l2"), with.count("iterations"));
        let targets = newton::Targets { values: &target.values, weights: &weights(request)? };
        let weights = newton::fit(&design.rows, design.columns, &targets, request.task, l2, steps)?;
        let signature = Signature { task: request.task, features, classes: target.classes };
        let importance = shares(&signature.features, &sizes(&design, &weights, signature.features.len()));
        let artifact = export(&signature, &design, &weights)?;
        Ok(Trained { artifact, signature, parameters: with.into_map(), curve: None, importance })
    }
}

/// The mean absolute contribution of each feature over the training rows.
fn sizes(design: &Design, weights: &[f64], features: usize) -> Vec<f64> {
    let mut sizes = vec![0.0; features];
    for row in design.rows.chunks_exact(design.columns) {
        let mut amounts = vec![0.0; features];
        for (column, &feature) in design.features.iter().enumerate() {
            amounts[feature] += weights[column] * (row[column] - design.means[column]);
        }
        sizes.iter_mut().zip(amounts).for_each(|(size, amount)| *size += amount.abs());
    }
    sizes
}

fn export(signature: &Signature, design: &Design, weights: &[f64]) -> Result<Vec<u8>> {
    let mut exporter = Exporter::new(signature);
    let mut parts = Vec::new();
    if !design.numbers.is_empty() {
        parts.push(export_numbers(&mut exporter, &signature.features, &design.numbers));
    }
    let gaps: Vec<String> = design.gaps.iter().map(|&f| signature.features[f].name.clone()).collect();
    if !gaps.is_empty() {
        let raw = exporter.concat(&gaps);
        let missing = exporter.node("IsNaN", &[&raw], Vec::new());
        parts.push(exporter.node("Cast", &[&missing], vec![build::int("to", i64::from(data_type::FLOAT))]));
    }
    for (feature, levels) in &design.levels {
        let attributes = vec![build::texts("cats_strings", levels), build::int("zeros", 1)];
        let encoded = exporter.ml_node("OneHotEncoder", &[&signature.features[*feature].name], attributes);
        let shape = exporter.constant("levels", vec![-1, levels.len() as i64]);
        parts.push(exporter.node("Reshape", &[&encoded, &shape], Vec::new()));
    }
    let row = exporter.concat(&parts);
    let positive: Vec<f32> = weights.iter().map(|&w| w as f32).collect();
    let (positive, intercept) = (&positive[..design.columns], positive[design.columns]);
    let attributes = if signature.task == Task::Classification {
        // One row per class, the negative one mirrored: runtimes differ in how they complete a single one.
        vec![
            build::floats("coefficients", positive.iter().map(|w| -w).chain(positive.iter().copied()).collect()),
            build::floats("intercepts", vec![-intercept, intercept]),
            build::text("post_transform", "LOGISTIC"),
        ]
    } else {
        vec![build::floats("coefficients", positive.to_vec()), build::floats("intercepts", vec![intercept])]
    };
    exporter.metadata(MEANS_KEY, serde_json::Value::from(design.means.clone()).to_string());
    exporter.model(("LinearClassifier", "LinearRegressor"), &row, attributes);
    exporter.finish()
}

/// Imputes and standardises the number features; gives the name of the tensor.
fn export_numbers(exporter: &mut Exporter<'_>, features: &[Feature], numbers: &[Numbers]) -> String {
    let names: Vec<String> = numbers.iter().map(|n| features[n.feature].name.clone()).collect();
    let raw = exporter.concat(&names);
    let means: Vec<f32> = numbers.iter().map(|n| n.mean).collect();
    let attributes =
        vec![build::floats("imputed_value_floats", means.clone()), build::float("replaced_value_float", f32::NAN)];
    let imputed = exporter.ml_node("Imputer", &[&raw], attributes);
    let scales = build::floats("scale", numbers.iter().map(|n| n.scale).collect());
    exporter.ml_node("Scaler", &[&imputed], vec![build::floats("offset", means), scales])
}
