use flyball_stats::ranking::{Gain, average_precision_at, dcg, hit_at, ndcg, precision_at, recall_at, reciprocal_rank};

use crate::oracle::{items, load, numbers, same};

#[test]
fn ranking_metrics_equal_scikit_learn() {
    for case in items(&load("metrics")["ranking"]) {
        let (relevance, scores) = (numbers(&case["relevance"]), numbers(&case["score"]));
        let least = case["binary_threshold_rel_ge"].as_f64().unwrap();
        let relevant: Vec<bool> = relevance.iter().map(|&grade| grade >= least).collect();
        let expected = &case["expected"];
        let all = scores.len();
        let check = |value: Option<f64>, name: &str| same(value.unwrap(), &expected[name], name);
        check(ndcg(&relevance, &scores, 5, Gain::Linear), "ndcg_at_5_linear_gain");
        check(ndcg(&relevance, &scores, all, Gain::Linear), "ndcg_full_linear_gain");
        check(dcg(&relevance, &scores, 5, Gain::Linear), "dcg_at_5");
        check(ndcg(&relevance, &scores, 5, Gain::Exponential), "ndcg_at_5_exp_gain");
        check(precision_at(&relevant, &scores, 5), "precision_at_5");
        check(recall_at(&relevant, &scores, 5), "recall_at_5");
        check(hit_at(&relevant, &scores, 5).map(|hit| f64::from(u8::from(hit))), "hit_at_5");
        check(reciprocal_rank(&relevant, &scores), "reciprocal_rank");
        check(average_precision_at(&relevant, &scores, all), "average_precision_full");
        check(average_precision_at(&relevant, &scores, 5), "ap_at_5_divided_by_min(k,npos)");
    }
}
