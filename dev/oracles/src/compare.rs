//! Champion against challenger on the same rows: McNemar and DeLong by their definitions, paired tests of SciPy.

use flyball_stats::classification::{brier_rows, log_loss_rows};
use flyball_stats::compare::{delong_paired, mcnemar, paired_t, wilcoxon};
use serde_json::{Value, json};

use crate::checks::Checks;
use crate::read::numbers;

/// The tolerance of DeLong's covariances, which are small themselves.
const COVARIANCE: f64 = 1e-12;
/// The probability from which on a row counts as positive.
const THRESHOLD: f64 = 0.5;

/// Checks the part `comparison` of a fixture, one case or a list of them.
pub(crate) fn check(fixture: &Value, checks: &mut Checks) {
    match &fixture["comparison"] {
        Value::Null => {}
        Value::Array(cases) => cases.iter().for_each(|case| check_case(case, checks)),
        case => check_case(case, checks),
    }
}

/// The rows of a case.
struct Rows {
    y: Vec<bool>,
    champion: Vec<f64>,
    challenger: Vec<f64>,
}

impl Rows {
    /// A statistic of the losses of the champion and of the challenger.
    fn of_losses<T>(
        &self,
        losses: impl Fn(&[bool], &[f64]) -> Vec<f64>,
        test: impl Fn(&[f64], &[f64]) -> Option<T>,
    ) -> Option<T> {
        test(&losses(&self.y, &self.champion), &losses(&self.y, &self.challenger))
    }
}

fn check_case(case: &Value, checks: &mut Checks) {
    let rows = Rows {
        y: numbers(&case["y_true"]).iter().map(|y| *y > 0.5).collect(),
        champion: numbers(&case["champion_prob"]),
        challenger: numbers(&case["challenger_prob"]),
    };
    let Some(expected) = case["expected"].as_object() else {
        checks.leave_out("comparison: it expects nothing");
        return;
    };
    for (name, expected) in expected {
        let what = format!("comparison {name}");
        let known = correctness(&rows, name, expected, &what, checks)
            || areas(&rows, name, expected, &what, checks)
            || losses(&rows, name, expected, &what, checks);
        if !known {
            checks.leave_out(format!("{what}: nothing here computes it"));
        }
    }
}

fn correctness(rows: &Rows, name: &str, expected: &Value, what: &str, checks: &mut Checks) -> bool {
    let right = |p: &[f64]| p.iter().zip(&rows.y).map(|(&p, &y)| (p >= THRESHOLD) == y).collect::<Vec<_>>();
    let test = mcnemar(&right(&rows.champion), &right(&rows.challenger));
    // The names say in brackets what is counted.
    match name.split('(').next().unwrap_or_default() {
        "mcnemar_b" => checks.equal(what, &json!(test.map(|test| test.challenger_only)), expected),
        "mcnemar_c" => checks.equal(what, &json!(test.map(|test| test.champion_only)), expected),
        "mcnemar_exact_p" => checks.p_value(what, test.map(|test| test.exact_p), expected),
        "mcnemar_chi2_cc" => checks.same(what, test.map(|test| test.chi_square), expected),
        "mcnemar_chi2_cc_p" => checks.p_value(what, test.map(|test| test.chi_square_p), expected),
        _ => return false,
    }
    true
}

fn areas(rows: &Rows, name: &str, expected: &Value, what: &str, checks: &mut Checks) -> bool {
    let test = delong_paired(&rows.y, &rows.champion, &rows.challenger);
    match name {
        "delong_auc" => {
            for model in 0..2 {
                checks.same(&format!("{what}[{model}]"), test.map(|test| test.aucs[model]), &expected[model]);
            }
        }
        "delong_cov" => {
            for (row, column) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let got = test.map(|test| test.covariance[row][column]);
                checks.near(&format!("{what}[{row}][{column}]"), got, &expected[row][column], COVARIANCE);
            }
        }
        "delong_z" => checks.same(what, test.and_then(|test| test.z), expected),
        "delong_p_two_sided" => checks.p_value(what, test.and_then(|test| test.p_value), expected),
        _ => return false,
    }
    true
}

fn losses(rows: &Rows, name: &str, expected: &Value, what: &str, checks: &mut Checks) -> bool {
    match name {
        "paired_t_logloss" => {
            let test = rows.of_losses(log_loss_rows, paired_t);
            checks.same(&format!("{what}: t"), test.map(|test| test.t), &expected[0]);
            checks.p_value(&format!("{what}: p"), test.map(|test| test.p_value), &expected[1]);
        }
        "wilcoxon_sq_err_p" => {
            let test = rows.of_losses(brier_rows, wilcoxon);
            checks.p_value(what, test.map(|test| test.p_value), expected);
        }
        _ => return false,
    }
    true
}
