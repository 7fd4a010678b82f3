//! Metrics of classifiers. Labels are `true` for the positive class; probabilities are of the positive class.
//!
//! Conventions are scikit-learn's, except that a metric with an empty denominator is `None` and never 0. All slices
//! of one call have one length; otherwise the result is `None`.

mod binary;
mod calibration;
mod confusion;
mod curve;
mod multiclass;
pub(crate) mod order;
mod pass;
mod scores;
mod walk;

pub use binary::BinarySummary;
pub use calibration::{Bin, Calibration, calibration_curve, confidence_calibration, positive_calibration};
pub use confusion::Confusion;
pub use curve::{PrPoint, RocPoint, ScoreCurve, lift, roc_auc};
pub use multiclass::{Average, ClassScore, ConfusionMatrix, MulticlassProbabilities, multiclass_metrics};
pub use pass::{BinaryPass, CurvePoint, Slicing, binary_pass};
pub use scores::{brier, brier_rows, log_loss, log_loss_rows, row_log_loss};
