//! Whether what a remedy did has helped: its condition on the first window that lies wholly after it was in effect.

use flyball_core::{Duration, Edit, Permit, Result, Timestamp};
use flyball_evaluation::expression::Condition;
use flyball_monitoring::WindowReport;
use flyball_remedies::{Help, PastAction, store as remedies};
use flyball_serving::rollout::{RolloutState, store as rollouts};
use flyball_store::Tx;

use super::act::under_way;
use super::evaluate;
use crate::declared::Declared;
use crate::file::Action;
use crate::platform::permit_of;

/// After so many windows that do not tell, it is not known whether an action helped.
const PATIENCE: i64 = 3;
/// How far back an action is judged.
const MEMORY: Duration = Duration::days(400);

/// Judges what a remedy did by a window.
pub(super) fn by_window(
    tx: &mut Tx<'_>,
    declared: &Declared,
    position: usize,
    condition: &Condition,
    window: &WindowReport,
    now: Timestamp,
) -> Result<()> {
    let holds = evaluate(condition, window).holds;
    by_verdict(tx, declared, position, (window.from, holds), now)
}

/// Judges what a remedy did by whether its condition holds on what happened from `from` on.
pub(super) fn by_verdict(
    tx: &mut Tx<'_>,
    declared: &Declared,
    position: usize,
    (from, holds): (Timestamp, Option<bool>),
    now: Timestamp,
) -> Result<()> {
    let permit = permit_of(&declared.name)?;
    let name = declared.name.as_str();
    let past = remedies::counted(tx, &permit.read(), name, now - MEMORY)?;
    let judged = |action: &&PastAction| {
        action.remedy == position
            && action.is_taken()
            && action.help.is_none()
            && Action::parse(&action.action).is_some_and(Action::is_judged)
    };
    for action in past.iter().filter(judged) {
        let Some(effective) = effective_at(tx, &permit, declared, action)? else { continue };
        if from < effective {
            continue;
        }
        let waited = Duration(declared.file.monitor.stride().0.saturating_mul(PATIENCE));
        let help = match holds {
            Some(true) => Help::Useless,
            Some(false) => Help::Helped,
            None if from - effective >= waited => Help::Unknown,
            None => continue,
        };
        remedies::judge(tx, &permit, action, help, effective, now)?;
    }
    if holds == Some(false) { remedies::end_trouble(tx, &permit, name, position) } else { Ok(()) }
}

/// When an action was in effect; `None` while it is still under way.
fn effective_at(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    declared: &Declared,
    action: &PastAction,
) -> Result<Option<Timestamp>> {
    if action.effective_at.is_some() {
        return Ok(action.effective_at);
    }
    if under_way(tx, &permit.read(), declared)?.is_some() {
        return Ok(None);
    }
    let done = rollouts::list(tx, &permit.read(), declared.name.as_str(), 1)?
        .into_iter()
        .find(|rollout| rollout.state == RolloutState::Succeeded && rollout.ended_at >= Some(action.at));
    // A training whose version was refused changed nothing.
    Ok(done.and_then(|rollout| rollout.ended_at).or(Some(action.at)))
}
