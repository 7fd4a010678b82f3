//! How well does a model do before anybody knows the truth?
//!
//! Confidence-based performance estimation ([`Cbpe`], for more than two classes [`MulticlassCbpe`]) reads the metrics of a classifier from its own
//! probabilities, once these are calibrated on a reference with known truth; direct loss estimation ([`Dle`]) learns the
//! error of a regression from the reference. For two classes and for numbers both equal NannyML 0.13 where it is deterministic, with its sampling
//! errors and its limits. Both assume that what is learnt on the reference still holds: they see a shift of the
//! inputs, not a change of what the inputs mean. When labels arrive, [`Coverage`] weighs the two kinds of knowledge.
//!
//! Everything fitted is plain data with public fields, to be kept however its owner likes.

mod calibration;
mod cbpe;
mod cbpe_classes;
mod coverage;
mod dle;
mod expected;
mod isotonic;
pub(crate) mod reference;
mod sampling;

pub use calibration::{CalibrationCheck, check_calibration};
pub use cbpe::{Cbpe, CbpeMetric, CbpeSettings, Rounding};
pub use cbpe_classes::MulticlassCbpe;
pub use coverage::{Coverage, Kind, Standing};
pub use dle::{Dle, DleMetric, LearntError};
pub use expected::ExpectedConfusion;
pub use isotonic::Isotonic;
pub use reference::{Estimate, MetricReference};

pub use crate::trees::{BoostedTrees, TreeNode};
