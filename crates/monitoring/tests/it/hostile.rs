//! Windows of data that nobody wishes for: each is judged or refused in words, and nothing undefined becomes a number.

use std::collections::BTreeMap;

use flyball_core::rng::Rng;
use flyball_core::{Column, Duration, Table, Task, TextColumn, Timestamp};
use flyball_monitoring::diagnosis::diagnose;
use flyball_monitoring::intake::Intake;
use flyball_monitoring::prepared::Prepared;
use flyball_monitoring::reference::{Reference, SCORE, TRUTH};
use flyball_monitoring::window::{Served, judge};
use flyball_monitoring::{WindowReport, WindowSettings, encode::Sample};

const ROWS: usize = 2_000;

/// The columns of a window.
#[derive(Clone)]
struct Rows {
    wind: Vec<f64>,
    site: Vec<Option<String>>,
    scores: Vec<f64>,
    truth: Vec<f64>,
}

impl Rows {
    fn drawn(rng: &mut Rng, rows: usize) -> Self {
        let wind: Vec<f64> = (0..rows).map(|_| (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0).collect();
        let scores: Vec<f64> = wind.iter().map(|wind| 1.0 / (1.0 + (-wind).exp())).collect();
        let truth = scores.iter().map(|score| f64::from(u8::from(rng.unit() < *score))).collect();
        let site = (0..rows).map(|_| Some(["north", "south", "west"][rng.below(3)].to_owned())).collect();
        Self { wind, site, scores, truth }
    }

    fn features(&self) -> Table {
        let site = TextColumn::from_texts(self.site.iter().map(Option::as_deref));
        let wind = Column::Float(self.wind.clone());
        Table::new(vec![("wind".into(), wind), ("site".into(), Column::Text(site))]).unwrap()
    }
}

fn prepared(rows: &Rows, task: Task) -> Prepared {
    let mut answered = rows.features();
    answered.push(SCORE, Column::Float(rows.scores.clone())).unwrap();
    answered.push(TRUTH, Column::Float(rows.truth.clone())).unwrap();
    Prepared::new(task, Reference::of(rows.features(), answered).unwrap(), 1)
}

fn judged(prepared: &Prepared, rows: &Rows) -> WindowReport {
    let features = rows.features();
    let mut intake = Intake::new(&prepared.reference);
    intake.add(&features, &rows.scores, &rows.truth);
    let served = Served { intake, segments: Vec::new(), errors: 0, versions: BTreeMap::new() };
    let settings = WindowSettings { false_alarm_rate: 0.05, effect_floor: 0.05, min_rows: 100 };
    let span = (Timestamp(0), Timestamp(1));
    let mut report = judge(Task::Classification, span, &served, &BTreeMap::new(), &settings);
    let mut sample = Sample::new(prepared.encoder.width(), 20_000);
    let mut rng = Rng::seeded(1);
    sample.add(&prepared.encoder.encode(&features), &rows.scores, |limit| rng.below(limit));
    report.together = prepared.together(&sample, Duration::days(1));
    report.estimated = prepared.estimator.as_ref().map(|it| it.estimate(&sample)).unwrap_or_default();
    report.causes = diagnose(&report, &[]);
    report
}

/// Every number of a report is finite, and comes back as it was written.
fn sound(report: &WindowReport, name: &str) {
    let value = serde_json::to_value(report).unwrap();
    let text = value.to_string();
    let back: serde_json::Result<WindowReport> = serde_json::from_str(&text);
    assert_eq!(back.ok().as_ref(), Some(report), "{name}: {text}");
    for measure in report.performance.values().chain(report.estimated.values()) {
        assert!(measure.value.is_finite(), "{name}: {measure:?}");
    }
    for column in &report.columns {
        assert!(column.effect.is_finite() && (0.0..=1.0).contains(&column.effect), "{name}: {column:?}");
        assert!(column.p_value.is_none_or(|p| (0.0..=1.0).contains(&p)), "{name}: {column:?}");
    }
    for quality in report.quality.values() {
        assert!((0.0..=1.0).contains(&quality.missing) && quality.range.is_none_or(f64::is_finite), "{name}");
    }
}

type Spoil = fn(&mut Rows);

/// What is done to the rows, and the columns that alarm then.
type Case = (&'static str, fn(&mut Rows, &mut Rng), &'static [&'static str]);

const CASES: &[Case] = &[
    ("nothing", |_, _| {}, &[]),
    ("some NaN", |rows, _| rows.wind.iter_mut().step_by(3).for_each(|x| *x = f64::NAN), &["wind missing"]),
    ("all NaN", |rows, _| rows.wind.fill(f64::NAN), &["wind missing"]),
    (
        "infinities",
        |rows, _| {
            rows.wind.iter_mut().step_by(4).for_each(|x| *x = f64::INFINITY);
            rows.wind.iter_mut().skip(1).step_by(4).for_each(|x| *x = f64::NEG_INFINITY);
        },
        &["wind missing"],
    ),
    ("the largest numbers", |rows, _| rows.wind.iter_mut().for_each(|x| *x = x.signum() * f64::MAX), &["wind"]),
    ("a constant", |rows, _| rows.wind.fill(0.0), &["wind"]),
    ("no text", |rows, _| rows.site.fill(None), &["site missing"]),
    ("an endless text", |rows, _| rows.site.iter_mut().for_each(|site| *site = Some("x".repeat(100_000))), &["site"]),
    ("answers that are NaN", |rows, _| rows.scores.fill(f64::NAN), &["prediction missing"]),
    ("one answer", |rows, _| rows.scores.fill(0.25), &["prediction"]),
    ("only one class", |rows, _| rows.truth.fill(1.0), &[]),
    ("no label", |rows, _| rows.truth.fill(f64::NAN), &[]),
    (
        "one labelled row",
        |rows, _| {
            rows.truth.fill(f64::NAN);
            rows.truth[7] = 1.0;
        },
        &[],
    ),
    (
        "every row twice",
        |rows, _| {
            let half = rows.wind.len() / 2;
            for row in 0..half {
                rows.wind[half + row] = rows.wind[row];
                rows.site[half + row] = rows.site[row].clone();
                rows.scores[half + row] = rows.scores[row];
            }
        },
        &[],
    ),
];

#[test]
fn whatever_comes_is_judged_and_nothing_undefined_becomes_a_number() {
    let mut rng = Rng::seeded(21);
    let prepared = prepared(&Rows::drawn(&mut rng, 5_000), Task::Classification);
    for (name, spoil, expected) in CASES {
        let mut rows = Rows::drawn(&mut rng, ROWS);
        spoil(&mut rows, &mut rng);
        let report = judged(&prepared, &rows);
        sound(&report, name);
        assert_eq!((report.rows, report.note.as_deref()), (ROWS, None), "{name}");
        let mut alarms: Vec<&str> = report.drifted().iter().map(|column| column.column.as_str()).collect();
        alarms.sort_unstable();
        assert_eq!(alarms, *expected, "{name}");
        match *name {
            "only one class" => {
                assert!(!report.performance.contains_key("auc"), "{name}: there is nothing to rank");
                assert_eq!(report.performance["accuracy"].rows, ROWS);
            }
            "no label" | "one labelled row" => {
                assert!(report.performance.is_empty() && report.estimated.contains_key("auc"), "{name}: {report:#?}");
            }
            _ => {}
        }
    }
}

#[test]
fn windows_of_hardly_any_row_are_not_judged_and_say_so() {
    let mut rng = Rng::seeded(22);
    let prepared = prepared(&Rows::drawn(&mut rng, 5_000), Task::Classification);
    for (rows, note) in [(0, "nobody asked"), (1, "1 row is too few"), (99, "99 rows are too few")] {
        let report = judged(&prepared, &Rows::drawn(&mut rng, rows));
        sound(&report, note);
        assert!(report.note.as_deref().is_some_and(|text| text.starts_with(note)), "{:?}", report.note);
        assert!(report.columns.is_empty() && report.performance.is_empty() && !report.drift);
    }
}

#[test]
fn a_million_categories_are_as_bounded_as_a_few() {
    let mut rng = Rng::seeded(23);
    let prepared = prepared(&Rows::drawn(&mut rng, 5_000), Task::Classification);
    let features = |from: usize| {
        let names: Vec<String> = (from..from + 250_000).map(|number| format!("site {number}")).collect();
        let site = Column::Text(TextColumn::from_texts(names.iter().map(|name| Some(name.as_str()))));
        Table::new(vec![("wind".into(), Column::Float(vec![0.5; 250_000])), ("site".into(), site)]).unwrap()
    };
    let mut intake = Intake::new(&prepared.reference);
    for part in 0..4 {
        intake.add(&features(part * 250_000), &[0.5; 250_000], &[f64::NAN; 250_000]);
    }
    assert!(intake.to_bytes().len() < 100_000, "{} bytes", intake.to_bytes().len());
    let served = Served { intake, segments: Vec::new(), errors: 0, versions: BTreeMap::new() };
    let settings = WindowSettings { false_alarm_rate: 0.05, effect_floor: 0.05, min_rows: 100 };
    let span = (Timestamp(0), Timestamp(1));
    let report = judge(Task::Classification, span, &served, &BTreeMap::new(), &settings);
    sound(&report, "a million categories");
    assert_eq!(report.quality["site"].unseen, Some(1.0));
    assert!(serde_json::to_string(&report).unwrap().len() < 20_000);
}

#[test]
fn references_that_say_nothing_alarm_nothing() {
    let mut rng = Rng::seeded(24);
    let spoiled: [(&str, Spoil); 4] = [
        ("all missing", |rows| {
            rows.wind.fill(f64::NAN);
            rows.site.fill(None);
        }),
        ("constants", |rows| {
            rows.wind.fill(3.0);
            rows.site.fill(Some("north".to_owned()));
        }),
        ("one class", |rows| rows.truth.fill(0.0)),
        ("one row", |rows| {
            rows.wind.truncate(1);
            rows.site.truncate(1);
            rows.scores.truncate(1);
            rows.truth.truncate(1);
        }),
    ];
    for (name, spoil) in spoiled {
        for task in [Task::Classification, Task::Regression] {
            let mut rows = Rows::drawn(&mut rng, 3_000);
            spoil(&mut rows);
            let prepared = prepared(&rows, task);
            let mut now = Rows::drawn(&mut rng, ROWS);
            if name != "one row" {
                spoil(&mut now);
            }
            let report = judged(&prepared, &now);
            sound(&report, name);
            assert!(!report.drift, "{name}: {:?}", report.drifted());
        }
    }
}
