//! Shapley values of a linear model, in closed form.

use super::Explanation;

/// ŷ = intercept + Σ coefficient · x.
#[derive(Debug, Clone, Copy)]
pub struct LinearModel<'a> {
    /// Value at the origin.
    pub intercept: f64,
    /// One per feature.
    pub coefficients: &'a [f64],
    /// Mean of each feature over the background rows.
    pub means: &'a [f64],
}

/// φ = coefficient · (x − mean); the expected value is the prediction at the means, which for a linear model is the mean
/// prediction. Exact for the interventional game against any background of these means. Where features are correlated,
/// it says what the model does with each, not what each says of the others: a feature that the model ignores gets 0,
/// however well it stands for one that it uses. `None` if lengths differ.
pub fn linear_shap(model: &LinearModel<'_>, x: &[f64]) -> Option<Explanation> {
    let LinearModel { intercept, coefficients, means } = *model;
    if coefficients.len() != means.len() || coefficients.len() != x.len() {
        return None;
    }
    let expected_value = intercept + coefficients.iter().zip(means).map(|(c, mean)| c * mean).sum::<f64>();
    let values = coefficients.iter().zip(means).zip(x).map(|((c, mean), x)| c * (x - mean)).collect();
    Some(Explanation { expected_value, values })
}
