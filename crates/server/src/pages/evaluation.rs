//! An evaluation, and the list of all.

mod replayed;
mod suite;

use flyball_core::{Error, Permit, Read, Result};
use flyball_evaluation::evaluations::{self, KeptEvaluation, Kind, State as Made};
use flyball_loops::platform::Platform;
use flyball_web::{Badge, EvaluationPage, Fact, Link, ListPage, Section, State, format, links};
use serde_json::Value;

use super::lists::{ROWS, list};
use super::shell;

/// The newest evaluations.
pub(crate) fn all(platform: &Platform, permit: &Permit<Read>) -> Result<ListPage> {
    let found = platform.db.read(|tx| evaluations::newest(tx, permit, None, ROWS))?;
    let row = |kept: &KeptEvaluation| {
        let number = kept.version.to_string();
        vec![
            Link::new(format::short_id(&kept.id), links::evaluation(&kept.id)).into(),
            badge(kept).into(),
            kept.kind.as_str().into(),
            Link::new(format!("{} {number}", kept.model), links::model_version(&kept.model, &number)).into(),
            kept.subject.clone().into(),
            format::minute(kept.created_at).into(),
            kept.created_by.clone().into(),
        ]
    };
    let rows = found.iter().map(row).collect();
    let columns = ["evaluation", "outcome", "kind", "version", "on", "asked", "by"];
    let empty =
        "Nothing was evaluated yet. Run `flyball evaluate MODEL/VERSION DATASET`, or put `suites:` into a loop file.";
    list(platform, permit, Section::Evaluations, &columns, rows, empty)
}

/// The whole page.
pub(crate) fn page(platform: &Platform, permit: &Permit<Read>, id: &str) -> Result<EvaluationPage> {
    let (kept, report) = platform.db.read(|tx| evaluations::get(tx, permit, id))?;
    let mut page = EvaluationPage {
        shell: shell(platform, permit, Section::Evaluations)?,
        id: kept.id.clone(),
        title: format!("{} {} on {}", kept.model, kept.version, kept.subject),
        badge: badge(&kept),
        verdict: verdict(&kept),
        waiting: kept.state == Made::Waiting,
        facts: facts(&kept),
        ..EvaluationPage::default()
    };
    match (kept.kind, report) {
        (_, None) => {}
        (Kind::Replay, Some(report)) => replayed::fill(&mut page, &read(report)?),
        (Kind::Suite | Kind::Training, Some(report)) => suite::fill(&mut page, &read(report)?),
    }
    Ok(page)
}

fn read<T: serde::de::DeserializeOwned>(report: Value) -> Result<T> {
    serde_json::from_value(report).map_err(Error::internal)
}

fn badge(kept: &KeptEvaluation) -> Badge {
    match (kept.state, kept.passed) {
        (Made::Waiting, _) => Badge::new(State::Active, "waiting"),
        (Made::Failed, _) => Badge::new(State::Failed, "not made"),
        (Made::Done, Some(true)) => Badge::new(State::Ok, "passed"),
        (Made::Done, _) => Badge::new(State::Failed, "failed"),
    }
}

fn verdict(kept: &KeptEvaluation) -> String {
    match (kept.state, &kept.error) {
        (Made::Waiting, _) => "It is being made; this page looks again by itself.".to_owned(),
        (Made::Failed, error) => {
            format!("It could not be made: {}.", error.as_deref().unwrap_or("the reason is not known"))
        }
        (Made::Done, _) => String::new(),
    }
}

fn facts(kept: &KeptEvaluation) -> Vec<Fact> {
    let number = kept.version.to_string();
    let version = format!("{} {number}", kept.model);
    let subject = match kept.kind {
        Kind::Replay => Fact::link("traffic of", kept.subject.clone(), links::endpoint(&kept.subject)),
        _ => match kept.subject.split_once('@') {
            Some((dataset, number)) => {
                Fact::link("rows", kept.subject.clone(), links::dataset_version(dataset, number))
            }
            None => Fact::new("rows", kept.subject.clone()),
        },
    };
    vec![
        Fact::link("version", version, links::model_version(&kept.model, &number)),
        subject,
        Fact::new("kind", kept.kind.as_str()),
        Fact::new("asked", format::minute(kept.created_at)),
        Fact::new("by", kept.created_by.clone()),
    ]
}
