//! Whether test rows are apart from those that were learned: in time, by key, by content.

use flyball_core::{Result, Table};
use serde_json::json;

use super::bench::{Bench, Finding};
use super::integrity::{SHOWN, but, hash_set, row_hashes};

const NO_TRAIN: &str = "the rows that the model was learned from are not known";

/// Counts test rows that occur in the training rows.
fn shared(bench: &Bench<'_>, train: &Table, names: &[&str], what: &str) -> Finding {
    let known = hash_set(train, names);
    let hashes = row_hashes(&bench.rows, names);
    let shared: Vec<usize> = (0..hashes.len()).filter(|row| known.contains(&hashes[*row])).collect();
    if hashes.is_empty() {
        return Finding::missing("there are no rows");
    }
    let text = format!("{} of {} {what}", shared.len(), hashes.len());
    let shown: Vec<usize> = shared.iter().take(SHOWN).copied().collect();
    Finding::of(shared.len() as f64 / hashes.len() as f64, text).because(json!({ "rows": shown }))
}

pub(super) fn index_leakage(bench: &Bench<'_>) -> Result<Finding> {
    let Some(train) = bench.case.train else { return Ok(Finding::missing(NO_TRAIN)) };
    let Some(key) = bench.case.key.filter(|key| train.position(key).is_some()) else {
        return Ok(Finding::missing("no key is known"));
    };
    Ok(shared(bench, train, &[key], "test keys are keys of training rows"))
}

pub(super) fn sample_mix(bench: &Bench<'_>) -> Result<Finding> {
    let Some(train) = bench.case.train else { return Ok(Finding::missing(NO_TRAIN)) };
    let names: Vec<&str> =
        but(&bench.rows, &[bench.case.key]).into_iter().filter(|name| train.position(name).is_some()).collect();
    if names.is_empty() {
        return Ok(Finding::missing("training and test rows share no column"));
    }
    Ok(shared(bench, train, &names, "test rows are training rows, but for the key"))
}

pub(super) fn date_leakage(bench: &Bench<'_>) -> Result<Finding> {
    let Some(train) = bench.case.train else { return Ok(Finding::missing(NO_TRAIN)) };
    let Some(time) = bench.case.time.filter(|time| train.position(time).is_some()) else {
        return Ok(Finding::missing("no column with the event time is known"));
    };
    let latest =
        train.column(time)?.numbers().into_iter().filter(|at| at.is_finite()).fold(f64::NEG_INFINITY, f64::max);
    let times: Vec<f64> = bench.rows.column(time)?.numbers().into_iter().filter(|at| at.is_finite()).collect();
    if times.is_empty() || latest == f64::NEG_INFINITY {
        return Ok(Finding::missing("no row has an event time"));
    }
    let early = times.iter().filter(|at| **at < latest).count();
    let text = format!("{early} of {} test rows are earlier than the latest training row", times.len());
    Ok(Finding::of(early as f64 / times.len() as f64, text).because(json!({ "latest_training_row": latest })))
}
