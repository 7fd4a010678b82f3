//! Whether the rows are what they seem: constants, repetitions, contradictions, outliers, rare classes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use flyball_core::{Column, FeatureKind, Result, Table, Value};
use serde_json::{Value as Json, json};

use super::bench::{Bench, Finding};

/// Evidence names at most so many columns, rows or texts: enough to see the pattern.
pub(super) const SHOWN: usize = 20;
/// A number is an outlier beyond so many middle ranges (third less first quartile) outside of the quartiles; Tukey's
/// "far out", which one normal number in 400,000 is.
const FAR_OUT: f64 = 3.0;
/// A column of numbers with fewer distinct values is rather a code than a measure.
const MEASURE_VALUES: usize = 10;
/// With more classes than this a label is a number, or names rows.
const CLASSES: usize = 200;

pub(super) fn single_value(bench: &Bench<'_>) -> Result<Finding> {
    let rows = &bench.rows;
    if rows.rows() < 2 {
        return Ok(Finding::missing("there are fewer than two rows"));
    }
    let constant = |column: &Column| {
        let first = column.value(0);
        (1..column.len()).all(|row| column.value(row) == first)
    };
    let found: Vec<&str> = rows.columns().filter(|(_, column)| constant(column)).map(|(name, _)| name).collect();
    Ok(Finding::of(found.len() as f64, listed("columns with a single value", &found))
        .because(json!({ "columns": found })))
}

pub(super) fn duplicates(bench: &Bench<'_>) -> Result<Finding> {
    let table = bench.case.rows;
    let mut seen: HashMap<u64, usize> = HashMap::with_capacity(table.rows());
    let mut repeated: Vec<(usize, usize)> = Vec::new();
    for (row, hash) in row_hashes(table, &but(table, &[bench.case.key])).into_iter().enumerate() {
        match seen.get(&hash) {
            Some(first) => repeated.push((row, *first)),
            None => drop(seen.insert(hash, row)),
        }
    }
    if table.rows() == 0 {
        return Ok(Finding::missing("there are no rows"));
    }
    let share = repeated.len() as f64 / table.rows() as f64;
    let text = format!("{} of {} rows repeat an earlier one", repeated.len(), table.rows());
    repeated.truncate(SHOWN);
    Ok(Finding::of(share, text).because(json!({ "row_and_first": repeated })))
}

pub(super) fn conflicting_labels(bench: &Bench<'_>) -> Result<Finding> {
    let (table, Some(label)) = (bench.case.rows, bench.case.label) else {
        return Ok(Finding::missing("no label is known"));
    };
    let labels = table.column(label)?;
    let Some(_) = classes_of(labels) else { return Ok(Finding::missing("the label is a number")) };
    let features: Vec<&str> = bench.features.iter().map(String::as_str).collect();
    let mut groups: HashMap<u64, (Option<String>, usize, bool)> = HashMap::new();
    let mut labelled = 0;
    for (row, hash) in row_hashes(table, &features).into_iter().enumerate() {
        let text = labels.value(row).text();
        if text.is_none() {
            continue;
        }
        labelled += 1;
        let group = groups.entry(hash).or_insert_with(|| (text.clone(), 0, false));
        group.1 += 1;
        group.2 |= group.0 != text;
    }
    let rows: usize = groups.values().filter(|group| group.2).map(|group| group.1).sum();
    if labelled == 0 {
        return Ok(Finding::missing("no row has a label"));
    }
    let text = format!("{rows} of {labelled} rows have the features of a row with another label");
    Ok(Finding::of(rows as f64 / labelled as f64, text))
}

pub(super) fn outliers(bench: &Bench<'_>) -> Result<Finding> {
    let mut found: Vec<(f64, &str, Json)> = Vec::new();
    for name in bench.features_of(FeatureKind::Number) {
        let mut known: Vec<f64> = bench.rows.column(name)?.numbers();
        known.retain(|value| value.is_finite());
        known.sort_unstable_by(f64::total_cmp);
        let distinct = 1 + known.windows(2).filter(|pair| pair[0] != pair[1]).count();
        let Some(last) = known.len().checked_sub(1).filter(|_| distinct >= MEASURE_VALUES) else { continue };
        let quartile = |share: f64| known[(last as f64 * share).round() as usize];
        let (low, high) = (quartile(0.25), quartile(0.75));
        let range = FAR_OUT * (high - low);
        if range <= 0.0 {
            continue;
        }
        let out = known.iter().filter(|value| **value < low - range || **value > high + range).count();
        let share = out as f64 / known.len() as f64;
        let bounds = json!({ "column": name, "share": share, "rows": out, "low": low - range, "high": high + range,
            "min": known[0], "max": known[last] });
        found.push((share, name, bounds));
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let Some((share, name, _)) = found.first() else {
        return Ok(Finding::missing("no feature is a measure"));
    };
    let text = format!("{:.2} % of '{name}' lie far outside of its middle range", share * 100.0);
    let share = *share;
    let evidence: Vec<Json> = found.into_iter().take(SHOWN).map(|(_, _, bounds)| bounds).collect();
    Ok(Finding::of(share, text).because(json!({ "columns": evidence })))
}

pub(super) fn class_imbalance(bench: &Bench<'_>) -> Result<Finding> {
    let Some(label) = bench.case.label else { return Ok(Finding::missing("no label is known")) };
    let Some(mut classes) = classes_of(bench.case.rows.column(label)?) else {
        return Ok(Finding::missing("the label is a number"));
    };
    // A class that the model knows and no row has is the rarest of all.
    let known = bench.case.model.map(|model| model.signature().classes.len()).unwrap_or_default();
    classes.sort_by_key(|class| class.1);
    let (Some(rarest), Some(commonest)) = (classes.first(), classes.last()) else {
        return Ok(Finding::missing("no row has a label"));
    };
    let rare = if classes.len() < known.max(2) { 0 } else { rarest.1 };
    let text = match rare {
        0 => format!("of {} classes {} occur", known.max(2), classes.len()),
        rare => format!("{rare} rows are '{}', {} are '{}'", rarest.0, commonest.1, commonest.0),
    };
    let ratio = rare as f64 / commonest.1 as f64;
    let shown: Vec<_> = classes.iter().take(SHOWN).collect();
    Ok(Finding::of(ratio, text).because(json!({ "classes": shown })))
}

/// Each class with its rows; `None` when the values are measures.
pub(super) fn classes_of(labels: &Column) -> Option<Vec<(String, usize)>> {
    if let Column::Float(values) = labels
        && values.iter().any(|value| value.fract() != 0.0 && !value.is_nan())
    {
        return None;
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for text in (0..labels.len()).filter_map(|row| labels.value(row).text()) {
        *counts.entry(text).or_default() += 1;
        if counts.len() > CLASSES {
            return None;
        }
    }
    Some(counts.into_iter().collect())
}

/// All columns but these.
pub(super) fn but<'t>(table: &'t Table, left_out: &[Option<&str>]) -> Vec<&'t str> {
    table.names().iter().map(String::as_str).filter(|name| !left_out.contains(&Some(name))).collect()
}

/// For each row a hash of its values in some columns. Whole numbers hash alike however they are kept, so that rows of
/// two tables can be compared; columns that are not there count as missing.
pub(super) fn row_hashes(table: &Table, names: &[&str]) -> Vec<u64> {
    let mut hashers = vec![DefaultHasher::new(); table.rows()];
    for name in names {
        let column = table.position(name).map(|position| table.at(position));
        for (row, hasher) in hashers.iter_mut().enumerate() {
            match column.map_or(Value::Missing, |column| column.value(row)) {
                Value::Missing => 0u8.hash(hasher),
                Value::Text(text) => (1u8, &*text).hash(hasher),
                number => (2u8, (number.number() + 0.0).to_bits()).hash(hasher),
            }
        }
    }
    hashers.into_iter().map(|hasher| hasher.finish()).collect()
}

/// The hashes of the rows that are in a table.
pub(super) fn hash_set(table: &Table, names: &[&str]) -> HashSet<u64> {
    row_hashes(table, names).into_iter().collect()
}

/// `no columns with a single value`, or their number and the first names.
pub(super) fn listed(what: &str, names: &[&str]) -> String {
    /// How many are named in a sentence.
    const NAMED: usize = 5;
    if names.is_empty() {
        return format!("no {what}");
    }
    let more = if names.len() > NAMED { ", …" } else { "" };
    format!("{} {what}: {}{more}", names.len(), names[..names.len().min(NAMED)].join(", "))
}
