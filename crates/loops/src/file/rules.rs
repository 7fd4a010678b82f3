//! What concerns several keys at once.

use flyball_core::Name;

use super::problem::Place;
use super::reader::{Reader, suggestion};
use super::types::{Dataset, Holdout, LoopFile, Origin};
use super::yaml::{Content, Node};
use crate::expression::Domain;

/// Reports what does not fit together.
pub(super) fn check(reader: &mut Reader, root: &Node, file: &LoopFile) {
    if let Some((name, Dataset { origin: Origin::Sql(_), .. })) = file.data.first() {
        let at = place(root, &["data", name.as_str(), "sql"]);
        let hint = "declare the datasets that it reads above it";
        reader.report_place(at, &format!("data.{name}.sql"), "the SQL has no dataset above it to read", hint);
    }
    if file.costs.is_none() && file.remedies.iter().any(|remedy| remedy.limits.budget.is_some()) {
        let hint = "costs: { retrain: 50, alert: 20 }";
        reader.report_place(place(root, &["remedies"]), "remedies", "a 'budget' needs 'costs' to count by", hint);
    }
    let on = &file.train.on;
    match file.data.iter().find(|(name, _)| name == on) {
        Some((name, dataset)) => training_dataset(reader, root, file, name, dataset),
        None => {
            let names: Vec<&str> = file.data.iter().map(|(name, _)| name.as_str()).collect();
            let at = place(root, &["train", "on"]);
            reader.report_place(
                at,
                "train.on",
                format!("there is no dataset '{on}'"),
                suggestion(on.as_str(), &names, "datasets"),
            );
        }
    }
}

/// The dataset that is learned from has a label, and a time where the file speaks of time.
fn training_dataset(reader: &mut Reader, root: &Node, file: &LoopFile, name: &Name, dataset: &Dataset) {
    let path = format!("data.{name}");
    let at = place(root, &["data", name.as_str()]);
    if dataset.label.is_none() {
        let hint = "label: the column to predict";
        reader.report_place(at, &path, "the dataset is trained on and has no label", hint);
    }
    let needs = match (file.train.window, file.train.holdout) {
        (Some(_), _) => Some("train.window"),
        (None, Holdout::Latest(_)) => Some("train.holdout"),
        (None, Holdout::Share(_)) => None,
    };
    if let (None, Some(needs)) = (&dataset.time, needs) {
        let message = format!("'{needs}' speaks of event time and the dataset has no time");
        reader.report_place(at, &path, message, "time: the column with the event time");
    }
    if dataset.group.is_none() {
        let metrics = || file.gates.iter().flat_map(|gate| gate.metrics());
        if let Some(metric) = metrics().find(|metric| metric.domain == Domain::Ranking) {
            let message = format!("'{}' is measured where rows are ranked against each other", metric.name);
            let hint = format!("tell by which column they are: add 'group: user_id' to data.{name}");
            reader.report_place(place(root, &["gates"]), "gates", message, hint);
        }
    }
    for feature in file.train.features.iter().flatten() {
        if let Some((role, _)) = dataset.roles().find(|(_, column)| column == feature) {
            let message = format!("the feature '{feature}' is the {role} of '{name}'");
            reader.report_place(place(root, &["train", "features"]), "train.features", message, "remove it");
        }
    }
}

fn find<'n>(root: &'n Node, path: &[&str]) -> Option<(Place, &'n Node)> {
    let (first, rest) = path.split_first()?;
    let Content::Map(entries) = &root.content else { return None };
    let (key, node) = entries.iter().find(|(key, _)| key.text == *first)?;
    if rest.is_empty() { Some((key.place, node)) } else { find(node, rest) }
}

/// Where the key at a path stands; for a scalar its value.
fn place(root: &Node, path: &[&str]) -> Place {
    match find(root, path) {
        Some((_, node)) if matches!(node.content, Content::Scalar { .. }) => node.place,
        Some((key, _)) => key,
        None => root.place,
    }
}
