//! An endpoint.

use flyball_core::{Permit, Read, Result};
use flyball_loops::platform::Platform;
use flyball_serving::rollout::{Rollout, RolloutState, StepDecision, store as rollouts};
use flyball_web::{
    Badge, Chart, DecisionRow, EndpointPage, Fact, Link, RevisionRow, RolloutStep, RolloutView, Section, State, format,
    links,
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
        predictions: Vec::new(),
    })
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
