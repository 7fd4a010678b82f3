//! An endpoint.

use flyball_core::{Permit, Read, Result, Timestamp};
use flyball_loops::platform::Platform;
use flyball_serving::model::TruthValue;
use flyball_serving::rollout::{Rollout, RolloutState, StepDecision, store as rollouts};
use flyball_serving::{record_columns as columns, truth};
use flyball_web::{
    Badge, Chart, DecisionRow, EndpointPage, Fact, Link, PredictionRow, RevisionRow, RolloutStep, RolloutView, Section,
    State, format, links,
};

use super::{rollout_row, shell};

/// The whole page.
pub(crate) fn page(platform: &Platform, permit: &Permit<Read>, name: &str) -> Result<EndpointPage> {
    let snapshot = platform.serving.endpoint(name)?.snapshot();
    let history = platform.db.read(|tx| rollouts::list(tx, permit, name, 20))?;
    let state = match snapshot.state.as_str() {
        "ready" => State::Ok,
        "degraded" => State::Attention,
        "failed" => State::Failed,
        _ => State::Idle,
    };
    let revisions = snapshot
        .revisions
        .iter()
        .map(|live| {
            let (revision, counters) = (&live.revision, &live.counters);
            let latency = |q: f64| match counters.requests {
                0 => f64::NAN,
                _ => counters.latency.quantile_nanos(q) as f64 / 1e6,
            };
            RevisionRow {
                revision: format::short_id(&revision.id),
                version: Link::new(
                    format!("{} {}", revision.model, revision.version),
                    links::model_version(&revision.model, &revision.version.to_string()),
                ),
                share: f64::from(live.per_mille) / 1000.0,
                badge: match (live.per_mille, live.mirror_per_mille, live.loaded) {
                    (1.., _, true) => Badge::new(State::Ok, "serves"),
                    (1.., _, false) => Badge::new(State::Ok, "serves when asked"),
                    (0, 1.., _) => Badge::new(State::Active, "in the shadow"),
                    (0, 0, _) => Badge::from(State::Idle),
                },
                requests: counters.requests,
                errors: counters.errors,
                latency_p50_ms: latency(0.5),
                latency_p99_ms: latency(0.99),
            }
        })
        .collect();
    let loop_name = platform.serving.endpoint(name)?.endpoint.loop_name.clone();
    let owner = match loop_name {
        Some(name) => Fact::link("loop", name.as_str(), links::loop_page(&name)),
        None => Fact::new("deployed", "by hand"),
    };
    Ok(EndpointPage {
        shell: shell(platform, permit, Section::Endpoints)?,
        name: name.to_owned(),
        badge: Badge::new(state, snapshot.state.as_str()),
        facts: vec![
            owner,
            Fact::new("environment", snapshot.environment.clone()),
            Fact::new("address", format!("POST /v2/models/{name}/infer")),
            Fact::new("refused requests", format::count(snapshot.refused)),
            Fact::new("records waiting", format::count(snapshot.waiting as u64)),
            Fact::new("records dropped", format::count(snapshot.dropped)),
        ],
        revisions,
        rollout: history.iter().find(|rollout| rollout.state.is_under_way()).map(view),
        traffic: Chart::default(),
        rollouts: history.iter().map(rollout_row).collect(),
        predictions: newest(platform, name)?,
    })
}

/// The newest predictions that are written, with what really happened.
fn newest(platform: &Platform, name: &str) -> Result<Vec<PredictionRow>> {
    const SHOWN: usize = 10;
    let live = platform.serving.endpoint(name)?;
    let classes = &live.contract.signature.classes;
    let records = platform.serving.newest_records(name, SHOWN)?;
    if records.rows() == 0 {
        return Ok(Vec::new());
    }
    let text = |column: &str, row: usize| {
        let position = records.position(column)?;
        records.at(position).value(row).text()
    };
    let keys: Vec<String> = (0..records.rows()).filter_map(|row| text(columns::KEY, row)).collect();
    let wanted: Vec<&str> = keys.iter().map(String::as_str).collect();
    let truths = platform.db.read(|tx| truth::truths_of(tx, name, &wanted))?;
    let scores = records.column(columns::SCORE)?;
    let row = |row: usize| {
        let id = text(columns::PREDICTION_ID, row).unwrap_or_default();
        let score = scores.number(row);
        let answer = match (text(columns::ERROR, row), text(columns::ANSWER, row), classes.last()) {
            (Some(error), _, _) => error,
            (None, Some(answer), _) => answer,
            (None, None, Some(class)) => format!("{class} with probability {score:.3}"),
            (None, None, None) => format::number(score),
        };
        let happened =
            text(columns::KEY, row).and_then(|key| truths.get(&key).map(|stored| stored.truth.value.clone()));
        PredictionRow {
            at: Timestamp(records.column(columns::AT).map_or(0, |at| at.number(row) as i64)),
            prediction: Link::new(format::short_id(&id), links::prediction(&id)),
            answer,
            truth: happened.map_or_else(String::new, |truth| match truth {
                TruthValue::Number(number) => format::number(number),
                TruthValue::Class(class) => class,
            }),
            revision: format::short_id(&text(columns::REVISION, row).unwrap_or_default()),
        }
    };
    Ok((0..records.rows()).map(row).collect())
}

/// What was decided, and what was seen before.
fn evidence(decision: &StepDecision) -> String {
    let seen = &decision.observed;
    let mut text = format!("{} ({} requests, {} errors", decision.text, seen.requests, seen.errors);
    if let Some(disagreement) = seen.agreement.as_ref().and_then(|agreement| agreement.disagreement()) {
        text.push_str(&format!(", {:.1} % disagreement in the shadow", 100.0 * disagreement));
    }
    text.push(')');
    text
}

fn view(rollout: &Rollout) -> RolloutView {
    let step = |(position, share): (usize, &u32)| RolloutStep {
        share: f64::from(*share) / 1000.0,
        badge: match position.cmp(&rollout.step) {
            std::cmp::Ordering::Less => Badge::new(State::Ok, "passed"),
            std::cmp::Ordering::Equal => Badge::new(State::Active, "watched"),
            std::cmp::Ordering::Greater => Badge::new(State::Idle, "to come"),
        },
        at: (position == rollout.step).then_some(rollout.step_started_at),
    };
    RolloutView {
        title: format!("Rollout of {}", format::short_id(&rollout.to_revision)),
        badge: match rollout.state {
            RolloutState::Paused => Badge::new(State::Attention, "paused"),
            _ => Badge::new(State::Active, "running"),
        },
        steps: rollout.plan.steps.iter().enumerate().map(step).collect(),
        decisions: rollout
            .decisions
            .iter()
            .map(|decision| DecisionRow {
                at: decision.at,
                badge: Badge::from(State::Ok),
                evidence: evidence(decision),
            })
            .collect(),
    }
}
