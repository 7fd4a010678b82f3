//! The same models as ONNX graphs, through the engine that serves them.

use std::sync::Arc;

use super::Data;
use crate::checks::Checks;
use crate::read::items;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flyball_core::model::{Engine, ExplainRequest, Model, load_graph};
use flyball_core::{Column, Table};
use flyball_engine_tabular::TabularEngine;

/// Compares the graph's predictions, and what it says of them against the background: graphs of the field's converters do
/// not keep the covers that path-dependent values need.
pub(super) fn check(data: &Data<'_>, checks: &mut Checks) {
    let Some(encoded) = data.model["onnx_base64"].as_str() else { return };
    let engines: [Arc<dyn Engine>; 1] = [Arc::new(TabularEngine)];
    let model = match STANDARD.decode(encoded).map(|graph| load_graph(&engines, &graph)) {
        Ok(Ok(model)) => model,
        Ok(Err(error)) => return checks.leave_out(format!("{} graph: {error}", data.name)),
        Err(_) => return checks.leave_out(format!("{} graph: it is no base64", data.name)),
    };
    let Ok(rows) = table(model.as_ref(), &data.x) else {
        return checks.leave_out(format!("{} graph: its rows have other features", data.name));
    };
    let predictions = model.predict(&rows);
    for key in ["onnx_predictions", "onnx_probability"] {
        for (row, expected) in items(&data.model[key]).iter().enumerate() {
            let scores = predictions.as_ref().ok().map(|predictions| predictions.row(row).to_vec()).unwrap_or_default();
            let expected = if expected.is_array() { items(expected) } else { std::slice::from_ref(expected) };
            // A lone probability is that of the positive class.
            let from = scores.len().saturating_sub(expected.len());
            for (at, expected) in expected.iter().enumerate() {
                let what = format!("{} {key}: row {row}, score {at}", data.name);
                checks.near(&what, scores.get(from + at).copied(), expected, data.tolerance);
            }
        }
    }
    if data.model["interventional"].is_object() {
        explained(data, model.as_ref(), &rows, checks);
    } else {
        checks.leave_out(format!("{} graph: path-dependent values, as it keeps no covers", data.name));
    }
}

fn explained(data: &Data<'_>, model: &dyn Model, rows: &Table, checks: &mut Checks) {
    let expected = &data.model["interventional"];
    let Ok(background) = table(model, &data.background) else {
        return checks.leave_out(format!("{} graph: its background has other features", data.name));
    };
    for class in 0..model.signature().width() {
        let request = ExplainRequest { class: Some(class), background: Some(&background), interactions: false };
        let Ok(Some(found)) = model.explain(rows, &request) else {
            return checks.leave_out(format!("{} graph: it explains nothing", data.name));
        };
        let base = &expected["expected_value"];
        let base = if base.is_array() { &base[class] } else { base };
        checks.near(&format!("{} graph base", data.name), found.base, base, data.tolerance);
        for (row, amounts) in found.amounts.chunks_exact(found.features.max(1)).enumerate() {
            let of_class = items(&expected["shap_values_row_feature_class"][row]).iter().map(|of| of[class].clone());
            let own = &expected["shap_values"][row];
            let own = if own.is_array() { own.clone() } else { of_class.collect() };
            data.near("graph", row, amounts, &own, checks);
        }
    }
}

/// Rows as a table with the model's features.
fn table(model: &dyn Model, rows: &[Vec<f64>]) -> flyball_core::Result<Table> {
    let column = |(at, feature): (usize, &flyball_core::Feature)| {
        let values = rows.iter().map(|row| row.get(at).copied().unwrap_or(f64::NAN)).collect();
        (feature.name.clone(), Column::Float(values))
    };
    let features = &model.signature().features;
    if rows.iter().any(|row| row.len() != features.len()) {
        return Err(flyball_core::Error::invalid("rows and features differ in number"));
    }
    Table::new(features.iter().enumerate().map(column).collect())
}
