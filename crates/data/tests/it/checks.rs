use std::sync::Arc;

use flyball_core::{Column, Kind, Table, limits};
use flyball_data::check::{Context, Count, Pattern, Values, evaluate, passed};
use flyball_data::{Check, CheckOutcome, Literal, Rule, Severity};

use super::{table, texts};

fn departures() -> Arc<Table> {
    Arc::new(table(vec![
        ("id", Column::Int(vec![1, 2, 2, 3, flyball_core::table::MISSING_INT])),
        ("origin", texts(&[Some("EWR"), Some("JFK"), Some("BOS"), None, Some("EWR")])),
        ("distance", Column::Float(vec![100.0, 9.0, f64::NAN, 6001.0, 10.0])),
        ("late", Column::Bool(vec![1, 0, 2, 1, 0])),
        ("at", Column::Time(vec![0, 86_400_000, 5, 6, 7])),
    ]))
}

fn run(rule: Rule) -> CheckOutcome {
    evaluate(&departures(), &[Check::strict(rule)], &Context::default()).unwrap().remove(0)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn text(text: &str) -> Literal {
    Literal::Text(text.into())
}

#[test]
fn rules_on_rows_find_exactly_the_failing_ones() {
    let column = |name: &str| name.to_owned();
    let cases = [
        (Rule::NotNull { columns: names(&["id", "origin"]) }, 5, vec![3, 4]),
        (Rule::Unique { columns: names(&["id"]) }, 4, vec![1, 2]),
        (Rule::Unique { columns: names(&["id", "origin"]) }, 3, vec![]),
        (Rule::InSet(Values { column: column("origin"), values: vec![text("EWR"), text("JFK")] }), 4, vec![2]),
        (Rule::InSet(Values { column: column("id"), values: vec![Literal::Int(1), Literal::Float(2.0)] }), 4, vec![3]),
        (Rule::InSet(Values { column: column("late"), values: vec![Literal::Bool(true)] }), 4, vec![1, 4]),
        (Rule::NotInSet(Values { column: column("origin"), values: vec![text("BOS")] }), 4, vec![2]),
        (
            Rule::Between { column: column("distance"), min: Some(Literal::Int(10)), max: Some(Literal::Int(6000)) },
            4,
            vec![1, 3],
        ),
        (Rule::Between { column: column("at"), min: None, max: Some(text("1970-01-01T12:00:00Z")) }, 5, vec![1]),
        (Rule::Regex(Pattern { column: column("origin"), pattern: "^[EJ]".into() }), 4, vec![2]),
    ];
    for (rule, examined, failing) in cases {
        let outcome = run(rule);
        assert_eq!(
            (outcome.examined, outcome.failing, &outcome.first_rows),
            (examined, failing.len(), &failing),
            "{}",
            outcome.text
        );
        assert_eq!(outcome.passed, failing.is_empty(), "{}", outcome.text);
    }
}

#[test]
fn rules_on_the_table_say_what_they_measured() {
    let schema = |late| {
        let kinds = [("id", Kind::Float), ("origin", Kind::Text), ("distance", Kind::Float), ("at", Kind::Time)];
        let mut columns: Vec<(String, Kind)> = kinds.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
        columns.push(("late".into(), late));
        Rule::Schema { columns }
    };
    for (rule, passes, finding) in [
        (Rule::NullRate { column: "origin".into(), max: 0.2 }, true, "1 of 5"),
        (Rule::NullRate { column: "origin".into(), max: 0.1 }, false, "1 of 5"),
        (Rule::RowCount(Count { min: Some(5), max: None }), true, "5 rows"),
        (Rule::RowCount(Count { min: None, max: Some(4) }), false, "5 rows"),
        (Rule::Type { column: "id".into(), kind: Kind::Float }, true, "int"),
        (Rule::Type { column: "origin".into(), kind: Kind::Int }, false, "text"),
        (schema(Kind::Bool), true, "as expected"),
        (schema(Kind::Text), false, "'late' is bool and not text"),
        (Rule::Schema { columns: vec![("id".into(), Kind::Int)] }, false, "'origin' is not expected"),
    ] {
        let outcome = run(rule);
        assert_eq!(outcome.passed, passes, "{}", outcome.text);
        assert!(outcome.finding.as_ref().unwrap().contains(finding), "{outcome:?}");
    }
}

#[test]
fn what_cannot_be_applied_has_failed_with_a_reason() {
    for (rule, reason) in [
        (Rule::NotNull { columns: names(&["orgin"]) }, "did you mean origin?"),
        (Rule::Unique { columns: vec![] }, "names no column"),
        (Rule::Between { column: "origin".into(), min: None, max: None }, "is text"),
        (Rule::Between { column: "at".into(), min: Some(text("soon")), max: None }, "'soon' cannot be compared"),
        (Rule::InSet(Values { column: "id".into(), values: vec![text("one")] }), "'one' cannot be compared"),
        (Rule::Regex(Pattern { column: "id".into(), pattern: "x".into() }), "not text"),
        (Rule::Regex(Pattern { column: "origin".into(), pattern: "(".into() }), "not valid"),
        (Rule::Expression { sql: "id > 0".into() }, "no query engine"),
    ] {
        let outcome = run(rule);
        assert!(!outcome.passed && outcome.finding.as_ref().unwrap().contains(reason), "{outcome:?}");
    }
}

#[test]
fn a_share_of_rows_may_fail_and_warnings_do_not_block() {
    let rule = Rule::InSet(Values { column: "origin".into(), values: vec![text("EWR"), text("JFK")] });
    let outcome = |severity, mostly| {
        evaluate(&departures(), &[Check { severity, mostly, ..Check::strict(rule.clone()) }], &Context::default())
            .unwrap()
    };
    assert!(passed(&outcome(Severity::Error, 0.75)));
    let strict = outcome(Severity::Error, 0.76);
    assert!(!passed(&strict));
    assert_eq!((strict[0].share, strict[0].text.as_str()), (0.25, "origin in {EWR, JFK} for 76% of the rows"));
    let warned = outcome(Severity::Warn, 1.0);
    assert!(passed(&warned) && !warned[0].passed);
}

#[test]
fn only_the_first_failing_rows_are_kept() {
    let many = Arc::new(table(vec![("x", Column::Int(vec![1; 1000]))]));
    let check = Check::strict(Rule::Unique { columns: names(&["x"]) });
    let outcome = evaluate(&many, &[check], &Context::default()).unwrap().remove(0);
    assert_eq!((outcome.failing, outcome.first_rows.len()), (1000, limits::FAILING_ROWS_KEPT));
}
