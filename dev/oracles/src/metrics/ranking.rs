//! Orders.

use flyball_stats::ranking::{Gain, average_precision_at, dcg, hit_at, ndcg, precision_at, recall_at, reciprocal_rank};
use serde_json::Value;

use super::compare;
use crate::checks::{Checks, number};
use crate::read::numbers;

/// Compares a case. The names carry the rank at which they are read: `ndcg_at_5_linear_gain`.
pub(super) fn check(case: &Value, name: &str, checks: &mut Checks) {
    let (relevance, scores) = (numbers(&case["relevance"]), numbers(&case["score"]));
    let least = case.get("binary_threshold_rel_ge").map_or(1.0, number);
    let relevant: Vec<bool> = relevance.iter().map(|&grade| grade >= least).collect();
    let ours = |name: &str| -> Option<Option<f64>> {
        let k = match name.split_once("_at_") {
            Some((_, rest)) => rest.split('_').next()?.parse().ok()?,
            None => scores.len(),
        };
        let gain = if name.contains("exp_gain") { Gain::Exponential } else { Gain::Linear };
        let known = name.split("_at_").next()?;
        Some(match known.strip_suffix("_full").unwrap_or(known) {
            "ndcg" | "ndcg_full_linear_gain" | "ndcg_full_exp_gain" => ndcg(&relevance, &scores, k, gain),
            "dcg" => dcg(&relevance, &scores, k, gain),
            "precision" => precision_at(&relevant, &scores, k),
            "recall" => recall_at(&relevant, &scores, k),
            "hit" => hit_at(&relevant, &scores, k).map(|hit| f64::from(u8::from(hit))),
            "reciprocal_rank" => reciprocal_rank(&relevant, &scores),
            "average_precision" | "ap" => average_precision_at(&relevant, &scores, k),
            _ => return None,
        })
    };
    compare(&case["expected"], name, checks, &[], ours);
}
