//! Values of scikit-learn, scipy, Evidently, NannyML, Fairlearn, SHAP and XGBoost (see `dev/oracles`), and the
//! calibration of the drift decision.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod compare;
mod drift;
mod estimate;
mod explain;
mod false_alarms;
mod multivariate;
mod oracle;
mod report;
mod shap;
mod sketch;
mod streams;
