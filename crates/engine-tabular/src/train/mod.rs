//! The built-in trainers.

mod boost;
mod design;
mod export;
pub(crate) mod gbdt;
mod levels;
pub(crate) mod linear;
mod newton;
mod parameters;
mod target;

use flyball_core::model::TrainRequest;
use flyball_core::{Error, ErrorCode, Feature, FeatureKind, Result};

/// The features of a request with the kinds of their columns.
fn features(request: &TrainRequest<'_>) -> Result<Vec<Feature>> {
    if request.features.is_empty() {
        return Err(Error::new(ErrorCode::InvalidData, "there are no features to learn from")
            .hint("select columns besides the key, the time and the label"));
    }
    request
        .features
        .iter()
        .map(|name| {
            if name == request.label {
                return Err(Error::new(ErrorCode::LabelLeak, format!("the label '{name}' is among the features")));
            }
            Ok(Feature { name: name.clone(), kind: FeatureKind::from(request.rows.column(name)?.kind()) })
        })
        .collect()
}

/// How much each row counts.
fn weights(request: &TrainRequest<'_>) -> Result<Vec<f64>> {
    let rows = request.rows.rows();
    let Some(weights) = request.weights else { return Ok(vec![1.0; rows]) };
    let sound = weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0);
    if weights.len() != rows || !sound || (rows > 0 && weights.iter().sum::<f64>() <= 0.0) {
        return Err(Error::new(ErrorCode::InvalidData, "the weights of the rows are not one positive number for each"));
    }
    Ok(weights.to_vec())
}

/// The shares of some sizes in their sum, largest first.
fn shares(names: &[Feature], sizes: &[f64]) -> Vec<(String, f64)> {
    let sum: f64 = sizes.iter().sum();
    let share = |size: &f64| if sum > 0.0 { size / sum } else { 0.0 };
    let mut shares: Vec<_> =
        names.iter().zip(sizes).map(|(feature, size)| (feature.name.clone(), share(size))).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    shares
}
