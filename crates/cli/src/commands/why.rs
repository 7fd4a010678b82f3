//! `flyball why`: the explanation of a prediction and where it came from.

use flyball_core::Result;
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

/// The prediction as lines for a person.
pub(crate) fn told(why: &Value) -> String {
    let text = |value: &Value| match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let time = |value: &Value| value.as_i64().map_or("–".to_owned(), |at| flyball_core::Timestamp(at).to_string());
    let answer = match (why["score"].as_f64(), why["classes"].as_array().and_then(|classes| classes.last())) {
        (Some(score), Some(class)) => format!("{} with probability {score:.3}", text(class)),
        (Some(score), None) => format!("{score:.4}"),
        (None, _) => format!("failed: {}", text(&why["error"])),
    };
    let mut lines = vec![
        format!("{}  {}", text(&why["prediction_id"]), answer),
        format!("  what happened  {}", text(&why["truth"])),
        format!("  of             {} at {}", text(&why["key"]), time(&why["at"])),
        format!(
            "  answered by    {} version {}, revision {}",
            text(&why["version"]["model"]),
            why["version"]["version"],
            text(&why["revision"]["id"])
        ),
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
    ];
    if let (Some(expected), Some(contributions)) = (why["expected"].as_f64(), why["contributions"].as_array()) {
        lines.push(format!("  because        the model expects {expected:+.3} before it looks, and adds"));
        for contribution in contributions.iter().take(SHOWN) {
            let amount = contribution["amount"].as_f64().unwrap_or_default();
            let bar =
                if amount < 0.0 { "−" } else { "+" }.repeat(((amount.abs() * 10.0).round() as usize).clamp(1, 20));
            lines.push(format!(
                "    {amount:+.3}  {:<24} {bar}",
                format!("{} = {}", text(&contribution["feature"]), text(&contribution["value"]))
            ));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}
