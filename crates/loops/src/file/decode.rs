//! From nodes to the declaration, section by section.

use flyball_core::{Error, Name, Task};
use flyball_evaluation::suite::Suite;

use super::checks::check;
use super::monitor;
use super::reader::{At, Reader};
use super::remedies::remedy;
use super::suites::suites;
use super::types::{Costs, Dataset, Deploy, Holdout, LoopFile, Origin, Sql, Strategy, Train, Trainer};
use super::yaml::Node;
use super::{grammar, notify};
use crate::expression::{Domain, METRICS, Scope, listed, nearest};

/// The whole file. `None` when something is missing that the checks across keys need.
pub(super) fn loop_file(reader: &mut Reader, root: &Node) -> Option<LoopFile> {
    let fields = reader.fields(&At { node: root, path: String::new() }, grammar::LOOP_FILE)?;
    let name = fields.get(reader, "name", Reader::name);
    let task = fields.get(reader, "task", |reader, at| {
        let word = reader.one_of(at, grammar::TASKS)?;
        Some(if word == 0 { Task::Classification } else { Task::Regression })
    });
    let data = fields.get(reader, "data", datasets);
    let train = fields.get(reader, "train", |reader, at| train(reader, at, task));
    let notify = fields.get(reader, "notify", notify::routes).unwrap_or_default();
    let costs = fields.get(reader, "costs", costs);
    let seed = fields.get(reader, "seed", Reader::whole).unwrap_or(0);
    // What follows holds conditions, whose metrics depend on the task.
    let task = task?;
    let conditions =
        |reader: &mut Reader, at: &At<'_>, scope| reader.list(at, |reader, item| reader.condition(item, scope, task));
    let gates = fields.get(reader, "gates", |reader, at| conditions(reader, at, Scope::Gate)).unwrap_or_default();
    let suites = fields.get(reader, "suites", suites).map(|suite| Suite { seed, ..suite });
    let deploy = match fields.at("deploy") {
        Some(at) => deploy(reader, &at, task),
        None => environment(None).map(|environment| Deploy {
            environment,
            strategy: Strategy::Direct,
            abort_if: Vec::new(),
        }),
    };
    let monitor = fields.get(reader, "monitor", |reader, at| monitor::monitor(reader, at, task));
    let remedies = fields
        .get(reader, "remedies", |reader, at| reader.list(at, |reader, item| remedy(reader, item, task)))
        .unwrap_or_default();
    let (deploy, monitor) = (deploy?, monitor?);
    Some(LoopFile {
        name: name?,
        task,
        data: data?,
        train: train?,
        gates,
        suites,
        deploy,
        monitor,
        remedies,
        notify,
        costs,
        seed,
    })
}

fn datasets(reader: &mut Reader, at: &At<'_>) -> Option<Vec<(Name, Dataset)>> {
    let entries = reader.entries(at)?;
    if entries.is_empty() {
        return reader.expected(at, "a dataset", "declare one: rows: { from: data/rows.csv }");
    }
    let mut datasets = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let name = key.text.parse::<Name>().map_err(|error: Error| {
            reader.report_place(key.place, &at.path, error.message(), error.next_step().unwrap_or_default());
        });
        if let (Ok(name), Some(dataset)) = (name, dataset(reader, &value)) {
            datasets.push((name, dataset));
        }
    }
    Some(datasets)
}

fn dataset(reader: &mut Reader, at: &At<'_>) -> Option<Dataset> {
    let fields = reader.fields(at, grammar::DATASET)?;
    let (from, sql_at) = (fields.at("from"), fields.at("sql"));
    if from.is_some() == sql_at.is_some() {
        let message =
            if from.is_some() { "'from' and 'sql' in one dataset" } else { "the dataset has neither 'from' nor 'sql'" };
        reader.report(at, message, "give 'from' for files or 'sql' for a derived dataset");
    }
    let origin = match (from, sql_at) {
        (Some(at), _) => reader.path(&at).map(Origin::From),
        (None, at) => at.and_then(|at| sql(reader, &at)).map(Origin::Sql),
    };
    let mut column = |key| fields.get(reader, key, Reader::text);
    let (key, time, label) = (column("key"), column("time"), column("label"));
    let (weight, group) = (column("weight"), column("group"));
    let label_delay = fields.get(reader, "label_delay", Reader::duration).unwrap_or_default();
    let checks = fields.get(reader, "checks", |reader, at| reader.list(at, check)).unwrap_or_default();
    Some(Dataset { origin: origin?, key, time, label, label_delay, weight, group, checks })
}

/// One word is a file; anything longer is SQL.
fn sql(reader: &mut Reader, at: &At<'_>) -> Option<Sql> {
    let text = reader.text(at)?;
    if text.trim().contains(char::is_whitespace) && !text.trim().ends_with(".sql") {
        return Some(Sql::Inline(text));
    }
    let path = reader.path(at)?;
    if path.extension().as_deref() == Some("sql") {
        return Some(Sql::File(path));
    }
    reader.expected(at, "a file that ends in .sql, or SQL text", "write features.sql, or SELECT …")
}

fn train(reader: &mut Reader, at: &At<'_>, task: Option<Task>) -> Option<Train> {
    let fields = reader.fields(at, grammar::TRAIN)?;
    let on = fields.get(reader, "on", Reader::name);
    let window = fields.get(reader, "window", Reader::span);
    let holdout = fields.get(reader, "holdout", |reader, at| {
        // `14d` ends in a letter, `20%` and `0.2` do not.
        match at.scalar() {
            Some((text, _)) if text.trim().ends_with(char::is_alphabetic) => reader.span(at).map(Holdout::Latest),
            Some(_) => reader.part(at).map(Holdout::Share),
            None => reader.expected(at, "a duration or a share", "write 14d or 20%"),
        }
    });
    let features = fields.get(reader, "features", Reader::columns);
    let mut columns = |key| fields.get(reader, key, Reader::columns).unwrap_or_default();
    let (exclude, trusted) = (columns("exclude"), columns("trusted"));
    let uses = fields.get(reader, "uses", |reader, at| reader.one_of(at, grammar::TRAINERS));
    let run = fields.get(reader, "run", Reader::text);
    let with = fields.get(reader, "with", Reader::parameters).unwrap_or_default();
    for (one, other) in [("uses", "run"), ("features", "exclude")] {
        if let (Some(_), Some(second)) = (fields.at(one), fields.at(other)) {
            reader.report(&second, format!("'{one}' and '{other}' exclude each other"), "keep one of them");
        }
    }
    let fairness = fields.get(reader, "fairness", |reader, at| {
        reader.fields(at, grammar::REWEIGHING)?.get(reader, "reweigh", |reader, at| match at.scalar() {
            Some(_) => reader.text(at).map(|column| vec![column]),
            None => reader.columns(at),
        })
    });
    if let (Some(_), Some(second)) = (fields.at("run"), fields.at("fairness")) {
        reader.report(
            &second,
            "a command is not given weights of rows",
            "leave 'fairness' out, or use a built-in trainer",
        );
    }
    if let (Some(Task::Regression), Some(given)) = (task, fields.at("fairness")) {
        reader.report(
            &given,
            "reweighing makes groups and classes independent; a regression has no classes",
            "leave 'fairness' out",
        );
    }
    let trainer = match run {
        Some(command) => Trainer::Run(command),
        None => Trainer::Uses(grammar::TRAINERS.get(uses.unwrap_or(0)).copied().unwrap_or_default().to_owned()),
    };
    Some(Train { on: on?, window, holdout: holdout?, features, exclude, trusted, trainer, with, reweigh: fairness })
}

fn environment(given: Option<Name>) -> Option<Name> {
    given.or_else(|| "production".parse().ok())
}

fn deploy(reader: &mut Reader, at: &At<'_>, task: Task) -> Option<Deploy> {
    let fields = reader.fields(at, grammar::DEPLOY)?;
    let environment = environment(fields.get(reader, "environment", Reader::name));
    let strategy = fields.get(reader, "strategy", strategy).unwrap_or(Strategy::Direct);
    let abort_if = fields.get(reader, "abort_if", |reader, at| {
        reader.list(at, |reader, item| reader.condition(item, Scope::Abort, task))
    });
    Some(Deploy { environment: environment?, strategy, abort_if: abort_if.unwrap_or_default() })
}

fn strategy(reader: &mut Reader, at: &At<'_>) -> Option<Strategy> {
    if at.scalar().is_some() {
        return reader.one_of(at, &["direct"]).map(|_| Strategy::Direct);
    }
    let fields = reader.fields(at, grammar::CANARY)?;
    let bake = fields.get(reader, "bake", Reader::span);
    let steps = fields.get(reader, "canary", |reader, at| {
        let steps = reader.list(at, Reader::share)?;
        let rising = steps.windows(2).all(|pair| pair[0] < pair[1]) && steps.first().is_some_and(|first| *first > 0.0);
        if !rising || steps.last() != Some(&1.0) {
            reader.report(at, "the steps of a canary rise from above 0% to 100%", "write [10%, 50%, 100%]");
        }
        Some(steps)
    });
    Some(Strategy::Canary { steps: steps?, bake: bake? })
}

/// A metric of the task.
pub(super) fn metric(reader: &mut Reader, at: &At<'_>, task: Task) -> Option<String> {
    let text = reader.text(at)?;
    let names = || METRICS.iter().filter(|metric| metric.domain == Domain::Model(task)).map(|metric| metric.name);
    if names().any(|name| name == text) {
        return Some(text);
    }
    let hint = match nearest(&text, names()) {
        Some(near) => format!("did you mean '{near}'?"),
        None => listed(names()),
    };
    reader.expected(at, "a metric of the loop's task", hint)
}

fn costs(reader: &mut Reader, at: &At<'_>) -> Option<Costs> {
    let fields = reader.fields(at, grammar::COSTS)?;
    let currency = fields.get(reader, "currency", Reader::text);
    let mut amount = |key| fields.get(reader, key, Reader::amount).unwrap_or(0.0);
    Some(Costs {
        retrain: amount("retrain"),
        alert: amount("alert"),
        false_positive: amount("false_positive"),
        false_negative: amount("false_negative"),
        currency,
    })
}
