//! The pure decisions: which step is next, and may it be taken now?

use flyball_core::{Duration, Timestamp};

use crate::model::{Action, Limits, Risk};
use crate::pause::Pause;
use crate::record::{Help, PastAction, State};

/// Within so many windows a remedy may act only as often as it may act in vain: what comes and goes faster than that is
/// not mended by doing the same again.
pub const FLAPPING_WINDOWS: i64 = 10;

/// What is under way on the loop's endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Busy {
    /// A rollout: nothing else may move the traffic.
    Rollout(String),
    /// A training, which moves no traffic yet.
    Training,
}

/// What a remedy wants.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The position of the remedy in the loop file.
    pub remedy: usize,
    /// The action.
    pub action: Action,
    /// Within what.
    pub limits: &'a Limits,
    /// What it costs.
    pub cost: f64,
    /// The rows or requests that call for it; `None` for a schedule.
    pub rows: Option<u64>,
}

/// How things stand.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// What the loop's remedies did, newest first.
    pub past: &'a [PastAction],
    /// What is under way.
    pub busy: Option<&'a Busy>,
    /// Who paused the remedies.
    pub pause: Option<&'a Pause>,
    /// Since when data is in quarantine.
    pub quarantined: Option<Timestamp>,
    /// Where the loop serves.
    pub environment: &'a str,
    /// The time.
    pub now: Timestamp,
}

/// The next step of a remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// This one.
    Take(Action),
    /// None now, because of this.
    Hold(String),
    /// None any more: what was done did not help. With the id of the last action.
    GiveUp {
        /// Why, in words.
        why: String,
        /// The id of the last action in vain.
        last: String,
    },
}

/// Which of a remedy's steps is next. `past` is of the whole loop, newest first; `window` is the length of the monitor's
/// windows.
pub fn next_step(
    remedy: usize,
    steps: &[Action],
    give_up_after: u32,
    past: &[PastAction],
    window: Duration,
    now: Timestamp,
) -> Step {
    let judged = |action: &PastAction| Action::parse(&action.action).is_some_and(Action::is_judged);
    let own = || past.iter().filter(|action| action.remedy == remedy);
    let taken = || own().filter(|action| action.is_taken() && judged(action));
    let open = || taken().filter(|action| !action.is_over);
    if let Some(waiting) = own().find(|action| action.state_at(now) == State::Waiting) {
        return Step::Hold(format!("{} waits for approval", waiting.id));
    }
    if let Some(pending) = open().find(|action| action.help.is_none()) {
        return Step::Hold(format!("it is not known yet whether {} of {} helps", pending.action, pending.at));
    }
    let useless = |action: &PastAction| action.help == Some(Help::Useless);
    let in_vain = open().filter(|action| useless(action)).count();
    let recent = taken().filter(|action| now - action.at < Duration(window.0.saturating_mul(FLAPPING_WINDOWS)));
    let left = steps.iter().find(|step| {
        step.is_new_each_time() || !open().any(|action| useless(action) && action.action == step.as_str())
    });
    let why = match left {
        _ if in_vain >= give_up_after as usize => format!("{in_vain} actions did not help"),
        None => format!("none of its {} steps helped", steps.len()),
        Some(step) if step.is_judged() && recent.count() >= give_up_after as usize => {
            format!("it acted {give_up_after} times within {FLAPPING_WINDOWS} windows")
        }
        Some(step) => return Step::Take(*step),
    };
    match taken().next() {
        Some(last) => Step::GiveUp { why, last: last.id.clone() },
        None => Step::Hold(why),
    }
}

/// What holds a remedy back now, in words; `None` when it may act.
pub fn held_back(wish: &Wish<'_>, situation: &Situation<'_>) -> Option<String> {
    let Wish { remedy, action, limits, .. } = *wish;
    let now = situation.now;
    if let Some(pause) = situation.pause {
        return Some(pause.to_string());
    }
    if action != Action::Page {
        match situation.busy {
            Some(Busy::Rollout(which)) => return Some(format!("{which} is under way")),
            // A training moves no traffic: what serves may be mended meanwhile.
            Some(Busy::Training) if action.risk() == Risk::High => return Some("a training is under way".to_owned()),
            _ => {}
        }
        let same_moment = situation.past.iter().find(|other| {
            other.is_taken() && other.at == now && other.remedy != remedy && other.action != Action::Page.as_str()
        });
        if let Some(other) = same_moment {
            return Some(format!("remedy {} acts at this moment: {}", other.remedy + 1, other.action));
        }
    }
    if let (Some(since), Action::Retrain | Action::Quarantine) = (situation.quarantined, action) {
        return Some(format!("the data since {since} is in quarantine"));
    }
    if !limits.environments.is_empty() && limits.environments.iter().all(|name| name.as_str() != situation.environment)
    {
        return Some(format!("it does not act in {}", situation.environment));
    }
    if let (Some(fewest), Some(rows)) = (limits.min_rows, wish.rows)
        && rows < fewest
    {
        return Some(format!("{rows} rows are too few; {fewest} are needed"));
    }
    by_count(wish, situation)
}

/// The limits in time and money.
fn by_count(wish: &Wish<'_>, situation: &Situation<'_>) -> Option<String> {
    let (limits, now) = (wish.limits, situation.now);
    // What a dry run would have done counts as done, so that it says what would happen and how often.
    let acted = |action: &&PastAction| {
        action.remedy == wish.remedy
            && matches!(action.state, State::Taken | State::DryRun)
            && !action.cause.starts_with(GAVE_UP)
    };
    let own = || situation.past.iter().filter(acted);
    if let Some(last) = own().map(|action| action.at).max()
        && now - last < limits.cool_down
        && !escalates(wish, situation)
    {
        return Some(format!("cool-down of {}: the last action was at {last}", limits.cool_down));
    }
    let day = Timestamp(now.0.div_euclid(Duration::days(1).0) * Duration::days(1).0);
    for (most, since, span) in [(limits.per_day, day, "day"), (limits.per_month, now.month_start(), "month")] {
        let Some(most) = most else { continue };
        let acted = own().filter(|action| action.at >= since).count();
        if acted >= most as usize {
            return Some(format!("limit of {most} per {span}: {acted} in this one"));
        }
    }
    if let Some(budget) = limits.budget {
        let spent: f64 = own().filter(|action| action.at >= now.month_start()).map(|action| action.cost).sum();
        if spent + wish.cost > budget {
            return Some(format!("budget of {budget} per month: {spent} spent, {} more needed", wish.cost));
        }
    }
    None
}

/// Whether this is the next step after one that did not help: that is no repetition, and waits for no cool-down.
fn escalates(wish: &Wish<'_>, situation: &Situation<'_>) -> bool {
    let newest = situation.past.iter().find(|action| action.remedy == wish.remedy && action.is_taken());
    newest.is_some_and(|action| {
        !action.is_over && action.help == Some(Help::Useless) && action.action != wish.action.as_str()
    })
}

/// How the cause of a page begins that a remedy sends when it gives up.
pub const GAVE_UP: &str = "gave-up:";

/// Whether an action must wait for a person.
pub fn needs_approval(action: Action, limits: &Limits) -> bool {
    action != Action::Page && limits.approval.is_some_and(|risk| action.risk() >= risk)
}

#[cfg(test)]
mod tests;
