use flyball_stats::classification::log_loss_rows;
use flyball_stats::compare::{delong, delong_paired, mcnemar, paired_t, wilcoxon};
use flyball_stats::interval::auc_interval;

use crate::oracle::{bools, load, near, numbers, same, same_p};

#[test]
fn paired_tests_equal_scipy_and_the_definitions() {
    let case = &load("metrics")["comparison"];
    let expected = &case["expected"];
    let y = bools(&case["y_true"]);
    let (champion, challenger) = (numbers(&case["champion_prob"]), numbers(&case["challenger_prob"]));

    let correct = |p: &[f64]| p.iter().zip(&y).map(|(&p, &y)| (p >= 0.5) == y).collect::<Vec<_>>();
    let test = mcnemar(&correct(&champion), &correct(&challenger)).unwrap();
    assert_eq!(Some(test.challenger_only), expected["mcnemar_b(champ wrong,chall right)"].as_u64());
    assert_eq!(Some(test.champion_only), expected["mcnemar_c(champ right,chall wrong)"].as_u64());
    same_p(test.exact_p, &expected["mcnemar_exact_p"], "exact");
    same(test.chi_square, &expected["mcnemar_chi2_cc"], "chi-square");
    same_p(test.chi_square_p, &expected["mcnemar_chi2_cc_p"], "chi-square p");

    let test = delong_paired(&y, &champion, &challenger).unwrap();
    for model in 0..2 {
        same(test.aucs[model], &expected["delong_auc"][model], "auc");
        for other in 0..2 {
            near(
                test.covariance[model][other],
                expected["delong_cov"][model][other].as_f64().unwrap(),
                1e-12,
                "covariance",
            );
        }
    }
    same(test.z.unwrap(), &expected["delong_z"], "z");
    same_p(test.p_value.unwrap(), &expected["delong_p_two_sided"], "p");
    near(delong(&y, &champion).unwrap().variance, test.covariance[0][0], 1e-15, "variance");

    let losses = |p: &[f64]| log_loss_rows(&y, p);
    let test = paired_t(&losses(&champion), &losses(&challenger)).unwrap();
    near(test.t.abs(), expected["paired_t_logloss"][0].as_f64().unwrap().abs(), 1e-9, "t");
    same_p(test.p_value, &expected["paired_t_logloss"][1], "p of t");

    let squares = |p: &[f64]| flyball_stats::classification::brier_rows(&y, p);
    let test = wilcoxon(&squares(&champion), &squares(&challenger)).unwrap();
    same_p(test.p_value, &expected["wilcoxon_sq_err_p"], "Wilcoxon");
}

#[test]
fn the_interval_of_an_auc_holds_it_and_stays_inside_the_unit_interval() {
    let case = &load("metrics")["binary"][0];
    let (y, p) = (bools(&case["y_true"]), numbers(&case["y_prob"]));
    let interval = auc_interval(&y, &p, 0.95).unwrap();
    let auc = case["expected"]["roc_auc"].as_f64().unwrap();
    assert!(interval.low < auc && auc < interval.high && interval.high < 1.0);
    // The logit makes it longer on the side of ½.
    assert!(auc - interval.low > interval.high - auc);
    near(interval.high - interval.low, 2.0 * 1.96 * 0.000_314_112_602_468_15_f64.sqrt(), 0.002, "width");
}
