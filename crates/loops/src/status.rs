//! How a loop stands: each stage of the cycle with its state and its last event.

use flyball_core::{Error, Permit, Read, Result, Timestamp};
use flyball_evaluation::Evaluation;
use flyball_evaluation::measure::Measure;
use flyball_governance::audit::Recorded;
use flyball_governance::{Outcome, audit};
use flyball_monitoring::alert::AlertState;
use flyball_monitoring::{WindowReport, store as monitoring};
use flyball_registry::{CHALLENGER, CHAMPION, packages as registry};
use flyball_remedies::{PastAction, store as remedies};
use flyball_serving::rollout::{Rollout, store as rollouts};
use flyball_store::{Tx, params};
use serde::Serialize;

use crate::declared::{self, Declared};
use crate::platform::Platform;
use crate::{train, watch};

/// The stages of the cycle, in its order.
pub const STAGES: [&str; 7] = ["data", "train", "gates", "deploy", "serve", "monitor", "remedy"];

/// How many windows back the newest measured one is looked for; an older one says nothing about now.
const RECENT: usize = 5;

/// How a stage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StageState {
    /// Nothing has happened yet.
    Idle,
    /// Something is under way.
    Active,
    /// The last thing went well.
    Ok,
    /// Someone should look.
    Attention,
    /// The last thing failed.
    Failed,
}

/// A stage of the cycle.
#[derive(Clone, Debug, Serialize)]
pub struct Stage {
    /// Its name, one of `STAGES`.
    pub name: &'static str,
    /// How it stands.
    pub state: StageState,
    /// Its last event in words.
    pub event: Option<String>,
    /// When that was.
    pub at: Option<Timestamp>,
}

/// How a loop stands.
#[derive(Clone, Debug, Serialize)]
pub struct LoopStatus {
    /// The loop.
    pub name: String,
    /// The stages, in the order of the cycle.
    pub stages: Vec<Stage>,
    /// The version that serves.
    pub champion: Option<i64>,
    /// The version that wants to.
    pub challenger: Option<i64>,
    /// The share of the newest revision while a rollout runs, 0 to 1.
    pub rollout_share: Option<f64>,
    /// The metric that the loop is judged by.
    pub metric: String,
    /// That metric in the last judged window.
    pub now: Option<Measure>,
    /// That metric on the held-out rows of the champion.
    pub reference: Option<Measure>,
    /// Alerts that are firing: one line each.
    pub firing: Vec<String>,
    /// When the next window closes.
    pub next_window: Option<Timestamp>,
    /// When the loop was applied last.
    pub applied_at: Timestamp,
}

/// How every loop stands, by name.
pub fn all(platform: &Platform, permit: &Permit<Read>) -> Result<Vec<LoopStatus>> {
    platform.db.read(|tx| declared::list(tx, permit)?.iter().map(|declared| of(tx, permit, declared)).collect())
}

/// How a loop stands.
pub fn of(tx: &mut Tx<'_>, permit: &Permit<Read>, declared: &Declared) -> Result<LoopStatus> {
    let name = declared.name.as_str();
    let champion = registry::by_alias(tx, permit, name, CHAMPION)?;
    let challenger = registry::by_alias(tx, permit, name, CHALLENGER)?;
    let running = rollouts::under_way(tx, permit, name)?;
    let windows = monitoring::windows(tx, permit, name, RECENT)?;
    let firing: Vec<_> = monitoring::alerts(tx, permit, Some(name), 20)?
        .into_iter()
        .filter(|alert| alert.state == AlertState::Firing)
        .collect();
    let metric = headline_metric(declared);
    let reference = match &champion {
        Some(version) => {
            let evaluation: Evaluation = serde_json::from_value(version.evaluation.clone()).map_err(Error::internal)?;
            evaluation.metrics.get(&metric).cloned()
        }
        None => None,
    };
    let training = flyball_jobs::unfinished(tx, train::KIND, name)?;
    let mut stages = Vec::new();
    for stage in STAGES {
        let last = last_event(tx, permit, stage, name)?;
        let state = match stage {
            "train" if training => StageState::Active,
            "deploy" if running.is_some() => StageState::Active,
            "serve" if champion.is_some() => StageState::Ok,
            "monitor" if !firing.is_empty() => StageState::Attention,
            _ => last.as_ref().map_or(StageState::Idle, |event| match event.event.outcome {
                Outcome::Done => StageState::Ok,
                Outcome::Denied => StageState::Attention,
                Outcome::Failed => StageState::Failed,
            }),
        };
        let event = match (stage, &champion) {
            ("serve", Some(version)) => Some(format!("version {} answers", version.version)),
            _ => last.as_ref().map(describe),
        };
        stages.push(Stage { name: stage, state, event, at: last.map(|event| event.event.at) });
    }
    Ok(LoopStatus {
        name: name.to_owned(),
        stages,
        champion: champion.map(|version| version.version),
        challenger: challenger.map(|version| version.version),
        rollout_share: running.map(|rollout| f64::from(rollout.share()) / f64::from(rollout_all())),
        now: windows.iter().find_map(|window| window.performance.get(&metric).cloned()),
        metric,
        reference,
        firing: firing.into_iter().map(|alert| format!("{}: {}", alert.kind.as_str(), alert.summary)).collect(),
        next_window: flyball_jobs::next_of(tx, watch::KIND, name)?,
        applied_at: declared.applied_at,
    })
}

fn rollout_all() -> u32 {
    flyball_serving::rollout::model::ALL
}

/// The metric that a loop is judged by: that of its performance monitor, else the task's usual one.
pub fn headline_metric(declared: &Declared) -> String {
    match (&declared.file.monitor.performance, declared.file.task) {
        (Some(performance), _) => performance.metric.clone(),
        (None, flyball_core::Task::Classification) => "auc".to_owned(),
        (None, flyball_core::Task::Regression) => "rmse".to_owned(),
    }
}

/// The stage of the cycle that an action belongs to.
pub fn stage_of(action: &str) -> Option<&'static str> {
    let noun = action.split('.').next().unwrap_or_default();
    Some(match noun {
        "dataset" | "loop" | "check" => "data",
        "run" => "train",
        "gate" | "model" => "gates",
        "rollout" | "endpoint" | "revision" => "deploy",
        "truth" | "ground_truth" => "serve",
        "window" | "alert" => "monitor",
        "remedy" | "remedies" | "quarantine" => "remedy",
        _ => return None,
    })
}

/// The last event of a stage for a loop.
fn last_event(tx: &mut Tx<'_>, permit: &Permit<Read>, stage: &str, name: &str) -> Result<Option<Recorded>> {
    let patterns: &[&str] = match stage {
        "data" => &["loop.%"],
        "train" => &["run.%"],
        "gates" => &["gate.%"],
        "deploy" => &["rollout.%"],
        "monitor" => &["window.%", "alert.%"],
        "remedy" => &["remedy.%"],
        _ => return Ok(None),
    };
    let mut newest: Option<i64> = None;
    for pattern in patterns {
        // Events of a loop's runs and endpoint name the loop in their details or their resource.
        let row = tx.query_one(
            "SELECT MAX(seq) AS seq FROM audit_events WHERE workspace = $1 AND action LIKE $2 \
             AND (actor = $3 OR resource = $4)",
            &params![permit.workspace(), *pattern, format!("loop:{name}"), format!("loop/{name}")],
        )?;
        let seq: Option<i64> = row.map_or(Ok(None), |row| row.get("seq"))?;
        newest = newest.max(seq);
    }
    match newest {
        Some(seq) => Ok(audit::since(tx, seq - 1, 1)?.into_iter().next()),
        None => Ok(None),
    }
}

/// An event as one line for a person.
pub fn describe(recorded: &Recorded) -> String {
    let (event, details) = (&recorded.event, &recorded.event.details);
    let text = |key: &str| details[key].as_str().unwrap_or_default().to_owned();
    let number =
        |key: &str| details["metrics"][key].as_f64().map(|value| format!(", {key} {value:.3}")).unwrap_or_default();
    match event.action.as_str() {
        "run.finish" => {
            format!("trained on {} rows ({}){}{}", details["rows"], text("cause"), number("auc"), number("rmse"))
        }
        "run.fail" => format!("training failed: {}", text("error")),
        "gate.judge" if event.outcome == Outcome::Done => "all gates hold".to_owned(),
        "gate.judge" => {
            let gates = details["gates"].as_array().cloned().unwrap_or_default();
            let failed: Vec<&str> =
                gates.iter().filter(|g| g["holds"] != true).filter_map(|g| g["gate"].as_str()).collect();
            format!("refused by {}", failed.join("; "))
        }
        "rollout.step" => text("decision"),
        "model.register" => format!("registered {}", event.resource.trim_start_matches("model/")),
        "model.alias" => format!("{} is {} now", event.resource.trim_start_matches("model/"), text("alias")),
        "window.close" | "window.update" => {
            let again = if event.action == "window.update" { ", again" } else { "" };
            let drifted = details["drifted"].as_array().map_or(0, Vec::len);
            let note = details["note"].as_str().map(|note| format!(" ({note})")).unwrap_or_default();
            format!(
                "window from {}{again}: {} rows, {drifted} columns drifted{}{}{note}",
                short(&text("from")),
                details["rows"],
                number("auc"),
                number("rmse")
            )
        }
        "alert.fire" => format!("{} alert: {}", text("kind"), text("summary")),
        "alert.acknowledge" => format!("{} alert acknowledged by {}", text("kind"), recorded.event.actor),
        "alert.resolve" => format!("{} alert resolved", text("kind")),
        "loop.apply" => "applied".to_owned(),
        "remedy.judge" => match details["help"].as_str() {
            Some("helped") => format!("{} helped", text("action")),
            Some("useless") => format!("{} did not help", text("action")),
            _ => format!("it is not known whether {} helped", text("action")),
        },
        "quarantine.begin" => format!("data since {} is set aside: {}", short(&text("from")), text("reason")),
        "quarantine.end" => format!("data from {} on is learned from again", short(&text("to"))),
        action if action.starts_with("remedy.") => {
            let verb = if event.outcome == Outcome::Done { "acts" } else { "waits" };
            format!("{} {verb}: {}", action.trim_start_matches("remedy."), text("reason"))
        }
        other => format!("{other} {}", event.resource),
    }
}

fn short(at: &str) -> &str {
    at.get(..10).unwrap_or(at)
}

/// Everything that a loop's page shows.
#[derive(Clone, Debug)]
pub struct LoopDetails {
    /// How it stands.
    pub status: LoopStatus,
    /// The loop as applied.
    pub declared: Declared,
    /// Its newest windows, newest first.
    pub windows: Vec<WindowReport>,
    /// Its newest rollouts, newest first.
    pub rollouts: Vec<Rollout>,
    /// What its remedies did, newest first.
    pub actions: Vec<PastAction>,
}

/// Everything that a loop's page shows.
pub fn details(platform: &Platform, permit: &Permit<Read>, name: &str) -> Result<LoopDetails> {
    platform.db.read(|tx| {
        let declared = declared::get(tx, permit, name)?;
        Ok(LoopDetails {
            status: of(tx, permit, &declared)?,
            windows: monitoring::windows(tx, permit, name, 60)?,
            rollouts: rollouts::list(tx, permit, name, 20)?,
            actions: remedies::since(tx, permit, name, Timestamp(0))?,
            declared,
        })
    })
}
