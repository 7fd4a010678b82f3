//! Are decisions alike across groups of people? Nearly everything follows from one confusion table per group, which one
//! pass over the rows fills.
//!
//! A rate with an empty denominator is undefined, and groups without the rate do not take part in its differences;
//! they are never counted as zero, which would invent a disparity.

mod calibration;
mod crossing;
mod disparity;
mod groups;
mod individual;
mod inequality;
mod rate;
mod regression;
mod reweighing;
mod spread;
mod thresholds;

pub use calibration::{GroupCalibration, group_calibration};
pub use crossing::{Crossing, cross};
pub use disparity::{Benchmark, TAU, Versus, disparities, within_tau};
pub use groups::{Aggregate, GroupRate, Groups};
pub use individual::consistency;
pub use inequality::{benefits, between_group_entropy, coefficient_of_variation, generalized_entropy, theil_index};
pub use rate::Rate;
pub use regression::{GroupErrors, group_errors};
pub use reweighing::{Reweighing, reweigh};
pub use spread::{Spread, difference_to_overall, ratio_to_overall, spread};
pub use thresholds::{Constraint, Outcome, ThresholdSearch, Thresholds, optimize_thresholds};
