//! From the domain to the views of the pages. Pure mapping: what a page shows is asked for here, how it looks is decided
//! in `flyball-web`.

pub(crate) mod alert;
pub(crate) mod card;
pub(crate) mod dataset;
pub(crate) mod endpoint;
pub(crate) mod evaluation;
pub(crate) mod fairness;
pub(crate) mod labels;
pub(crate) mod lists;
pub(crate) mod loop_page;
pub(crate) mod model_version;
pub(crate) mod monitor;
pub(crate) mod overview;
pub(crate) mod prediction;
pub(crate) mod remedies;
pub(crate) mod run;
pub(crate) mod window;

use flyball_core::{Permit, Read, Result, Timestamp};
use flyball_evaluation::measure::Measure;
use flyball_governance::identity::LOCAL_WORKSPACE;
use flyball_governance::{Outcome, audit};
use flyball_loops::platform::Platform;
use flyball_loops::status::{self, StageState};
use flyball_monitoring::WindowReport;
use flyball_monitoring::alert::{Alert, store as alerts};
use flyball_monitoring::diagnosis::CauseKind;
use flyball_serving::rollout::{Rollout, RolloutState};
use flyball_web::{AlertRow, Badge, Estimate, Event, Link, RolloutRow, Section, Shell, Stage, State, WindowRow, links};

/// The metrics that are looked at first, in this order.
const MAIN_METRICS: [&str; 9] = ["auc", "log_loss", "accuracy", "f1", "brier", "ece", "rmse", "mae", "r2"];

/// What stands around every page.
pub(crate) fn shell(platform: &Platform, permit: &Permit<Read>, section: Section) -> Result<Shell> {
    let firing = platform.db.read(|tx| alerts::firing(tx, permit))?;
    Ok(Shell {
        section,
        workspace: LOCAL_WORKSPACE.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        alerts_firing: firing.iter().map(|(.., count)| count.unsigned_abs()).sum(),
    })
}

pub(crate) fn estimate(measure: &Measure) -> Estimate {
    match (measure.low, measure.high) {
        (Some(low), Some(high)) => Estimate::between(measure.value, low, high),
        _ => Estimate::exact(measure.value),
    }
}

pub(crate) fn state_of(state: StageState) -> State {
    match state {
        StageState::Idle => State::Idle,
        StageState::Active => State::Active,
        StageState::Ok => State::Ok,
        StageState::Attention => State::Attention,
        StageState::Failed => State::Failed,
    }
}

/// The stage of the cycle under the name that the loops context gives it.
pub(crate) fn stage_of(name: &str) -> Stage {
    match name {
        "train" => Stage::Train,
        "gates" => Stage::Gate,
        "deploy" => Stage::Deploy,
        "serve" => Stage::Serve,
        "monitor" => Stage::Monitor,
        "remedy" => Stage::Remedy,
        _ => Stage::Data,
    }
}

/// The page that tells more about a stage of a loop.
pub(crate) fn stage_href(name: &str, stage: Stage) -> String {
    match stage {
        Stage::Data => Section::Data.href(),
        Stage::Train | Stage::Gate => Section::Runs.href(),
        Stage::Deploy | Stage::Serve => links::endpoint(name),
        Stage::Monitor => links::monitor(name),
        Stage::Remedy => links::loop_page(name),
    }
}

/// An audit event as a line of the feed.
pub(crate) fn event(recorded: &audit::Recorded) -> Option<Event> {
    let event = &recorded.event;
    let loop_name = event.actor.strip_prefix("loop:").or_else(|| event.resource.strip_prefix("loop/"))?;
    let stage = stage_of(status::stage_of(&event.action)?);
    let state = match event.outcome {
        Outcome::Done if event.action == "alert.fire" => State::Attention,
        Outcome::Done => State::Ok,
        Outcome::Denied => State::Attention,
        Outcome::Failed => State::Failed,
    };
    let href = match event.resource.strip_prefix("run/") {
        Some(run) => links::run(run),
        None => stage_href(loop_name, stage),
    };
    Some(Event { at: event.at, loop_name: loop_name.to_owned(), stage, state, text: status::describe(recorded), href })
}

/// Actions that fill a feed without telling anything that another event does not tell.
const NOISE: [&str; 5] = ["truth.record", "endpoint.traffic", "revision.create", "model.alias", "model.alias_removed"];

/// The newest events of the loops, newest first.
pub(crate) fn feed(platform: &Platform, most: usize) -> Result<Vec<Event>> {
    let (mut events, mut before) = (Vec::new(), None);
    while events.len() < most {
        let batch = platform.db.read(|tx| audit::newest(tx, before, 200))?;
        let Some(last) = batch.last() else { break };
        before = Some(last.seq);
        events.extend(batch.iter().filter(|e| !NOISE.contains(&e.event.action.as_str())).filter_map(event));
    }
    events.truncate(most);
    Ok(events)
}

pub(crate) fn alert_row(alert: &Alert) -> AlertRow {
    AlertRow {
        at: alert.opened_at,
        badge: alert::badge(alert),
        text: Link::new(format!("{}: {}", alert.kind.as_str(), alert.summary), links::alert(&alert.id)),
        resolved_at: alert.resolved_at,
    }
}

/// A cause as somebody says it who does not know the word for it, with the word.
pub(crate) fn cause_words(kind: CauseKind) -> &'static str {
    match kind {
        CauseKind::FailingModel => "the model fails",
        CauseKind::SlowModel => "the model is slow",
        CauseKind::UpstreamGap => "data is missing upstream",
        CauseKind::MissingFeature => "features went missing",
        CauseKind::UnitChange => "a feature came in another unit",
        CauseKind::BadChallenger => "the new version is worse",
        CauseKind::LateLabels => "labels are late",
        CauseKind::NewCategories => "new categories came",
        CauseKind::LabelShift => "outcomes are more or less frequent (label shift)",
        CauseKind::ConceptShift => "the same features lead to other outcomes (concept shift)",
        CauseKind::CovariateShift => "the features changed (covariate shift)",
    }
}

/// What usually helps, as a step; the word is the action of the loop file.
pub(crate) fn suggestion_words(action: &str) -> &str {
    match action {
        "rollback" => "roll back",
        "quarantine" => "keep the data from being learned (quarantine)",
        "page" => "ask whoever delivers it",
        other => other,
    }
}

/// A span of days, as `2013-03-01 – 2013-03-04`.
pub(crate) fn period(from: Timestamp, to: Timestamp) -> String {
    format!("{} – {}", flyball_web::format::day(from), flyball_web::format::day(to))
}

pub(crate) fn window_row(loop_name: &str, window: &WindowReport, metric: &str) -> WindowRow {
    let state = match (&window.note, window.drift) {
        (Some(_), _) => Badge::new(State::Idle, "not judged"),
        (None, true) => Badge::new(State::Attention, "drift"),
        (None, false) => Badge::from(State::Ok),
    };
    WindowRow {
        period: Link::new(period(window.from, window.to), links::window(loop_name, &window.from.0.to_string())),
        rows: window.rows as u64,
        labelled: if window.rows == 0 { f64::NAN } else { window.labelled as f64 / window.rows as f64 },
        metric: window.performance.get(metric).map(estimate),
        drifted: named(window),
        badge: state,
    }
}

/// How many drifted columns a row names; the window's page has all of them.
const NAMED: usize = 4;

/// The columns that drifted most, and how many more.
fn named(window: &WindowReport) -> Vec<String> {
    let drifted = window.drifted();
    let mut names: Vec<String> = drifted.iter().take(NAMED).map(|column| column.column.clone()).collect();
    if drifted.len() > NAMED {
        names.push(format!("{} more", drifted.len() - NAMED));
    }
    names
}

pub(crate) fn rollout_row(rollout: &Rollout) -> RolloutRow {
    let (state, word) = match rollout.state {
        RolloutState::Running => (State::Active, "running"),
        RolloutState::Paused => (State::Attention, "paused"),
        RolloutState::Succeeded => (State::Ok, "succeeded"),
        RolloutState::Aborted => (State::Failed, "rolled back"),
    };
    let short = |id: &str| flyball_web::format::short_id(id);
    let shares: Vec<String> =
        rollout.plan.steps.iter().map(|share| format!("{} %", f64::from(*share) / 10.0)).collect();
    RolloutRow {
        at: rollout.started_at,
        to: Link::new(short(&rollout.to_revision), links::endpoint(&rollout.endpoint)),
        from: Link::plain(rollout.from_revision.as_deref().map(short).unwrap_or_default()),
        strategy: shares.join(" → "),
        badge: Badge::new(state, word),
        reason: rollout.decisions.last().map(|decision| decision.text.clone()).unwrap_or_default(),
    }
}
