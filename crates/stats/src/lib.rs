//! The mathematics of Flyball: metrics, intervals, tests, drift, fairness, explanations.
//!
//! Everything is a pure function of slices. `None` means that the quantity is undefined for these rows (an empty
//! denominator, a missing class, slices of different lengths, a NaN where a number is needed); nothing here panics,
//! and no undefined value is reported as zero.

pub mod agreement;
pub mod annotation;
pub mod attribution;
pub mod baseline;
pub mod calibrated;
pub mod classification;
pub mod clusters;
pub mod compare;
pub mod compat;
pub mod drift;
pub mod estimate;
pub mod explain;
pub mod fairness;
pub mod interval;
mod mersenne;
pub mod multiplicity;
pub mod multivariate;
pub mod over_time;
pub mod power;
mod random;
pub mod ranking;
pub mod regression;
pub mod report;
pub mod sequential;
pub mod shap;
pub mod sketch;
pub mod slices;
pub mod special;
pub mod stream;
mod summary;
mod trees;
