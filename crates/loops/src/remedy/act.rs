//! One call for a remedy: which step, what holds it back, and the record of what came of it.

use flyball_core::{Duration, Permit, Read, Result, Timestamp};
use flyball_monitoring::alert::{AlertKind, Finding};
use flyball_monitoring::diagnosis::Cause;
use flyball_monitoring::store as monitoring;
use flyball_remedies::rules::{self, Busy, GAVE_UP, Situation, Step, Wish};
use flyball_remedies::{PastAction, State, pause, quarantine, store as remedies};
use flyball_serving::rollout::store as rollouts;
use flyball_store::Tx;
use serde_json::{Value, json};

use super::perform::{Done, perform};
use crate::declared::Declared;
use crate::file::{Action, Remedy, Trigger};
use crate::platform::permit_of;
use crate::train;

/// How far back actions count: longer than any limit reaches, months included.
const MEMORY: Duration = Duration::days(400);

/// What calls for a remedy.
pub(super) struct Call {
    /// Names the call: it is answered once, however often it is made.
    pub(super) cause: String,
    /// Why, in words.
    pub(super) reason: String,
    /// The values behind it.
    pub(super) evidence: Value,
    /// What the trouble may come from, the most telling first.
    pub(super) causes: Vec<Cause>,
    /// When it began.
    pub(super) trouble_at: Option<Timestamp>,
    /// The rows or requests behind it.
    pub(super) rows: Option<u64>,
}

impl Call {
    /// A call of the calendar.
    pub(super) fn scheduled(due: Timestamp, reason: String) -> Self {
        let cause = format!("schedule:{}", due.0);
        Self { cause, reason, evidence: json!({}), causes: Vec::new(), trouble_at: None, rows: None }
    }

    /// The fault of the data that is most telling, when there is one.
    pub(super) fn data_fault(&self) -> Option<&Cause> {
        self.causes.iter().find(|cause| cause.kind.is_data_fault())
    }
}

/// What the loop's remedies did and how its endpoint stands.
pub(super) struct Standing {
    past: Vec<PastAction>,
    busy: Option<Busy>,
    pause: Option<flyball_remedies::Pause>,
    quarantined: Option<Timestamp>,
    environment: String,
    now: Timestamp,
}

impl Standing {
    pub(super) fn of(tx: &mut Tx<'_>, declared: &Declared, now: Timestamp) -> Result<Self> {
        let permit = permit_of(&declared.name)?.read();
        let name = declared.name.as_str();
        Ok(Self {
            past: remedies::counted(tx, &permit, name, now - MEMORY)?,
            busy: under_way(tx, &permit, declared)?,
            pause: pause::of(tx, &permit, name)?,
            quarantined: quarantine::current(tx, &permit, name)?.map(|open| open.from),
            environment: declared.file.deploy.environment.to_string(),
            now,
        })
    }

    fn situation(&self) -> Situation<'_> {
        Situation {
            past: &self.past,
            busy: self.busy.as_ref(),
            pause: self.pause.as_ref(),
            quarantined: self.quarantined,
            environment: &self.environment,
            now: self.now,
        }
    }

    /// The step that is next, and what holds it back.
    pub(super) fn next(
        &self,
        declared: &Declared,
        position: usize,
        remedy: &Remedy,
        call: &Call,
    ) -> (Step, Option<String>) {
        let step = match (&remedy.trigger, remedy.steps.first()) {
            (Trigger::Every(_), Some(first)) => Step::Take(*first),
            _ => {
                let (most, window) = (remedy.limits.give_up_after, declared.file.monitor.stride());
                rules::next_step(position, &remedy.steps, most, &self.past, window, self.now)
            }
        };
        let Step::Take(wanted) = step else { return (step, None) };
        // A model must not learn from data that is at fault: it is set aside instead.
        let fault = wanted == Action::Retrain && call.data_fault().is_some();
        let action = if fault { Action::Quarantine } else { wanted };
        let cost = cost_of(declared, action);
        let wish = Wish { remedy: position, action, limits: &remedy.limits, cost, rows: call.rows };
        (Step::Take(action), rules::held_back(&wish, &self.situation()))
    }

    /// What keeps an action that a person has approved from being done now.
    pub(super) fn approved_but(&self, action: Action) -> Option<String> {
        match &self.busy {
            _ if self.pause.is_some() => self.pause.as_ref().map(ToString::to_string),
            Some(Busy::Rollout(which)) if action != Action::Page => Some(format!("{which} is under way")),
            Some(Busy::Training) if action == Action::Retrain => Some("a training is under way".to_owned()),
            _ => None,
        }
    }

    pub(super) fn past(&self) -> &[PastAction] {
        &self.past
    }
}

/// What an action costs by the loop file.
fn cost_of(declared: &Declared, action: Action) -> f64 {
    declared.file.costs.as_ref().map_or(0.0, |costs| match action {
        Action::Retrain => costs.retrain,
        Action::Page => costs.alert,
        _ => 0.0,
    })
}

/// What is under way on the loop's endpoint: a rollout or a training.
pub(super) fn under_way(tx: &mut Tx<'_>, permit: &Permit<Read>, declared: &Declared) -> Result<Option<Busy>> {
    if let Some(rollout) = rollouts::under_way(tx, permit, declared.name.as_str())? {
        return Ok(Some(Busy::Rollout(format!("the rollout of {}", rollout.to_revision))));
    }
    let training = flyball_jobs::unfinished(tx, train::KIND, declared.name.as_str())?;
    Ok(training.then_some(Busy::Training))
}

/// Answers a call: takes the next step of the remedy, or records what holds it back. A call that was answered before
/// changes nothing. Says what was recorded.
pub(super) fn act(
    tx: &mut Tx<'_>,
    declared: &Declared,
    position: usize,
    remedy: &Remedy,
    call: Call,
    now: Timestamp,
) -> Result<Option<PastAction>> {
    let permit = permit_of(&declared.name)?;
    let name = declared.name.as_str();
    let mut record = PastAction::new(permit.workspace().as_str(), name, position, call.cause.clone(), now);
    if remedies::is_answered(tx, &permit.read(), &record.id)? {
        return Ok(None);
    }
    let standing = Standing::of(tx, declared, now)?;
    let (step, held) = standing.next(declared, position, remedy, &call);
    record.trouble_at = call.trouble_at;
    record.diagnosis = json!(call.causes);
    record.evidence = call.evidence.clone();
    record.reason = call.reason.clone();
    record.action = remedy.steps.first().copied().unwrap_or(Action::Page).as_str().to_owned();
    match (step, held) {
        (Step::Take(action), None) => {
            record.action = action.as_str().to_owned();
            record.cost = cost_of(declared, action);
            take(tx, declared, (action, remedy), &call, &standing, &mut record)?;
        }
        (Step::Take(action), Some(why)) => {
            record.action = action.as_str().to_owned();
            hold(&mut record, why);
        }
        (Step::Hold(why), _) => hold(&mut record, why),
        (Step::GiveUp { why, last }, _) => {
            give_up(tx, declared, position, &call, (&why, &last), now)?;
            hold(&mut record, format!("it has given up: {why}; `flyball remedies resume {name}` lets it begin anew"));
        }
    }
    // What keeps holding it back while an endpoint is watched by the second is told once a window.
    let told = standing.past().iter().find(|past| past.remedy == position);
    let repeats = told.is_some_and(|past| {
        past.state == State::Held
            && past.evidence["held"] == record.evidence["held"]
            && now - past.at < declared.file.monitor.stride()
    });
    if record.state == State::Held && call.cause.starts_with(super::serving::CAUSE) && repeats {
        return Ok(None);
    }
    remedies::record(tx, &permit, &record)?;
    Ok(Some(record))
}

fn hold(record: &mut PastAction, why: String) {
    record.state = State::Held;
    record.reason = format!("{}; held back: {why}", record.reason);
    record.evidence["held"] = Value::from(why);
}

/// Does it, or says what it would do, or asks a person, as the remedy wants.
fn take(
    tx: &mut Tx<'_>,
    declared: &Declared,
    (action, remedy): (Action, &Remedy),
    call: &Call,
    standing: &Standing,
    record: &mut PastAction,
) -> Result<()> {
    let now = record.at;
    if let (Action::Quarantine, Some(fault)) = (action, call.data_fault()) {
        record.reason = format!("{}: {}", record.reason, fault.evidence);
    }
    if remedy.dry_run {
        record.state = State::DryRun;
        record.reason = format!("would {}: {}", action.as_str(), record.reason);
        return Ok(());
    }
    if rules::needs_approval(action, &remedy.limits) {
        record.state = State::Waiting;
        record.expires_at = Some(now + remedy.limits.approval_within);
        let summary = format!("{} waits for approval of {}: {}", action.as_str(), record.id, record.reason);
        return tell(tx, declared, Asks::Approval, summary, json!({ "action": record.id }), now);
    }
    match perform(tx, declared, action, &record.reason, (record.trouble_at, standing.past()), &remedy.limits, now)? {
        Done::No(why) => hold(record, why),
        Done::Yes { effect, in_effect } => {
            record.state = State::Taken;
            record.effect = effect;
            record.effective_at = in_effect.then_some(now);
        }
    }
    Ok(())
}

/// Pages once for what was done in vain.
fn give_up(
    tx: &mut Tx<'_>,
    declared: &Declared,
    position: usize,
    call: &Call,
    (why, last): (&str, &str),
    now: Timestamp,
) -> Result<()> {
    let permit = permit_of(&declared.name)?;
    let cause = format!("{GAVE_UP}{last}");
    let mut page = PastAction::new(permit.workspace().as_str(), declared.name.as_str(), position, cause, now);
    if remedies::is_answered(tx, &permit.read(), &page.id)? {
        return Ok(());
    }
    page.action = Action::Page.as_str().to_owned();
    page.state = State::Taken;
    page.reason = format!("remedy {} gives up: {why}; {}", position + 1, call.reason);
    page.evidence = call.evidence.clone();
    page.diagnosis = json!(call.causes);
    page.trouble_at = call.trouble_at;
    page.cost = cost_of(declared, Action::Page);
    page.effective_at = Some(now);
    let summary = format!("a person is needed: {}", page.reason);
    tell(tx, declared, Asks::Page, summary, json!({ "action": page.id }), now)?;
    remedies::record(tx, &permit, &page).map(drop)
}

/// What asks for a person; each has an alert of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// Something that no remedy can mend.
    Page,
    /// Actions that wait for approval.
    Approval,
    /// Data that nothing is learned from.
    Quarantine,
}

impl Asks {
    fn finding(self, present: bool, summary: String, details: Value) -> Finding {
        let subject = match self {
            Asks::Page => None,
            Asks::Approval => Some("approval".to_owned()),
            Asks::Quarantine => Some("quarantine".to_owned()),
        };
        Finding { subject, ..Finding::new(AlertKind::Page, present, summary, details) }
    }
}

/// Raises the alert for a person.
pub(super) fn tell(
    tx: &mut Tx<'_>,
    declared: &Declared,
    asks: Asks,
    summary: String,
    details: Value,
    now: Timestamp,
) -> Result<()> {
    let finding = asks.finding(true, summary, details);
    monitoring::apply(tx, &permit_of(&declared.name)?, declared.name.as_str(), &finding, now)
}

/// Resolves the alert for a person.
pub(super) fn resolve(tx: &mut Tx<'_>, declared: &Declared, asks: Asks, summary: &str, now: Timestamp) -> Result<()> {
    let finding = asks.finding(false, summary.to_owned(), json!({}));
    monitoring::apply(tx, &permit_of(&declared.name)?, declared.name.as_str(), &finding, now)
}
