//! Metrics of classifiers. Labels are `true` for the positive class; probabilities are of the positive class.
//!
//! Conventions are scikit-learn's, except that a metric with an empty denominator is `None` and never 0. All slices
//! of one call have one length; otherwise the result is `None`.

mod calibration;
mod confusion;
mod curve;
mod multiclass;
mod scores;

pub use calibration::{Bin, Calibration, calibration_curve, confidence_calibration, positive_calibration};
pub use confusion::Confusion;
pub use curve::{PrPoint, RocPoint, ScoreCurve, average_precision, ks_statistic, lift, roc_auc};
pub use multiclass::{
    Average, ClassScore, ConfusionMatrix, MulticlassProbabilities, multiclass_calibration, multiclass_metrics,
};
pub use scores::{binary_metrics, brier, brier_rows, log_loss, log_loss_rows};
