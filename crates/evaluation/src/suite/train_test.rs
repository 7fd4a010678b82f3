//! Whether training and test rows are alike: sizes, classes, categories, distributions, what features mean.

use std::collections::BTreeSet;

use flyball_core::{Column, FeatureKind, Result, Table};
use flyball_stats::interval::auc_interval;
use serde_json::json;

use super::bench::{Bench, Finding};
use super::drift::{compared, largest};
use super::integrity::SHOWN;
use super::relations::powers;
use super::{domain, integrity};
use crate::measure::CONFIDENCE;

const NO_TRAIN: &str = "the rows that the model was learned from are not known";

pub(super) fn size_ratio(bench: &Bench<'_>) -> Result<Finding> {
    let Some(train) = bench.case.train.filter(|train| train.rows() > 0) else { return Ok(Finding::missing(NO_TRAIN)) };
    let (test, train) = (bench.case.rows.rows(), train.rows());
    Ok(Finding::of(test as f64 / train as f64, format!("{test} test rows, {train} training rows")))
}

/// The rows whose text is none of those in the training rows, and those texts.
fn unseen(train: &Column, test: &Column) -> (usize, BTreeSet<String>) {
    let text = |column: &Column, row| column.value(row).text();
    let known: BTreeSet<String> = (0..train.len()).filter_map(|row| text(train, row)).collect();
    let new: Vec<String> =
        (0..test.len()).filter_map(|row| text(test, row)).filter(|text| !known.contains(text)).collect();
    (new.len(), new.into_iter().collect())
}

pub(super) fn new_labels(bench: &Bench<'_>) -> Result<Finding> {
    let (Some(train), Some(label)) = (bench.case.train, bench.case.label) else {
        return Ok(Finding::missing(NO_TRAIN));
    };
    let test = bench.rows.column(label)?;
    let Some(position) = train.position(label).filter(|_| !test.is_empty()) else {
        return Ok(Finding::missing("the training rows have no label, or there are no test rows"));
    };
    if integrity::classes_of(test).is_none() {
        return Ok(Finding::missing("the label is a number"));
    }
    let (rows, classes) = unseen(train.at(position), test);
    let text = format!("{rows} test rows have one of {} classes that were never learned", classes.len());
    let shown: Vec<String> = classes.into_iter().take(SHOWN).collect();
    Ok(Finding::of(rows as f64 / test.len() as f64, text).because(json!({ "classes": shown })))
}

pub(super) fn new_categories(bench: &Bench<'_>) -> Result<Finding> {
    let Some(train) = bench.case.train else { return Ok(Finding::missing(NO_TRAIN)) };
    let mut worst: Option<(f64, String)> = None;
    let mut evidence = Vec::new();
    for name in bench.features_of(FeatureKind::Text) {
        let (Some(position), test) = (train.position(name), bench.rows.column(name)?) else { continue };
        let (rows, levels) = unseen(train.at(position), test);
        let share = rows as f64 / test.len().max(1) as f64;
        if rows > 0 {
            let shown: Vec<&String> = levels.iter().take(SHOWN).collect();
            evidence.push(json!({ "column": name, "share": share, "new": shown, "count": levels.len() }));
        }
        if worst.as_ref().is_none_or(|(most, _)| share > *most) {
            let text = format!("{:.2} % of '{name}' are categories that were never learned", share * 100.0);
            worst = Some((share, text));
        }
    }
    evidence.truncate(SHOWN);
    Ok(match worst {
        None => Finding::missing("no feature is a category"),
        Some((share, text)) => Finding::of(share, text).because(json!({ "columns": evidence })),
    })
}

pub(super) fn feature_drift(bench: &Bench<'_>) -> Result<Finding> {
    let Some(train) = &bench.train else { return Ok(Finding::missing(NO_TRAIN)) };
    let mut moved = Vec::new();
    for name in &bench.features {
        if let (Some(before), Some(after)) = (train.position(name), bench.rows.position(name)) {
            moved.push(compared(name, train.at(before), bench.rows.at(after)));
        }
    }
    Ok(largest(moved, "features"))
}

pub(super) fn label_drift(bench: &Bench<'_>) -> Result<Finding> {
    let (Some(train), Some(label)) = (&bench.train, bench.case.label) else { return Ok(Finding::missing(NO_TRAIN)) };
    let Some(before) = train.position(label) else {
        return Ok(Finding::missing("the training rows have no label"));
    };
    let (before, after) = (train.at(before), bench.rows.column(label)?);
    // Classes that are kept as numbers are still classes.
    let few = |column: &Column| integrity::classes_of(column).is_some_and(|classes| classes.len() <= 20);
    let (before, after) = match few(before) && few(after) {
        true => (texts(before), texts(after)),
        false => (before.clone(), after.clone()),
    };
    Ok(largest(vec![compared(label, &before, &after)], "labels"))
}

fn texts(column: &Column) -> Column {
    let texts: Vec<Option<String>> = (0..column.len()).map(|row| column.value(row).text()).collect();
    Column::Text(flyball_core::TextColumn::from_texts(texts.iter().map(Option::as_deref)))
}

pub(super) fn multivariate_drift(bench: &Bench<'_>) -> Result<Finding> {
    let Some(train) = &bench.train else { return Ok(Finding::missing(NO_TRAIN)) };
    let both = |name: &&String| train.position(name).is_some() && bench.rows.position(name).is_some();
    let names: Vec<&str> = bench.features.iter().filter(both).map(String::as_str).collect();
    let columns =
        |table: &Table| -> Result<Vec<Column>> { names.iter().map(|name| Ok(table.column(name)?.clone())).collect() };
    let told = domain::tell_apart(&columns(train)?, &columns(&bench.rows)?, &mut bench.rng("domain"));
    let Some((truth, scores)) = told else {
        return Ok(Finding::missing("too few rows to learn the difference from"));
    };
    let Some(auc) = flyball_stats::classification::roc_auc(&truth, &scores) else {
        return Ok(Finding::missing("one side has no rows"));
    };
    // 0.5 is not told apart at all, 1 is told apart always.
    let spread = |auc: f64| (2.0 * auc - 1.0).max(0.0);
    let interval = auc_interval(&truth, &scores, CONFIDENCE)
        .map(|i| flyball_stats::interval::Interval { low: spread(i.low), high: spread(i.high) });
    let text = format!("a classifier tells test rows from training rows with an AUC of {auc:.3}");
    Ok(Finding::of(spread(auc), text).within(interval).because(json!({ "auc": auc, "rows": truth.len() })))
}

pub(super) fn pps_change(bench: &Bench<'_>) -> Result<Finding> {
    let (Some(train), Some(label)) = (&bench.train, bench.case.label) else { return Ok(Finding::missing(NO_TRAIN)) };
    let Some(before) = train.position(label) else {
        return Ok(Finding::missing("the training rows have no label"));
    };
    let then = powers(bench, train, train.at(before))?;
    let now = powers(bench, &bench.rows, bench.rows.column(label)?)?;
    let mut changes: Vec<(f64, &str, f64, f64)> = Vec::new();
    for (name, before) in &then {
        if let Some((_, after)) = now.iter().find(|(other, _)| other == name) {
            changes.push(((before.value - after.value).abs(), name, before.value, after.value));
        }
    }
    changes.sort_by(|a, b| b.0.total_cmp(&a.0));
    let Some((change, name, before, after)) = changes.first() else {
        return Ok(Finding::missing("too few labelled rows, or nothing that varies"));
    };
    let text = format!("the power of '{name}' went from {before:.2} to {after:.2}");
    let evidence: Vec<_> = changes
        .iter()
        .take(SHOWN)
        .map(|(_, name, before, after)| json!({ "feature": name, "training": before, "test": after }))
        .collect();
    Ok(Finding::of(*change, text).because(json!({ "features": evidence })))
}
