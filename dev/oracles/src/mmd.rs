//! Discrepancy of the numeric columns, by the definition of the fixture.

use flyball_stats::multivariate::mmd;
use serde_json::Value;

use crate::checks::Checks;
use crate::read::{items, numbers};

/// Every numeric pair that has an expected value.
pub(crate) fn check(fixture: &Value, checks: &mut Checks) {
    for (number, pair) in items(&fixture["numeric"]).iter().enumerate() {
        let expected = &pair["expected"]["mmd2_unbiased_rbf_median"];
        if !expected.is_object() {
            continue;
        }
        let name = pair["name"].as_str().map_or_else(|| format!("numeric {number}"), str::to_owned);
        let got = mmd(&numbers(&pair["reference"]), &numbers(&pair["current"]), 1);
        checks.same(&format!("{name}, width of the kernel"), got.map(|mmd| mmd.sigma), &expected["sigma"]);
        checks.same(&format!("{name}, discrepancy"), got.map(|mmd| mmd.squared), &expected["mmd2"]);
    }
}
