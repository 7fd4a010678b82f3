//! Group fairness of Fairlearn and AIF360.
//!
//! Where a rate has no denominator Fairlearn puts a zero; ours is undefined. There the fixture's zero is held against
//! our missing value, and what Fairlearn makes of its zeros is compared by putting zeros in place of ours.

use flyball_stats::classification::Confusion;
use flyball_stats::fairness::{
    Groups, Rate, TAU, Versus, benefits, difference_to_overall, generalized_entropy, ratio_to_overall, spread,
    theil_index,
};
use serde_json::{Map, Value, json};

use crate::checks::{Checks, number};
use crate::read::{items, numbers};

/// The tolerance where the fixture names none.
const ABSOLUTE: f64 = 1e-12;

/// The data of a case, counted by group.
struct Case {
    name: String,
    labels: Vec<String>,
    groups: Groups,
    weighted: Option<Groups>,
    tolerance: f64,
}

/// Checks every case of a fixture.
pub(crate) fn check(fixture: &Value, checks: &mut Checks) {
    let tolerance = fixture["tolerance"]["abs"].as_f64().unwrap_or(ABSOLUTE);
    for case in items(&fixture["cases"]) {
        let name = case["name"].as_str().unwrap_or("case");
        let (Some(counted), Some(expected)) = (count(name, case, tolerance), case["expected"].as_object()) else {
            checks.leave_out(format!("{name}: its columns do not fit, or it expects nothing"));
            continue;
        };
        for (key, expected) in expected {
            check_key(&counted, key, expected, checks);
        }
    }
}

fn count(name: &str, case: &Value, tolerance: f64) -> Option<Case> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let sensitive: Vec<String> = items(&case["sensitive"]).iter().map(text).collect();
    let mut labels = sensitive.clone();
    labels.sort();
    labels.dedup();
    let codes: Vec<u32> =
        sensitive.iter().map(|own| labels.binary_search(own).ok().map(|at| at as u32)).collect::<Option<_>>()?;
    let flags = |key: &str| numbers(&case[key]).iter().map(|value| *value > 0.5).collect::<Vec<bool>>();
    let (y, predicted) = (flags("y_true"), flags("y_pred"));
    let groups = |weights: Option<&[f64]>| Groups::new(&y, &predicted, &codes, labels.len(), weights);
    let weights = case["sample_weight"].as_array().map(|_| numbers(&case["sample_weight"]));
    let weighted = match &weights {
        Some(weights) => Some(groups(Some(weights))?),
        None => None,
    };
    Some(Case { name: name.to_owned(), groups: groups(None)?, weighted, labels, tolerance })
}

fn check_key(case: &Case, key: &str, expected: &Value, checks: &mut Checks) {
    let empty = Map::new();
    let entries = || expected.as_object().unwrap_or(&empty);
    match key {
        "by_group" => entries().iter().for_each(|(metric, expected)| by_group(case, metric, expected, checks)),
        "overall"
        | "difference_between_groups"
        | "difference_to_overall"
        | "ratio_between_groups"
        | "ratio_to_overall" => {
            for (metric, expected) in entries() {
                let what = format!("{} {key} {metric}", case.name);
                match of_metric(&case.groups, metric) {
                    Some(values) => checks.near(&what, aggregated(key, &values), expected, case.tolerance),
                    None => checks.leave_out(format!("{what}: nothing here computes it")),
                }
            }
        }
        "weighted" => {
            for (measure, expected) in entries() {
                match &case.weighted {
                    Some(groups) => disparity(case, groups, "weighted ", measure, expected, checks),
                    None => checks.leave_out(format!("{} weighted {measure}: there are no weights", case.name)),
                }
            }
        }
        "aif360_unprivileged_vs_privileged" => {
            let privileged = expected["privileged"].as_str().unwrap_or_default();
            let position = case.labels.iter().position(|label| label == privileged);
            match position.and_then(|position| case.groups.against(position)) {
                Some(versus) => {
                    for (measure, expected) in entries().iter().filter(|(measure, _)| *measure != "privileged") {
                        against(case, &versus, measure, expected, checks);
                    }
                }
                None => checks.leave_out(format!("{} {key}: it names no privileged group", case.name)),
            }
        }
        measure => disparity(case, &case.groups, "", measure, expected, checks),
    }
}

/// A metric of each group and of all rows, with Fairlearn's zero for what is undefined.
struct Filled {
    groups: Vec<Option<f64>>,
    overall: f64,
}

fn of_metric(groups: &Groups, metric: &str) -> Option<Filled> {
    let of = |value: &dyn Fn(&Confusion) -> f64| Filled {
        groups: groups.cells().iter().map(|cells| Some(value(cells))).collect(),
        overall: value(&groups.overall()),
    };
    if metric == "count" {
        return Some(of(&Confusion::total));
    }
    let rate = Rate::named(metric)?;
    Some(of(&|cells| rate.of(cells).unwrap_or(0.0)))
}

fn aggregated(key: &str, values: &Filled) -> Option<f64> {
    match key {
        "overall" => Some(values.overall),
        "difference_between_groups" => spread(&values.groups).map(|spread| spread.difference()),
        "difference_to_overall" => difference_to_overall(&values.groups, values.overall),
        "ratio_between_groups" => spread(&values.groups)?.ratio(),
        _ => ratio_to_overall(&values.groups, values.overall),
    }
}

/// Our own value of each group: where it is undefined the fixture has Fairlearn's zero.
fn by_group(case: &Case, metric: &str, expected: &Value, checks: &mut Checks) {
    for (label, cells) in case.labels.iter().zip(case.groups.cells()) {
        let what = format!("{} {metric} of {label}", case.name);
        let got = match (metric, Rate::named(metric)) {
            ("count", _) => Some(cells.total()),
            (_, Some(rate)) => rate.of(cells),
            _ => {
                checks.leave_out(format!("{what}: nothing here computes it"));
                continue;
            }
        };
        let expected = &expected[label.as_str()];
        match got {
            None if number(expected) == 0.0 => checks.near(&what, None, &Value::Null, case.tolerance),
            got => checks.near(&what, got, expected, case.tolerance),
        }
    }
}

/// A measure over all groups, as Fairlearn computes it from rates with zeros.
fn disparity(case: &Case, groups: &Groups, kind: &str, measure: &str, expected: &Value, checks: &mut Checks) {
    let what = format!("{} {kind}{measure}", case.name);
    let of = |key: &str, metric: &str| of_metric(groups, metric).and_then(|values| aggregated(key, &values));
    let difference = |metric: &str| of("difference_between_groups", metric);
    let ratio = |metric: &str| of("ratio_between_groups", metric);
    let both = |values: [Option<f64>; 2], join: fn(f64, f64) -> f64| Some(join(values[0]?, values[1]?));
    let odds = || ["tpr", "fpr"].map(difference);
    let odds_ratios = || ["tpr", "fpr"].map(ratio);
    let got = match measure {
        "demographic_parity_difference" => difference("selection_rate"),
        "demographic_parity_ratio" => ratio("selection_rate"),
        "demographic_parity_difference_to_overall" => of("difference_to_overall", "selection_rate"),
        "demographic_parity_ratio_to_overall" => of("ratio_to_overall", "selection_rate"),
        "equalized_odds_difference" | "equalized_odds_difference_worst_case" => both(odds(), f64::max),
        "equalized_odds_difference_mean" => both(odds(), |a, b| (a + b) / 2.0),
        "equalized_odds_ratio" | "equalized_odds_ratio_worst_case" => both(odds_ratios(), f64::min),
        "equalized_odds_ratio_mean" => both(odds_ratios(), |a, b| (a + b) / 2.0),
        "equal_opportunity_difference" => difference("tpr"),
        "equal_opportunity_ratio" => ratio("tpr"),
        _ => {
            checks.leave_out(format!("{what}: nothing here computes it"));
            return;
        }
    };
    checks.near(&what, got, expected, case.tolerance);
    undefined_is_said(&what, groups, measure, got, checks);
}

/// Our own measure is the same where every group has the rates, and undefined where fewer than two have them.
fn undefined_is_said(what: &str, groups: &Groups, measure: &str, filled: Option<f64>, checks: &mut Checks) {
    use flyball_stats::fairness::Aggregate::{Mean, WorstCase};
    let (got, rates): (_, &[Rate]) = match measure {
        "demographic_parity_difference" => (groups.demographic_parity_difference(), &[Rate::SelectionRate]),
        "demographic_parity_ratio" => (groups.demographic_parity_ratio(), &[Rate::SelectionRate]),
        "equalized_odds_difference" | "equalized_odds_difference_worst_case" => {
            (groups.equalized_odds_difference(WorstCase), &ODDS)
        }
        "equalized_odds_difference_mean" => (groups.equalized_odds_difference(Mean), &ODDS),
        "equalized_odds_ratio" | "equalized_odds_ratio_worst_case" => (groups.equalized_odds_ratio(WorstCase), &ODDS),
        "equal_opportunity_difference" => (groups.equal_opportunity_difference(), &ODDS[..1]),
        "equal_opportunity_ratio" => (groups.equal_opportunity_ratio(), &ODDS[..1]),
        _ => return,
    };
    let defined = |rate: &Rate| groups.values(*rate).iter().flatten().count();
    let what = format!("{what} with undefined rates left out");
    if rates.iter().all(|rate| defined(rate) == groups.cells().len()) {
        checks.near(&what, got, &json!(filled), ABSOLUTE);
    } else if rates.iter().any(|rate| defined(rate) < 2) {
        checks.near(&what, got, &Value::Null, ABSOLUTE);
    }
}

/// The rates of equalized odds.
const ODDS: [Rate; 2] = [Rate::TruePositiveRate, Rate::FalsePositiveRate];

fn against(case: &Case, versus: &Versus, measure: &str, expected: &Value, checks: &mut Checks) {
    let what = format!("{} {measure}", case.name);
    let all = case.groups.overall();
    let got = match measure {
        "statistical_parity_difference" => versus.difference(Rate::SelectionRate),
        "disparate_impact" => versus.disparate_impact(),
        "four_fifths_rule_pass" => {
            let passes = versus.disparate_impact().map(|impact| impact >= TAU);
            checks.equal(&what, &json!(passes), expected);
            return;
        }
        "equal_opportunity_difference_signed" => versus.difference(Rate::TruePositiveRate),
        "average_odds_difference" => versus.average_odds_difference(),
        "average_abs_odds_difference" => versus.average_absolute_odds_difference(),
        "predictive_parity_difference" => versus.difference(Rate::Precision),
        "false_positive_rate_difference" => versus.difference(Rate::FalsePositiveRate),
        "error_rate_difference" => versus.difference(Rate::ErrorRate),
        "false_negative_rate_difference" => versus.difference(Rate::FalseNegativeRate),
        "false_discovery_rate_difference" => versus.difference(Rate::FalseDiscoveryRate),
        "false_omission_rate_difference" => versus.difference(Rate::FalseOmissionRate),
        "error_rate_ratio" => versus.ratio(Rate::ErrorRate),
        "false_positive_rate_ratio" => versus.ratio(Rate::FalsePositiveRate),
        "false_negative_rate_ratio" => versus.ratio(Rate::FalseNegativeRate),
        "false_discovery_rate_ratio" => versus.ratio(Rate::FalseDiscoveryRate),
        "false_omission_rate_ratio" => versus.ratio(Rate::FalseOmissionRate),
        "theil_index" => theil_index(&all),
        _ => match measure.strip_prefix("generalized_entropy_index_alpha").and_then(|alpha| alpha.parse().ok()) {
            Some(alpha) => generalized_entropy(&benefits(&all), alpha),
            None => {
                checks.leave_out(format!("{what}: nothing here computes it"));
                return;
            }
        },
    };
    checks.near(&what, got, expected, case.tolerance);
}
