//! Fairness of a model by groups of people: as a report, in gates, and over windows of production.

mod count;
mod measures;
mod mitigation;
mod report;
mod similar;

pub use measures::{MEASURES, Tables, measure_named};
pub use mitigation::{Decisions, GroupThreshold, Mitigation, PerGroupThresholds, mitigate, reweigh};
pub use report::{
    AttributeFairness, FairnessOptions, FairnessReport, GroupFairness, GroupGap, GroupValue, Reference,
    SMALLEST_SHOWN_GROUP, attribute, fairness,
};
pub use similar::{SIMILAR_ROWS, consistency};
