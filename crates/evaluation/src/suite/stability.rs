//! Whether the same rows and the same data give the same again.

use flyball_core::{Result, Value};
use serde_json::json;

use super::answers::deviation;
use super::bench::{Bench, Finding, ask};
use super::integrity::SHOWN;
use super::perturb::sample;
use super::quality_of;

/// Rows that are asked again, in a batch and one by one.
const ASKED_AGAIN: usize = 200;
/// Answers of a row alone and in a batch agree to this part: engines may add in another order.
const ROUNDING: f64 = 1e-6;

pub(super) fn determinism(bench: &Bench<'_>) -> Result<Finding> {
    let Some(model) = bench.case.model.filter(|_| bench.answers.is_some()) else {
        return Ok(Finding::missing("there is no model, or it has no rows to answer"));
    };
    let rows = sample(&bench.rows, ASKED_AGAIN, &mut bench.rng("determinism"));
    let (first, second) = (ask(model, &rows)?, ask(model, &rows)?);
    let names: Vec<&str> = model.signature().features.iter().map(|feature| feature.name.as_str()).collect();
    let features = rows.select(&names)?;
    let same =
        |a: f64, b: f64, off: f64| (a - b).abs() <= off * a.abs().max(b.abs()).max(1.0) || a.is_nan() && b.is_nan();
    let mut otherwise = Vec::new();
    for row in 0..rows.rows() {
        let values: Vec<Value> = features.row(row);
        let mut alone = Vec::new();
        model.predict_row(&values, &mut alone)?;
        let again = first.row(row).iter().zip(second.row(row)).all(|(a, b)| same(*a, *b, 0.0));
        let single =
            alone.len() == first.width && first.row(row).iter().zip(&alone).all(|(a, b)| same(*a, *b, ROUNDING));
        if !(again && single) {
            otherwise.push(json!({ "row": row, "batch": first.row(row), "again": second.row(row), "alone": alone }));
        }
    }
    let count = otherwise.len();
    if rows.rows() == 0 {
        return Ok(Finding::missing("there are no rows"));
    }
    otherwise.truncate(SHOWN);
    let text = format!("{count} of {} rows are answered otherwise when asked again or alone", rows.rows());
    Ok(Finding::of(count as f64 / rows.rows() as f64, text).because(json!({ "rows": otherwise })))
}

const NO_TRAINER: &str = "the model cannot be learned again here: no trainer is known";

pub(super) fn seed_metric(bench: &Bench<'_>) -> Result<Finding> {
    let (Some(label), Some(own)) = (bench.case.label, &bench.answers) else {
        return Ok(Finding::missing("there is no model, or no label"));
    };
    let mut values: Vec<f64> = own.quality(None).map(|quality| quality.value).into_iter().collect();
    for model in bench.relearned()? {
        values.extend(quality_of(model.as_ref(), &bench.rows, label)?.map(|quality| quality.value));
    }
    if values.len() < 2 {
        return Ok(Finding::missing(NO_TRAINER));
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    // Of a sample: divided by one less than its size.
    let spread = deviation(&values).unwrap_or(f64::NAN) * (values.len() as f64 / (values.len() - 1) as f64).sqrt();
    let text = format!("over {} seeds the metric is {mean:.4} with a deviation of {spread:.4}", values.len());
    Ok(Finding::of(spread / mean.abs().max(f64::MIN_POSITIVE), text).because(json!({ "values": values })))
}

pub(super) fn seed_flips(bench: &Bench<'_>) -> Result<Finding> {
    let Some(own) = &bench.answers else { return Ok(Finding::missing("there is no model, or it has no rows")) };
    let models = bench.relearned()?;
    if models.is_empty() {
        return Ok(Finding::missing(NO_TRAINER));
    }
    let (mut turned, mut asked) = (0, 0);
    for model in models {
        let other = bench.answers_of(model.as_ref(), &bench.rows)?;
        turned += own.flips(&other).into_iter().filter(|turned| *turned).count();
        asked += own.rows();
    }
    let text = format!("{turned} of {asked} decisions turn with another seed, over {} trainings", models.len());
    Ok(Finding::share(turned, asked, text))
}
