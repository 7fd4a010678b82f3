//! What a person says to an action that waits for approval, and to data in quarantine.

use flyball_core::{Edit, Error, ErrorCode, Permit, Result, Timestamp};
use flyball_remedies::{PastAction, State, quarantine, store as remedies};
use flyball_store::Tx;
use serde::Deserialize;

use super::act::{Asks, Standing, resolve};
use super::perform::{Done, perform};
use crate::declared::{self, Declared};
use crate::file::{Action, Limits};
use crate::platform::{Platform, permit_of};

/// What a person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Do it.
    Approve,
    /// Leave it.
    Deny,
}

/// Decides on an action that waits: what is approved is done at once.
///
/// # Errors
/// `NotFound`; `Conflict` when it waits no longer, or when something holds it back now.
pub fn decide(
    platform: &Platform,
    permit: &Permit<Edit>,
    id: &str,
    decision: Decision,
    note: &str,
) -> Result<PastAction> {
    let now = platform.clock.now();
    let (permit, id, note) = (permit.clone(), id.to_owned(), note.to_owned());
    let decided = platform.db.write(move |tx| {
        let mut action = remedies::get(tx, &permit.read(), &id)?;
        let state = action.state_at(now);
        if state != State::Waiting {
            let message = format!("the action {id} does not wait for approval: it is {}", state.as_str());
            return Err(Error::new(ErrorCode::Conflict, message).hint("`flyball remedies list` shows what waits"));
        }
        let declared = declared::get(tx, &permit.read(), &action.loop_name)?;
        if decision == Decision::Approve {
            approve(tx, &declared, &mut action, now)?;
        } else {
            action.state = State::Denied;
        }
        action.decided_by = Some(permit.actor().to_owned());
        action.decided_at = Some(now);
        let word = if decision == Decision::Approve { "approved" } else { "refused" };
        let told = if note.is_empty() { String::new() } else { format!(": {note}") };
        action.reason = format!("{}; {word} by {}{told}", action.reason, permit.actor());
        remedies::decide(tx, &permit, &action, now)?;
        no_longer_waits(tx, &declared, now)?;
        Ok(action)
    })?;
    platform.serving.refresh()?;
    Ok(decided)
}

fn approve(tx: &mut Tx<'_>, declared: &Declared, action: &mut PastAction, now: Timestamp) -> Result<()> {
    let refused = |why: String| {
        Err(Error::new(ErrorCode::Conflict, format!("it cannot be done now: {why}")).hint("approve it again later"))
    };
    let wanted = Action::parse(&action.action).ok_or_else(|| Error::internal("an action without a word"))?;
    let standing = Standing::of(tx, declared, now)?;
    if let Some(why) = standing.approved_but(wanted) {
        return refused(why);
    }
    let default = Limits::after(flyball_core::Duration::ZERO);
    let limits = declared.file.remedies.get(action.remedy).map_or(&default, |remedy| &remedy.limits);
    let before = (action.trouble_at, standing.past());
    match perform(tx, declared, wanted, &action.reason, before, limits, now)? {
        Done::No(why) => refused(why),
        Done::Yes { effect, in_effect } => {
            action.state = State::Taken;
            action.effect = effect;
            action.effective_at = in_effect.then_some(now);
            Ok(())
        }
    }
}

/// Writes of every action of a loop that waited too long that it has expired.
pub(super) fn expire(tx: &mut Tx<'_>, declared: &Declared, now: Timestamp) -> Result<()> {
    let permit = permit_of(&declared.name)?;
    let overdue = remedies::overdue(tx, &permit.read(), declared.name.as_str(), now)?;
    for mut action in overdue {
        action.state = State::Expired;
        action.decided_at = action.expires_at;
        action.reason = format!("{}; nobody approved it in time", action.reason);
        remedies::decide(tx, &permit, &action, now)?;
        no_longer_waits(tx, declared, now)?;
    }
    Ok(())
}

/// Resolves the alert that asks for approval, when nothing waits for it any more.
fn no_longer_waits(tx: &mut Tx<'_>, declared: &Declared, now: Timestamp) -> Result<()> {
    let permit = permit_of(&declared.name)?.read();
    if remedies::waiting(tx, &permit, Some(declared.name.as_str()), now)?.is_empty() {
        resolve(tx, declared, Asks::Approval, "nothing waits for approval", now)?;
    }
    Ok(())
}

/// Ends the quarantine of a loop's data: what comes from now on is learned from again.
///
/// # Errors
/// `NotFound` when none is in quarantine.
pub fn release(platform: &Platform, permit: &Permit<Edit>, loop_name: &str, note: &str) -> Result<()> {
    let (permit, name, note) = (permit.clone(), loop_name.to_owned(), note.to_owned());
    let now = platform.clock.now();
    platform.db.write(move |tx| {
        let declared = declared::get(tx, &permit.read(), &name)?;
        if quarantine::close(tx, &permit, &name, now, &note, now)? {
            return resolve(tx, &declared, Asks::Quarantine, "the data is learned from again", now);
        }
        Err(Error::not_found("quarantine of the loop", &name).hint("`flyball remedies show NAME` says what is held"))
    })
}
