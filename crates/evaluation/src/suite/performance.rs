//! Whether the answers are good: on unseen rows as on learned ones, against simple models, without leaning, calibrated.

use flyball_core::{FeatureKind, Result, Task};
use flyball_stats::classification::positive_calibration;
use flyball_stats::interval::{Interval, bootstrap, mean_interval};
use flyball_stats::special::normal_sf;
use serde_json::json;

use super::answers::{Answers, Quality, deviation};
use super::bench::{Bench, Finding, ask};
use super::drift::{compared_numbers, largest};
use super::integrity::{SHOWN, listed};
use super::perturb;
use crate::measure::CONFIDENCE;

const NO_MODEL: &str = "there is no model, or it has no rows to answer";
const NO_LABELS: &str = "no row has a label, or all have the same";
const NO_TRAIN: &str = "the rows that the model was learned from are not known";
/// Resamples of a paired comparison: the ends of its interval are then known to a few percent of its width.
const RESAMPLES: usize = 200;
/// Rows of a resample at most; more would only take time.
const RESAMPLED_ROWS: usize = 5_000;
/// Bins of a reliability diagram, as scikit-learn has by default twice over.
const BINS: usize = 10;
/// Rows that are asked again with a feature shuffled.
const SHUFFLED_ROWS: usize = 1_000;
/// Features that are shuffled at most.
const SHUFFLED_FEATURES: usize = 200;

fn quality<'b>(bench: &'b Bench<'_>) -> std::result::Result<(&'b Answers, Quality), &'static str> {
    let answers = bench.answers.as_ref().ok_or(NO_MODEL)?;
    Ok((answers, answers.quality(None).ok_or(NO_LABELS)?))
}

macro_rules! known {
    ($found:expr) => {
        match $found {
            Ok(found) => found,
            Err(lacking) => return Ok(Finding::missing(lacking)),
        }
    };
}

pub(super) fn floor(bench: &Bench<'_>) -> Result<Finding> {
    let (_, quality) = known!(quality(bench));
    if quality.metric != "auc" {
        return Ok(Finding::missing("it concerns models of two classes; use gates for others"));
    }
    Ok(Finding::of(quality.value, format!("the AUC is {:.3}", quality.value)).within(quality.interval))
}

pub(super) fn degradation(bench: &Bench<'_>) -> Result<Finding> {
    let (_, test) = known!(quality(bench));
    let Some(train) = bench.train_answers.as_ref().and_then(|answers| answers.quality(None)) else {
        return Ok(Finding::missing(NO_TRAIN));
    };
    // What perfect answers leave to lose is the scale where less is better.
    let sign = if test.perfect > 0.0 { 1.0 } else { -1.0 };
    let scale = train.value.abs();
    if scale == 0.0 {
        return Ok(Finding::missing("the metric is zero on the training rows"));
    }
    let lost = sign * (train.value - test.value) / scale;
    // The intervals of both are independent: half widths add as squares.
    let half = |quality: &Quality| quality.interval.map(|interval| (interval.high - interval.low) / 2.0);
    let interval = half(&train).zip(half(&test)).map(|(a, b)| {
        let margin = a.hypot(b) / scale;
        Interval { low: lost - margin, high: lost + margin }
    });
    let text = format!("{} is {:.4} on training rows and {:.4} here", test.metric, train.value, test.value);
    let evidence = json!({ "metric": test.metric, "training": train.value, "test": test.value });
    Ok(Finding::of(lost, text).within(interval).because(evidence))
}

pub(super) fn overfit(bench: &Bench<'_>) -> Result<Finding> {
    let Some((curve, more_is_better)) = bench.case.curve.filter(|(curve, _)| curve.len() > 1) else {
        return Ok(Finding::missing("the training watched no rows; set early_stopping to have a curve"));
    };
    let sign = if more_is_better { 1.0 } else { -1.0 };
    let best = (0..curve.len()).max_by(|&a, &b| (sign * curve[a]).total_cmp(&(sign * curve[b]))).unwrap_or(0);
    let last = curve[curve.len() - 1];
    let lost = sign * (curve[best] - last) / curve[best].abs().max(f64::MIN_POSITIVE);
    let text = format!(
        "the metric is best at iteration {} of {}, {:.4} then and {last:.4} at last",
        best + 1,
        curve.len(),
        curve[best]
    );
    Ok(Finding::of(lost, text))
}

pub(super) fn better_than_dummy(bench: &Bench<'_>) -> Result<Finding> {
    let (_, quality) = known!(quality(bench));
    let Some(gain) = quality.gain_over(quality.dummy) else {
        return Ok(Finding::missing("answers without features are perfect here: the label does not vary"));
    };
    let ends = quality.interval.and_then(|interval| {
        let end = |value| Quality { value, ..quality }.gain_over(quality.dummy);
        let (one, other) = (end(interval.low)?, end(interval.high)?);
        Some(Interval { low: one.min(other), high: one.max(other) })
    });
    let text = format!("{} is {:.4}, {:.4} without features", quality.metric, quality.value, quality.dummy);
    let evidence = json!({ "metric": quality.metric, "model": quality.value, "dummy": quality.dummy });
    Ok(Finding::of(gain, text).within(ends).because(evidence))
}

pub(super) fn better_than_baseline(bench: &Bench<'_>) -> Result<Finding> {
    let (answers, own) = known!(quality(bench));
    let Some(model) = bench.case.baseline else { return Ok(Finding::missing("no baseline is named")) };
    let simple = bench.answers_of(model, &bench.rows)?;
    let Some(theirs) = simple.quality(None) else { return Ok(Finding::missing(NO_LABELS)) };
    if simple.task != answers.task || simple.predictions.width != answers.predictions.width {
        return Ok(Finding::missing("the baseline answers another question"));
    }
    let Some(gain) = own.gain_over(theirs.value) else { return Ok(Finding::missing("the baseline is perfect")) };
    let all = answers.rows();
    let mut rng = bench.rng("better_than_baseline");
    let drawn = all.min(RESAMPLED_ROWS);
    let gain_of = |places: &[usize]| {
        // The places are those of a part of the rows, spread evenly over all.
        let rows: Vec<usize> = places.iter().map(|place| place * all / drawn).collect();
        answers.quality(Some(&rows))?.gain_over(simple.quality(Some(&rows))?.value)
    };
    let interval = bootstrap(drawn, RESAMPLES, CONFIDENCE, |n| rng.below(n), gain_of);
    let text = format!("{} is {:.4}, {:.4} of the baseline", own.metric, own.value, theirs.value);
    let evidence = json!({ "metric": own.metric, "model": own.value, "baseline": theirs.value });
    Ok(Finding::of(gain, text).within(interval).because(evidence))
}

pub(super) fn prediction_drift(bench: &Bench<'_>) -> Result<Finding> {
    let Some(test) = &bench.answers else { return Ok(Finding::missing(NO_MODEL)) };
    let Some(train) = &bench.train_answers else { return Ok(Finding::missing(NO_TRAIN)) };
    let (before, after) = (train.predictions.headline(), test.predictions.headline());
    Ok(largest(vec![compared_numbers("answers", before, after)], "answers"))
}

/// The errors of a regression.
fn errors(bench: &Bench<'_>) -> std::result::Result<Vec<f64>, &'static str> {
    let answers = bench.answers.as_ref().ok_or(NO_MODEL)?;
    if answers.task != Task::Regression {
        return Err("it concerns predicted numbers");
    }
    let (truth, score) = answers.pairs().filter(|(truth, _)| truth.len() > 3).ok_or(NO_LABELS)?;
    Ok(truth.iter().zip(&score).map(|(y, p)| p - y).collect())
}

pub(super) fn systematic_error(bench: &Bench<'_>) -> Result<Finding> {
    let errors = known!(errors(bench));
    let count = errors.len() as f64;
    let root = (errors.iter().map(|error| error * error).sum::<f64>() / count).sqrt();
    if root == 0.0 {
        return Ok(Finding::of(0.0, "there are no errors"));
    }
    let mean = errors.iter().sum::<f64>() / count;
    let interval = mean_interval(&errors, CONFIDENCE).map(|interval| {
        let (low, high) = (interval.low / root, interval.high / root);
        let least = if low <= 0.0 && high >= 0.0 { 0.0 } else { low.abs().min(high.abs()) };
        Interval { low: least, high: low.abs().max(high.abs()) }
    });
    let text = format!("the mean error is {mean:.4}, the root mean squared error {root:.4}");
    Ok(Finding::of(mean.abs() / root, text).within(interval))
}

pub(super) fn error_kurtosis(bench: &Bench<'_>) -> Result<Finding> {
    let errors = known!(errors(bench));
    let count = errors.len() as f64;
    let mean = errors.iter().sum::<f64>() / count;
    let moment = |power: i32| errors.iter().map(|error| (error - mean).powi(power)).sum::<f64>() / count;
    let variance = moment(2);
    if variance == 0.0 {
        return Ok(Finding::missing("the errors do not vary"));
    }
    let kurtosis = moment(4) / (variance * variance) - 3.0;
    // 1.96 standard errors of a normal sample's kurtosis, √(24 ÷ n).
    let margin = 1.96 * (24.0 / count).sqrt();
    let interval = Interval { low: kurtosis - margin, high: kurtosis + margin };
    Ok(Finding::of(kurtosis, format!("the excess kurtosis of the errors is {kurtosis:.2}")).within(Some(interval)))
}

/// The expected calibration error where Spiegelhalter's test (1986) proves that probabilities are off, else 0.
pub(super) fn calibration(bench: &Bench<'_>) -> Result<Finding> {
    let (answers, _) = known!(quality(bench));
    let pairs = answers.pairs().filter(|_| answers.task == Task::Classification);
    let Some((truth, score)) = pairs else {
        return Ok(Finding::missing("it concerns probabilities of two classes"));
    };
    let labels: Vec<bool> = truth.iter().map(|y| *y > 0.5).collect();
    let Some(found) = positive_calibration(&labels, &score, BINS) else {
        return Ok(Finding::missing("the answers are no probabilities"));
    };
    let (mut sum, mut variance) = (0.0f64, 0.0f64);
    for (y, p) in truth.iter().zip(&score) {
        sum += (y - p) * (1.0 - 2.0 * p);
        variance += (1.0 - 2.0 * p).powi(2) * p * (1.0 - p);
    }
    let p_value = match variance > 0.0 {
        true => 2.0 * normal_sf((sum / variance.sqrt()).abs()),
        // Certain answers are either all right or surely off.
        false => f64::from(u8::from(sum == 0.0)),
    };
    let proven = p_value < 1.0 - CONFIDENCE;
    let bins: Vec<_> = found
        .bins
        .iter()
        .map(|bin| json!({ "rows": bin.weight, "predicted": bin.predicted, "observed": bin.observed }))
        .collect();
    let text = format!(
        "probabilities are off by {:.3} on average ({})",
        found.expected_error,
        match proven {
            true => "more than chance explains",
            false => "chance explains it",
        }
    );
    Ok(Finding::of(if proven { found.expected_error } else { 0.0 }, text)
        .because(json!({ "bins": bins, "expected_error": found.expected_error, "p_value": p_value })))
}

pub(super) fn unused_features(bench: &Bench<'_>) -> Result<Finding> {
    let (Some(model), Some(_)) = (bench.case.model, &bench.answers) else { return Ok(Finding::missing(NO_MODEL)) };
    let sample = perturb::sample(&bench.rows, SHUFFLED_ROWS, &mut bench.rng("unused_sample"));
    let before = Answers::new(model.signature(), ask(model, &sample)?, None);
    let (mut unused, mut asked) = (Vec::new(), 0usize);
    let mut rng = bench.rng("unused_features");
    let scores = before.predictions.headline();
    for name in bench.features.iter().take(SHUFFLED_FEATURES) {
        let column = sample.column(name)?;
        let varies = match FeatureKind::from(column.kind()) {
            FeatureKind::Number => deviation(&column.numbers()).is_some_and(|spread| spread > 0.0),
            FeatureKind::Text => (1..column.len()).any(|row| column.value(row) != column.value(0)),
        };
        if !varies {
            continue;
        }
        if !bench.has_time() {
            break;
        }
        let mut order: Vec<usize> = (0..column.len()).collect();
        rng.shuffle(&mut order);
        let after = ask(model, &perturb::with(&sample, name, column.take(&order))?)?;
        asked += 1;
        if after.headline().iter().zip(&scores).all(|(now, then)| now == then || now.is_nan() && then.is_nan()) {
            unused.push(name.as_str());
        }
    }
    if asked == 0 {
        return Ok(Finding::missing("no feature varies"));
    }
    let shown: Vec<&&str> = unused.iter().take(SHOWN).collect();
    let evidence = json!({ "features": shown, "of": asked });
    Ok(Finding::of(unused.len() as f64, listed("features that no answer depends on", &unused)).because(evidence))
}
