//! The overview.

use flyball_core::{Permit, Read, Result, Task};
use flyball_loops::outcome::PolicyOutcome as Outcome;
use flyball_loops::platform::Platform;
use flyball_loops::simulate::{self, Progress};
use flyball_loops::status::{self, LoopStatus};
use flyball_web::{
    Badge, Chart, Comparison, EVENT_METRICS, Link, LoopCycle, OverviewPage, PolicyOutcome, Section, SimulationView,
    StageView, State, links,
};

use super::{estimate, feed, shell, stage_href, stage_of, state_of};
use crate::routes::api::simulation::{months_chart, policy_title};

/// How many events the feed shows.
const EVENTS: usize = 50;

/// The whole page.
pub(crate) fn page(platform: &Platform, permit: &Permit<Read>) -> Result<OverviewPage> {
    let loops = status::all(platform, permit)?;
    let progress = platform.db.read(|tx| simulate::latest(tx, permit))?;
    Ok(OverviewPage {
        shell: shell(platform, permit, Section::Overview)?,
        simulation: progress.as_ref().map(simulation),
        loops: loops.iter().map(cycle).collect(),
        events: feed(platform, EVENTS)?,
    })
}

/// A loop as its cycle.
pub(crate) fn cycle(status: &LoopStatus) -> LoopCycle {
    let worst = status.stages.iter().map(|stage| state_of(stage.state)).max_by_key(|state| match state {
        State::Failed => 3,
        State::Attention => 2,
        State::Active => 1,
        State::Ok | State::Idle => 0,
    });
    let state = if status.firing.is_empty() { worst.unwrap_or_default() } else { State::Attention };
    LoopCycle {
        name: status.name.clone(),
        badge: Badge::from(if state == State::Idle { State::Ok } else { state }),
        stages: status
            .stages
            .iter()
            .map(|stage| {
                let name = stage_of(stage.name);
                StageView {
                    stage: name,
                    state: state_of(stage.state),
                    event: stage.event.clone().unwrap_or_default(),
                    at: stage.at,
                    href: stage_href(&status.name, name),
                }
            })
            .collect(),
        version: status.champion.map_or_else(Link::default, |version| {
            Link::new(format!("version {version}"), links::model_version(&status.name, &version.to_string()))
        }),
        metric: status.metric.clone(),
        now: status.now.as_ref().map(estimate),
        reference: status.reference.as_ref().map(|measure| measure.value),
        alerts_firing: status.firing.len() as u64,
        next_window: status.next_window,
    }
}

fn simulation(progress: &Progress) -> SimulationView {
    let span = |to: flyball_core::Timestamp| (to - progress.from).0.max(0) as f64;
    let first = progress.policies.first();
    let count = |value: fn(&Outcome) -> i64| first.map_or(0, value).max(0).unsigned_abs();
    SimulationView {
        title: first.map_or_else(|| "A simulation".to_owned(), |policy| format!("{} replayed", policy.name)),
        badge: if progress.done { Badge::new(State::Ok, "done") } else { Badge::new(State::Active, "playing") },
        now: Some(progress.now.min(progress.to)),
        from: Some(progress.from),
        to: Some(progress.to),
        progress: (span(progress.now.min(progress.to)) / span(progress.to).max(1.0)).clamp(0.0, 1.0),
        speed: String::new(),
        predictions: progress.served,
        retrainings: count(|policy| policy.retrainings),
        alerts: count(|policy| policy.alerts),
        chart: Chart {
            title: "By month".into(),
            src: "/api/v1/simulation/series".into(),
            refresh: EVENT_METRICS.into(),
            data: months_chart(progress, None),
        },
        comparison: progress.done.then(|| comparison(progress)),
    }
}

fn comparison(progress: &Progress) -> Comparison {
    let main = progress.policies.first().map_or("", |policy| policy.name.as_str());
    let months = || progress.policies.iter().flat_map(|policy| &policy.months);
    let is_regression = months().any(|month| month.metrics.contains_key("rmse"));
    let task = if is_regression { Task::Regression } else { Task::Classification };
    let metrics = match task {
        Task::Classification => ["auc", "log_loss"],
        Task::Regression => ["rmse", "mae"],
    };
    let count = |value: i64| value.max(0).unsigned_abs();
    Comparison {
        metrics: metrics.iter().map(|metric| format!("mean monthly {metric}")).collect(),
        policies: progress
            .policies
            .iter()
            .map(|policy| PolicyOutcome {
                policy: policy_title(main, &policy.name),
                metrics: metrics.iter().map(|metric| mean(policy, metric)).collect(),
                alarms: count(policy.alerts),
                retrainings: count(policy.retrainings),
                rollbacks: count(policy.rollbacks),
                cost: policy.cost.map(|cost| flyball_web::format::count(cost.round() as u64)).unwrap_or_default(),
            })
            .collect(),
    }
}

fn mean(policy: &Outcome, metric: &str) -> f64 {
    let values: Vec<f64> =
        policy.months.iter().filter_map(|month| month.metrics.get(metric)).map(|m| m.value).collect();
    values.iter().sum::<f64>() / values.len() as f64
}
