//! Explanations: exact ones of tree ensembles and linear models, sampled ones, and permutation importance.

mod formula;
mod graphs;
mod trees;

use std::convert::Infallible;

use flyball_core::rng::Rng;
use flyball_stats::explain::coalition::masked;
use flyball_stats::explain::{Estimate, kernel_shap, permutation_importance, permutation_shap};
use flyball_stats::shap::{LinearModel, linear_shap};
use serde_json::Value;

use crate::checks::Checks;
use crate::read::{items, numbers, rows};

/// Coalitions that sampled explanations may ask: all of ten features.
const BUDGET: usize = 1_024;

/// Compares explanations with those of SHAP, XGBoost and brute force.
pub(crate) fn check(fixture: &Value, checks: &mut Checks) {
    let tolerance = fixture["tolerance"]["abs"].as_f64().unwrap_or(1e-5);
    for model in items(&fixture["models"]) {
        let own = |key: &str| if model[key].is_array() { rows(&model[key]) } else { rows(&fixture[key]) };
        let data = Data {
            name: model["name"].as_str().unwrap_or("model").to_owned(),
            model,
            x: own("X"),
            background: own("background"),
            tolerance,
        };
        if model["trees"].is_array() {
            trees::check(&data, checks);
            graphs::check(&data, checks);
        } else if model["coef"].is_array() {
            linear(&data, checks);
        } else if model["formula"].is_string() {
            closed_form(&data, checks);
        } else {
            checks.leave_out(format!("{}: neither trees nor coefficients nor a formula", data.name));
        }
    }
    for (key, value) in fixture.as_object().into_iter().flatten() {
        if let Some(roll) = key.strip_prefix("permutation_importance_mse_roll").and_then(|roll| roll.parse().ok()) {
            importance(key, roll, value, fixture, tolerance, checks);
        } else if key.starts_with("permutation_importance") {
            checks.leave_out(format!("{key}: only rolled columns and squared errors are known"));
        }
    }
}

/// A model of the fixture with its rows.
struct Data<'a> {
    name: String,
    model: &'a Value,
    x: Vec<Vec<f64>>,
    background: Vec<Vec<f64>>,
    tolerance: f64,
}

impl Data<'_> {
    /// Compares one row's values.
    fn near(&self, what: &str, row: usize, got: &[f64], expected: &Value, checks: &mut Checks) {
        for (feature, expected) in items(expected).iter().enumerate() {
            let what = format!("{} {what}: row {row}, feature {feature}", self.name);
            checks.near(&what, got.get(feature).copied(), expected, self.tolerance);
        }
    }

    /// Says which keys of a part were not compared.
    fn leave_out(&self, part: &str, known: &[&str], checks: &mut Checks) {
        for key in self.model[part].as_object().into_iter().flatten().map(|(key, _)| key.as_str()) {
            if !known.contains(&key) && key != "note" {
                checks.leave_out(format!("{} {part}: {key}", self.name));
            }
        }
    }
}

fn linear(data: &Data<'_>, checks: &mut Checks) {
    let columns = data.background.first().map_or(0, Vec::len);
    let mean = |f: usize| data.background.iter().map(|row| row[f]).sum::<f64>() / data.background.len() as f64;
    let means: Vec<f64> = (0..columns).map(mean).collect();
    let coefficients = numbers(&data.model["coef"]);
    let intercept = data.model["intercept"].as_f64().unwrap_or(f64::NAN);
    let model = LinearModel { intercept, coefficients: &coefficients, means: &means };
    for (row, expected) in items(&data.model["exact_interventional_phi"]).iter().enumerate() {
        let explained = data.x.get(row).and_then(|x| linear_shap(&model, x));
        let base = explained.as_ref().map(|explained| explained.expected_value);
        checks.near(&format!("{} base", data.name), base, &data.model["base"], data.tolerance);
        data.near("linear", row, &explained.map_or(Vec::new(), |explained| explained.values), expected, checks);
    }
}

/// KernelSHAP and permutations of a function that is given as a formula; few enough features make both exact.
fn closed_form(data: &Data<'_>, checks: &mut Checks) {
    let formula = data.model["formula"].as_str().unwrap_or_default();
    if data.x.iter().chain(&data.background).any(|x| formula::evaluate(formula, x).is_none()) {
        return checks.leave_out(format!("{}: the formula '{formula}' is not understood", data.name));
    }
    let mut rng = Rng::seeded(1);
    let exact = &data.model["exact_interventional"];
    for (row, x) in data.x.iter().enumerate() {
        let mut predict = |asked: &[Vec<f64>]| -> Result<Vec<f64>, Infallible> {
            Ok(asked.iter().map(|x| formula::evaluate(formula, x).unwrap_or(f64::NAN)).collect())
        };
        let mut game = masked(x, &data.background, &mut predict);
        let kernel = kernel_shap(x.len(), BUDGET, &mut |n| rng.below(n), &mut game);
        let orders = permutation_shap(x.len(), BUDGET, &mut |n| rng.below(n), &mut game);
        let mut compare = |what: &str, estimate: Result<Option<Estimate>, Infallible>, values: &Value| {
            let Some(estimate) = estimate.ok().flatten() else {
                return checks.near(&format!("{} {what}: row {row}", data.name), None, &Value::from(0), 1.0);
            };
            if !estimate.exact {
                return checks.leave_out(format!("{} {what}: {} features are sampled", data.name, x.len()));
            }
            checks.near(&format!("{} {what} base", data.name), estimate.base, &exact["base"], data.tolerance);
            data.near(what, row, &estimate.values, values, checks);
        };
        compare("kernel", kernel.clone(), &exact["shap_values"][row]);
        compare("kernel against kernel", kernel, &data.model["kernelshap_full_enumeration"][row]);
        compare("permutation", orders, &exact["shap_values"][row]);
    }
}

/// The increase of the squared error when a column is rolled on by some rows.
fn importance(key: &str, roll: usize, part: &Value, fixture: &Value, tolerance: f64, checks: &mut Checks) {
    let (x, y) = (rows(&part["X_all"]), numbers(&part["y_all"]));
    let model = items(&fixture["models"]).iter().find(|model| model["name"] == part["model"]);
    let features = x.first().map_or(0, Vec::len);
    let Some(explainer) = model.and_then(|model| trees::explainers(model, features).ok()?.into_iter().next()) else {
        return checks.leave_out(format!("{key}: no such model of trees"));
    };
    let loss = |row_of: &dyn Fn(usize, usize) -> usize| {
        let error = |row: usize| {
            let values: Vec<f64> = (0..features).map(|feature| x[row_of(row, feature)][feature]).collect();
            (explainer.predict(&values).unwrap_or(f64::NAN) - y[row]).powi(2)
        };
        (0..x.len().min(y.len())).map(error).sum::<f64>() / x.len() as f64
    };
    let as_is = loss(&|row, _| row);
    checks.near(&format!("{key}: error as it is"), as_is, &part["base_mse"], tolerance);
    let orders = [(0..x.len()).map(|row| (row + x.len() - roll % x.len().max(1)) % x.len()).collect::<Vec<_>>()];
    let found = permutation_importance(features, as_is, &orders, &mut |feature, order| {
        Ok::<_, Infallible>(loss(&|row, of| if of == feature { order[row] } else { row }))
    });
    let found = found.ok().flatten().unwrap_or_default();
    for (feature, expected) in items(&part["increase"]).iter().enumerate() {
        let increase = found.get(feature).map(|importance| importance.increase);
        checks.near(&format!("{key}: feature {feature}"), increase, expected, tolerance);
    }
}
