use std::sync::Arc;

use flyball_core::{Column, Table};
use flyball_data::check::{Context, evaluate};
use flyball_data::formats::parquet;
use flyball_data::profile::{profile, profile_rows};
use flyball_data::scan::ParquetRows;
use flyball_data::sensitive::Sensitive;
use flyball_data::suggest::suggest;

use super::{table, texts};

fn people(rows: usize) -> Arc<Table> {
    let mails: Vec<String> = (0..rows).map(|row| format!("user{row}@example.org")).collect();
    let days: Vec<String> = (0..rows).map(|row| format!("2024-03-{:02}", row % 28 + 1)).collect();
    let of = |values: &[String]| texts(&values.iter().map(|value| Some(value.as_str())).collect::<Vec<_>>());
    Arc::new(table(vec![
        ("id", Column::Int((0..rows as i64).collect())),
        ("mail", of(&mails)),
        ("joined", of(&days)),
        ("plan", texts(&(0..rows).map(|row| Some(["free", "paid"][row % 2])).collect::<Vec<_>>())),
        (
            "spent",
            Column::Float((0..rows).map(|row| if row % 10 == 0 { f64::NAN } else { row as f64 / 3.0 }).collect()),
        ),
        ("visits", Column::Int((0..rows as i64).map(|row| (row * 7) % 400).collect())),
    ]))
}

#[test]
fn a_profile_says_what_columns_are() {
    let found = profile(&people(1000));
    let keys: Vec<&str> = found.columns.iter().filter(|one| one.candidate_key).map(|one| one.name.as_str()).collect();
    assert_eq!(keys, ["id", "mail"]);
    let mail = found.column("mail").unwrap();
    assert_eq!(mail.sensitive, Some(Sensitive::Email));
    assert_eq!(mail.lengths.map(|lengths| (lengths.min, lengths.max)), Some((17, 19)));
    assert_eq!(found.column("spent").unwrap().missing, 100);
    let strongest = &found.correlations[0];
    assert_eq!((strongest.left.as_str(), strongest.right.as_str()), ("id", "spent"));
    assert!(strongest.pearson > 0.999);
    assert!(found.columns.iter().all(|column| !column.estimated));
}

#[test]
fn the_same_rows_in_pieces_have_the_same_profile() {
    let whole = people(100_000);
    let kept = ParquetRows::of_bytes(parquet::write(&whole).unwrap().into()).unwrap();
    let (pieces, at_once) = (profile_rows(&kept).unwrap(), profile(&whole));
    assert_eq!(pieces.rows, at_once.rows);
    for (piece, whole) in pieces.columns.iter().zip(&at_once.columns) {
        assert_eq!((&piece.name, piece.missing, piece.distinct), (&whole.name, whole.missing, whole.distinct));
        assert_eq!(piece.sensitive, whole.sensitive);
        assert_eq!(piece.numbers.as_ref().map(|n| &n.quantiles), whole.numbers.as_ref().map(|n| &n.quantiles));
    }
    assert!(pieces.column("mail").unwrap().candidate_key);
}

#[test]
fn a_suggested_suite_holds_for_its_data_and_not_for_worse() {
    let rows = people(1000);
    let checks = suggest(&rows).unwrap();
    let texts: Vec<String> = checks.iter().map(ToString::to_string).collect();
    for expected in [
        "row_count >= 500",
        "schema(id: int, mail: text, joined: text, plan: text, spent: float, visits: int)",
        "not_null(id, mail, joined, plan, visits)",
        "unique(id)",
        "unique(mail)",
        "joined has the format %Y-%m-%d",
        "plan in {free, paid}",
        "null_rate(spent) <= 0.12",
        "0 <= spent <= 370",
        "0 <= visits <= 440",
    ] {
        assert!(texts.iter().any(|text| text == expected), "{expected}: {texts:#?}");
    }
    let outcomes = evaluate(&rows, &checks, &Context::default()).unwrap();
    assert!(outcomes.iter().all(|outcome| outcome.passed), "{outcomes:#?}");
    let twice: Vec<usize> = (0..400).chain(0..400).collect();
    let worse = evaluate(&Arc::new(rows.take(&twice)), &checks, &Context::default()).unwrap();
    let failed: Vec<&str> =
        worse.iter().filter(|outcome| !outcome.passed).map(|outcome| outcome.text.as_str()).collect();
    assert_eq!(failed, ["unique(id)", "unique(mail)"]);
}

#[test]
fn nothing_is_suggested_for_no_rows() {
    assert!(suggest(&people(0)).unwrap().is_empty());
}
