use flyball_stats::interval::auc_interval;

use crate::oracle::{bools, load, near, numbers};

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
