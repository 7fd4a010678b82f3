//! The card of a model version.

use std::collections::BTreeMap;

use flyball_core::{Permit, Read, Result};
use flyball_evaluation::measure::{Measure, Measures};
use flyball_loops::card::{self, ModelCard, STATEMENTS};
use flyball_loops::platform::Platform;
use flyball_loops::status::describe;
use flyball_web::{CardPage, Fact, Folded, Grid, Link, Panel, Section, format, links};

use super::{MAIN_METRICS, fairness, shell};
use crate::routes::api::models::version_of;

/// As much of a content address as tells it from others.
const DIGEST: usize = 20;

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
    let mut sections =
        vec![statements(card), Panel { title: "Details".into(), facts: details(card), ..Panel::default() }];
    sections.extend(gates(card));
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
        let (grid, folded) = metrics(&evaluation.metrics, &BTreeMap::new());
        sections.push(Panel { title: "Metrics".into(), facts, grid, folded, ..Panel::default() });
        let metric = if evaluation.metrics.contains_key("auc") { "auc" } else { "rmse" };
        let row = |slice: &flyball_evaluation::Slice| {
            let found =
                slice.metrics.get(metric).map(interval).unwrap_or_else(|| vec!["undefined".into(), String::new()]);
            [vec![format!("{} = {}", slice.column, slice.group), format::count(slice.rows as u64)], found].concat()
        };
        let name = format::name(metric);
        let head = ["Group", "Rows", name.as_str(), "95 % interval"];
        let grid = Grid::new(&head, evaluation.slices.iter().map(row).collect());
        sections.push(Panel { title: "Metrics by group".into(), grid, ..Panel::default() });
    }
    if let Some(serving) = &card.serving {
        let facts = vec![
            Fact::new("windows", format::count(serving.windows as u64)),
            Fact::new("with drift", format::count(serving.drifted as u64)),
        ];
        let newest = serving.newest.as_ref();
        let (grid, folded) = newest.map(|newest| metrics(&newest.performance, &newest.reference)).unwrap_or_default();
        let text = newest.map(|newest| {
            format!("The newest window whose labels were due, {}.", super::period(newest.from, newest.to))
        });
        let text = text.unwrap_or_default();
        sections.push(Panel { title: "In production".into(), text, facts, grid, folded });
        let groups = newest.and_then(|newest| newest.fairness.as_ref());
        sections.extend(groups.iter().flat_map(|report| fairness::panels(report)));
    }
    let history = card
        .history
        .iter()
        .map(|recorded| vec![format::minute(recorded.event.at), recorded.event.actor.clone(), describe(recorded)]);
    let grid = Grid { head: vec!["When".into(), "Who".into(), "What".into()], rows: history.collect() };
    sections.push(Panel { title: "History".into(), grid, ..Panel::default() });
    sections
}

/// What people say of it, and what they have not said yet.
fn statements(card: &ModelCard) -> Panel {
    let said = STATEMENTS
        .iter()
        .filter_map(|(key, _)| card.statements.get(*key).map(|said| Fact::new(key.replace('_', " "), said.clone())));
    let open: Vec<String> = STATEMENTS
        .iter()
        .filter(|(key, _)| !card.statements.contains_key(*key))
        .map(|(key, about)| format!("{} ({about})", key.replace('_', " ")))
        .collect();
    let text = if open.is_empty() {
        String::new()
    } else {
        format!("Not said yet: {}. A tag of the version says it: card.intended_use, and so on.", open.join("; "))
    };
    Panel { title: "What people say".into(), text, facts: said.collect(), ..Panel::default() }
}

fn gates(card: &ModelCard) -> Option<Panel> {
    let gates = &card.gates.as_ref()?.gates;
    let row = |gate: &flyball_evaluation::GateOutcome| {
        let verdict = match gate.holds {
            Some(true) => "holds",
            Some(false) => "does not hold",
            None => "undecided",
        };
        vec![gate.text.clone(), verdict.to_owned()]
    };
    let rows = gates.iter().map(row).collect();
    (!gates.is_empty()).then(|| Panel {
        title: "Gates".into(),
        grid: Grid::new(&["Gate", "Outcome"], rows),
        ..Panel::default()
    })
}

fn details(card: &ModelCard) -> Vec<Fact> {
    let mut facts = vec![Fact::new("registered", format::minute(card.created_at))];
    facts.extend(card.registered_by.iter().map(|by| Fact::new("by", by.clone())));
    facts.extend(card.aliases.iter().map(|alias| Fact::new("alias", alias.clone())));
    facts.extend(card.artifact.iter().map(|artifact| Fact::new("content address", format::clip(artifact, DIGEST))));
    if let Some(signature) = &card.signature {
        let inputs: Vec<&str> = signature.features.iter().map(|feature| feature.name.as_str()).collect();
        facts.push(Fact::new("takes", inputs.join(", ")));
        let gives = if signature.classes.is_empty() { "a number".to_owned() } else { signature.classes.join(", ") };
        facts.push(Fact::new("gives", gives));
    }
    facts
}

fn interval(measure: &Measure) -> Vec<String> {
    let interval = match (measure.low, measure.high) {
        (Some(low), Some(high)) => format!("{} to {}", format::metric(low), format::metric(high)),
        _ => String::new(),
    };
    vec![format::metric(measure.value), interval]
}

/// The metrics that are looked at first, beside what they were when the model was made; the others are folded away.
fn metrics(found: &Measures, reference: &Measures) -> (Grid, Option<Folded>) {
    let row = |name: &str, measure: &Measure| {
        let before = reference.get(name).map(|before| format::metric(before.value));
        let before = (!reference.is_empty()).then(|| before.unwrap_or_else(|| format::MISSING.to_owned()));
        [vec![format::name(name)], interval(measure)].concat().into_iter().chain(before).collect()
    };
    let mut head = vec!["Metric", "Value", "95 % interval"];
    head.extend((!reference.is_empty()).then_some("When it was made"));
    let first = MAIN_METRICS.into_iter().filter_map(|name| Some(row(name, found.get(name)?))).collect();
    let others = found.iter().filter(|(name, _)| !MAIN_METRICS.contains(&name.as_str()));
    let others: Vec<Vec<String>> = others.map(|(name, measure)| row(name, measure)).collect();
    let title = format!("{} more metrics", others.len());
    let folded = (!others.is_empty()).then(|| Folded { title, grid: Grid::new(&head, others) });
    (Grid::new(&head, first), folded)
}
