//! The language of conditions.

use flyball_core::Task;
use flyball_loops::expression::{Aggregate, Condition, Facts, Measured, Scope, Subject};

/// Known facts; what is not listed is missing.
struct Table;

impl Facts for Table {
    fn value(&self, subject: Subject, metric: &str) -> Option<Measured> {
        let value = match (subject, metric) {
            (Subject::Current, "auc") => 0.70,
            (Subject::Champion, "auc") => 0.71,
            (Subject::Current, "error_rate") => 0.02,
            (Subject::Current, "log_loss") => f64::NAN,
            (Subject::Current, "base_rate") => 0.0,
            _ => return None,
        };
        Some(Measured { value, low: Some(value - 0.01), high: Some(value + 0.01), note: None })
    }

    fn by_group(&self, aggregate: Aggregate, metric: &str, column: &str) -> Option<Measured> {
        (aggregate == Aggregate::Worst && metric == "auc" && column == "carrier").then(|| Measured::from(0.5))
    }

    fn flag(&self, name: &str) -> Option<bool> {
        (name == "drift").then_some(true)
    }
}

fn parse(text: &str) -> Result<Condition, String> {
    Condition::parse(text, Scope::Remedy, Task::Classification).map_err(|error| {
        let end = (error.end).min(text.chars().count());
        let blamed: String = text.chars().take(end).skip(error.start).collect();
        format!("[{blamed}] {}; {}", error.message, error.hint.unwrap_or_default())
    })
}

fn holds(text: &str) -> Option<bool> {
    parse(text).unwrap().evaluate(&Table).holds
}

#[test]
fn conditions_hold_by_their_arithmetic_and_precedence() {
    for (text, expected) in [
        ("auc >= 0.7", true),
        ("auc > 0.7", false),
        ("auc >= champion.auc - 0.02", true),
        ("auc >= champion.auc - 0.005", false),
        ("auc - 0.1 - 0.1 > 0.55", false),
        ("auc - (0.1 - 0.1) > 0.55", true),
        ("1 + 2 * auc == 2.4", true),
        ("-auc < -50%", true),
        ("error_rate > 1%", true),
        ("auc > 1 and auc > 1 or drift", true),
        ("auc > 1 and (auc > 1 or drift)", false),
        ("not auc > 1 and drift", true),
        ("not (drift and auc > 0.5)", false),
        ("worst(auc, by: carrier) >= 0.55", false),
        ("(auc + champion.auc) / 2 != 0", true),
    ] {
        assert_eq!(holds(text), Some(expected), "{text}");
    }
}

#[test]
fn a_missing_value_makes_unknown_only_what_hangs_on_it() {
    for (text, expected) in [
        ("baseline.auc > 0.5", None),
        ("log_loss < 1", None),
        ("auc / base_rate > 1", None),
        ("worst(auc, by: origin) > 0", None),
        ("not baseline.auc > 0.5", None),
        ("baseline.auc > 0.5 or drift", Some(true)),
        ("baseline.auc > 0.5 and drift", None),
        ("baseline.auc > 0.5 and auc > 1", Some(false)),
        ("auc > 1 or baseline.auc > 0.5", None),
    ] {
        assert_eq!(holds(text), expected, "{text}");
    }
}

#[test]
fn the_evidence_names_each_term_once() {
    let verdict = parse("drift and  auc < champion.auc or auc < worst( auc,by:carrier )").unwrap().evaluate(&Table);
    let shown: Vec<(String, Option<f64>)> =
        verdict.evidence.into_iter().map(|(term, measured)| (term, measured.map(|m| m.value))).collect();
    let expected = [("drift", 1.0), ("auc", 0.70), ("champion.auc", 0.71), ("worst(auc, by: carrier)", 0.5)];
    assert_eq!(shown, expected.map(|(term, value)| (term.to_owned(), Some(value))));
    assert_eq!(verdict.text, "drift and auc < champion.auc or auc < worst( auc,by:carrier )");
}

#[test]
fn a_condition_lists_what_it_needs() {
    let condition =
        parse("worst(auc, by: carrier) > 0.5 and champion.log_loss < ratio(recall, by: carrier) for 2 windows")
            .unwrap();
    assert_eq!(condition.columns(), ["carrier"]);
    assert_eq!(condition.metrics().iter().map(|m| m.name).collect::<Vec<_>>(), ["auc", "log_loss", "recall"]);
    assert!(condition.mentions(Subject::Champion) && !condition.mentions(Subject::Baseline));
    assert_eq!(condition.windows(), 2);
    assert!(!condition.is_of_serving());
    assert!(parse("error_rate > 1% or latency_p99_ms > 50").unwrap().is_of_serving());
    let of_columns = parse("missing(distance) > 20% and unseen(origin) + range(distance) < labels").unwrap();
    let terms: Vec<String> = of_columns.terms().iter().map(ToString::to_string).collect();
    assert_eq!(terms, ["missing(distance)", "unseen(origin)", "range(distance)", "labels"]);
}

#[test]
fn what_is_wrong_is_blamed_and_a_way_out_is_named() {
    for (text, expected) in [
        ("acu > 1", "[acu] there is no metric 'acu'; did you mean 'auc'?"),
        ("latency_p99 > 50", "[latency_p99] there is no metric 'latency_p99'; did you mean 'latency_p99_ms'?"),
        ("wurst(auc, by: a) > 1", "[wurst] there is no function 'wurst'; did you mean 'worst'?"),
        (
            "champ.auc > 1",
            "[champ] there is no subject 'champ'; the subjects are: champion, reference, baseline, estimated",
        ),
        ("auc", "[auc] this is a number, not a condition; compare it, as in auc >= 0.65"),
        ("auc >= ", "[] the condition ends where a metric or a number belongs; "),
        ("0.1 < auc < 0.9", "[<] a comparison has two sides; write a < b and b < c"),
        ("auc = 1", "[=] '=' has no meaning here; write '==' to compare"),
        ("auc > 1 && drift", "[&] '&' has no meaning here; write 'and'"),
        ("drift > 0.5", "[drift ] 'drift' is so or not; it has no number; write 'drift' or 'not drift' alone"),
        ("auc + drift > 1", "[drift] 'drift' is so or not; it has no number; write 'drift' or 'not drift' alone"),
        (
            "(auc > 1) + 1 > 2",
            "[(auc > 1)] this is a condition, not a number; compare two values at a time and join the comparisons with 'and'",
        ),
        ("auc and drift", "[auc] this is a number, not a condition; compare it, as in auc >= 0.65"),
        (
            "1 > 0",
            "[1 > 0] the condition names no metric, so nothing can change it; compare a metric, as in auc >= 0.65",
        ),
        ("auc > 1 drift", "[drift] 'drift' does not belong here; join two conditions with 'and' or 'or'"),
        ("worst(auc) > 1", "[)] expected ',', found ')'; "),
        ("worst(auc, per: a) > 1", "[per] expected by: and a column, found 'per'; "),
        (
            "worst(selection_rate, by: a) > 1",
            "[selection_rate] 'selection_rate' has no better side; compare its groups with ratio(…) or difference(…)",
        ),
        ("drift for 1.5 windows", "[1.5] expected a whole number of windows, found a number; "),
        ("drift for 0 windows", "[0] expected a whole number of windows, found a number; "),
        ("auc > 0.6.5", "[0.6.5] '0.6.5' is not a number; write it as 0.65 or 5%"),
        (
            "rmse > 3",
            "[rmse] 'rmse' is a metric of regression; this loop's task is classification; the metrics are: auc, log_loss, brier, accuracy, precision, recall, f1, false_positive_rate, selection_rate, base_rate and 33 more",
        ),
        (
            "champion.error_rate > 1",
            "[champion.error_rate] 'error_rate' is only known of what serves; write 'error_rate' without 'champion.'",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn each_scope_refuses_what_it_cannot_know() {
    for (scope, text, expected) in [
        (Scope::Gate, "drift", "'drift' is only known to the monitor"),
        (Scope::Gate, "error_rate < 1%", "'error_rate' is only known while a version serves; a gate is judged before"),
        (Scope::Gate, "auc > 0.5 for 2 windows", "only remedies are judged window after window"),
        (Scope::Abort, "drift", "'drift' is only known to the monitor"),
        (Scope::Gate, "missing(distance) < 1%", "'missing' is only known to the monitor"),
        (Scope::Abort, "data_fault", "'data_fault' is only known to the monitor"),
        (Scope::Gate, "labels > 90%", "'labels' is only known to the monitor"),
        (Scope::Gate, "estimated.auc > 0.5", "only the monitor estimates metrics"),
    ] {
        let error = Condition::parse(text, scope, Task::Classification).unwrap_err();
        assert_eq!(error.message, expected, "{text}");
        assert!(error.hint.is_some(), "{text}");
    }
}

#[test]
fn hostile_texts_end_in_an_error() {
    for text in [
        "(".repeat(900),
        format!("{}drift", "not ".repeat(200)),
        "-".repeat(900),
        "auc + ".repeat(5000),
        "é(".into(),
        "auc > 1e999".into(),
        "\u{0}".into(),
        String::new(),
    ] {
        assert!(parse(&text).is_err(), "{text:.20}");
    }
    let long = format!("auc {}> 1", "+ 1 ".repeat(200));
    assert_eq!(holds(&long), Some(true));
}
