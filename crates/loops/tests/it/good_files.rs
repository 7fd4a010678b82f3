//! Files that must be understood.

use flyball_core::{Duration, Task};
use flyball_data::Literal;
use flyball_evaluation::suite::{Change, Group};
use flyball_loops::file::{
    Action, CheckRule, Holdout, Limits, LoopFile, Origin, Risk, Schedule, Severity, Sql, Strategy, Trainer, Trigger,
    suite_of, template,
};

pub(crate) const FLIGHTS: &str = r#"name: flight-delays
task: classification

data:
  flights: { from: data/flights.parquet }
  weather: { from: data/weather.csv }
  departures:                          # a derived dataset: a new version whenever an input has one
    sql: features.sql                  # SQL over the datasets above
    key: flight_id                     # joins a prediction with what really happened
    time: scheduled_at                 # event time
    label: late
    label_delay: 1d
    checks:
      - unique: [flight_id]
      - not_null: [carrier, origin, dest]
      - in_set: { column: origin, values: [EWR, JFK, LGA] }
      - between: { column: distance, min: 10, max: 6000, severity: warn }

train:
  on: departures
  window: 90d                          # event-time window
  holdout: 14d
  uses: gbdt                           # built in
  with: { trees: 200 }

gates:                                 # all must hold before a version may be promoted
  - auc >= 0.65
  - auc >= champion.auc - 0.005        # non-inferiority, with its confidence
  - worst(auc, by: carrier) >= 0.55
  - ratio(selection_rate, by: origin) >= 0.8

deploy:
  environment: production
  strategy: { canary: [10%, 50%, 100%], bake: 6h }
  abort_if: [error_rate > 1%, latency_p99_ms > 50]

monitor:
  window: 1d
  drift: { false_alarm_rate: 5% }
  performance: { metric: auc, floor: 0.62 }

remedies:
  - when: drift and auc < reference.auc - 0.02
    do: retrain
    limits: { cool_down: 7d, per_month: 4 }
  - when: latency_p99_ms > 50 for 3 windows
    do: rollback
"#;

fn parse(text: &str) -> LoopFile {
    LoopFile::parse("flyball.yaml", text).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_flights_example_is_understood() {
    let file = parse(FLIGHTS);
    assert_eq!((file.name.as_str(), file.task, file.seed), ("flight-delays", Task::Classification, 0));
    let names: Vec<&str> = file.data.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["flights", "weather", "departures"]);
    let departures = &file.data[2].1;
    assert_eq!(departures.origin, Origin::Sql(Sql::File("features.sql".parse().unwrap())));
    assert_eq!(departures.label_delay, Duration::days(1));
    let between = &departures.checks[3];
    assert_eq!(
        between.rule,
        CheckRule::Between {
            column: "distance".into(),
            min: Some(Literal::Float(10.0)),
            max: Some(Literal::Float(6000.0))
        }
    );
    assert_eq!((between.severity, between.mostly), (Severity::Warn, 1.0));
    assert_eq!(file.train.holdout, Holdout::Latest(Duration::days(14)));
    assert_eq!(file.train.trainer, Trainer::Uses("gbdt".into()));
    assert_eq!(file.train.with["trees"], 200);
    assert_eq!(file.gates[2].text(), "worst(auc, by: carrier) >= 0.55");
    assert_eq!(file.gates[3].columns(), ["origin"]);
    assert_eq!(file.deploy.strategy, Strategy::Canary { steps: vec![0.1, 0.5, 1.0], bake: Duration::hours(6) });
    assert_eq!(file.deploy.abort_if.len(), 2);
    assert_eq!((file.monitor.drift.false_alarm_rate, file.monitor.min_rows), (0.05, 100));
    assert_eq!((file.remedies[0].limits.cool_down, file.remedies[0].limits.per_month), (Duration::days(7), Some(4)));
    assert_eq!(
        (file.remedies[1].steps.as_slice(), file.remedies[1].limits.cool_down),
        (&[Action::Rollback][..], Duration::days(1))
    );
    let Trigger::When(condition) = &file.remedies[1].trigger else { panic!("not a condition") };
    assert_eq!(condition.windows(), 3);
}

#[test]
fn templates_are_valid_for_both_tasks() {
    for task in [Task::Classification, Task::Regression] {
        let file = parse(&template(task));
        assert_eq!(file.task, task);
        let with_group_gate = template(task).replace("  # - \"worst", "  - \"worst");
        assert_eq!(parse(&with_group_gate).gates.len(), 3);
    }
}

const SMALL: &str = "name: a\ntask: regression\ndata:\n  rows: { from: rows.csv, label: y }\ntrain: { on: rows, holdout: 20% }\nmonitor: { window: 1d }\n";

#[test]
fn the_smallest_file_gets_its_defaults() {
    let file = parse(SMALL);
    assert_eq!(file.deploy.environment.as_str(), "production");
    assert_eq!(file.deploy.strategy, Strategy::Direct);
    assert_eq!(file.train.holdout, Holdout::Share(0.2));
    assert_eq!(file.monitor.drift.false_alarm_rate, 0.05);
    assert!(file.gates.is_empty() && file.remedies.is_empty() && file.costs.is_none());
}

#[test]
fn a_dataset_says_what_rows_count_and_which_are_ranked_together() {
    let text = SMALL.replace("label: y }", "label: y, weight: amount, group: user }");
    let file = parse(&format!("{text}gates: [ndcg_10 >= champion.ndcg_10, 'superior(mrr, by: site)']\n"));
    let dataset = &file.data[0].1;
    let roles: Vec<(&str, &str)> = dataset.roles().collect();
    assert_eq!(roles, [("label", "y"), ("weight", "amount"), ("group", "user")]);
    assert_eq!(file.gates[0].metrics()[0].name, "ndcg_10");
    let plain = serde_json::to_value(&parse(SMALL).data[0].1).unwrap();
    assert!(plain.get("weight").is_none() && plain.get("group").is_none(), "{plain}");
}

#[test]
fn group_conditions_may_stand_anywhere_a_condition_may() {
    let text = format!(
        "{SMALL}gates: [worst(mae, by: site) < 3, 'difference(mae, by: site) < worst(mae, by: site)']\nremedies:\n  - when: drift or worst(mae , by: site) > 4\n    do: page\n  - every: month\n    do: retrain\n"
    );
    let file = parse(&text);
    assert_eq!(file.gates[0].text(), "worst(mae, by: site) < 3");
    assert_eq!(file.gates[1].terms().len(), 2);
    let Trigger::When(condition) = &file.remedies[0].trigger else { panic!("not a condition") };
    assert_eq!(condition.text(), "drift or worst(mae , by: site) > 4");
    assert_eq!(file.remedies[1].trigger, Trigger::Every(Schedule::Month));
    assert_eq!(file.remedies[1].limits.cool_down, Duration::ZERO);
}

#[test]
fn remedies_have_steps_and_limits() {
    let text = format!(
        "{SMALL}costs: {{ retrain: 50 }}\nremedies:\n  - when: error_rate > 5% or missing(distance) > 20%\n    do: [fallback, \
         rollback, retrain]\n    dry_run: true\n    limits: {{ cool_down: 0s, per_day: 2, budget: 120, min_rows: 500, \
         environments: [production], approval: high, approval_within: 6h, give_up_after: 2, concurrency: {{ max: 8 }} }}\n  \
         - when: latency_p99_ms > 50\n    do: scale_up\n"
    );
    let file = parse(&text);
    let (first, second) = (&file.remedies[0], &file.remedies[1]);
    assert_eq!(first.steps, [Action::Fallback, Action::Rollback, Action::Retrain]);
    assert!(first.dry_run && !second.dry_run);
    let limits = Limits {
        per_day: Some(2),
        budget: Some(120.0),
        min_rows: Some(500),
        environments: vec!["production".parse().unwrap()],
        approval: Some(Risk::High),
        approval_within: Duration::hours(6),
        give_up_after: 2,
        concurrency: (1, 8),
        ..Limits::after(Duration::ZERO)
    };
    assert_eq!(first.limits, limits);
    assert_eq!((second.steps.as_slice(), &second.limits), (&[Action::ScaleUp][..], &Limits::after(Duration::days(1))));
}

#[test]
fn sql_is_a_file_or_the_text_itself() {
    let text = SMALL.replace("train:", "  more:\n    sql: |\n      SELECT *\n      FROM rows\n    label: y\ntrain:");
    let file = parse(&text);
    assert_eq!(file.data[1].1.origin, Origin::Sql(Sql::Inline("SELECT *\nFROM rows\n".into())));
}

#[test]
fn parameters_keep_their_types() {
    let text = SMALL.replace(
        "holdout: 20%",
        "holdout: 20%, with: { n: 3, x: 1e-3, on: yes, t: true, s: '3', l: [1, a], z: ~, nan: nan }",
    );
    let with = serde_json::Value::Object(parse(&text).train.with);
    let expected = serde_json::json!({
        "n": 3, "x": 0.001, "on": "yes", "t": true, "s": "3", "l": [1, "a"], "z": null, "nan": "nan"
    });
    assert_eq!(with, expected);
}

#[test]
fn suites_are_words_or_words_with_options() {
    let suites = "suites:\n  - integrity\n  - train_test: { date_leakage: 5%, skip: [size_ratio], warn: [index_leakage] }\n  \
                  - robustness:\n      noise: 0.2\n      expect:\n        - { column: heat, answer: rising }\n        \
                  - { column: site, values: [a, 1], answer: same }\n  - stability: { seeds: 2 }\n  - limits: { rows: 500 }\n";
    let file = parse(&format!("{SMALL}{suites}seed: 7\n"));
    let suite = file.suites.unwrap();
    let groups: Vec<&str> = suite.groups.keys().map(|group| group.as_str()).collect();
    assert_eq!(groups, ["integrity", "train_test", "robustness", "stability"]);
    let split = &suite.groups[&Group::TrainTest];
    assert_eq!((split.limits["date_leakage"], split.skip.as_slice()), (0.05, &["size_ratio".to_owned()][..]));
    assert_eq!(split.warn, ["index_leakage"]);
    assert_eq!((suite.seeds, suite.rows, suite.seed), (2, 500, 7));
    assert_eq!(suite.expectations[0].change, Change::Sweep);
    assert_eq!(suite.expectations[1].change, Change::Values(vec!["a".to_owned(), "1".to_owned()]));
    assert_eq!(parse(SMALL).suites, None);
    let alone = suite_of("suites.yaml", suites).unwrap();
    assert_eq!((&alone.groups, suite_of("s", "[integrity]").unwrap().groups.len()), (&suite.groups, 1));
    assert_eq!(suite_of("s", r#"["integrity", {"limits": {"rows": 500}}]"#).unwrap().rows, 500);
}

#[test]
fn routes_are_an_address_or_have_options() {
    let more = r#"
notify:
  slack: "${{ secrets.SLACK_URL }}"
  pagerduty: { to: "${{ secrets.PD_KEY }}", severity: critical, after: 30m }
  alertmanager: http://alertmanager:9093
  webhook: { to: "https://x/${{ secrets.TOKEN }}", secret: "${{ secrets.HOOK }}", format: cloudevents-binary }
  email: { to: "a@example.com, b@example.com", from: f@example.com, server: "smtp://mail:587", user: u,
           password: "${{ secrets.MAIL }}" }
"#;
    let alerts =
        "window: 1d\n  alerts: { for: 2 windows, clear: 6h, repeat: 12h, runbook: https://w/x, labels: { team: ml } }";
    let file = parse(&format!("{}{more}", FLIGHTS.replace("window: 1d", alerts)));
    let names: Vec<&str> = file.notify.iter().map(|route| route.name.as_str()).collect();
    assert_eq!(names, ["slack", "pagerduty", "alertmanager", "webhook", "email"]);
    let pagerduty = &file.notify[1];
    assert_eq!((pagerduty.severity.as_str(), pagerduty.after), ("critical", Duration::seconds(1800)));
    assert_eq!(file.notify[0].severity.as_str(), "info");
    let secrets: Vec<&str> =
        file.notify.iter().flat_map(|r| r.destination.templates()).flat_map(|t| t.secrets()).collect();
    assert_eq!(secrets, ["SLACK_URL", "PD_KEY", "TOKEN", "HOOK", "MAIL"]);
    let policy = &file.monitor.alerts;
    assert_eq!((policy.lasting.to_string(), policy.clear.to_string()), ("2 windows".into(), "6h".into()));
    assert_eq!((policy.repeat, policy.cool_down), (Duration::hours(12), Duration::hours(1)));
    assert_eq!((policy.runbook.as_deref(), policy.labels["team"].as_str()), (Some("https://w/x"), "ml"));
    assert!(parse(FLIGHTS).notify.is_empty());
}

#[test]
fn the_groups_to_reweigh_are_one_column_or_several() {
    for (written, expected) in [("origin", vec!["origin"]), ("[origin, carrier]", vec!["origin", "carrier"])] {
        let with = format!("with: {{ trees: 200 }}\n  fairness: {{ reweigh: {written} }}");
        let file = parse(&FLIGHTS.replace("with: { trees: 200 }", &with));
        assert_eq!(file.train.reweigh.unwrap(), expected);
    }
    assert_eq!(parse(FLIGHTS).train.reweigh, None);
}
