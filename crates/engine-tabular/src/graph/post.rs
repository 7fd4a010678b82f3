//! What ONNX-ML models do with their raw scores, as ONNX Runtime does it.

use flyball_core::{Error, ErrorCode, Result};

use super::attributes::Attributes;

/// The attribute `post_transform`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PostTransform {
    None,
    Logistic,
    Softmax,
    SoftmaxZero,
}

impl PostTransform {
    pub(crate) fn read(attributes: &Attributes<'_>) -> Result<Self> {
        Ok(match attributes.text("post_transform")?.unwrap_or("NONE") {
            "NONE" => PostTransform::None,
            "LOGISTIC" => PostTransform::Logistic,
            "SOFTMAX" => PostTransform::Softmax,
            "SOFTMAX_ZERO" => PostTransform::SoftmaxZero,
            other => {
                return Err(Error::new(
                    ErrorCode::UnsupportedModel,
                    format!("the tabular engine lacks {} with post_transform {other}", attributes.0.op_type),
                ));
            }
        })
    }

    /// Transforms the scores of one row in place.
    pub(crate) fn apply(self, scores: &mut [f32]) {
        match self {
            PostTransform::None => {}
            PostTransform::Logistic => scores.iter_mut().for_each(|s| *s = logistic(*s)),
            PostTransform::Softmax => softmax(scores, |_| true),
            PostTransform::SoftmaxZero => softmax(scores, |s| s.abs() > 1e-7),
        }
    }
}

/// The logistic function, in the form that keeps its accuracy on both sides.
pub(crate) fn logistic(score: f32) -> f32 {
    let upper = 1.0 / (1.0 + (-score.abs()).exp());
    if score < 0.0 { 1.0 - upper } else { upper }
}

/// Softmax over the scores that count; the others are scaled as by ONNX Runtime, which leaves zeros at zero.
fn softmax(scores: &mut [f32], counts: impl Fn(f32) -> bool) {
    let largest = scores.iter().copied().fold(f32::MIN, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        if counts(*score) {
            *score = (*score - largest).exp();
            sum += *score;
        } else {
            *score *= (-largest).exp();
        }
    }
    scores.iter_mut().for_each(|s| *s /= sum);
}
