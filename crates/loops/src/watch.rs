//! Closes a monitoring window: joins what was answered with what really happened, judges it and moves the alerts.

use std::collections::BTreeMap;

use flyball_core::{Column, Error, Result, Signature, Table, Timestamp};
use flyball_evaluation::Evaluation;
use flyball_evaluation::expression::higher_is_better;
use flyball_governance::identity;
use flyball_jobs::{Claimed, NewJob, Outcome, enqueue};
use flyball_monitoring::alert::findings;
use flyball_monitoring::window::{Served, judge};
use flyball_monitoring::{WindowReport, WindowSettings, store as monitoring};
use flyball_registry::{CHAMPION, PackagedVersion, packages as registry};
use flyball_serving::model::TruthValue;
use flyball_serving::store as serving;
use flyball_serving::{record_columns as columns, truth};
use flyball_store::Tx;
use serde_json::json;

use crate::declared::{self, Declared};
use crate::platform::{Platform, permit_of};
use crate::{remedy, train};

/// The kind of the job that closes a window.
pub const KIND: &str = "loop.window";

/// The smallest effect that counts as drift when the loop file names none: a Kolmogorov–Smirnov distance or total
/// variation of 0.05 moves one row in twenty.
pub const EFFECT_FLOOR: f64 = 0.05;

/// Plans the closing of the window that begins at `from`: when it is over and its labels are due.
pub fn plan(tx: &mut Tx<'_>, declared: &Declared, from: Timestamp, now: Timestamp) -> Result<()> {
    let file = &declared.file;
    let due = from + file.monitor.window + file.training_dataset()?.label_delay;
    let key = format!("window:{}:{}", declared.name, from.0);
    let payload = json!({ "loop": declared.name, "from": from });
    enqueue(tx, &NewJob::new(KIND, key, declared.name.as_str(), payload, due), now).map(drop)
}

/// Closes the window.
pub fn run(platform: &Platform, job: &Claimed) -> Result<Outcome> {
    let permit = identity::local_user()?.edit().read();
    let name = job.job.payload["loop"].as_str().unwrap_or_default().to_owned();
    let from = Timestamp(job.job.payload["from"].as_i64().unwrap_or_default());
    let declared = platform.db.read(|tx| declared::get(tx, &permit, &name))?;
    let to = from + declared.file.monitor.window;
    let champion = platform.db.read(|tx| registry::by_alias(tx, &permit, &name, CHAMPION))?;
    let report = match &champion {
        Some(version) => Some(report(platform, &declared, version, from, to)?),
        None => None,
    };
    let now = platform.clock.now();
    let result = json!({ "rows": report.as_ref().map(|r| r.rows), "drift": report.as_ref().map(|r| r.drift) });
    let effects = move |tx: &mut Tx<'_>| {
        if let Some(report) = &report {
            conclude(tx, &declared, report, now)?;
        }
        plan(tx, &declared, to, now)
    };
    Ok(Outcome { effects: Box::new(effects), result })
}

/// Judges what was served in a window.
fn report(
    platform: &Platform,
    declared: &Declared,
    champion: &PackagedVersion,
    from: Timestamp,
    to: Timestamp,
) -> Result<WindowReport> {
    let name = declared.name.as_str();
    let evaluation: Evaluation = serde_json::from_value(champion.evaluation.clone()).map_err(Error::internal)?;
    let Some((answered, errors)) = answered(platform, name, from, to)? else {
        return Ok(WindowReport::silent((from, to), evaluation.metrics));
    };
    let truth = truth_by_key(platform, declared, &champion.signature.classes, &answered)?;
    let scores = answered.column(columns::SCORE)?.numbers();
    let rows = features(&answered, &champion.signature)?;
    let evaluation: Evaluation = serde_json::from_value(champion.evaluation.clone()).map_err(Error::internal)?;
    let served =
        Served { rows: &rows, scores: &scores, truth: &truth, errors, versions: versions(platform, &answered)? };
    let monitor = &declared.file.monitor;
    let settings = WindowSettings {
        length: monitor.window,
        false_alarm_rate: monitor.drift.false_alarm_rate,
        effect_floor: monitor.drift.effect_floor.unwrap_or(EFFECT_FLOOR),
        min_rows: usize::try_from(monitor.min_rows).unwrap_or(usize::MAX),
    };
    let reference = train::load_reference(platform, champion)?;
    judge(declared.file.task, (from, to), &served, &reference, &evaluation.metrics, &settings)
}

/// The answered rows of a stretch of event time, and how many requests failed in it; `None` when nobody asked.
fn answered(platform: &Platform, endpoint: &str, from: Timestamp, to: Timestamp) -> Result<Option<(Table, usize)>> {
    let records = platform.serving.records(endpoint, from, to)?;
    if records.rows() == 0 {
        return Ok(None);
    }
    let errors = records.column(columns::ERROR)?;
    let sound: Vec<usize> = (0..records.rows()).filter(|&row| errors.is_missing(row)).collect();
    let failed = records.rows() - sound.len();
    Ok(Some((records.take(&sound), failed)))
}

/// The features of answered rows under the names that the model knows them by.
fn features(answered: &Table, signature: &Signature) -> Result<Table> {
    let column = |name: &str| Ok((name.to_owned(), answered.column(&columns::of_feature(name))?.clone()));
    Table::new(signature.features.iter().map(|feature| column(&feature.name)).collect::<Result<_>>()?)
}

/// Answers and truths of the rows between two moments whose truth is known: what metrics are made of.
pub fn joined(
    platform: &Platform,
    declared: &Declared,
    from: Timestamp,
    to: Timestamp,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let permit = permit_of(&declared.name)?.read();
    let champion = platform.db.read(|tx| registry::by_alias(tx, &permit, declared.name.as_str(), CHAMPION))?;
    let classes = champion.map(|version| version.signature.classes).unwrap_or_default();
    let Some((rows, _)) = answered(platform, declared.name.as_str(), from, to)? else {
        return Ok((Vec::new(), Vec::new()));
    };
    let truth = truth_by_key(platform, declared, &classes, &rows)?;
    let scores = rows.column(columns::SCORE)?.numbers();
    Ok(truth.into_iter().zip(scores).filter(|(truth, _)| !truth.is_nan()).unzip())
}

/// Per served row what really happened, as the number that metrics compare with; NaN while unknown.
fn truth_by_key(platform: &Platform, declared: &Declared, classes: &[String], rows: &Table) -> Result<Vec<f64>> {
    let keys = rows.column(columns::KEY)?;
    let wanted: Vec<String> = (0..rows.rows()).filter_map(|row| keys.value(row).text()).collect();
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let known = platform.db.read(|tx| truth::truths_of(tx, declared.name.as_str(), &wanted))?;
    let positive = classes.last();
    let number = |value: &TruthValue| match (value, positive) {
        (TruthValue::Number(x), _) => *x,
        (TruthValue::Class(class), Some(positive)) => f64::from(u8::from(class == positive)),
        (TruthValue::Class(_), None) => f64::NAN,
    };
    Ok((0..rows.rows())
        .map(|row| {
            keys.value(row)
                .text()
                .and_then(|key| known.get(&key))
                .map_or(f64::NAN, |stored| number(&stored.truth.value))
        })
        .collect())
}

/// The model versions that answered, with their rows.
fn versions(platform: &Platform, rows: &Table) -> Result<BTreeMap<String, usize>> {
    let Column::Text(revisions) = rows.column(columns::REVISION)? else { return Ok(BTreeMap::new()) };
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for &code in &revisions.codes {
        *counts.entry(code).or_default() += 1;
    }
    platform.db.read(|tx| {
        let mut named = BTreeMap::new();
        for (code, count) in counts {
            if let Some(id) = revisions.levels.get(code as usize) {
                let revision = serving::revision(tx, id)?;
                *named.entry(format!("{}/{}", revision.model, revision.version)).or_default() += count;
            }
        }
        Ok(named)
    })
}

/// Writes a judged window, moves the alerts, and lets the remedies act.
fn conclude(tx: &mut Tx<'_>, declared: &Declared, report: &WindowReport, now: Timestamp) -> Result<()> {
    let permit = permit_of(&declared.name)?;
    let name = declared.name.as_str();
    monitoring::keep_window(tx, &permit, name, report, now)?;
    let floor = declared.file.monitor.performance.as_ref();
    let floor = floor.map(|p| (p.metric.as_str(), p.floor, higher_is_better(&p.metric)));
    for finding in findings(report, floor) {
        monitoring::apply(tx, &permit, name, &finding, now)?;
    }
    remedy::consider(tx, declared, report, now)
}
