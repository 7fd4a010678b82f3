//! Whether texts are clean: how missing values are spelled, odd types, spellings of one value, signs, lengths.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use flyball_core::{Column, Result, Table};
use serde_json::{Value as Json, json};

use super::bench::{Bench, Finding};
use super::integrity::{SHOWN, listed};

/// How people write that nothing is known, in lower case.
const NULLS: [&str; 11] = ["", "null", "none", "nan", "na", "n/a", "nil", "-", "?", "missing", "unknown"];
/// Values of another type are odd when they are at most this part of a column; more are a mixture by intent.
const ODD_TYPES: f64 = 0.1;
/// A text is far from the usual length beyond so many middle ranges outside of the quartiles.
const LENGTH_RANGES: f64 = 4.0;
/// Columns with more distinct texts than this are free text, whose spelling varies.
const SPELLED_VALUES: usize = 5_000;

/// The texts of a column with how often each occurs.
fn counted(column: &Column) -> Option<Vec<(Arc<str>, usize)>> {
    let Column::Text(texts) = column else { return None };
    let mut counts = vec![0usize; texts.levels.len()];
    for code in &texts.codes {
        if let Some(count) = counts.get_mut(*code as usize) {
            *count += 1;
        }
    }
    Some(texts.levels.iter().cloned().zip(counts).filter(|(_, count)| *count > 0).collect())
}

fn columns(table: &Table) -> impl Iterator<Item = (&str, Vec<(Arc<str>, usize)>)> {
    table.columns().filter_map(|(name, column)| Some((name, counted(column)?)))
}

fn is_null(text: &str) -> bool {
    NULLS.contains(&text.trim().to_lowercase().as_str())
}

/// A share over all texts of all columns, told by its worst column.
fn share_of(bench: &Bench<'_>, what: &str, odd: impl Fn(&[(Arc<str>, usize)]) -> Vec<(Arc<str>, usize)>) -> Finding {
    let mut worst: Option<(f64, &str)> = None;
    let mut evidence: Vec<Json> = Vec::new();
    for (name, texts) in columns(&bench.rows) {
        let all: usize = texts.iter().map(|(_, count)| count).sum();
        if all == 0 {
            continue;
        }
        let mut found = odd(&texts);
        let rows: usize = found.iter().map(|(_, count)| count).sum();
        let share = rows as f64 / all as f64;
        if worst.is_none_or(|(most, _)| share > most) {
            worst = Some((share, name));
        }
        if rows > 0 && evidence.len() < SHOWN {
            found.sort_by_key(|text| std::cmp::Reverse(text.1));
            found.truncate(SHOWN);
            let texts: Vec<(String, usize)> = found.into_iter().map(|(text, count)| (clip(&text), count)).collect();
            evidence.push(json!({ "column": name, "share": share, "texts": texts }));
        }
    }
    match worst {
        None => Finding::missing("no column holds texts"),
        Some((share, name)) => Finding::of(share, format!("{:.2} % of '{name}' {what}", share * 100.0))
            .because(json!({ "columns": evidence })),
    }
}

pub(super) fn mixed_nulls(bench: &Bench<'_>) -> Result<Finding> {
    let mut worst: Option<(usize, String)> = None;
    let mut evidence = Vec::new();
    for (name, texts) in columns(&bench.rows) {
        let mut kinds: BTreeSet<String> = BTreeSet::new();
        kinds.extend(texts.iter().filter(|(text, _)| is_null(text)).map(|(text, _)| format!("\"{text}\"")));
        let column = bench.rows.column(name)?;
        if (0..column.len()).any(|row| column.is_missing(row)) {
            kinds.insert("missing".to_owned());
        }
        if kinds.len() > 1 {
            evidence.push(json!({ "column": name, "spellings": kinds }));
        }
        if worst.as_ref().is_none_or(|(most, _)| kinds.len() > *most) {
            let spelled: Vec<String> = kinds.iter().take(SHOWN).cloned().collect();
            worst = Some((
                kinds.len(),
                format!("'{name}' spells a missing value in {} ways: {}", kinds.len(), spelled.join(", ")),
            ));
        }
    }
    evidence.truncate(SHOWN);
    Ok(match worst {
        None => Finding::missing("no column holds texts"),
        Some((most @ (0 | 1), _)) => Finding::of(most as f64, "no column spells a missing value in several ways"),
        Some((most, text)) => Finding::of(most as f64, text).because(json!({ "columns": evidence })),
    })
}

pub(super) fn mixed_types(bench: &Bench<'_>) -> Result<Finding> {
    let (mut found, mut evidence, mut any) = (Vec::new(), Vec::new(), false);
    for (name, texts) in columns(&bench.rows) {
        any = true;
        let known: Vec<&(Arc<str>, usize)> = texts.iter().filter(|(text, _)| !is_null(text)).collect();
        let is_number = |text: &str| text.trim().parse::<f64>().is_ok();
        let all: usize = known.iter().map(|(_, count)| count).sum();
        let numbers: usize = known.iter().filter(|(text, _)| is_number(text)).map(|(_, count)| count).sum();
        let (few, share) = (numbers.min(all - numbers), numbers as f64 / all.max(1) as f64);
        if few == 0 || few as f64 > ODD_TYPES * all as f64 {
            continue;
        }
        let odd = |text: &str| is_number(text) == (numbers == few);
        let texts: Vec<String> =
            known.iter().filter(|(text, _)| odd(text)).take(SHOWN).map(|(text, _)| clip(text)).collect();
        evidence.push(json!({ "column": name, "share_of_numbers": share, "odd": texts }));
        found.push(name);
    }
    if !any {
        return Ok(Finding::missing("no column holds texts"));
    }
    evidence.truncate(SHOWN);
    Ok(Finding::of(found.len() as f64, listed("columns with a few values of another type", &found))
        .because(json!({ "columns": evidence })))
}

pub(super) fn string_mismatch(bench: &Bench<'_>) -> Result<Finding> {
    let (mut count, mut evidence, mut any) = (0usize, Vec::new(), false);
    for (name, texts) in columns(&bench.rows) {
        any = true;
        if texts.len() > SPELLED_VALUES {
            continue;
        }
        let mut spellings: BTreeMap<String, Vec<&(Arc<str>, usize)>> = BTreeMap::new();
        for text in &texts {
            let base: String = text.0.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
            if !base.is_empty() && base.chars().any(char::is_alphabetic) {
                spellings.entry(base).or_default().push(text);
            }
        }
        for (base, several) in spellings.into_iter().filter(|(_, several)| several.len() > 1) {
            count += several.len() - 1;
            let shown: Vec<(String, usize)> =
                several.iter().take(SHOWN).map(|(text, rows)| (clip(text), *rows)).collect();
            evidence.push(json!({ "column": name, "value": clip(&base), "spellings": shown }));
        }
    }
    if !any {
        return Ok(Finding::missing("no column holds texts"));
    }
    evidence.truncate(SHOWN);
    let text = match count {
        0 => "every value is spelled in one way".to_owned(),
        count => format!("{count} texts differ from another only in case, spaces or signs"),
    };
    Ok(Finding::of(count as f64, text).because(json!({ "values": evidence })))
}

pub(super) fn special_characters(bench: &Bench<'_>) -> Result<Finding> {
    let special = |text: &str| !text.is_empty() && !text.chars().any(char::is_alphanumeric);
    let odd = |texts: &[(Arc<str>, usize)]| texts.iter().filter(|(text, _)| special(text)).cloned().collect();
    Ok(share_of(bench, "have neither letter nor digit", odd))
}

pub(super) fn out_of_bounds(bench: &Bench<'_>) -> Result<Finding> {
    Ok(share_of(bench, "are far longer or shorter than usual", |texts| {
        let mut lengths: Vec<(usize, usize)> =
            texts.iter().map(|(text, count)| (text.chars().count(), *count)).collect();
        lengths.sort_unstable();
        let all: usize = lengths.iter().map(|(_, count)| count).sum();
        let quartile = |share: f64| {
            let mut before = 0;
            let place = share * all as f64;
            let at = lengths.iter().find(|(_, count)| {
                before += count;
                before as f64 >= place
            });
            at.map_or(0.0, |(length, _)| *length as f64)
        };
        let (low, high) = (quartile(0.25), quartile(0.75));
        // Where most texts are of one length a few characters more are no surprise.
        let range = LENGTH_RANGES * (high - low).max(high / 4.0).max(1.0);
        let far = |text: &str| {
            let length = text.chars().count() as f64;
            length > high + range || length < low - range
        };
        texts.iter().filter(|(text, _)| far(text)).cloned().collect()
    }))
}

/// As much of a text as evidence shows.
fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}
