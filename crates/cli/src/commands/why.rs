//! `flyball why`: the explanation of a prediction and where it came from.

use flyball_core::Result;
use flyball_evaluation::measure::THRESHOLD;
use serde_json::Value;

use super::Context;
use super::connect::connect;
use crate::args::WhyOptions;
use crate::output::print_json;

/// How many features are shown to people; `--json` has all of them.
const SHOWN: usize = 8;

/// Prints a prediction with its contributions and its lineage.
pub(crate) fn run(context: &Context, options: &WhyOptions) -> Result<()> {
    let connection = connect(&context.places)?;
    let why: Value = connection.client.get(&format!("/api/v1/predictions/{}", options.prediction_id))?;
    if context.json {
        return print_json(&why);
    }
    print!("{}", told(&why));
    Ok(())
}

/// A value as people read it.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), short),
        other => other.to_string(),
    }
}

/// The value of a feature, which contributions hold as text.
fn cell(value: &Value) -> String {
    match value.as_str().and_then(|said| said.parse::<f64>().ok()).filter(|number| number.is_finite()) {
        Some(number) => short(number),
        None => text(value),
    }
}

/// A number without the digits that nobody reads.
fn short(number: f64) -> String {
    let rounded = format!("{number:.4}");
    match rounded.trim_end_matches('0').trim_end_matches('.') {
        "0" | "-0" if number.abs() > 0.0 => format!("{number:.1e}"),
        text => text.to_owned(),
    }
}

/// A contribution with its bar, and its standard error where there is one.
pub(crate) fn bar(contribution: &Value, error: &Value) -> String {
    let amount = contribution["amount"].as_f64().unwrap_or_default();
    let bar = if amount < 0.0 { "−" } else { "+" }.repeat(((amount.abs() * 10.0).round() as usize).clamp(1, 20));
    let error = error.as_f64().map_or(String::new(), |error| format!(" ± {error:.3}"));
    let name = format!("{} = {}", text(&contribution["feature"]), cell(&contribution["value"]));
    format!("    {amount:+.3}{error}  {name:<24} {bar}")
}

/// What would have changed an answer.
pub(crate) fn way_out(found: &Value) -> String {
    let change = |change: &Value| {
        format!("{} {} instead of {}", text(&change["feature"]), text(&change["to"]), text(&change["from"]))
    };
    let changes: Vec<String> = found["changes"].as_array().into_iter().flatten().map(change).collect();
    let answer = found["class"].as_str().map_or_else(|| text(&found["scores"][0]), ToOwned::to_owned);
    format!("    {answer}, with {}", changes.join(" and "))
}

/// Where a feature's value stands among the training rows.
fn standing(found: &Value) -> String {
    let share = |value: &Value| value.as_f64().map(|share| format!("{:.0} %", share * 100.0));
    match (share(&found["share_below"]), share(&found["share_same"])) {
        (Some(below), _) => format!("  (above {below} of training)"),
        (_, Some(same)) => format!("  (as in {same} of training)"),
        _ => String::new(),
    }
}

/// The prediction as lines for a person.
pub(crate) fn told(why: &Value) -> String {
    let time = |value: &Value| value.as_i64().map_or("–".to_owned(), |at| flyball_core::Timestamp(at).to_string());
    let answer = match (why["score"].as_f64(), why["classes"].as_array().map_or(&[][..], Vec::as_slice)) {
        (Some(score), [negative, positive]) => {
            let decided = if score >= THRESHOLD { positive } else { negative };
            format!("{}: the probability of {} is {score:.3}", text(decided), text(positive))
        }
        (Some(score), [.., class]) => format!("{} with probability {score:.3}", text(class)),
        (Some(score), []) => format!("{score:.4}"),
        (None, _) => format!("failed: {}", text(&why["error"])),
    };
    let mut lines = vec![
        format!("{}  {}", text(&why["prediction_id"]), answer),
        format!("  what happened  {}", text(&why["truth"])),
        format!("  of             {} at {}", text(&why["key"]), time(&why["at"])),
        format!(
            "  answered by    {} version {}, revision {}",
            text(&why["revision"]["model"]),
            why["revision"]["version"],
            text(&why["revision"]["id"])
        ),
    ];
    if why["lineage"].is_object() {
        lines.extend([
            format!("  made by        {} ({})", text(&why["run"]["id"]), text(&why["lineage"]["cause"])),
            format!("  at commit      {}", text(&why["lineage"]["code_commit"])),
            format!(
                "  learnt from    {} rows of {}@{}, events from {} to {}",
                why["lineage"]["rows"],
                text(&why["dataset"]["dataset"]),
                why["dataset"]["version"],
                time(&why["lineage"]["window"][0]),
                time(&why["lineage"]["window"][1])
            ),
        ]);
    }
    if let (Some(expected), Some(contributions)) = (why["expected"].as_f64(), why["contributions"].as_array()) {
        let unit = text(&why["unit"]);
        lines.push(format!("  because        the model expects {expected:+.3} ({unit}) before it looks, and adds"));
        for (at, contribution) in contributions.iter().take(SHOWN).enumerate() {
            lines.push(bar(contribution, &Value::Null) + &standing(&why["standing"][at]));
        }
    }
    if let Some(reason) = why["unexplained"].as_str() {
        lines.push(format!("  not explained  {reason}"));
    }
    let ways = why["counterfactuals"].as_array().filter(|ways| !ways.is_empty());
    if let Some(ways) = ways {
        lines.push("  otherwise      the answer would have been".to_owned());
        lines.extend(ways.iter().map(way_out));
    }
    lines.push(String::new());
    lines.join("\n")
}
