//! From nodes to the remedies.

use flyball_core::{Duration, Task};

use super::grammar;
use super::reader::{At, Reader};
use super::types::{Action, Limits, Remedy, Risk, Schedule, Trigger};
use super::yaml::Content;
use crate::expression::Scope;

/// One remedy.
pub(super) fn remedy(reader: &mut Reader, at: &At<'_>, task: Task) -> Option<Remedy> {
    let fields = reader.fields(at, grammar::REMEDY)?;
    let (when, every) = (fields.at("when"), fields.at("every"));
    if when.is_some() == every.is_some() {
        let message = if when.is_some() {
            "'when' and 'every' in one remedy"
        } else {
            "the remedy has neither 'when' nor 'every'"
        };
        reader.report(at, message, "give 'when' for a condition or 'every' for a schedule");
    }
    let scheduled = when.is_none();
    let trigger = match (when, every) {
        (Some(at), _) => reader.condition(&at, Scope::Remedy, task).map(Trigger::When),
        (None, at) => at.and_then(|at| schedule(reader, &at)).map(Trigger::Every),
    };
    let steps = fields.get(reader, "do", |reader, at| {
        let steps = steps(reader, at)?;
        if scheduled && steps.len() > 1 {
            reader.report(at, "a schedule has one action", "further steps are for conditions that still hold");
        }
        Some(steps)
    });
    let cool_down = if scheduled { Duration::ZERO } else { Duration::days(1) };
    let limits = fields.get(reader, "limits", |reader, at| limits(reader, at, cool_down));
    let dry_run = fields.get(reader, "dry_run", Reader::flag).unwrap_or(false);
    Some(Remedy { trigger: trigger?, steps: steps?, limits: limits.unwrap_or(Limits::after(cool_down)), dry_run })
}

fn schedule(reader: &mut Reader, at: &At<'_>) -> Option<Schedule> {
    match &at.node.content {
        Content::Scalar { text, .. } if text == "month" => Some(Schedule::Month),
        _ => reader.span(at).map(Schedule::Span),
    }
}

/// One action, or a list of them, none twice.
fn steps(reader: &mut Reader, at: &At<'_>) -> Option<Vec<Action>> {
    let action = |reader: &mut Reader, at: &At<'_>| {
        let word = reader.one_of(at, grammar::ACTIONS)?;
        grammar::ACTIONS.get(word).and_then(|word| Action::parse(word))
    };
    if at.scalar().is_some() {
        return action(reader, at).map(|action| vec![action]);
    }
    let mut seen: Vec<Action> = Vec::new();
    let steps = reader.list(at, |reader, item| {
        let action = action(reader, item)?;
        if seen.contains(&action) {
            reader.report(item, format!("the step '{}' stands here twice", action.as_str()), "remove one");
        }
        seen.push(action);
        Some(action)
    })?;
    if steps.is_empty() { reader.expected(at, "an action", "name at least one") } else { Some(steps) }
}

fn limits(reader: &mut Reader, at: &At<'_>, cool_down: Duration) -> Option<Limits> {
    let fields = reader.fields(at, grammar::LIMITS)?;
    let default = Limits::after(cool_down);
    let mut count = |key: &str, hint: &str| {
        fields.get(reader, key, |reader, at| match u32::try_from(reader.whole(at)?) {
            Ok(most) if most > 0 => Some(most),
            _ => reader.expected(at, "at least 1", hint),
        })
    };
    let never = "a remedy that may never act is better left out";
    let (per_day, per_month) = (count("per_day", never), count("per_month", never));
    let give_up_after = count("give_up_after", "1 stops after the first action that did not help");
    let risk = fields.get(reader, "approval", |reader, at| reader.one_of(at, grammar::RISKS));
    Some(Limits {
        cool_down: fields.get(reader, "cool_down", Reader::duration).unwrap_or(default.cool_down),
        per_day,
        per_month,
        budget: fields.get(reader, "budget", Reader::amount),
        min_rows: fields.get(reader, "min_rows", Reader::whole),
        environments: fields
            .get(reader, "environments", |reader, at| reader.list(at, Reader::name))
            .unwrap_or_default(),
        approval: risk.and_then(|word| [Risk::Low, Risk::Medium, Risk::High].get(word).copied()),
        approval_within: fields.get(reader, "approval_within", Reader::span).unwrap_or(default.approval_within),
        give_up_after: give_up_after.unwrap_or(default.give_up_after),
        concurrency: fields.get(reader, "concurrency", concurrency).unwrap_or(default.concurrency),
    })
}

fn concurrency(reader: &mut Reader, at: &At<'_>) -> Option<(u32, u32)> {
    let fields = reader.fields(at, grammar::CONCURRENCY)?;
    let (fewest, most) = Limits::CONCURRENCY;
    let mut bound = |key: &str, default: u32| match fields.get(reader, key, Reader::whole) {
        Some(number) => u32::try_from(number).unwrap_or(u32::MAX),
        None => default,
    };
    let (fewest, most) = (bound("min", fewest), bound("max", most.max(fewest)));
    if fewest == 0 || fewest > most {
        return reader.expected(at, "bounds that rise from at least 1", "write { min: 1, max: 16 }");
    }
    Some((fewest, most))
}
