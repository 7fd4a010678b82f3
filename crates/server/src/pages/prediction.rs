//! Why a prediction is what it is.

use flyball_core::{Permit, Read, Result};
use flyball_loops::platform::Platform;
use flyball_loops::why::{self, Why};
use flyball_serving::model::TruthValue;
use flyball_web::{Badge, Fact, LineageStep, PredictionPage, Section, State, format, links};

use super::shell;

/// The whole page.
pub(crate) fn page(platform: &Platform, permit: &Permit<Read>, id: &str) -> Result<PredictionPage> {
    let why = why::explain(platform, permit, id)?;
    let truth = why.truth.as_ref().map(|truth| match truth {
        TruthValue::Number(number) => format::number(*number),
        TruthValue::Class(class) => class.clone(),
    });
    let answer = match (why.score, why.classes.last()) {
        (Some(score), Some(class)) => format!("{class} with probability {score:.3}"),
        (Some(score), None) => format::number(score),
        (None, _) => why.error.clone().unwrap_or_default(),
    };
    Ok(PredictionPage {
        shell: shell(platform, permit, Section::Elsewhere)?,
        id: id.to_owned(),
        answer,
        badge: badge(&why),
        truth,
        facts: vec![
            Fact::new("at", format::minute(why.at)),
            Fact::link("endpoint", why.endpoint.clone(), links::endpoint(&why.endpoint)),
            Fact::new("key", why.key.clone().unwrap_or_default()),
        ],
        base: why.expected.unwrap_or(f64::NAN),
        unit: if why.classes.is_empty() { String::new() } else { "log-odds".to_owned() },
        contributions: why.contributions.clone().unwrap_or_default(),
        lineage: lineage(&why),
    })
}

/// Whether the answer was right, for classes; an answer in numbers is neither.
fn badge(why: &Why) -> Badge {
    match (&why.error, &why.truth, why.score, why.classes.last()) {
        (Some(_), ..) => Badge::new(State::Failed, "failed"),
        (None, None, ..) => Badge::new(State::Idle, "waiting for ground truth"),
        (None, Some(TruthValue::Class(class)), Some(score), Some(positive)) => {
            if (class == positive) == (score >= flyball_evaluation::measure::THRESHOLD) {
                Badge::new(State::Ok, "right")
            } else {
                Badge::new(State::Attention, "wrong")
            }
        }
        _ => Badge::from(State::Ok),
    }
}

fn lineage(why: &Why) -> Vec<LineageStep> {
    let (version, dataset) = (&why.version, &why.dataset);
    let number = version.version.to_string();
    vec![
        LineageStep::new(
            "data",
            dataset.label(),
            links::dataset_version(dataset.dataset.as_str(), &dataset.version.to_string()),
        ),
        LineageStep::new("run", format::short_id(&why.run.id), links::run(&why.run.id)),
        LineageStep::new(
            "version",
            format!("{} {number}", version.model),
            links::model_version(&version.model, &number),
        ),
        LineageStep::new("revision", format::short_id(&why.revision.id), links::endpoint(&why.endpoint)),
        LineageStep::new("prediction", format::short_id(&why.prediction_id), ""),
    ]
}
