//! Each check can fail and pass; hostile rows give defined outcomes.

use std::sync::Arc;

use flyball_core::model::{Model, Predictions, Signature};
use flyball_core::rng::Rng;
use flyball_core::{
    Column, Error, Feature, FeatureKind, Result, SystemClock, Table, Task, TextColumn, Timestamp, Value, VirtualClock,
};

use super::*;

/// A model of any rule over the values of its features.
struct Rule {
    signature: Signature,
    rule: Box<dyn Fn(&[Value]) -> Result<f64> + Send + Sync>,
}

impl Model for Rule {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn predict(&self, rows: &Table) -> Result<Predictions> {
        let names: Vec<&str> = self.signature.features.iter().map(|feature| feature.name.as_str()).collect();
        let rows = rows.select(&names)?;
        let mut scores = Vec::new();
        (0..rows.rows()).try_for_each(|row| self.predict_row(&rows.row(row), &mut scores))?;
        Ok(Predictions { width: self.signature.width(), scores })
    }

    fn predict_row(&self, row: &[Value], scores: &mut Vec<f64>) -> Result<()> {
        let answer = (self.rule)(row)?;
        if self.signature.width() == 2 {
            scores.push(1.0 - answer);
        }
        scores.push(answer);
        Ok(())
    }

    fn memory_bytes(&self) -> u64 {
        5_000_000
    }
}

fn model(classes: &[&str], rule: impl Fn(&[Value]) -> Result<f64> + Send + Sync + 'static) -> Rule {
    let feature = |name: &str, kind| Feature { name: name.to_owned(), kind };
    let features = vec![feature("x", FeatureKind::Number), feature("site", FeatureKind::Text)];
    let task = if classes.is_empty() { Task::Regression } else { Task::Classification };
    let classes = classes.iter().map(|class| (*class).to_owned()).collect();
    Rule { signature: Signature { task, features, classes }, rule: Box::new(rule) }
}

/// The probability is the logistic function of x.
fn logistic() -> Rule {
    model(&["no", "yes"], |row| Ok(sigmoid(Some(row[0].number()).filter(|x| !x.is_nan()).unwrap_or(0.0))))
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Column {
    Column::Text(TextColumn::from_texts(texts.into_iter().map(Some)))
}

/// Rows whose label follows from x with noise: key, time, x, site, label.
fn rows(count: usize, seed: u64, first_key: usize) -> Table {
    let mut rng = Rng::seeded(seed);
    let x: Vec<f64> = (0..count).map(|_| 2.0 * perturb::normal(&mut rng)).collect();
    let label: Vec<&str> = x.iter().map(|x| if rng.unit() < sigmoid(*x) { "yes" } else { "no" }).collect();
    let site: Vec<&str> = (0..count).map(|_| ["north", "south", "west"][rng.below(3)]).collect();
    Table::new(vec![
        ("id".into(), Column::Int((0..count).map(|row| (first_key + row) as i64).collect())),
        ("at".into(), Column::Time((0..count).map(|row| (first_key + row) as i64 * 1000).collect())),
        ("x".into(), Column::Float(x)),
        ("site".into(), texts(site)),
        ("label".into(), texts(label)),
    ])
    .unwrap()
}

fn with(table: &Table, name: &str, column: Column) -> Table {
    perturb::with(table, name, column).unwrap()
}

fn clock() -> VirtualClock {
    VirtualClock::at(Timestamp(0))
}

/// The outcome of one check.
fn outcome(name: &str, case: Case<'_>) -> CheckOutcome {
    outcome_of(&Suite::default(), name, case)
}

fn outcome_of(suite: &Suite, name: &str, case: Case<'_>) -> CheckOutcome {
    let report = run(suite, &case).unwrap();
    report.checks.into_iter().find(|check| check.name == name).unwrap_or_else(|| panic!("there is no check {name}"))
}

fn full<'a>(clock: &'a VirtualClock, rows: &'a Table) -> Case<'a> {
    Case { label: Some("label"), key: Some("id"), time: Some("at"), ..Case::of_rows(clock, rows) }
}

#[track_caller]
fn on_rows(name: &str, table: &Table) -> Status {
    let clock = clock();
    let found = outcome(name, full(&clock, table));
    assert!(!found.explanation.is_empty(), "{found:?}");
    found.status
}

#[test]
fn clean_rows_pass_every_check_of_integrity() {
    let (clock, table) = (clock(), rows(2_000, 1, 0));
    let report = run(&Suite::default(), &full(&clock, &table)).unwrap();
    let bad: Vec<&CheckOutcome> =
        report.checks.iter().filter(|check| matches!(check.status, Status::Failed | Status::Warned)).collect();
    assert!(report.passed && bad.is_empty(), "{bad:?}");
    let integrity = report.checks.iter().filter(|check| check.group == Group::Integrity);
    assert!(integrity.clone().count() >= 13);
    assert!(integrity.clone().all(|check| check.status == Status::Passed), "{:?}", integrity.collect::<Vec<_>>());
}

#[test]
fn broken_rows_are_seen() {
    let table = rows(1_000, 2, 0);
    let count = table.rows();
    let site = |change: &dyn Fn(usize) -> &'static str| with(&table, "site", texts((0..count).map(change)));
    let constant = with(&table, "x", Column::Float(vec![1.0; count]));
    assert_eq!(on_rows("single_value", &constant), Status::Warned);
    assert_eq!(on_rows("mixed_nulls", &site(&|row| ["N/A", "null", "a"][row % 3])), Status::Warned);
    assert_eq!(on_rows("mixed_types", &site(&|row| if row % 50 == 0 { "17" } else { "a" })), Status::Warned);
    assert_eq!(on_rows("string_mismatch", &site(&|row| ["New York", "new-york"][row % 2])), Status::Warned);
    assert_eq!(on_rows("special_characters", &site(&|row| if row % 100 == 0 { "!!" } else { "a" })), Status::Warned);
    let long = "a very long text that does not belong among short names at all, and goes on";
    assert_eq!(
        on_rows("out_of_bounds_strings", &site(&|row| if row % 100 == 0 { long } else { "ab" })),
        Status::Warned
    );
    let far = |row| if row % 10 == 0 { 1e6 } else { (row % 13) as f64 };
    assert_eq!(on_rows("outliers", &with(&table, "x", Column::Float((0..count).map(far).collect()))), Status::Warned);
    let rare = texts((0..count).map(|row| if row % 100 == 0 { "yes" } else { "no" }));
    assert_eq!(on_rows("class_imbalance", &with(&table, "label", rare)), Status::Warned);
    let twice: Vec<usize> = (0..count).map(|row| row / 2).collect();
    let repeated = with(&table.take(&twice), "id", table.column("id").unwrap().clone());
    assert_eq!(on_rows("duplicates", &repeated), Status::Warned);
    let contradiction = with(&repeated, "label", texts((0..count).map(|row| ["yes", "no"][row % 2])));
    assert_eq!(on_rows("conflicting_labels", &contradiction), Status::Warned);
}

#[test]
fn columns_that_tell_too_much_are_seen() {
    let table = rows(1_000, 3, 0);
    let label = table.column("label").unwrap();
    let leak: Vec<f64> = (0..1_000).map(|row| f64::from(u8::from(label.value(row).text().unwrap() == "yes"))).collect();
    assert_eq!(on_rows("feature_label_correlation", &with(&table, "x", Column::Float(leak))), Status::Failed);
    let mut copied = table.clone();
    copied.push("y", table.column("x").unwrap().clone()).unwrap();
    assert_eq!(on_rows("feature_feature_correlation", &copied), Status::Warned);
    let sorted = with(&table, "label", texts((0..1_000).map(|row| if row < 500 { "yes" } else { "no" })));
    assert_eq!(on_rows("id_label", &sorted), Status::Warned);
}

/// The status of a check on test rows beside training rows.
#[track_caller]
fn beside(name: &str, train: &Table, test: &Table) -> Status {
    let (clock, model) = (clock(), logistic());
    let case = Case { train: Some(train), model: Some(&model), ..full(&clock, test) };
    outcome(name, case).status
}

#[test]
fn a_clean_split_passes_and_each_leak_and_drift_is_seen() {
    let (train, test) = (rows(3_000, 4, 0), rows(1_000, 5, 3_000));
    let (clock, model) = (clock(), logistic());
    let report =
        run(&Suite::default(), &Case { train: Some(&train), model: Some(&model), ..full(&clock, &test) }).unwrap();
    for check in report.checks.iter().filter(|check| check.group == Group::TrainTest) {
        assert_eq!(check.status, Status::Passed, "{check:?}");
    }
    assert_eq!(beside("size_ratio", &train, &test.take(&[1, 2, 3])), Status::Warned);
    assert_eq!(beside("index_leakage", &train, &rows(1_000, 5, 2_500)), Status::Failed);
    assert_eq!(beside("date_leakage", &train, &rows(1_000, 5, 2_500)), Status::Failed);
    let same = with(&with(&test, "x", Column::Float(vec![0.5; 1_000])), "at", Column::Time(vec![1; 1_000]));
    assert_eq!(beside("sample_mix", &same, &same), Status::Warned);
    let foreign =
        |name: &str, text| with(&test, name, texts((0..1_000).map(|row| if row % 4 == 0 { text } else { "no" })));
    assert_eq!(beside("new_labels", &train, &foreign("label", "perhaps")), Status::Failed);
    assert_eq!(beside("new_categories", &train, &foreign("site", "moon")), Status::Warned);
    let shifted = with(&test, "x", perturb::map(test.column("x").unwrap(), |_, x| x + 2.0));
    for check in ["feature_drift", "multivariate_drift", "prediction_drift"] {
        assert_eq!(beside(check, &train, &shifted), Status::Warned, "{check}");
    }
    let mostly = with(&test, "label", texts((0..1_000).map(|row| if row % 10 == 0 { "no" } else { "yes" })));
    assert_eq!(beside("label_drift", &train, &mostly), Status::Warned);
    assert_eq!(beside("pps_change", &train, &mostly), Status::Warned);
}

#[test]
fn two_tables_whose_columns_agree_one_by_one_are_told_apart() {
    let mut rng = Rng::seeded(6);
    let table = |rng: &mut Rng, sign: f64| -> Vec<Column> {
        let x: Vec<f64> = (0..2_000).map(|_| perturb::normal(rng)).collect();
        let y = x.iter().map(|x| sign * x + 0.3 * perturb::normal(rng)).collect();
        vec![Column::Float(x), Column::Float(y)]
    };
    let (first, same, turned) = (table(&mut rng, 1.0), table(&mut rng, 1.0), table(&mut rng, -1.0));
    let auc = |second: &[Column], rng: &mut Rng| {
        let (truth, scores) = domain::tell_apart(&first, second, rng).unwrap();
        flyball_stats::classification::roc_auc(&truth, &scores).unwrap()
    };
    assert!((auc(&same, &mut rng) - 0.5).abs() < 0.06);
    assert!(auc(&turned, &mut rng) > 0.85);
}

fn judged(name: &str, test: &Table, model: &dyn Model) -> CheckOutcome {
    let clock = clock();
    outcome(name, Case { model: Some(model), ..full(&clock, test) })
}

#[test]
fn the_right_model_passes_and_a_guess_does_not() {
    let (test, right) = (rows(4_000, 7, 0), logistic());
    let guess = model(&["no", "yes"], |row| Ok(if row[1].text().unwrap_or_default() == "north" { 0.7 } else { 0.3 }));
    for check in ["floor", "better_than_dummy", "weak_segments", "calibration", "unused_features"] {
        let found = judged(check, &test, &right);
        assert_eq!(found.status, Status::Passed, "{found:?}");
    }
    assert_eq!(judged("floor", &test, &guess).status, Status::Warned);
    assert_eq!(judged("better_than_dummy", &test, &guess).status, Status::Failed);
    assert_eq!(judged("calibration", &test, &guess).status, Status::Warned);
    let clock = clock();
    let against = |own: &dyn Model, other: &dyn Model| {
        outcome("better_than_baseline", Case { model: Some(own), baseline: Some(other), ..full(&clock, &test) }).status
    };
    assert_eq!(against(&right, &guess), Status::Passed);
    assert_eq!(against(&guess, &right), Status::Warned);
    let north = model(&["no", "yes"], |row| {
        let wrong = row[1].text().unwrap_or_default() == "north";
        Ok(sigmoid(if wrong { -row[0].number() } else { row[0].number() }))
    });
    let weak = judged("weak_segments", &test, &north);
    assert_eq!(weak.status, Status::Warned);
    assert!(weak.explanation.contains("site = north"), "{}", weak.explanation);
}

#[test]
fn what_was_learned_by_heart_degrades() {
    let (train, test) = (rows(2_000, 8, 0), rows(2_000, 9, 2_000));
    let heart: std::collections::HashMap<u64, bool> = (0..2_000)
        .map(|row| {
            (
                train.column("x").unwrap().number(row).to_bits(),
                train.column("label").unwrap().value(row).text().unwrap() == "yes",
            )
        })
        .collect();
    let learned = model(&["no", "yes"], move |row| {
        Ok(heart
            .get(&row[0].number().to_bits())
            .map_or(sigmoid(0.3 * row[0].number()), |yes| f64::from(u8::from(*yes))))
    });
    let clock = clock();
    let case = Case { train: Some(&train), model: Some(&learned), ..full(&clock, &test) };
    assert_eq!(outcome("degradation", case).status, Status::Failed);
    assert_eq!(beside("degradation", &train, &test), Status::Passed);
    let status = |curve: &[f64]| outcome("overfit", Case { curve: Some((curve, true)), ..case }).status;
    assert_eq!((status(&[0.6, 0.8, 0.7]), status(&[0.6, 0.79, 0.8])), (Status::Warned, Status::Passed));
}

#[test]
fn numbers_are_judged_by_their_errors() {
    let table = rows(2_000, 10, 0);
    let mut rng = Rng::seeded(11);
    let target = perturb::map(table.column("x").unwrap(), |_, x| 3.0 * x + perturb::normal(&mut rng));
    let table = with(&table, "label", target);
    let right = model(&[], |row| Ok(3.0 * row[0].number()));
    let leaning = model(&[], |row| Ok(3.0 * row[0].number() + 1.0));
    let lumped = model(&[], |row| {
        Ok(3.0 * row[0].number() + if row[1].text().unwrap_or_default() == "north" { 6.0 } else { -6.0 })
    });
    assert_eq!(judged("systematic_error", &table, &right).status, Status::Passed);
    assert_eq!(judged("systematic_error", &table, &leaning).status, Status::Warned);
    assert_eq!(judged("error_kurtosis", &table, &right).status, Status::Passed);
    assert_eq!(judged("error_kurtosis", &table, &lumped).status, Status::Warned);
    assert_eq!(judged("better_than_dummy", &table, &right).status, Status::Passed);
    assert_eq!(judged("calibration", &table, &right).status, Status::NotApplicable);
}

#[test]
fn models_that_break_under_changes_are_seen() {
    let (test, calm) = (rows(1_000, 12, 0), logistic());
    for check in ["noise", "missing_values", "unseen_categories", "extremes", "unit_errors", "determinism"] {
        let found = judged(check, &test, &calm);
        assert!(
            found.status == Status::Passed || found.status == Status::Warned && check == "missing_values",
            "{found:?}"
        );
    }
    let nervous = model(&["no", "yes"], |row| Ok(f64::from(u8::from((row[0].number() * 1e4).abs() % 2.0 > 1.0))));
    assert_eq!(judged("noise", &test, &nervous).status, Status::Warned);
    let blind = model(&["no", "yes"], |row| Ok(if row[0].number().is_nan() { 1.0 } else { 0.0 }));
    let seen = judged("missing_values", &test, &blind);
    assert!(seen.interval.is_some() && seen.value.unwrap() > 0.05, "{seen:?}");
    let strict = model(&["no", "yes"], |row| match row[1].text().unwrap_or_default().as_str() {
        "north" | "south" | "west" => Ok(0.5),
        other => Err(Error::invalid(format!("{other} is unknown"))),
    });
    assert_eq!(judged("unseen_categories", &test, &strict).status, Status::Failed);
    let fragile = model(&["no", "yes"], |row| Ok(if row[0].number().abs() > 1e6 { f64::NAN } else { 0.5 }));
    assert_eq!(judged("extremes", &test, &fragile).status, Status::Failed);
    let panics = model(&["no", "yes"], |row| {
        assert!(row[0].number().abs() < 1000.0, "too far");
        Ok(0.5)
    });
    let refused = judged("unit_errors", &test, &panics);
    assert_eq!(refused.status, Status::Failed, "{refused:?}");
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let fickle = model(&["no", "yes"], move |_| {
        Ok(0.4 + 0.001 * (calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 97) as f64)
    });
    assert_eq!(judged("determinism", &test, &fickle).status, Status::Failed);
}

#[test]
fn a_typing_error_matters_to_a_model_of_words() {
    let count = 400;
    let words: Vec<String> =
        (0..count).map(|row| format!("{} case number {row}", if row % 2 == 0 { "good" } else { "bad" })).collect();
    let table = with(&rows(count, 13, 0), "site", texts(words.iter().map(String::as_str)));
    let careful = model(&["no", "yes"], |row| Ok(sigmoid(row[0].number())));
    let exact = model(&["no", "yes"], |row| {
        let text = row[1].text().unwrap_or_default();
        let number = text.rsplit(' ').next().and_then(|end| end.parse::<u32>().ok()).unwrap_or(0);
        Ok(f64::from(u8::from(text.bytes().map(u32::from).sum::<u32>().wrapping_mul(number) % 2 == 0)))
    });
    assert_ne!(judged("text_perturbation", &table, &exact).status, Status::NotApplicable);
    let (robust, frail) = (judged("text_perturbation", &table, &careful), judged("text_perturbation", &table, &exact));
    assert_eq!((robust.value, frail.status), (Some(0.0), Status::Warned), "{robust:?} {frail:?}");
    assert_eq!(judged("text_perturbation", &rows(500, 14, 0), &logistic()).status, Status::NotApplicable);
}

#[test]
fn expectations_are_held() {
    let (test, model, clock) = (rows(500, 15, 0), logistic(), clock());
    let status = |column: &str, change: Change, expect: Expected| {
        let name = match expect {
            Expected::Same => "invariance",
            Expected::Higher | Expected::Lower => "direction",
            Expected::Rising | Expected::Falling => "monotonic",
        };
        let expectations = vec![Expectation { column: column.to_owned(), change, expect }];
        let suite = Suite { expectations, ..Suite::default() };
        outcome_of(&suite, name, Case { model: Some(&model), ..full(&clock, &test) }).status
    };
    let sites = || Change::Values(vec!["north".into(), "moon".into()]);
    assert_eq!(status("site", sites(), Expected::Same), Status::Passed);
    assert_eq!(status("x", Change::Values(vec!["-3".into(), "3".into()]), Expected::Same), Status::Failed);
    assert_eq!(status("x", Change::Add(1.0), Expected::Higher), Status::Passed);
    assert_eq!(status("x", Change::Add(1.0), Expected::Lower), Status::Failed);
    assert_eq!(status("x", Change::Sweep, Expected::Rising), Status::Passed);
    assert_eq!(status("x", Change::Sweep, Expected::Falling), Status::Failed);
    // An expectation that does not fit its column is told as a failure, not passed over.
    assert_eq!(status("site", Change::Add(1.0), Expected::Higher), Status::Failed);
    assert_eq!(status("nowhere", Change::Add(1.0), Expected::Higher), Status::Failed);
}

#[test]
fn seeds_that_change_the_model_are_seen() {
    let (test, own, clock) = (rows(1_000, 16, 0), logistic(), clock());
    let status = |name: &str, retrain: &Retrain<'_>| {
        outcome(name, Case { model: Some(&own), retrain: Some(retrain), ..full(&clock, &test) }).status
    };
    let same = |_seed| Ok(Arc::new(logistic()) as Arc<dyn Model>);
    let other = |seed: u64| {
        let sign = if seed.is_multiple_of(2) { 1.0 } else { -1.0 };
        Ok(Arc::new(model(&["no", "yes"], move |row| Ok(sigmoid(sign * row[0].number())))) as Arc<dyn Model>)
    };
    for check in ["seed_metric", "seed_flips"] {
        assert_eq!((status(check, &same), status(check, &other)), (Status::Passed, Status::Warned), "{check}");
        assert_eq!(judged(check, &test, &own).status, Status::NotApplicable);
    }
}

#[test]
fn speed_and_size_are_measured_by_the_clock() {
    let (test, model, clock) = (rows(300, 17, 0), logistic(), SystemClock::default());
    let still = judged("latency_row_ms", &test, &model);
    assert_eq!(still.status, Status::NotApplicable, "a virtual clock measures nothing: {still:?}");
    let case = Case { model: Some(&model), artifact_bytes: Some(2_000_000_000), ..Case::of_rows(&clock, &test) };
    let value = |name: &str| outcome(name, case).value.unwrap();
    assert!(value("latency_row_ms") > 0.0 && value("latency_batch_ms") > 0.0);
    assert_eq!((value("memory_mb"), outcome("artifact_mb", case).status), (5.0, Status::Warned));
    let strict = Suite {
        groups: [(
            Group::Speed,
            GroupOptions {
                limits: [("memory_mb".to_owned(), 1.0)].into(),
                error: vec!["memory_mb".to_owned()],
                ..GroupOptions::default()
            },
        )]
        .into(),
        ..Suite::empty()
    };
    assert!(!run(&strict, &case).unwrap().passed);
}

#[test]
fn hostile_rows_give_defined_outcomes() {
    let (clock, model) = (clock(), logistic());
    let usual = rows(200, 18, 0);
    let empty = usual.take(&[]);
    let one_class = with(&usual, "label", texts((0..200).map(|_| "no")));
    let no_labels = with(&usual, "label", Column::Text(TextColumn::from_texts((0..200).map(|_| None))));
    let constant = with(&usual, "x", Column::Float(vec![1.0; 200]));
    let gaps = with(&usual, "x", Column::Float(vec![f64::NAN; 200]));
    let endless = with(&usual, "x", Column::Float(vec![f64::INFINITY; 200]));
    for table in [&empty, &one_class, &no_labels, &constant, &gaps, &endless, &usual.take(&[0])] {
        for train in [None, Some(&usual), Some(&empty)] {
            let report = run(&Suite::default(), &Case { train, model: Some(&model), ..full(&clock, table) }).unwrap();
            for check in &report.checks {
                assert!(check.value.is_none_or(f64::is_finite), "{check:?}");
                assert!(!check.explanation.is_empty(), "{check:?}");
            }
            let text = serde_json::to_string(&report).unwrap();
            assert_eq!(serde_json::from_str::<SuiteReport>(&text).unwrap().checks.len(), report.checks.len());
        }
    }
    let silent = self::model(&["no", "yes"], |_| Ok(f64::NAN));
    let report = run(&Suite::default(), &Case { model: Some(&silent), ..full(&clock, &usual) }).unwrap();
    let passed: Vec<&str> = report
        .checks
        .iter()
        .filter(|check| check.group == Group::Performance && check.status == Status::Passed)
        .map(|check| check.name.as_str())
        .collect();
    assert!(passed.iter().all(|name| *name == "unused_features"), "{passed:?}");
}

#[test]
fn what_cannot_be_judged_is_refused() {
    let (clock, model, table) = (clock(), logistic(), rows(50, 19, 0));
    let lacking = table.select(&["id", "label"]).unwrap();
    let error = run(&Suite::default(), &Case { model: Some(&model), ..Case::of_rows(&clock, &lacking) }).unwrap_err();
    assert!(error.message().contains("'x'"), "{error}");
    let error = run(&Suite::default(), &Case { label: Some("late"), ..Case::of_rows(&clock, &table) }).unwrap_err();
    assert!(error.message().contains("'late'"), "{error}");
}

#[test]
fn the_time_of_a_suite_is_a_limit_and_its_outcome_follows_from_its_seed() {
    let (model, table) = (logistic(), rows(3_000, 20, 0));
    let hurried = Suite { seconds: 0, rows: 500, ..Suite::default() };
    let clock = SystemClock::default();
    let report = run(&hurried, &Case { model: Some(&model), ..Case::of_rows(&clock, &table) }).unwrap();
    assert!(report.checks.iter().all(|check| check.status == Status::NotApplicable), "{report:?}");
    assert_eq!((report.rows, report.judged_rows), (3_000, 500));
    let clock = self::clock();
    let drawn = |seed| {
        let suite = Suite { rows: 500, seed, ..Suite::default() };
        run(&suite, &Case { model: Some(&model), ..full(&clock, &table) }).unwrap()
    };
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
}

#[test]
fn every_check_has_a_name_of_its_own_and_says_what_to_do() {
    let mut names: Vec<&str> = CATALOG.iter().map(|check| check.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CATALOG.len());
    assert!(CATALOG.iter().all(|check| check.about.len() > 5 && check.next.len() > 5));
    assert!(Group::ALL.iter().all(|group| of_group(*group).count() > 0));
}
