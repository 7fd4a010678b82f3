//! What was served, beside what really happened.

use std::collections::BTreeMap;

use flyball_core::{Column, Result, Signature, Table, Timestamp};
use flyball_evaluation::Evaluated;
use flyball_evaluation::answers::ClassScores;
use flyball_registry::{CHAMPION, packages as registry};
use flyball_serving::model::TruthValue;
use flyball_serving::store as serving;
use flyball_serving::{Seen, record_columns as columns, truth};

use crate::declared::Declared;
use crate::platform::{Platform, permit_of};

/// Some served rows: those that the model answered.
pub(super) struct Batch {
    /// The features, under the names that the model knows them by.
    pub(super) features: Table,
    /// Everything that the records hold.
    pub(super) records: Table,
    /// Per row the headline answer.
    pub(super) scores: Vec<f64>,
    /// Per row the class (0 or 1; of more than two, whether it is the last one) or the target; NaN while unknown.
    pub(super) truth: Vec<f64>,
    /// Of more than two classes the probability of each and the position of the true one.
    pub(super) several: Option<Evaluated>,
    /// Requests that failed and have no row.
    pub(super) failed: usize,
}

/// Hands on what was served in a stretch of event time, batch by batch. Answers what was written of it.
pub(super) fn each_batch(
    platform: &Platform,
    declared: &Declared,
    signature: &Signature,
    (from, to): (Timestamp, Timestamp),
    mut each: impl FnMut(Batch) -> Result<()>,
) -> Result<Seen> {
    platform.serving.each_records(declared.name.as_str(), from, to, |table| {
        if table.rows() == 0 {
            return Ok(());
        }
        let (records, failed) = answered(&table)?;
        let classes = &signature.classes;
        let known = truths(platform, declared, &records)?;
        let truth: Vec<f64> = known.iter().map(|value| number_of(value.as_ref(), classes)).collect();
        let scores = records.column(columns::SCORE)?.numbers();
        let several = (classes.len() > 2).then(|| several(&records, classes, &known, &scores));
        let features = features(&records, signature)?;
        each(Batch { features, records, scores, truth, several, failed })
    })
}

/// The rows that the model answered, and how many it failed.
fn answered(records: &Table) -> Result<(Table, usize)> {
    let errors = records.column(columns::ERROR)?;
    let sound: Vec<usize> = (0..records.rows()).filter(|&row| errors.is_missing(row)).collect();
    let failed = records.rows() - sound.len();
    Ok((if failed == 0 { records.clone() } else { records.take(&sound) }, failed))
}

/// The features under the names that the model knows them by. A feature that the endpoint masks is missing in every row.
fn features(records: &Table, signature: &Signature) -> Result<Table> {
    let column = |name: &str| {
        let found = records.position(&columns::of_feature(name)).map(|position| records.at(position).clone());
        found.unwrap_or_else(|| Column::Float(vec![f64::NAN; records.rows()]))
    };
    Table::new(signature.features.iter().map(|feature| (feature.name.clone(), column(&feature.name))).collect())
}

/// Answers and truths of the rows between two moments whose truth is known: what metrics are made of.
///
/// # Errors
/// Those of the database and of the store.
pub fn joined(
    platform: &Platform,
    declared: &Declared,
    from: Timestamp,
    to: Timestamp,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let (mut truths, mut scores) = (Vec::new(), Vec::new());
    each_joined(platform, declared, (from, to), |_, truth, score| {
        for (&truth, &score) in truth.iter().zip(score).filter(|(truth, _)| !truth.is_nan()) {
            truths.push(truth);
            scores.push(score);
        }
        Ok(())
    })?;
    Ok((truths, scores))
}

/// Hands on the records of a stretch of event time that the model answered, with their truths (NaN while unknown) and their
/// headline answers.
///
/// # Errors
/// Those of the database and of the store, and what `each` answers.
pub fn each_joined(
    platform: &Platform,
    declared: &Declared,
    (from, to): (Timestamp, Timestamp),
    mut each: impl FnMut(&Table, &[f64], &[f64]) -> Result<()>,
) -> Result<()> {
    let permit = permit_of(&declared.name)?.read();
    let champion = platform.db.read(|tx| registry::by_alias(tx, &permit, declared.name.as_str(), CHAMPION))?;
    let classes = champion.map(|version| version.signature.classes).unwrap_or_default();
    platform.serving.each_records(declared.name.as_str(), from, to, |table| {
        if table.rows() == 0 {
            return Ok(());
        }
        let (records, _) = answered(&table)?;
        let known = truths(platform, declared, &records)?;
        let truth: Vec<f64> = known.iter().map(|value| number_of(value.as_ref(), &classes)).collect();
        let scores = records.column(columns::SCORE)?.numbers();
        each(&records, &truth, &scores)
    })?;
    Ok(())
}

/// Per served row what really happened, where it is known.
fn truths(platform: &Platform, declared: &Declared, rows: &Table) -> Result<Vec<Option<TruthValue>>> {
    let keys = rows.column(columns::KEY)?;
    let keys: Vec<Option<String>> = (0..rows.rows()).map(|row| keys.value(row).text()).collect();
    let wanted: Vec<&str> = keys.iter().flatten().map(String::as_str).collect();
    let known = platform.db.read(|tx| truth::truths_of(tx, declared.name.as_str(), &wanted))?;
    let of = |key: &Option<String>| known.get(key.as_ref()?).map(|stored| stored.truth.value.clone());
    Ok(keys.iter().map(of).collect())
}

/// What really happened as the number that metrics compare with the headline answer; NaN while unknown.
fn number_of(value: Option<&TruthValue>, classes: &[String]) -> f64 {
    match (value, classes.last()) {
        (Some(TruthValue::Number(x)), _) => *x,
        (Some(TruthValue::Class(class)), Some(positive)) => f64::from(u8::from(class == positive)),
        (Some(TruthValue::Class(_)), None) | (None, _) => f64::NAN,
    }
}

/// The probabilities of more than two classes, beside the position of the true one. Rows without them, of models whose
/// answers have none, are not known.
fn several(records: &Table, classes: &[String], known: &[Option<TruthValue>], scores: &[f64]) -> Evaluated {
    let of_class = |class: &String| records.position(&columns::of_class(class)).map(|at| records.at(at).numbers());
    let by_class: Vec<Option<Vec<f64>>> = classes.iter().map(of_class).collect();
    let of_row = |row: usize| by_class.iter().map(move |own| own.as_ref().map_or(f64::NAN, |own| own[row]));
    let position = |value: &Option<TruthValue>| match value {
        Some(TruthValue::Class(class)) => classes.iter().position(|known| known == class),
        Some(TruthValue::Number(number)) => classes.iter().position(|known| known.parse() == Ok(*number)),
        None => None,
    };
    let truth = known.iter().map(|value| position(value).map_or(f64::NAN, |at| at as f64)).collect();
    let scores_of_classes = (0..records.rows()).flat_map(of_row).collect();
    let classes = Some(ClassScores { names: classes.to_vec(), scores: scores_of_classes });
    Evaluated { classes, ..Evaluated::new(truth, scores.to_vec()) }
}

/// Counts the rows of each revision.
pub(super) fn count_revisions(records: &Table, counts: &mut BTreeMap<String, usize>) -> Result<()> {
    let Column::Text(revisions) = records.column(columns::REVISION)? else { return Ok(()) };
    let mut codes: BTreeMap<u32, usize> = BTreeMap::new();
    for &code in &revisions.codes {
        *codes.entry(code).or_default() += 1;
    }
    for (code, count) in codes {
        if let Some(id) = revisions.levels.get(code as usize) {
            *counts.entry(id.to_string()).or_default() += count;
        }
    }
    Ok(())
}

/// The model versions behind revisions, with their rows.
pub(super) fn versions(platform: &Platform, revisions: &BTreeMap<String, usize>) -> Result<BTreeMap<String, usize>> {
    platform.db.read(|tx| {
        let mut named = BTreeMap::new();
        for (id, count) in revisions {
            let revision = serving::revision(tx, id)?;
            *named.entry(format!("{}/{}", revision.model, revision.version)).or_default() += count;
        }
        Ok(named)
    })
}
