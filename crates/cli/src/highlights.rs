//! One of everything that a loop's year had to show, as text for people.

use flyball_core::{Error, Result, Timestamp};
use flyball_loops::highlights::Highlights;
use serde_json::{Value, json};

use crate::commands::why;
use crate::tell;

/// Possible causes that are told, the most telling first.
const CAUSES: usize = 4;

/// The alarm with its diagnosis, the groups, and an answer explained; what there was none of is left out.
///
/// # Errors
/// None that a user could cause.
pub(crate) fn render(found: &Highlights) -> Result<String> {
    let plain = |value: Result<Value, serde_json::Error>| value.map_err(Error::internal);
    let mut text = format!("Drift was found in {} of {} windows.", found.alarmed, found.windows);
    if found.alarm.is_none() {
        text.push('\n');
    }
    if let Some(window) = &found.alarm {
        let drifted: Vec<String> =
            window.drifted().iter().map(|c| format!("{} ({} {:.2})", c.column, c.effect_name, c.effect)).collect();
        let day = |at: Timestamp| at.to_string().chars().take(10).collect::<String>();
        text.push_str(&format!(
            " The strongest alarm, from {} to {}:\n  {}\nIt may come from\n",
            day(window.from),
            day(window.to),
            drifted.join(", ")
        ));
        let causes = &window.causes[..window.causes.len().min(CAUSES)];
        text.push_str(&tell::causes(&json!({ "causes": plain(serde_json::to_value(causes))? })));
    }
    if let Some(report) = &found.fairness {
        text.push_str("\nHow groups were treated over the whole time, with 95 % intervals\n");
        text.push_str(&tell::fairness(&plain(serde_json::to_value(report))?));
    }
    if let Some(answer) = &found.explained {
        text.push_str("\nThe answer that was most surely right in those days, explained\n");
        text.push_str(&why::told(&plain(serde_json::to_value(answer))?));
    }
    Ok(text)
}
