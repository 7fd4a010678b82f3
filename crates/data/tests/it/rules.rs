//! Every rule, on a table in memory and on the same rows in pieces of a Parquet file.

use std::sync::Arc;

use flyball_core::table::MISSING_INT;
use flyball_core::{Column, Result, Table, Timestamp};
use flyball_data::check::{Context, evaluate};
use flyball_data::formats::parquet;
use flyball_data::profile::{TableProfile, profile};
use flyball_data::scan::{ParquetRows, Rows};
use flyball_data::{Check, CheckOutcome};
use serde_json::{Value, json};

use super::{table, texts};

fn orders() -> Arc<Table> {
    Arc::new(table(vec![
        ("id", Column::Int(vec![1, 2, 3, 4, 5, 6])),
        ("customer", Column::Int(vec![7, 8, 9, 7, MISSING_INT, 8])),
        ("paid", Column::Float(vec![10.0, 20.0, 30.0, 40.0, f64::NAN, 1000.0])),
        ("due", Column::Float(vec![10.0, 25.0, 29.0, 40.0, 50.0, 1000.0])),
        ("state", texts(&[Some("open"), Some("done"), Some("done"), None, Some("done"), Some("lost")])),
        (
            "day",
            texts(&[Some("2024-02-29"), Some("2023-02-29"), Some("2024-1-1"), None, Some("x"), Some("2024-12-31")]),
        ),
        ("note", texts(&[Some("{}"), Some(r#"{"a":1}"#), Some("["), None, Some(r#"{"a":2}"#), Some("3")])),
        ("at", Column::Time(vec![0, 1000, 2000, 2000, 1500, 4000])),
    ]))
}

fn customers(name: Option<&str>) -> Result<Option<Box<dyn Rows>>> {
    let Some(_) = name else { return Ok(Some(Box::new(orders()))) };
    Ok(Some(Box::new(Arc::new(table(vec![("number", Column::Float(vec![7.0, 8.0]))])))))
}

/// The outcome of a rule, the same on both kinds of rows.
fn run(rule: &Value, context: &Context<'_>) -> CheckOutcome {
    let check: Check = serde_json::from_value(json!({ "rule": rule })).unwrap();
    let rows = orders();
    let kept = ParquetRows::of_bytes(parquet::write(&rows).unwrap().into()).unwrap();
    let found = evaluate(&rows, std::slice::from_ref(&check), context).unwrap().remove(0);
    assert_eq!(evaluate(&kept, &[check], context).unwrap(), std::slice::from_ref(&found));
    found
}

fn context() -> Context<'static> {
    Context { now: Some(Timestamp(64_000)), others: Some(&customers), ..Context::default() }
}

#[test]
fn rules_on_rows_name_those_that_fail() {
    for (rule, examined, failing) in [
        (json!({ "like": { "column": "state", "pattern": "do%" } }), 5, vec![0, 5]),
        (json!({ "like": { "column": "state", "pattern": "_o_e" } }), 5, vec![0, 5]),
        (json!({ "length": { "column": "day", "min": 8, "max": 9 } }), 5, vec![0, 1, 4, 5]),
        (json!({ "date_format": { "column": "day", "format": "%Y-%m-%d" } }), 5, vec![1, 2, 4]),
        (json!({ "json": { "column": "note" } }), 5, vec![2]),
        (json!({ "json": { "column": "note", "keys": ["a"] } }), 5, vec![0, 2, 5]),
        (json!({ "increasing": { "column": "at" } }), 6, vec![4]),
        (json!({ "increasing": { "column": "at", "strictly": true } }), 6, vec![3, 4]),
        (json!({ "decreasing": { "column": "id" } }), 6, vec![1, 2, 3, 4, 5]),
        (json!({ "compare": { "column": "paid", "is": "<=", "other": "due" } }), 5, vec![2]),
        (json!({ "compare": { "column": "paid", "is": "=", "other": "due" } }), 5, vec![1, 2]),
        (json!({ "references": { "column": "customer", "dataset": "people@2", "to": "number" } }), 5, vec![2]),
        (json!({ "outliers": { "column": "due", "method": "iqr", "limit": 3.0 } }), 6, vec![5]),
        (json!({ "outliers": { "column": "due", "method": "z_score", "limit": 2.0 } }), 6, vec![5]),
        (json!({ "unique": { "columns": ["customer"] } }), 5, vec![0, 1, 3, 5]),
        (json!({ "unique": { "columns": ["customer", "state"] } }), 4, vec![]),
    ] {
        let outcome = run(&rule, &context());
        assert_eq!(
            (outcome.examined, outcome.failing, &outcome.first_rows),
            (examined, failing.len(), &failing),
            "{rule}"
        );
        assert_eq!(outcome.passed, failing.is_empty(), "{rule}");
    }
}

#[test]
fn rules_on_the_whole_say_what_they_found() {
    for (rule, passes, finding) in [
        (json!({ "column_count": { "min": 9 } }), false, "8 columns"),
        (json!({ "column_exists": { "columns": ["id", "stat"] } }), false, "'stat' is missing; did you mean state"),
        (json!({ "distinct_count": { "column": "customer", "min": 3.0, "max": 3.0 } }), true, "it is 3"),
        (json!({ "distinct_set": { "column": "state", "values": ["open", "done"] } }), false, "'lost' is not expected"),
        (json!({ "distinct_set": { "column": "state", "values": ["open", "done", "lost"] } }), true, "as expected"),
        (json!({ "min": { "column": "due", "min": 10.0 } }), true, "it is 10"),
        (json!({ "max": { "column": "due", "max": 999.0 } }), false, "it is 1000"),
        (json!({ "mean": { "column": "paid", "min": 220.0, "max": 220.0 } }), true, "it is 220"),
        (json!({ "median": { "column": "paid", "min": 30.0, "max": 30.0 } }), true, "it is 30"),
        (json!({ "quantile": { "column": "due", "level": 0.2, "max": 24.0 } }), false, "it is 25"),
        (json!({ "sum": { "column": "paid", "max": 1100.0 } }), true, "it is 1100"),
        (json!({ "stdev": { "column": "id", "min": 1.8, "max": 1.9 } }), true, "it is 1.87083"),
        (json!({ "class_balance": { "column": "state", "min": 0.3 } }), false, "'open' has 1 of 5"),
        (json!({ "freshness": { "column": "at", "max_age": 60_000 } }), true, "the latest time is 1970-01-01T00:00:04"),
        (json!({ "freshness": { "column": "at", "max_age": 59_999 } }), false, "the check ran at"),
        (json!({ "row_count_change": { "min": 0.0 } }), true, "no earlier version"),
        (json!({ "leakage": { "label": "id", "max": 0.9 } }), true, "no column"),
        (json!({ "duplicate_rows": {} }), true, ""),
        (json!({ "distribution": { "column": "due", "distance": "ks", "max": 0.0 } }), true, "it is 0"),
        (json!({ "distribution": { "column": "state", "distance": "ks", "max": 0.0 } }), false, "for numbers"),
    ] {
        let outcome = run(&rule, &context());
        assert_eq!(outcome.passed, passes, "{rule} {outcome:?}");
        assert!(outcome.told().contains(finding), "{rule} {outcome:?}");
    }
}

/// A table of one column of numbers.
fn numbers(values: impl IntoIterator<Item = f64>) -> Arc<Table> {
    Arc::new(table(vec![("x", Column::Float(values.into_iter().collect()))]))
}

#[test]
fn earlier_versions_say_what_is_usual() {
    let history: Vec<TableProfile> =
        [100, 104, 98, 102].iter().map(|rows| profile(&numbers((0..*rows).map(f64::from)))).collect();
    let context = Context { history: &history, ..Context::default() };
    let judge = |rows: i32, rule: Value| {
        let check: Check = serde_json::from_value(json!({ "rule": rule })).unwrap();
        evaluate(&numbers((0..rows).map(f64::from)), &[check], &context).unwrap().remove(0)
    };
    let change = || json!({ "row_count_change": { "min": -0.1, "max": 0.1 } });
    assert!(judge(110, change()).passed && !judge(113, change()).passed && !judge(90, change()).passed);
    let usual = || json!({ "anomaly": { "of": "row_count", "deviations": 3.0 } });
    assert!(judge(107, usual()).passed);
    let outcome = judge(120, usual());
    assert!(!outcome.passed && outcome.told().contains("4 earlier versions have 101"), "{outcome:?}");
    assert!(judge(105, json!({ "anomaly": { "of": "mean", "column": "x", "change": 0.05 } })).passed);
    assert!(!judge(120, json!({ "anomaly": { "of": "mean", "column": "x", "change": 0.05 } })).passed);
    assert!(!judge(120, json!({ "anomaly": { "of": "mean", "deviations": 3.0 } })).passed);
}

#[test]
fn distributions_are_compared_with_a_reference() {
    let reference = |_: Option<&str>| -> Result<Option<Box<dyn Rows>>> {
        Ok(Some(Box::new(numbers((0..2000).map(|x| f64::from(x % 100))))))
    };
    let context = Context { others: Some(&reference), ..Context::default() };
    let judge = |shift: f64, distance: &str, max: f64| {
        let rule = json!({ "distribution": { "column": "x", "distance": distance, "max": max, "against": "x@1" } });
        let check: Check = serde_json::from_value(json!({ "rule": rule })).unwrap();
        evaluate(&numbers((0..2000).map(|x| f64::from(x % 100) + shift)), &[check], &context).unwrap().remove(0)
    };
    for (distance, max) in [
        ("ks", 0.1),
        ("psi", 0.2),
        ("jensen_shannon", 0.1),
        ("l_infinity", 0.1),
        ("chi_square", 0.1),
        ("wasserstein", 0.1),
    ] {
        assert!(judge(0.0, distance, max).passed, "{distance}");
        assert!(!judge(30.0, distance, max).passed, "{:?}", judge(30.0, distance, max));
    }
}

#[test]
fn a_column_that_tells_the_label_is_found() {
    let label: Vec<u8> = (0..400).map(|row| u8::from(row % 3 == 0)).collect();
    let told = label.iter().map(|late| f64::from(*late) * 5.0 + 1.0).collect();
    let rows = Arc::new(table(vec![
        ("noise", Column::Int((0..400).map(|row| (row * 7919) % 400).collect())),
        ("delay", Column::Float(told)),
        ("late", Column::Bool(label)),
    ]));
    let check: Check =
        serde_json::from_value(json!({ "rule": { "leakage": { "label": "late", "max": 0.94 } } })).unwrap();
    let outcome = evaluate(&rows, &[check], &Context::default()).unwrap().remove(0);
    assert!(!outcome.passed && outcome.told().ends_with("'delay' alone has AUC 1.000"), "{outcome:?}");
}

#[test]
fn rows_that_repeat_others_are_the_later_ones() {
    let rows = Arc::new(table(vec![
        ("a", Column::Int(vec![1, 2, 1, 1, 3])),
        ("b", texts(&[Some("x"), None, Some("x"), Some("y"), None])),
    ]));
    let of = |max: f64| {
        let check: Check = serde_json::from_value(json!({ "rule": { "duplicate_rows": { "max": max } } })).unwrap();
        evaluate(&rows, &[check], &Context::default()).unwrap().remove(0)
    };
    assert_eq!((of(0.0).passed, of(0.0).failing, of(0.0).first_rows), (false, 1, vec![2]));
    assert!(of(0.2).passed && !of(0.19).passed);
}

#[test]
fn many_rows_in_pieces_give_what_the_whole_gives() {
    let rows = 100_000_i64;
    let whole = Arc::new(table(vec![
        ("id", Column::Int((0..rows).map(|row| if row == 90_000 { 5 } else { row }).collect())),
        ("x", Column::Float((0..rows).map(|row| ((row * 7919) % 1000) as f64).collect())),
        (
            "kind",
            texts(&(0..rows).map(|row| if row == 70_000 { Some("odd") } else { Some("even") }).collect::<Vec<_>>()),
        ),
    ]));
    let kept = ParquetRows::of_bytes(parquet::write(&whole).unwrap().into()).unwrap();
    let checks: Vec<Check> = [
        json!({ "unique": { "columns": ["id"] } }),
        json!({ "increasing": { "column": "id", "strictly": true } }),
        json!({ "in_set": { "column": "kind", "values": ["even"] } }),
        json!({ "median": { "column": "x", "min": 499.0, "max": 500.0 } }),
        json!({ "row_count": { "min": 100_000, "max": 100_000 } }),
    ]
    .into_iter()
    .map(|rule| serde_json::from_value(json!({ "rule": rule })).unwrap())
    .collect();
    let found = evaluate(&kept, &checks, &Context::default()).unwrap();
    assert_eq!(found, evaluate(&whole, &checks, &Context::default()).unwrap());
    assert_eq!(found[0].first_rows, [5, 90_000]);
    assert_eq!(found[1].first_rows, [90_000]);
    assert_eq!(found[2].first_rows, [70_000]);
    assert!(found[3].passed && found[4].passed);
    assert_eq!(kept.take(&[5, 70_000, 90_000]).unwrap(), Table::take(&whole, &[5, 70_000, 90_000]));
}
