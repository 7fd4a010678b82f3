//! Rollouts: how traffic moves from one revision to another, step by step, with the evidence of each step.

pub mod model;
pub mod rules;
pub mod store;

pub use model::{Observed, Rollout, RolloutPlan, RolloutState, StepDecision};
