//! Drift of numeric and categorical columns, as scipy, Evidently, NannyML and Scouter compute it.

use flyball_stats::compat::{Column, evidently, nannyml, scouter};
use flyball_stats::drift::{
    Alternative, KsMethod, Moments, Test, Variances, chi_square_goodness_of_fit, contingency, contingency_corrected,
    cramer_von_mises, decile_cuts, energy, fisher_exact, g_contingency, hellinger, histogram, jensen_shannon,
    jensen_shannon_base_2, ks_two_sample, l_infinity, mann_whitney, population_stability_deciles, sorted, split_at,
    sturges_edges, t_test, total_variation, wasserstein,
};
use serde_json::{Map, Value, json};

use crate::checks::{Checks, RELATIVE_P};
use crate::read::{items, numbers};

/// Compares every value that the fixture expects; what is not computed here is left out by name.
pub(crate) fn check(fixture: &Value, checks: &mut Checks) {
    for case in items(&fixture["numeric"]) {
        numeric(case, checks);
    }
    for case in items(&fixture["categorical"]) {
        categorical(case, checks);
    }
}

fn name(case: &Value) -> &str {
    case["name"].as_str().unwrap_or("unnamed")
}

/// The expected values of one tool by name; none if the tool is missing.
fn of<'a>(value: &'a Value, tool: &str) -> Vec<(&'a String, &'a Value)> {
    value[tool].as_object().into_iter().flat_map(Map::iter).collect()
}

fn counts(value: &Value) -> Vec<u64> {
    items(value).iter().map(|count| count.as_f64().unwrap_or(0.0) as u64).collect()
}

fn numeric(case: &Value, checks: &mut Checks) {
    let (reference, current) = (numbers(&case["reference"]), numbers(&case["current"]));
    let column = Column::Numbers { reference: &reference, current: &current };
    let expected = &case["expected"];
    for (key, value) in of(expected, "scipy") {
        scipy_numeric(&format!("{} scipy {key}", name(case)), key, (&reference, &current), value, checks);
    }
    by_evidently(name(case), &column, expected, checks);
    for (key, value) in of(expected, "nannyml") {
        let what = format!("{} nannyml {key}", name(case));
        match nannyml::Method::named(key) {
            Some(method) => checks.same(&what, nannyml::score(&column, method), value),
            None if key == "doane_edges" => list(&what, nannyml::doane_edges(&reference), value, checks),
            None => checks.leave_out(format!("{what}: no such value here")),
        }
    }
    for (key, value) in of(expected, "scouter") {
        let what = format!("{} scouter {key}", name(case));
        if key.starts_with("psi") {
            checks.same(&what, scouter::score(&column), value);
        } else if key.starts_with("default_threshold") {
            checks.same(&what, scouter::decide(&column).and_then(|decision| decision.threshold), value);
        } else {
            checks.leave_out(format!("{what}: no such value here"));
        }
    }
    bins(name(case), (&reference, &current), expected, checks);
    const ELSEWHERE: &str = "mmd2_unbiased_rbf_median";
    const HERE: [&str; 7] =
        ["scipy", "evidently", "evidently_default", "evidently_bins", "psi_decile", "nannyml", "scouter"];
    unknown(name(case), expected, &[&HERE[..], &[ELSEWHERE]].concat(), checks);
}

/// Says what a case expects and nothing here compares.
fn unknown(name: &str, expected: &Value, known: &[&str], checks: &mut Checks) {
    for key in expected.as_object().into_iter().flat_map(Map::keys).filter(|key| !known.contains(&key.as_str())) {
        checks.leave_out(format!("{name} {key}: no such value here"));
    }
}

fn list(what: &str, got: Option<Vec<f64>>, expected: &Value, checks: &mut Checks) {
    let (got, expected) = (got.unwrap_or_default(), items(expected));
    checks.equal(&format!("{what}: how many"), &json!(got.len()), &json!(expected.len()));
    for (position, (got, expected)) in got.iter().zip(expected).enumerate() {
        checks.same(&format!("{what}[{position}]"), *got, expected);
    }
}

/// A statistic or a p-value, told apart by the name of what is expected.
fn outcome(what: &str, key: &str, test: Option<Test>, expected: &Value, checks: &mut Checks) {
    if key.ends_with("_p") {
        checks.p_value(what, test.map(|test| test.p_value), expected);
    } else {
        checks.same(what, test.map(|test| test.statistic), expected);
    }
}

fn scipy_numeric(what: &str, key: &str, sides: (&[f64], &[f64]), expected: &Value, checks: &mut Checks) {
    let (reference, current) = sides;
    let ks = |method| ks_two_sample(reference, current, method);
    let moments = |side: &[f64]| Moments::of(&sorted(side));
    match key {
        "ks_statistic" => checks.same(what, ks(KsMethod::Asymptotic).map(|test| test.statistic), expected),
        "ks_pvalue_auto" => checks.p_value(what, ks(KsMethod::Auto).map(|test| test.p_value), expected),
        "ks_pvalue_exact" => checks.p_value(what, ks(KsMethod::Exact).map(|test| test.p_value), expected),
        "ks_pvalue_asymp" => checks.p_value(what, ks(KsMethod::Asymptotic).map(|test| test.p_value), expected),
        "ks_statistic_location" | "ks_statistic_sign" => {
            let place = flyball_stats::drift::ks_location(&sorted(reference), &sorted(current));
            let is_place = key == "ks_statistic_location";
            checks.same(what, place.map(|(place, sign)| if is_place { place } else { f64::from(sign) }), expected);
        }
        "wasserstein" => checks.same(what, wasserstein(reference, current), expected),
        "energy_distance" => checks.same(what, energy(reference, current), expected),
        "ref_mean" => checks.same(what, moments(reference).map(|side| side.mean), expected),
        "cur_mean" => checks.same(what, moments(current).map(|side| side.mean), expected),
        "ref_std_ddof0" => checks.same(what, moments(reference).map(|side| side.deviation()), expected),
        "cur_std_ddof0" => checks.same(what, moments(current).map(|side| side.deviation()), expected),
        "mannwhitney_u" | "mannwhitney_p" => {
            outcome(what, key, mann_whitney(reference, current, Alternative::TwoSided), expected, checks);
        }
        "welch_t" | "welch_p" => outcome(what, key, t_test(reference, current, Variances::Separate), expected, checks),
        "student_t" | "student_p" => {
            outcome(what, key, t_test(reference, current, Variances::Pooled), expected, checks)
        }
        "cvm_statistic" => outcome(what, key, cramer_von_mises(reference, current), expected, checks),
        "cvm_p" => from_one(what, cramer_von_mises(reference, current).map(|test| test.p_value), expected, checks),
        _ => checks.leave_out(format!("{what}: no such value here")),
    }
}

/// A p-value that the tool takes from one: it has no more digits than one has.
fn from_one(what: &str, got: Option<f64>, expected: &Value, checks: &mut Checks) {
    const LAST_DIGITS: f64 = 1e-14;
    checks.near(what, got, expected, (RELATIVE_P * expected.as_f64().unwrap_or(0.0)).max(LAST_DIGITS));
}

/// Evidently's methods, and the one that it takes by itself.
fn by_evidently(name: &str, column: &Column<'_>, expected: &Value, checks: &mut Checks) {
    for (key, value) in of(expected, "evidently") {
        let what = format!("{name} evidently {key}");
        let Some(method) = evidently::Method::named(key) else {
            checks.leave_out(format!("{what}: drawn with Evidently's own random numbers"));
            continue;
        };
        if method == evidently::Method::EppsSingleton && has_two_values(column) {
            checks.leave_out(format!(
                "{what}: two values span one direction; the tool divides by its own rounding in others"
            ));
            continue;
        }
        decision(&what, evidently::decide(column, Some(method)), value, checks);
    }
    if let Some(value) = expected.get("evidently_default") {
        let what = format!("{name} evidently by itself");
        let found = evidently::decide(column, None);
        checks.equal(&format!("{what}: method"), &json!(found.map(|found| found.method)), &value["method"]);
        decision(&what, found, value, checks);
    }
}

fn has_two_values(column: &Column<'_>) -> bool {
    let Column::Numbers { reference, current } = column else { return false };
    sorted(&[*reference, *current].concat()).chunk_by(|left, right| left == right).nth(2).is_none()
}

fn decision(what: &str, found: Option<flyball_stats::compat::Decision>, expected: &Value, checks: &mut Checks) {
    if expected.get("error").is_some() {
        checks.equal(&format!("{what}: refused"), &json!(found.is_none()), &json!(true));
        return;
    }
    let is_p_value = expected["threshold"].as_f64() == Some(0.05)
        || found.is_some_and(|found| ["anderson", "fisher_exact", "g_test"].contains(&found.method));
    let score = found.and_then(|found| found.score);
    if found.is_some_and(|found| ["cramer_von_mises", "z"].contains(&found.method)) {
        from_one(&format!("{what}: score"), score, &expected["score"], checks);
    } else if is_p_value {
        checks.p_value(&format!("{what}: score"), score, &expected["score"]);
    } else {
        checks.same(&format!("{what}: score"), score, &expected["score"]);
    }
    checks.equal(&format!("{what}: drifted"), &json!(found.map(|found| found.drifted)), &expected["drifted"]);
    if expected.get("threshold").is_some() {
        checks.same(&format!("{what}: threshold"), found.and_then(|found| found.threshold), &expected["threshold"]);
    }
}

fn bins(name: &str, sides: (&[f64], &[f64]), expected: &Value, checks: &mut Checks) {
    let (reference, current) = sides;
    if let Some(deciles) = expected.get("psi_decile") {
        let cuts = decile_cuts(&sorted(reference));
        for (side, key) in [(reference, "ref_counts"), (current, "cur_counts")] {
            let what = format!("{name} deciles {key}");
            checks.equal(&what, &json!(split_at(&cuts, &sorted(side))), &json!(counts(&deciles[key])));
        }
        checks.same(
            &format!("{name} PSI of deciles"),
            population_stability_deciles(reference, current),
            &deciles["psi"],
        );
        list(&format!("{name} deciles"), Some(cuts), &deciles["cut_points"], checks);
    }
    let Some(bins) = expected.get("evidently_bins").filter(|bins| bins["edges"].is_array()) else { return };
    let edges = sturges_edges(reference, current).unwrap_or_default();
    for (side, key) in [(reference, "ref_counts"), (current, "cur_counts")] {
        checks.equal(&format!("{name} bins {key}"), &json!(histogram(&edges, side)), &json!(counts(&bins[key])));
    }
    list(&format!("{name} edges"), Some(edges), &bins["edges"], checks);
}

fn categorical(case: &Value, checks: &mut Checks) {
    let sides = rising(case);
    let column = Column::Levels { reference: &sides.0, current: &sides.1 };
    let expected = &case["expected"];
    for (key, value) in of(expected, "scipy") {
        scipy_counts(&format!("{} scipy {key}", name(case)), key, (&sides.0, &sides.1), value, checks);
    }
    by_evidently(name(case), &column, expected, checks);
    for (key, value) in of(expected, "nannyml") {
        let what = format!("{} nannyml {key}", name(case));
        match (key.as_str(), nannyml::Method::named(key)) {
            (_, Some(method)) => checks.same(&what, nannyml::score(&column, method), value),
            ("chi2_p", _) => {
                checks.p_value(&what, contingency_corrected(&sides.0, &sides.1).map(|test| test.p_value), value);
            }
            _ => checks.leave_out(format!("{what}: no such value here")),
        }
    }
    unknown(name(case), expected, &["scipy", "evidently", "evidently_default", "nannyml"], checks);
}

/// Counts in the rising order of the levels' names, which Evidently's z-test goes by.
fn rising(case: &Value) -> (Vec<u64>, Vec<u64>) {
    let (reference, current) = (counts(&case["reference_counts"]), counts(&case["current_counts"]));
    let mut rows: Vec<(String, u64, u64)> = items(&case["keys"])
        .iter()
        .zip(reference.iter().zip(&current))
        .map(|(key, (&before, &now))| (key.as_str().map_or_else(|| key.to_string(), str::to_owned), before, now))
        .collect();
    if rows.len() != reference.len() {
        return (reference, current);
    }
    rows.sort();
    rows.into_iter().map(|(_, before, now)| (before, now)).unzip()
}

fn scipy_counts(what: &str, key: &str, sides: (&[u64], &[u64]), expected: &Value, checks: &mut Checks) {
    let (reference, current) = sides;
    let table = contingency(reference, current);
    let corrected = contingency_corrected(reference, current);
    let fit = chi_square_goodness_of_fit(reference, current);
    match key {
        "chi2_contingency_statistic" => checks.same(what, table.map(|test| test.statistic), expected),
        "chi2_contingency_p" => checks.p_value(what, table.map(|test| test.p_value), expected),
        "chi2_contingency_dof" => checks.same(what, table.map(|test| test.degrees_of_freedom as f64), expected),
        "cramers_v" => checks.same(what, table.map(|test| test.cramers_v), expected),
        "chi2_contingency_yates_statistic" => checks.same(what, corrected.map(|test| test.statistic), expected),
        "chi2_contingency_yates_p" => checks.p_value(what, corrected.map(|test| test.p_value), expected),
        "chisquare_gof_statistic" => checks.same(what, fit.map(|test| test.statistic), expected),
        "chisquare_gof_p" => checks.p_value(what, fit.map(|test| test.p_value), expected),
        "g_contingency_statistic" | "g_contingency_p" => {
            outcome(what, key, g_contingency(reference, current), expected, checks);
        }
        "fisher_exact_p" => outcome(what, key, fisher_exact(reference, current), expected, checks),
        "js_distance_base_e" => checks.same(what, jensen_shannon(reference, current), expected),
        "js_distance_base_2" => checks.same(what, jensen_shannon_base_2(reference, current), expected),
        "js_divergence_base_2" => {
            checks.same(what, jensen_shannon_base_2(reference, current).map(|distance| distance * distance), expected);
        }
        "hellinger" => checks.same(what, hellinger(reference, current), expected),
        "tvd" => checks.same(what, total_variation(reference, current), expected),
        "l_infinity" => checks.same(what, l_infinity(reference, current), expected),
        _ => checks.leave_out(format!("{what}: no such value here")),
    }
}
