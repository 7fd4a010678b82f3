//! Files that must be refused, with the exact words.

use flyball_core::{Error, ErrorCode};
use flyball_loops::file::{LoopFile, LoopFileError, suite_of};

use crate::good_files::FLIGHTS;

fn refused(text: &str) -> LoopFileError {
    LoopFile::parse("flyball.yaml", text).expect_err("the file must be refused")
}

/// The rendering after one change of the example.
fn changed(from: &str, to: &str) -> String {
    assert!(FLIGHTS.contains(from), "{from:?} is not in the example");
    refused(&FLIGHTS.replacen(from, to, 1)).to_string()
}

#[test]
fn one_mistake_gives_one_problem_with_its_place() {
    for (from, to, expected) in [
        (
            "    label: late",
            "    lable: late",
            "flyball.yaml:11:5: data.departures: unknown key 'lable'\n   |\n11 |     lable: late\n   |     ^^^^^ did you mean 'label'?",
        ),
        (
            "label_delay: 1d",
            "label_delay: 1 day",
            "flyball.yaml:12:18: data.departures.label_delay: '1 day' is not a duration\n   |\n12 |     label_delay: 1 day\n   |                  ^^^^^ write it as 30s, 15m, 6h, 7d or 2w",
        ),
        (
            "task: classification",
            "task: clasification",
            "flyball.yaml:2:7: task: expected one of classification, regression, found 'clasification'\n  |\n2 | task: clasification\n  |       ^^^^^^^^^^^^^ did you mean 'classification'?",
        ),
        (
            "  - auc >= 0.65",
            "  - acu >= 0.65",
            "flyball.yaml:27:5: gates[0]: there is no metric 'acu'\n   |\n27 |   - acu >= 0.65\n   |     ^^^ did you mean 'auc'?",
        ),
        (
            "worst(auc, by: carrier) >= 0.55",
            "\"worst(rmse, by: carrier) >= 0.55\"",
            "flyball.yaml:29:12: gates[2]: 'rmse' is a metric of regression; this loop's task is classification\n   |\n29 |   - \"worst(rmse, by: carrier) >= 0.55\"\n   |            ^^^^ the metrics are: auc, log_loss, brier, accuracy, precision, recall, f1, false_positive_rate, selection_rate, base_rate and 41 more",
        ),
        (
            "on: departures",
            "on: departure",
            "flyball.yaml:20:7: train.on: there is no dataset 'departure'\n   |\n20 |   on: departure\n   |       ^^^^^^^^^ did you mean 'departures'?",
        ),
        (
            "false_alarm_rate: 5%",
            "false_alarm_rate: 500%",
            "flyball.yaml:39:30: monitor.drift.false_alarm_rate: expected a share of 0% to 100%, found '500%'\n   |\n39 |   drift: { false_alarm_rate: 500% }\n   |                              ^^^^ write it as 5% or 0.05",
        ),
    ] {
        assert_eq!(changed(from, to), expected, "{to}");
    }
}

#[test]
fn what_has_a_role_is_no_feature() {
    for role in ["weight", "group"] {
        let text = FLIGHTS
            .replace("    label: late\n", &format!("    label: late\n    {role}: seats\n"))
            .replace("with: { trees: 200 }", "features: [origin, seats]");
        let report = refused(&text).to_string();
        let expected = format!("train.features: the feature 'seats' is the {role} of 'departures'");
        assert!(report.contains(&expected), "{report}");
    }
}

#[test]
fn the_message_says_what_was_expected() {
    for (from, to, expected) in [
        ("name: flight-delays", "name: flight delays", "name: \"flight delays\" is not a name"),
        ("data/flights.parquet", "../flights.parquet", "data.flights.from: the path \"../flights.parquet\" is refused"),
        (
            "from: data/weather.csv",
            "from: data/weather.csv, sql: a.sql",
            "data.weather: 'from' and 'sql' in one dataset",
        ),
        ("{ from: data/weather.csv }", "{ key: a }", "data.weather: the dataset has neither 'from' nor 'sql'"),
        ("sql: features.sql", "sql: features", "data.departures.sql: expected a file that ends in .sql, or SQL text"),
        ("    label: late\n", "", "data.departures: the dataset is trained on and has no label"),
        ("    time: scheduled_at ", "    #", "'train.window' speaks of event time and the dataset has no time"),
        ("unique: [flight_id]", "unique: flight_id", "checks[0].unique: expected a list, found 'flight_id'"),
        ("unique: [flight_id]", "unique: []", "checks[0].unique: expected a column, found a list"),
        ("unique: [flight_id]", "uniqe: [flight_id]", "did you mean 'unique'?"),
        ("unique: [flight_id]", "severity: warn", "checks[0]: the check has no rule"),
        ("min: 10, max: 6000", "min: 10, max: 6", "checks[3].between: min is larger than max"),
        ("min: 10, max: 6000, ", "", "checks[3].between: the range has no end"),
        (
            "between: { column: distance, min: 10, max: 6000,",
            "regex: { column: a, pattern: '(',",
            "pattern: expected a regular expression",
        ),
        ("severity: warn", "severity: warning", "severity: expected one of error, warn, found 'warning'"),
        ("severity: warn", "mostly: 2", "mostly: expected a share of 0% to 100%, found '2'"),
        ("holdout: 14d", "holdout: 100%", "train.holdout: expected a share between 0% and 100%, found '100%'"),
        ("holdout: 14d", "", "train: the key 'holdout' is missing"),
        ("uses: gbdt", "uses: gbtd", "did you mean 'gbdt'?"),
        ("uses: gbdt", "uses: gbdt\n  run: python train.py", "train.run: 'uses' and 'run' exclude each other"),
        ("with: { trees: 200 }", "with: 200", "train.with: expected a map of parameters, found '200'"),
        ("with: { trees: 200 }", "search: { trials: 20 }", "train: unknown key 'search'"),
        ("with: { trees: 200 }", "fairness: { reweigh: origin, by: dest }", "train.fairness: unknown key 'by'"),
        ("with: { trees: 200 }", "fairness: { reweigh: [] }", "train.fairness.reweigh: expected a column"),
        (
            "uses: gbdt",
            "run: python train.py\n  fairness: { reweigh: origin }",
            "train.fairness: a command is not given weights of rows",
        ),
        (
            "with: { trees: 200 }",
            "features: [late, origin]",
            "train.features: the feature 'late' is the label of 'departures'",
        ),
        ("  - auc >= 0.65\n", "  - ndcg_5 >= 0.65\n", "gates: 'ndcg_5' is measured where rows are ranked"),
        ("error_rate > 1%", "mrr < 0.5", "'mrr' is only known at training"),
        ("[10%, 50%, 100%]", "[50%, 10%, 100%]", "canary: the steps of a canary rise from above 0% to 100%"),
        ("[10%, 50%, 100%]", "[10%, 50%]", "canary: the steps of a canary rise from above 0% to 100%"),
        (
            "strategy: { canary: [10%, 50%, 100%], bake: 6h }",
            "strategy: blue",
            "deploy.strategy: expected one of direct, found 'blue'",
        ),
        ("window: 1d", "window: 0d", "monitor.window: expected a duration longer than nothing, found '0d'"),
        (
            "metric: auc",
            "metric: rmse",
            "monitor.performance.metric: expected a metric of the loop's task, found 'rmse'",
        ),
        (
            "{ false_alarm_rate: 5% }",
            "{ compat: evidently, rows_of: origin }",
            "monitor.drift.rows_of: 'compat' and 'rows_of' exclude each other",
        ),
        ("floor: 0.62", "floor: high", "monitor.performance.floor: expected a number, found 'high'"),
        ("window: 1d", "window: 1d\n  alerts: { for: 2 }", "monitor.alerts.for: '2' is neither a number of windows"),
        ("window: 1d", "window: 1d\n  alerts: { runbook: wiki }", "monitor.alerts.runbook: expected a URL"),
        (
            "window: 1d",
            "window: 1d\n  alerts: { labels: { kind: x } }",
            "monitor.alerts.labels: 'kind' cannot be a label here",
        ),
        ("  flights: {", "  fl/ghts: {", "data: \"fl/ghts\" is not a name"),
        (
            "abort_if: [error_rate > 1%,",
            "abort_if: [drift,",
            "deploy.abort_if[0]: 'drift' is only known to the monitor",
        ),
    ] {
        one_problem(from, to, expected);
    }
}

#[test]
fn routes_that_lead_nowhere_are_told() {
    for (from, to, expected) in [
        ("monitor:\n", "notfy: x\nmonitor:\n", "did you mean 'notify'?"),
        ("monitor:\n", "notify: x\nmonitor:\n", "notify: expected a map of keys, found 'x'"),
        ("monitor:\n", "notify: { slac: x }\nmonitor:\n", "did you mean 'slack'?"),
        (
            "monitor:\n",
            "notify: { slack: https://hooks.slack.com/services/T/B/x }\nmonitor:\n",
            "notify.slack: a secret must not stand in the file",
        ),
        (
            "monitor:\n",
            "notify: { slack: '${{ env.SLACK_URL }}' }\nmonitor:\n",
            "notify.slack: only secrets can stand between ${{ and }}",
        ),
        (
            "monitor:\n",
            "notify: { webhook: { to: https://x, secret: hush } }\nmonitor:\n",
            "notify.webhook.secret: a secret must not stand in the file",
        ),
        (
            "monitor:\n",
            "notify: { webhook: { to: https://u:p@x } }\nmonitor:\n",
            "notify.webhook.to: expected a URL without user and password",
        ),
        (
            "monitor:\n",
            "notify: { webhook: { to: https://x, format: xml } }\nmonitor:\n",
            "notify.webhook.format: expected one of cloudevents, cloudevents-binary, alertmanager, found 'xml'",
        ),
        ("monitor:\n", "notify: { email: a@b.c }\nmonitor:\n", "notify.email: expected a map of keys"),
        (
            "monitor:\n",
            "notify: { email: { to: a@b.c, from: d@e.f, server: mail } }\nmonitor:\n",
            "notify.email.server: expected a mail server",
        ),
        (
            "monitor:\n",
            "notify: { pagerduty: { to: '${{ secrets.PD }}', severity: bad } }\nmonitor:\n",
            "notify.pagerduty.severity: expected one of critical, error, warning, info, found 'bad'",
        ),
    ] {
        one_problem(from, to, expected);
    }
}

#[test]
fn what_a_remedy_cannot_mean_is_told() {
    for (from, to, expected) in [
        ("do: retrain", "do: retain", "did you mean 'retrain'?"),
        ("    do: rollback", "    do: rollback\n    every: month", "remedies[1]: 'when' and 'every' in one remedy"),
        ("per_month: 4", "per_month: 0", "limits.per_month: expected at least 1, found '0'"),
        ("do: retrain", "do: [retrain, retrain]", "the step 'retrain' stands here twice"),
        ("do: retrain", "do: []", "remedies[0].do: expected an action"),
        ("do: retrain", "dry_run: 1\n    do: retrain", "dry_run: expected true or false, found '1'"),
        ("per_month: 4", "budget: 5", "a 'budget' needs 'costs' to count by"),
        ("per_month: 4", "approval: hih", "did you mean 'high'?"),
        ("per_month: 4", "give_up_after: 0", "limits.give_up_after: expected at least 1, found '0'"),
        ("per_month: 4", "concurrency: { min: 9, max: 2 }", "expected bounds that rise from at least 1"),
        (
            "    do: rollback",
            "    do: rollback\n  - every: month\n    do: [retrain, page]",
            "a schedule has one action",
        ),
        ("per_month: 4", "per_month: -1", "limits.per_month: expected a whole number, found '-1'"),
    ] {
        one_problem(from, to, expected);
    }
}

/// One mistake is one problem.
fn one_problem(from: &str, to: &str, expected: &str) {
    let shown = changed(from, to);
    assert!(shown.contains(expected), "{to}:\n{shown}");
    assert_eq!(shown.matches("flyball.yaml:").count(), 1, "{to}:\n{shown}");
}

#[test]
fn all_problems_are_reported_in_order() {
    let text = FLIGHTS
        .replace("late\n", "[late]\n")
        .replace("task: c", "tusk: c")
        .replace("trees: 200", "trees: 200, trees: 3");
    let error = refused(&text);
    let lines: Vec<(usize, &str)> = error.problems.iter().map(|p| (p.line, p.message.as_str())).collect();
    assert_eq!(
        lines,
        [
            (1, "the key 'task' is missing"),
            (2, "unknown key 'tusk'"),
            (11, "expected text, found a list"),
            (24, "the key 'trees' stands here twice"),
        ]
    );
    let error = Error::from(error);
    assert_eq!(error.code(), ErrorCode::InvalidLoopFile);
    assert!(error.message().starts_with("flyball.yaml:1:1: the key 'task' is missing"), "{error}");
    assert!(error.next_step().is_some());
}

#[test]
fn at_most_twenty_problems_are_shown() {
    let many: String = (0..30).map(|i| format!("unknown_{i}: 1\n")).collect();
    let error = refused(&format!("{FLIGHTS}{many}"));
    assert_eq!(error.problems.len(), 30);
    let shown = error.to_string();
    assert_eq!(shown.matches("flyball.yaml:").count(), 20);
    assert!(shown.ends_with("and 10 more"));
}

#[test]
fn yaml_that_does_more_than_it_shows_is_refused() {
    let laughs = "a: &a [lol, lol]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\n";
    for (text, expected) in [
        (laughs, "1:4: a YAML anchor or alias"),
        ("name: !!python/object:os.system x\n", "a YAML tag"),
        ("name: !secret x\n", "a YAML tag"),
        ("name: a\n---\nname: b\n", "a second document"),
        ("name: [a\n", "this is not YAML"),
        ("name: a\n\tb: c\n", "this is not YAML"),
        ("", "the file is empty"),
        ("# nothing\n", "the file is empty"),
        ("- a\n", "expected a map of keys, found a list"),
        ("just words\n", "expected a map of keys, found 'just words'"),
        ("name: a\u{202e}b\n", "1:8: a control, direction-changing or private-use character"),
        ("name: a\u{0}b\n", "1:8: a control"),
        ("name: a\u{e000}b\n", "1:8: a control"),
        ("? [a, b]\n: c\n", "a key that is not a word"),
    ] {
        let shown = refused(text).to_string();
        assert!(shown.contains(expected), "{text:?}:\n{shown}");
    }
}

#[test]
fn large_and_deep_files_are_refused() {
    let deep = |levels| refused(&format!("name: {}{}", "[".repeat(levels), "]".repeat(levels))).to_string();
    assert!(deep(50).contains("nested deeper than 16 levels"));
    assert!(deep(5000).contains("recursion limit exceeded"));
    let large = "# comment\n".repeat(30_000);
    assert!(refused(&large).to_string().contains("larger than 256 KiB"));
    let long = format!("name: {}\n", "a b ".repeat(10_000));
    assert!(refused(&long).to_string().len() < 2_000);
}

/// Whatever is cut out of or doubled in the example: an answer, never a panic.
#[test]
fn no_mutilation_of_the_example_panics() {
    for at in (0..FLIGHTS.len()).step_by(3) {
        for cut in [1, 17] {
            let end = (at + cut).min(FLIGHTS.len());
            let without = format!("{}{}", &FLIGHTS[..at], &FLIGHTS[end..]);
            let doubled = format!("{}{}", &FLIGHTS[..end], &FLIGHTS[at..]);
            for text in [without, doubled, FLIGHTS[..at].to_owned()] {
                if let Err(error) = LoopFile::parse("f", &text) {
                    assert!(!error.problems.is_empty() && !error.to_string().is_empty());
                }
            }
        }
    }
}

#[test]
fn suites_that_name_nothing_known_are_refused() {
    for (suites, expected) in [
        ("[integrty]", "did you mean 'integrity'?"),
        ("[]", "expected a group of checks"),
        ("[integrity, integrity]", "'integrity' stands here twice"),
        ("[{ robustnes: { noise: 1 } }]", "unknown key 'robustnes'"),
        ("[{ robustness: { nois: 1 } }]", "did you mean 'noise'?"),
        ("[{ robustness: { noise: much } }]", "expected a number"),
        ("[{ integrity: { skip: [noise] } }]", "expected one of single_value"),
        ("[{ stability: { seeds: 0 } }]", "expected 1 to 20 seeds"),
        ("[{ limits: { rows: 0 } }]", "expected at least 1"),
        ("[{ robustness: { expect: [{ column: a, answer: up }] } }]", "expected one of same, higher"),
        ("[{ robustness: { expect: [{ column: a, answer: higher }] } }]", "says not how the column is changed"),
        ("[{ robustness: { expect: [{ column: a, add: 1, times: 2, answer: higher }] } }]", "in two ways"),
        ("[{ robustness: { expect: [{ column: a, add: 1, answer: rising }] } }]", "go through the values"),
        ("everything", "expected a list"),
    ] {
        let report = changed("gates:", &format!("suites: {suites}\ngates:"));
        assert!(report.contains(expected), "{suites}: {report}");
        assert!(suite_of("s", suites).unwrap_err().to_string().contains(expected), "{suites}");
    }
    assert!(suite_of("s", "").is_err() && suite_of("s", "suite: [integrity]").is_err());
}
