use std::sync::Arc;

use flyball_core::{Column, Kind, Table};
use flyball_data::compare::{RowDiff, diff};
use flyball_data::formats::parquet;
use flyball_data::scan::ParquetRows;
use serde_json::json;

use super::{table, texts};

fn kept(table: &Table) -> ParquetRows {
    ParquetRows::of_bytes(parquet::write(table).unwrap().into()).unwrap()
}

/// The difference, the same in memory and in pieces.
fn of(before: &Arc<Table>, after: &Arc<Table>, key: &[&str]) -> RowDiff {
    let key: Vec<String> = key.iter().map(|name| (*name).to_owned()).collect();
    let found = diff(before, after, &key).unwrap();
    assert_eq!(diff(&kept(before), &kept(after), &key).unwrap(), found);
    found
}

fn stock(ids: Vec<i64>, names: &[Option<&str>], prices: Vec<f64>) -> Arc<Table> {
    Arc::new(table(vec![("id", Column::Int(ids)), ("name", texts(names)), ("price", Column::Float(prices))]))
}

#[test]
fn rows_are_matched_by_key_in_any_order() {
    let before = stock(vec![1, 2, 3, 4], &[Some("a"), Some("b"), None, Some("d")], vec![1.0, 2.0, f64::NAN, 4.0]);
    let after = stock(vec![5, 4, 3, 2], &[Some("e"), Some("d"), Some("c"), Some("b")], vec![5.0, 4.5, f64::NAN, 2.0]);
    let found = of(&before, &after, &["id"]);
    assert_eq!((found.added, found.removed, found.changed), (1, 1, 2));
    assert_eq!(found.added_rows, [[json!(5), json!("e"), json!(5.0)]]);
    assert_eq!(found.removed_rows, [[json!(1), json!("a"), json!(1.0)]]);
    let changed: Vec<(&str, usize)> = found.columns.iter().map(|one| (one.name.as_str(), one.changed)).collect();
    assert_eq!(changed, [("id", 0), ("name", 1), ("price", 1)]);
    let name = &found.columns[1].examples[0];
    assert_eq!((&name.key, &name.before, &name.after), (&vec![json!(3)], &json!(null), &json!("c")));
    assert_eq!(of(&before, &before, &["id"]).changed, 0);
}

#[test]
fn rows_in_the_order_of_the_key_give_the_same() {
    let rows = 80_000_i64;
    let make = |skip: i64, shift: i64| {
        let ids: Vec<i64> = (0..rows).filter(|id| id % skip != 0).collect();
        let values = ids.iter().map(|id| if id % shift == 0 { -1.0 } else { *id as f64 }).collect();
        Arc::new(table(vec![("id", Column::Int(ids)), ("x", Column::Float(values))]))
    };
    let (before, after) = (make(1000, 1 << 40), make(900, 7));
    let sorted = of(&before, &after, &["id"]);
    let backwards: Vec<usize> = (0..after.rows()).rev().collect();
    let other = of(&before, &Arc::new(after.take(&backwards)), &["id"]);
    let counts = |found: &RowDiff| (found.added, found.removed, found.changed, found.columns[1].changed);
    assert_eq!(counts(&sorted), counts(&other));
    let only = |of: i64, not: i64| (0..rows).filter(|id| id % of == 0 && id % not != 0).count();
    assert_eq!((sorted.added, sorted.removed), (only(1000, 900), only(900, 1000)));
    let changed = (0..rows).filter(|id| id % 7 == 0 && id % 1000 != 0 && id % 900 != 0).count();
    assert_eq!(sorted.changed, changed);
}

#[test]
fn columns_come_go_and_change_their_type() {
    let before = Arc::new(table(vec![
        ("a", texts(&[Some("x"), Some("x")])),
        ("b", Column::Int(vec![1, 2])),
        ("n", Column::Int(vec![3, 4])),
        ("old", Column::Int(vec![0, 0])),
    ]));
    let after = Arc::new(table(vec![
        ("a", texts(&[Some("x"), Some("x")])),
        ("b", Column::Float(vec![2.0, 1.0])),
        ("n", texts(&[Some("3"), Some("4")])),
        ("new", Column::Bool(vec![1, 0])),
    ]));
    let found = of(&before, &after, &["a", "b"]);
    assert_eq!((found.added, found.removed), (0, 0));
    assert_eq!(found.added_columns[0].name, "new");
    assert_eq!(found.removed_columns[0].name, "old");
    let n = found.columns.iter().find(|one| one.name == "n").unwrap();
    assert_eq!((n.kinds, n.changed, n.drift.is_none()), ([Kind::Int, Kind::Text], 2, true));
}

#[test]
fn a_key_must_be_there_and_tell_rows_apart() {
    let rows = stock(vec![1, 2, 2], &[Some("a"), Some("b"), Some("b")], vec![1.0, 2.0, 2.0]);
    let key = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for (names, message) in
        [(vec!["id"], "first version apart"), (vec!["ids"], "no column 'ids'"), (vec![], "by a key")]
    {
        assert!(diff(&rows, &rows, &key(&names)).unwrap_err().message().contains(message));
    }
    let fine = stock(vec![1, 2, 3], &[None, None, None], vec![1.0, 2.0, 3.0]);
    assert!(diff(&fine, &rows, &key(&["id"])).unwrap_err().message().contains("second version apart"));
    let found = of(&fine, &fine, &["name"]);
    assert_eq!((found.without_key, found.added, found.removed), ([3, 3], 0, 0));
}

#[test]
fn drift_of_a_column_is_told() {
    let make = |shift: f64| {
        let values = (0..3000).map(|row| f64::from((row * 7919) % 1000) + shift).collect();
        Arc::new(table(vec![("id", Column::Int((0..3000).collect())), ("x", Column::Float(values))]))
    };
    let found = of(&make(0.0), &make(300.0), &["id"]);
    let drift = found.columns[1].drift.unwrap();
    assert!((drift.ks.unwrap() - 0.3).abs() < 0.01 && drift.p_value < 1e-6, "{drift:?}");
    assert!(found.columns[0].drift.unwrap().p_value > 0.99);
}
