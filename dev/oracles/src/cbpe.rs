//! Performance without labels: what NannyML estimates, and the plain formulae behind it.

use flyball_core::rng::Rng;
use flyball_stats::classification::{Confusion, ScoreCurve, roc_auc};
use flyball_stats::estimate::{Cbpe, CbpeSettings, Estimate, Rounding, check_calibration};
use serde_json::{Value, json};

use crate::checks::{ABSOLUTE, Checks};
use crate::read::{items, numbers};

/// NannyML resamples without a seed for the error of the average precision: 50 draws know a deviation to 10 %, and
/// this is five times that.
const RESAMPLED: f64 = 0.5;
/// NannyML rounds expected counts to five decimals. Calibrated probabilities are simple fractions whose sums fall half-way
/// between, so that the last bit decides which way; in units of the counts, for every row.
const ROUNDING: f64 = 1e-5;
/// Calibration errors closer than this may be either way round in NannyML.
const UNCERTAIN: f64 = 0.02;
/// Seed of our own resamples.
const SEED: u64 = 42;
/// Scores from here on are predicted positive, where the fixture names no threshold.
const DEFAULT_THRESHOLD: f64 = 0.5;

/// One case per file, or several under `cases`.
pub(crate) fn check(fixture: &Value, checks: &mut Checks) {
    let cases = ["cases", "binary"].iter().find_map(|key| fixture[key].as_array());
    match cases {
        Some(cases) => cases.iter().enumerate().for_each(|(number, case)| {
            let name = case["name"].as_str().map_or_else(|| format!("case {number}"), str::to_owned);
            check_case(&format!("{name}, "), case, checks);
        }),
        None => check_case("", fixture, checks),
    }
}

fn check_case(name: &str, case: &Value, checks: &mut Checks) {
    let threshold = case["threshold"].as_f64().unwrap_or(DEFAULT_THRESHOLD);
    let (reference, analysis) = (&case["reference"], &case["analysis"]);
    let (y, scores) = (bools(&reference["y_true"]), numbers(&reference["y_pred_proba"]));
    let window = numbers(&analysis["y_pred_proba"]);
    let predicted = |part: &Value, scores: &[f64]| match part["y_pred"].as_array() {
        Some(_) => bools(&part["y_pred"]),
        None => scores.iter().map(|&score| score >= threshold).collect(),
    };
    let (reference_predicted, window_predicted) = (predicted(reference, &scores), predicted(analysis, &window));
    // The fixture gives one value for all of the analysis: that is one chunk, and the reference is cut alike.
    let chunk = case["chunk_size"].as_u64().map_or(window.len(), |rows| rows as usize);
    let chunk = case["chunk_number"].as_u64().map_or(chunk, |parts| y.len() / (parts as usize).max(1));
    check_decision(name, &y, &scores, &case["needs_calibration"], checks);
    let fit = |rounding| {
        let calibrate = case["needs_calibration"].as_bool();
        let settings = CbpeSettings { window_rows: Some(chunk), calibrate, rounding };
        let mut rng = Rng::seeded(SEED);
        Cbpe::fit(&y, &scores, &reference_predicted, settings, |n| rng.below(n))
    };
    let (Some(nannyml), Some(exact)) = (fit(Rounding::FiveDecimals), fit(Rounding::Exact)) else {
        checks.leave_out(format!("{name}the reference cannot be fitted"));
        return;
    };
    let estimates = nannyml.estimate(&window, &window_predicted);
    let slack = Slack {
        error: slack_of_ties(&y, &scores, &reference_predicted, &window, &window_predicted),
        value: if nannyml.calibrator.is_some() { ROUNDING / window.len() as f64 } else { 0.0 },
    };
    for (metric, expected) in case["expected_nannyml"].as_object().into_iter().flatten() {
        let what = format!("{name}{metric}");
        match estimates.iter().find(|estimate| estimate.metric == *metric) {
            Some(estimate) => compare(&what, estimate, expected, slack, checks),
            None => checks.leave_out(format!("{what}: not estimated")),
        }
    }
    let exact = exact.estimate(&window, &window_predicted);
    for (metric, expected) in case["plain_cbpe_formula"].as_object().into_iter().flatten() {
        let got = exact.iter().find(|estimate| estimate.metric == *metric).map(|estimate| estimate.value);
        checks.same(&format!("{name}plain formula, {metric}"), got, expected);
    }
    let truth = bools(&analysis["y_true_hidden"]);
    for (metric, expected) in case["realized"].as_object().into_iter().flatten() {
        let what = format!("{name}realized, {metric}");
        match realized(metric) {
            Some(of) => checks.same(&what, of(&truth, &window, &window_predicted), expected),
            None => checks.leave_out(format!("{what}: not known")),
        }
    }
}

/// Whether scores need calibration. NannyML bins calibrated scores, most of which are equal, in the order that its sort
/// leaves them in: where little is at stake, that decides.
fn check_decision(name: &str, y: &[bool], scores: &[f64], expected: &Value, checks: &mut Checks) {
    let Some(expected) = expected.as_bool() else { return };
    let check = check_calibration(y, scores);
    let helps = check.is_some_and(|check| check.helps());
    let what = format!("{name}needs calibration");
    match check {
        Some(check) if helps != expected && (check.before - check.after).abs() < UNCERTAIN => {
            checks.leave_out(format!("{what}: {} and {} are as good", check.before, check.after));
        }
        _ => checks.equal(&what, &json!(helps), &json!(expected)),
    }
}

/// How far NannyML may be off for the ROC AUC.
#[derive(Clone, Copy)]
struct Slack {
    error: f64,
    value: f64,
}

/// How far the sampling error of the ROC AUC may be off because NannyML leaves rows of equal scores in the order of its
/// sort: between all positives first among equals and all negatives first.
fn slack_of_ties(y: &[bool], scores: &[f64], predicted: &[bool], window: &[f64], window_predicted: &[bool]) -> f64 {
    let error = |sign: f64| {
        let nudge = |(&score, &y): (&f64, &bool)| score * (1.0 - 1e-9) + if y { sign } else { -sign } * 1e-10 + 1e-10;
        let nudged: Vec<f64> = scores.iter().zip(y).map(nudge).collect();
        let fitted = Cbpe::fit(y, &nudged, predicted, CbpeSettings::default(), |_| 0)?;
        let estimates = fitted.estimate(window, window_predicted);
        estimates.iter().find(|estimate| estimate.metric == "roc_auc")?.sampling_error
    };
    match (error(1.0), error(-1.0)) {
        // More than once, because the row at the first rank may change sides too.
        (Some(one), Some(other)) => 3.0 * (one - other).abs(),
        _ => 0.0,
    }
}

fn compare(what: &str, estimate: &Estimate, expected: &Value, slack: Slack, checks: &mut Checks) {
    let error = expected["sampling_error"].as_f64().unwrap_or(f64::NAN);
    let tolerance = |errors: f64| match estimate.metric.as_str() {
        "average_precision" => RESAMPLED * errors * error,
        "roc_auc" => errors * slack.error + slack.value + ABSOLUTE,
        _ => ABSOLUTE,
    };
    if estimate.metric == "roc_auc" && slack.error > ABSOLUTE {
        checks.leave_out(format!(
            "{what}: its sampling error depends on the order of equal scores, by {:.0e}",
            slack.error
        ));
    }
    if estimate.metric == "average_precision" {
        checks.leave_out(format!("{what}: its sampling error is drawn without a seed, and compared to a half"));
    }
    for (key, expected) in expected.as_object().into_iter().flatten() {
        let what = format!("{what}, {key}");
        let interval = estimate.interval;
        match key.as_str() {
            "value" | "estimated" if estimate.metric == "roc_auc" => {
                checks.near(&what, estimate.value, expected, ABSOLUTE + slack.value);
            }
            "value" | "estimated" => checks.same(&what, estimate.value, expected),
            "sampling_error" => checks.near(&what, estimate.sampling_error, expected, tolerance(1.0)),
            "lower_confidence_boundary" => {
                checks.near(&what, interval.map(|interval| interval.low), expected, tolerance(3.0));
            }
            "upper_confidence_boundary" => {
                checks.near(&what, interval.map(|interval| interval.high), expected, tolerance(3.0));
            }
            "lower_threshold" => checks.same(&what, estimate.limits.map(|limits| limits.low), expected),
            "upper_threshold" => checks.same(&what, estimate.limits.map(|limits| limits.high), expected),
            "alert" => checks.equal(&what, &json!(estimate.is_outside().unwrap_or(false)), expected),
            _ => checks.leave_out(format!("{what}: not known")),
        }
    }
}

type Realized = fn(&[bool], &[f64], &[bool]) -> Option<f64>;

fn realized(metric: &str) -> Option<Realized> {
    fn cells(y: &[bool], predicted: &[bool]) -> Option<Confusion> {
        Confusion::from_labels(y, predicted, None)
    }
    Some(match metric {
        "roc_auc" => |y, scores, _| roc_auc(y, scores),
        "average_precision" => |y, scores, _| ScoreCurve::new(y, scores, None).map(|curve| curve.average_precision()),
        "accuracy" => |y, _, predicted| cells(y, predicted)?.accuracy(),
        "precision" => |y, _, predicted| cells(y, predicted)?.precision(),
        "recall" => |y, _, predicted| cells(y, predicted)?.recall(),
        "specificity" => |y, _, predicted| cells(y, predicted)?.specificity(),
        "f1" => |y, _, predicted| cells(y, predicted)?.f1(),
        _ => return None,
    })
}

fn bools(value: &Value) -> Vec<bool> {
    items(value).iter().map(|number| number.as_f64().is_some_and(|number| number > 0.5) || number == true).collect()
}
