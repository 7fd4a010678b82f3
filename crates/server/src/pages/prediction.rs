//! Why a prediction is what it is.

use flyball_core::model::{Method, Unit};
use flyball_core::{Permit, Read, Result};
use flyball_evaluation::measure::THRESHOLD;
use flyball_loops::explain::Counterfactual;
use flyball_loops::platform::Platform;
use flyball_loops::why::{self, Standing, Why};
use flyball_serving::model::TruthValue;
use flyball_web::{Badge, Fact, LineageStep, PredictionPage, Section, State, format, links};

use super::shell;

/// A share of the training rows that is told as hardly any.
const RARE: f64 = 0.01;

/// The whole page.
pub(crate) fn page(platform: &Platform, permit: &Permit<Read>, id: &str) -> Result<PredictionPage> {
    let why = why::explain(platform, permit, id)?;
    let truth = why.truth.as_ref().map(|truth| match truth {
        TruthValue::Number(number) => format::number(*number),
        TruthValue::Class(class) => class.clone(),
    });
    let answer = match (why.score, why.classes.as_slice()) {
        (Some(score), [negative, positive]) => {
            let decided = if score >= THRESHOLD { positive } else { negative };
            format!("{decided}: the probability of {positive} is {}", format::percent(score))
        }
        (Some(score), [.., class]) => format!("{class} with probability {}", format::percent(score)),
        (Some(score), []) => format::number(score),
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
        unit: why.unit.map_or("", Unit::words).to_owned(),
        method: sentences(&why),
        contributions: why.contributions.clone().unwrap_or_default(),
        standing: standing(&why),
        unexplained: why.unexplained.clone(),
        ways_out: ways_out(&why),
        lineage: lineage(&why),
    })
}

/// Whether the answer was right, for classes; an answer in numbers is neither.
fn badge(why: &Why) -> Badge {
    match (&why.error, &why.truth, why.score, why.classes.last()) {
        (Some(_), ..) => Badge::new(State::Failed, "failed"),
        (None, None, ..) => Badge::new(State::Idle, "waiting for ground truth"),
        (None, Some(TruthValue::Class(class)), Some(score), Some(positive)) => {
            if (class == positive) == (score >= THRESHOLD) {
                Badge::new(State::Ok, "right")
            } else {
                Badge::new(State::Attention, "wrong")
            }
        }
        _ => Badge::from(State::Ok),
    }
}

/// What the amounts come to, and how they were made.
fn sentences(why: &Why) -> String {
    let made = method(why);
    let (Some(Unit::LogOdds), Some(base), Some(parts)) = (why.unit, why.expected, &why.contributions) else {
        return made;
    };
    let total = base + parts.iter().map(|part| part.amount).sum::<f64>();
    let probability = format::percent(1.0 / (1.0 + (-total).exp()));
    format!(
        "Log-odds add up where probabilities do not: {} of them are a probability of {probability}. The amounts are {made}.",
        format::delta(total)
    )
}

/// How the explanation was made, in words.
fn method(why: &Why) -> String {
    let words = match why.method {
        None => return String::new(),
        Some(Method::Tree) => "exact, from the trees and what of the training passed their splits",
        Some(Method::TreeInterventional) => "exact, from the trees against rows of the training",
        Some(Method::Linear) => "exact, from the coefficients against the mean of the training",
        Some(Method::Kernel) => "from the model's answers to mixtures with known rows (KernelSHAP)",
        Some(Method::Permutation) => "from the model's answers to mixtures with known rows, feature by feature",
    };
    match (why.exact, why.method) {
        (false, _) => format!("estimated {words}"),
        (true, Some(Method::Kernel | Method::Permutation)) => format!("exact {words}"),
        (true, _) => words.to_owned(),
    }
}

/// Where each value stands among the training rows, in the order of the contributions.
fn standing(why: &Why) -> Vec<String> {
    let share = |share: f64| format::percent((share * 100.0).round() / 100.0);
    let told = |standing: &Standing| match (standing.share_below, standing.share_same) {
        (Some(below), _) if below < RARE => "among the lowest of training".to_owned(),
        (Some(below), _) if below > 1.0 - RARE => "among the highest of training".to_owned(),
        (Some(below), _) => format!("above {} of training", share(below)),
        (_, Some(same)) if same < RARE => "as hardly ever in training".to_owned(),
        (_, Some(same)) => format!("as in {} of training", share(same)),
        _ => String::new(),
    };
    why.standing.iter().map(told).collect()
}

/// What would have changed the answer, each way in one sentence.
fn ways_out(why: &Why) -> Vec<String> {
    let shown = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => "missing".to_owned(),
        number => number.as_f64().map_or_else(|| number.to_string(), format::number),
    };
    let way = |found: &Counterfactual| {
        let changes: Vec<String> = found
            .changes
            .iter()
            .map(|change| format!("{} {} instead of {}", change.feature, shown(&change.to), shown(&change.from)))
            .collect();
        let answer = found.class.as_deref().unwrap_or("another answer");
        format!("{answer}, if it were {}", changes.join(" and "))
    };
    why.counterfactuals.iter().map(way).collect()
}

fn lineage(why: &Why) -> Vec<LineageStep> {
    let revision = &why.revision;
    let number = revision.version.to_string();
    let mut steps = Vec::new();
    if let Some(dataset) = &why.dataset {
        let link = links::dataset_version(dataset.dataset.as_str(), &dataset.version.to_string());
        steps.push(LineageStep::new("data", dataset.label(), link));
    }
    if let Some(run) = &why.run {
        steps.push(LineageStep::new("run", format::short_id(&run.id), links::run(&run.id)));
    }
    steps.extend([
        LineageStep::new(
            "version",
            format!("{} {number}", revision.model),
            links::model_version(&revision.model, &number),
        ),
        LineageStep::new("revision", format::short_id(&revision.id), links::endpoint(&why.endpoint)),
        LineageStep::new("prediction", format::short_id(&why.prediction_id), ""),
    ]);
    steps
}
