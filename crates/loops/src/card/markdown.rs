//! The card as Markdown, in the order of Mitchell et al. 2019, "Model Cards for Model Reporting".

use std::collections::BTreeMap;

use flyball_core::Timestamp;
use flyball_evaluation::measure::Measure;
use flyball_evaluation::{Evaluation, Slice};

use super::front_matter::front_matter;
use super::{ModelCard, STATEMENTS, Training};
use crate::status::describe;

/// Most features that a card names by importance.
const FEATURES: usize = 15;

/// The whole card, with the head that the Hugging Face Hub reads.
pub fn markdown(card: &ModelCard) -> String {
    let mut text = format!("---\n{}---\n\n# {} version {}\n\n", front_matter(card), plain(&card.model), card.version);
    if let Some(description) = &card.description {
        text.push_str(&format!("{}\n\n", plain(description)));
    }
    let mut sections = vec![("Model details", details(card)), ("Intended use", intended(card))];
    sections.push(("Training data", card.training.as_ref().map_or_else(unknown, training)));
    match &card.evaluation {
        Some(evaluation) => {
            sections.push((
                "Metrics",
                format!(
                    "On {} held-out rows, with 95 % intervals.\n\n{}",
                    evaluation.rows,
                    metrics(&evaluation.metrics)
                ),
            ));
            sections.push(("Metrics by group", groups(evaluation)));
        }
        None => sections.push(("Metrics", unknown())),
    }
    sections.push(("Gates", gates(card)));
    sections.push(("In production", serving(card)));
    sections.push(("Limits and risks", limits(card)));
    sections.push(("History", history(card)));
    for (title, body) in sections {
        text.push_str(&format!("## {title}\n\n{}\n\n", body.trim_end()));
    }
    text
}

fn unknown() -> String {
    "Not known: the version was registered without it.".to_owned()
}

/// Text of users, as it stands: what Markdown would take for HTML or a heading is escaped.
fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        // Within a word an underscore is one, as in names of features.
        let within = c == '_' && before.is_alphanumeric() && rest.peek().is_some_and(|next| next.is_alphanumeric());
        if matches!(c, '<' | '>' | '|' | '`' | '#' | '[' | ']' | '*' | '_' | '\\') && !within {
            safe.push('\\');
        }
        safe.push(if c == '\n' || c == '\r' { ' ' } else { c });
        before = c;
    }
    safe
}

fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

fn details(card: &ModelCard) -> String {
    let mut lines = vec![format!(
        "- Registered: {} by {}",
        day(card.created_at),
        card.registered_by.as_deref().map_or_else(|| "somebody unnamed".into(), plain)
    )];
    for (key, label) in [("owners", "Owners"), ("contact", "Contact"), ("license", "Licence")] {
        let said = card.statements.get(key).map_or_else(|| not_said(key), |said| plain(said));
        lines.push(format!("- {label}: {said}"));
    }
    if !card.aliases.is_empty() {
        lines.push(format!(
            "- Aliases: {}",
            card.aliases.iter().map(|alias| plain(alias)).collect::<Vec<_>>().join(", ")
        ));
    }
    if let Some(artifact) = &card.artifact {
        lines.push(format!("- Content address (BLAKE3): `{artifact}`"));
    }
    if let Some(signature) = &card.signature {
        let inputs: Vec<String> = signature.features.iter().map(|feature| plain(&feature.name)).collect();
        lines.push(format!("- Takes: {}", inputs.join(", ")));
        let classes: Vec<String> = signature.classes.iter().map(|class| plain(class)).collect();
        lines.push(if classes.is_empty() {
            "- Gives: one number".to_owned()
        } else {
            format!("- Gives: the probability of {}", classes.join(", "))
        });
    }
    lines.join("\n")
}

fn not_said(key: &str) -> String {
    let about = STATEMENTS.iter().find(|(known, _)| *known == key).map_or("", |(_, about)| about);
    format!("not said (the tag `card.{key}` says {about})")
}

fn statements(card: &ModelCard, keys: &[(&str, &str)]) -> String {
    let line = |(key, label): &(&str, &str)| {
        let said = card.statements.get(*key).map_or_else(|| not_said(key), |said| plain(said));
        format!("- {label}: {said}")
    };
    keys.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn intended(card: &ModelCard) -> String {
    statements(card, &[("intended_use", "For"), ("out_of_scope", "Not for"), ("oversight", "Human oversight")])
}

fn limits(card: &ModelCard) -> String {
    let mut text = statements(card, &[("limitations", "Known limits"), ("ethics", "Risks for people")]);
    let small: Vec<&Slice> = card
        .evaluation
        .iter()
        .flat_map(|evaluation| &evaluation.slices)
        .filter(|slice| slice.rows < flyball_evaluation::evaluate::SMALL_GROUP_ROWS)
        .collect();
    if !small.is_empty() {
        text.push_str(&format!(
            "\n- Groups too small to be judged: {}",
            small
                .iter()
                .map(|slice| plain(&format!("{} = {}", slice.column, slice.group)))
                .collect::<Vec<_>>()
                .join(", ")
        ));
    }
    text
}

fn training(training: &Training) -> String {
    let mut lines = vec![format!("- Run: `{}`, {}", training.run, day(training.started_at))];
    if let Some(cause) = &training.cause {
        lines.push(format!("- Why: {}", plain(cause)));
    }
    if let Some(dataset) = &training.dataset {
        lines.push(format!("- Data: {}", plain(dataset)));
    }
    if let Some(rows) = training.rows {
        lines.push(format!("- Rows: {rows}"));
    }
    if let Some((from, to)) = training.window {
        lines.push(format!("- Events from {} to {}", day(from), day(to)));
    }
    if let Some(commit) = &training.code_commit {
        lines.push(format!("- Code: commit `{commit}`"));
    }
    for (key, value) in &training.parameters {
        lines.push(format!("- Parameter {}: {}", plain(key), plain(value)));
    }
    if !training.importance.is_empty() {
        let named: Vec<String> = training
            .importance
            .iter()
            .take(FEATURES)
            .map(|(feature, share)| format!("{} ({share:.3})", plain(feature)))
            .collect();
        lines.push(format!("- Most important features: {}", named.join(", ")));
    }
    lines.join("\n")
}

fn measure(measure: &Measure) -> String {
    match (measure.low, measure.high) {
        (Some(low), Some(high)) => format!("{:.4} | {low:.4} to {high:.4}", measure.value),
        _ => format!("{:.4} | ", measure.value),
    }
}

fn metrics(metrics: &BTreeMap<String, Measure>) -> String {
    let rows: Vec<String> =
        metrics.iter().map(|(name, value)| format!("| {} | {} |", plain(name), measure(value))).collect();
    format!("| Metric | Value | Interval |\n|---|---|---|\n{}", rows.join("\n"))
}

fn groups(evaluation: &Evaluation) -> String {
    if evaluation.slices.is_empty() {
        return "No groups were compared.".to_owned();
    }
    let metric = if evaluation.metrics.contains_key("auc") { "auc" } else { "rmse" };
    let row = |slice: &Slice| {
        let value = slice.metrics.get(metric).map_or_else(|| "undefined | ".to_owned(), measure);
        format!("| {} = {} | {} | {value} |", plain(&slice.column), plain(&slice.group), slice.rows)
    };
    let rows: Vec<String> = evaluation.slices.iter().map(row).collect();
    format!("| Group | Rows | {metric} | Interval |\n|---|---|---|---|\n{}", rows.join("\n"))
}

fn gates(card: &ModelCard) -> String {
    let Some(report) = &card.gates else { return "No gates judged it.".to_owned() };
    let verdict = |holds: Option<bool>| match holds {
        Some(true) => "holds",
        Some(false) => "does not hold",
        None => "could not be judged",
    };
    let rows: Vec<String> =
        report.gates.iter().map(|gate| format!("| {} | {} |", plain(&gate.text), verdict(gate.holds))).collect();
    if rows.is_empty() {
        return "No gates were declared.".to_owned();
    }
    format!("| Gate | Outcome |\n|---|---|\n{}", rows.join("\n"))
}

fn serving(card: &ModelCard) -> String {
    let Some(serving) = &card.serving else { return "No monitor watches it.".to_owned() };
    let mut text = format!(
        "In the newest windows of the monitor it answered in {}; in {} of them the data differed from what it learnt from.",
        serving.windows, serving.drifted
    );
    if let Some(newest) = &serving.newest
        && !newest.performance.is_empty()
    {
        text.push_str(&format!(
            "\n\nFrom {} to {}, {} of {} answers with ground truth:\n\n{}",
            day(newest.from),
            day(newest.to),
            newest.labelled,
            newest.rows,
            metrics(&newest.performance)
        ));
    }
    text
}

fn history(card: &ModelCard) -> String {
    if card.history.is_empty() {
        return "Nothing is recorded.".to_owned();
    }
    let line = |recorded: &flyball_governance::audit::Recorded| {
        format!("- {}, {}: {}", day(recorded.event.at), plain(&recorded.event.actor), plain(&describe(recorded)))
    };
    card.history.iter().map(line).collect::<Vec<_>>().join("\n")
}
