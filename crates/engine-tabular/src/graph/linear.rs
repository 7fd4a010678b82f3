//! LinearClassifier and LinearRegressor.

use flyball_core::Result;

use super::attributes::Attributes;
use super::post::{PostTransform, logistic};
use super::tensor::mismatch;

/// A linear model: one row of coefficients and one intercept per raw score.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    pub(crate) features: usize,
    pub(crate) coefficients: Vec<f32>,
    pub(crate) intercepts: Vec<f32>,
    pub(crate) post: PostTransform,
    /// One raw score stands for two classes.
    pub(crate) second_class: bool,
}

impl Linear {
    /// Reads a LinearClassifier (`classes` labels) or a LinearRegressor (`None`).
    pub(crate) fn read(attributes: &Attributes<'_>, classes: Option<usize>) -> Result<Self> {
        let coefficients = attributes.floats("coefficients").to_vec();
        let mut intercepts = attributes.floats("intercepts").to_vec();
        if intercepts.is_empty() {
            let targets = attributes.int("targets").unwrap_or(1);
            intercepts = vec![0.0; usize::try_from(targets).ok().filter(|&t| t <= coefficients.len()).unwrap_or(0)];
        }
        let scores = intercepts.len();
        if scores == 0 || coefficients.is_empty() || !coefficients.len().is_multiple_of(scores) {
            return Err(mismatch("the coefficients of a linear model do not fit its intercepts"));
        }
        let second_class = classes == Some(2) && scores == 1;
        if classes.is_some_and(|c| c != scores && !second_class) {
            return Err(mismatch("the classes of a linear model do not fit its intercepts"));
        }
        let post = PostTransform::read(attributes)?;
        Ok(Self { features: coefficients.len() / scores, coefficients, intercepts, post, second_class })
    }

    /// Numbers per row of the output.
    pub(crate) fn width(&self) -> usize {
        if self.second_class { 2 } else { self.intercepts.len() }
    }

    /// Writes the output scores of one row of `features` values into `out` (`width` long). Sums are kept in 64 bits:
    /// ONNX Runtime's order of addition depends on the processor, so the true value is the best agreement.
    pub(crate) fn evaluate(&self, row: &[f32], out: &mut [f32]) {
        let weights = self.coefficients.chunks_exact(self.features);
        for ((score, weights), &intercept) in out.iter_mut().zip(weights).zip(&self.intercepts) {
            let sum: f64 = weights.iter().zip(row).map(|(&w, &x)| f64::from(w) * f64::from(x)).sum();
            *score = (sum + f64::from(intercept)) as f32;
        }
        if self.second_class {
            let score = out[0];
            let pair = match self.post {
                PostTransform::Logistic => [logistic(-score), logistic(score)],
                _ => [1.0 - score, score],
            };
            out.copy_from_slice(&pair);
        } else {
            self.post.apply(out);
        }
    }
}
