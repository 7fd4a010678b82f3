//! The card of a model version.

use flyball_core::{Permit, Read, Result};
use flyball_evaluation::measure::Measure;
use flyball_loops::card::{self, ModelCard, STATEMENTS};
use flyball_loops::platform::Platform;
use flyball_loops::status::describe;
use flyball_web::{CardPage, Fact, Grid, Link, Panel, Section, format, links};

use super::shell;
use crate::routes::api::models::version_of;

/// The whole page.
pub(crate) fn page(platform: &Platform, permit: &Permit<Read>, model: &str, version: &str) -> Result<CardPage> {
    let number = platform.db.read(|tx| version_of(tx, permit, model, version))?.version;
    let card = card::card(platform, permit, model, number)?;
    let label = number.to_string();
    Ok(CardPage {
        shell: shell(platform, permit, Section::Models)?,
        name: card.model.clone(),
        version: Link::new(format!("{} version {number}", card.model), links::model_version(&card.model, &label)),
        description: card.description.clone().unwrap_or_default(),
        markdown: Link::new("Markdown", links::card_markdown(&card.model, &label)),
        sections: sections(&card),
    })
}

fn sections(card: &ModelCard) -> Vec<Panel> {
    let said = STATEMENTS.iter().map(|(key, about)| {
        let said = card.statements.get(*key).cloned();
        Fact::new(key.replace('_', " "), said.unwrap_or_else(|| format!("not said: {about} (tag card.{key})")))
    });
    let mut sections = vec![
        Panel { title: "What people say".into(), facts: said.collect(), ..Panel::default() },
        Panel { title: "Details".into(), facts: details(card), ..Panel::default() },
    ];
    if let Some(training) = &card.training {
        let mut facts = vec![Fact::link("run", format::short_id(&training.run), links::run(&training.run))];
        facts.extend(training.cause.iter().map(|cause| Fact::new("why", cause.clone())));
        facts.extend(training.dataset.iter().map(|dataset| Fact::new("data", dataset.clone())));
        facts.extend(training.rows.map(|rows| Fact::new("rows", format::count(rows))));
        facts.extend(training.window.map(|(from, to)| Fact::new("events", super::period(from, to))));
        facts.extend(training.code_commit.iter().map(|commit| Fact::new("code", commit.clone())));
        let rows = training.parameters.iter().map(|(key, value)| vec![key.clone(), value.clone()]).collect();
        let grid = Grid { head: vec!["Parameter".into(), "Value".into()], rows };
        sections.push(Panel { title: "Training".into(), facts, grid, ..Panel::default() });
    }
    if let Some(evaluation) = &card.evaluation {
        let facts = vec![Fact::new("held-out rows", format::count(evaluation.rows as u64))];
        sections.push(Panel { title: "Metrics".into(), facts, grid: metrics(&evaluation.metrics), ..Panel::default() });
        let metric = if evaluation.metrics.contains_key("auc") { "auc" } else { "rmse" };
        let row = |slice: &flyball_evaluation::Slice| {
            let found =
                slice.metrics.get(metric).map(interval).unwrap_or_else(|| vec!["undefined".into(), String::new()]);
            [vec![format!("{} = {}", slice.column, slice.group), format::count(slice.rows as u64)], found].concat()
        };
        let head = vec!["Group".into(), "Rows".into(), metric.to_owned(), "95 % interval".into()];
        let grid = Grid { head, rows: evaluation.slices.iter().map(row).collect() };
        sections.push(Panel { title: "Metrics by group".into(), grid, ..Panel::default() });
    }
    if let Some(serving) = &card.serving {
        let facts = vec![
            Fact::new("windows", format::count(serving.windows as u64)),
            Fact::new("with drift", format::count(serving.drifted as u64)),
        ];
        let grid = serving.newest.as_ref().map(|newest| metrics(&newest.performance)).unwrap_or_default();
        sections.push(Panel { title: "In production".into(), facts, grid, ..Panel::default() });
    }
    let history = card
        .history
        .iter()
        .map(|recorded| vec![format::minute(recorded.event.at), recorded.event.actor.clone(), describe(recorded)]);
    let grid = Grid { head: vec!["When".into(), "Who".into(), "What".into()], rows: history.collect() };
    sections.push(Panel { title: "History".into(), grid, ..Panel::default() });
    sections
}

fn details(card: &ModelCard) -> Vec<Fact> {
    let mut facts = vec![Fact::new("registered", format::minute(card.created_at))];
    facts.extend(card.registered_by.iter().map(|by| Fact::new("by", by.clone())));
    facts.extend(card.aliases.iter().map(|alias| Fact::new("alias", alias.clone())));
    facts.extend(card.artifact.iter().map(|artifact| Fact::new("content address", artifact.clone())));
    if let Some(signature) = &card.signature {
        let inputs: Vec<&str> = signature.features.iter().map(|feature| feature.name.as_str()).collect();
        facts.push(Fact::new("takes", inputs.join(", ")));
        let gives = if signature.classes.is_empty() { "a number".to_owned() } else { signature.classes.join(", ") };
        facts.push(Fact::new("gives", gives));
    }
    let gates = card.gates.iter().flat_map(|report| &report.gates);
    facts.extend(gates.map(|gate| {
        let verdict = if gate.holds == Some(true) { "holds" } else { "does not hold" };
        Fact::new("gate", format!("{}: {verdict}", gate.text))
    }));
    facts
}

fn interval(measure: &Measure) -> Vec<String> {
    let interval = match (measure.low, measure.high) {
        (Some(low), Some(high)) => format!("{} to {}", format::metric(low), format::metric(high)),
        _ => String::new(),
    };
    vec![format::metric(measure.value), interval]
}

fn metrics(metrics: &std::collections::BTreeMap<String, Measure>) -> Grid {
    let rows = metrics.iter().map(|(name, measure)| [vec![name.clone()], interval(measure)].concat()).collect();
    Grid { head: vec!["Metric".into(), "Value".into(), "95 % interval".into()], rows }
}
