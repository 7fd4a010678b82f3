//! Runs: random filters, orders and pages against a plain evaluation.

use std::cmp::Ordering;

use flyball_core::rng::Rng;
use flyball_store::Db;
use flyball_testkit::on_both;
use flyball_tracking::View;
use flyball_tracking::search::{self, RunSearch};

use super::is_like;
use super::sample::{Sample, samples, store};
use crate::fixture::reader;

type Test = Box<dyn Fn(&Sample) -> bool>;
type Compare = Box<dyn Fn(&Sample, &Sample) -> Ordering>;

fn pick<'a, T: ?Sized>(rng: &mut Rng, items: &[&'a T]) -> &'a T {
    items[rng.below(items.len())]
}

/// A text comparison; a value that is not there never compares.
fn text_test(rng: &mut Rng, values: &[&str], lists: bool) -> (String, impl Fn(Option<&str>) -> bool + 'static + use<>) {
    let value = pick(rng, values).to_owned();
    let operator =
        pick(rng, if lists { &["=", "!=", "LIKE", "ilike", "IN", "not  in"] } else { &["=", "!=", "like", "ILIKE"] });
    let pattern = match rng.below(4) {
        0 => value.clone(),
        1 => format!("{}%", value.chars().take(1).collect::<String>()),
        2 => format!("%{}", value.chars().skip(1).collect::<String>()),
        _ => "_e%".to_owned(),
    };
    let other = pick(rng, values).to_owned();
    let written = match operator {
        "IN" | "not  in" => format!("{operator} ('{value}', '{other}')"),
        "=" | "!=" => format!("{operator} '{value}'"),
        _ => format!("{operator} '{pattern}'"),
    };
    let test = move |found: Option<&str>| {
        found.is_some_and(|found| match operator {
            "=" => found == value,
            "!=" => found != value,
            "IN" => found == value || found == other,
            "not  in" => found != value && found != other,
            like => is_like(found, &pattern, like.eq_ignore_ascii_case("ilike")),
        })
    };
    (written, test)
}

fn number_test(rng: &mut Rng, values: &[f64]) -> (String, impl Fn(Option<f64>) -> bool + 'static + use<>) {
    let value = values[rng.below(values.len())];
    let operator = pick(rng, &["=", "!=", "<", "<=", ">", ">="]);
    let test = move |found: Option<f64>| {
        found.is_some_and(|found| match operator {
            "=" => found == value,
            "!=" => found != value,
            "<" => found < value,
            "<=" => found <= value,
            ">" => found > value,
            _ => found >= value,
        })
    };
    (format!("{operator} {value}"), test)
}

fn condition(rng: &mut Rng) -> (String, Test) {
    match rng.below(9) {
        0 | 1 => {
            let key = pick(rng, &["loss", "acc", "flat", "rare", "none"]);
            let (text, test) = number_test(rng, &[-0.5, 0.0, 0.3, 0.9, 1.0, 2.0]);
            (format!("metrics.{key} {text}"), Box::new(move |run| test(run.metrics.get(key).copied())))
        }
        2 => {
            let (text, test) = text_test(rng, &["0.1", "1e-3", "x"], false);
            (format!("params.lr {text}"), Box::new(move |run| test(run.params.get("lr").map(String::as_str))))
        }
        3 => {
            let long = format!("{}a", "x".repeat(220));
            let (text, test) = text_test(rng, &[&long, "Xyb", "", "Xyé_%"], false);
            (
                format!("param.`long text` {text}"),
                Box::new(move |run| test(run.params.get("long text").map(String::as_str))),
            )
        }
        4 => {
            let (text, test) = text_test(rng, &["red", "b*ue", "g?[n"], false);
            (format!("tags.team {text}"), Box::new(move |run| test(run.tags.get("team").map(String::as_str))))
        }
        5 => {
            let absent = rng.below(2) == 0;
            let text = format!("tag.\"team\" is {}null", if absent { "" } else { "not " });
            (text, Box::new(move |run| run.tags.contains_key("team") != absent))
        }
        6 => {
            let (text, test) = text_test(rng, &["bold-1", "Calm-7"], false);
            (format!("attributes.run_name {text}"), Box::new(move |run| test(Some(run.name()))))
        }
        7 => {
            let key = pick(rng, &["start_time", "end_time"]);
            let (text, test) = number_test(rng, &[1_050.0, 1_100.5, 2_010.0, 2_020.0]);
            let value = move |run: &Sample| if key == "start_time" { Some(run.started) } else { run.ended };
            (format!("{key} {text}"), Box::new(move |run| test(value(run).map(|at| at as f64))))
        }
        _ => {
            let key = pick(rng, &["name", "digest", "context"]);
            let (text, test) = text_test(rng, &["train", "Eval", "d1", "training", "eval"], true);
            let value = move |(name, digest, context): &(&'static str, &'static str, Option<&'static str>)| match key {
                "name" => Some(*name),
                "digest" => Some(*digest),
                _ => *context,
            };
            (format!("dataset.{key} {text}"), Box::new(move |run| run.datasets.iter().any(|used| test(value(used)))))
        }
    }
}

/// A step of an order, with the comparison of two runs by it: what is missing comes last.
fn step(rng: &mut Rng) -> (String, Compare) {
    let descending = rng.below(2) == 0;
    let direct = move |order: Ordering| if descending { order.reverse() } else { order };
    let direction = if descending { "DESC" } else { pick(rng, &["", "asc"]) };
    let text = |key: &str| format!("{key} {direction}").trim().to_owned();
    match rng.below(6) {
        0 | 1 => {
            let key = pick(rng, &["loss", "acc", "flat", "rare", "none"]);
            let place = move |run: &Sample| match run.metrics.get(key) {
                None => (2, 0.0),
                Some(value) if value.is_nan() => (1, 0.0),
                Some(value) => (0, *value),
            };
            let compare = move |one: &Sample, other: &Sample| {
                let (one, other) = (place(one), place(other));
                one.0.cmp(&other.0).then(direct(one.1.total_cmp(&other.1)))
            };
            (text(&format!("metrics.{key}")), Box::new(compare))
        }
        2 | 3 => {
            let key = pick(rng, &["lr", "unique", "long text"]);
            let compare = move |one: &Sample, other: &Sample| match (one.params.get(key), other.params.get(key)) {
                (Some(one), Some(other)) => direct(one.cmp(other)),
                (one, other) => one.is_none().cmp(&other.is_none()),
            };
            (text(&format!("params.`{key}`")), Box::new(compare))
        }
        4 => (text("start_time"), Box::new(move |one, other| direct(one.started.cmp(&other.started)))),
        _ => {
            let compare = move |one: &Sample, other: &Sample| match (one.ended, other.ended) {
                (Some(one), Some(other)) => direct(one.cmp(&other)),
                (one, other) => one.is_none().cmp(&other.is_none()),
            };
            (text("attribute.end_time"), Box::new(compare))
        }
    }
}

/// Makes up a question and asks it both ways.
fn ask(db: &Db, samples: &[Sample], seed: u64) {
    let rng = &mut Rng::seeded(seed);
    let count = rng.below(4);
    let (texts, tests): (Vec<_>, Vec<_>) = (0..count).map(|_| condition(rng)).unzip();
    let (mut steps, mut compares): (Vec<String>, Vec<_>) = (0..rng.below(3)).map(|_| step(rng)).unzip();
    if steps.len() == 2 && steps[0].split(' ').next() == steps[1].split(' ').next() {
        (steps, compares) = (steps.into_iter().take(1).collect(), compares.into_iter().take(1).collect());
    }
    let view = [View::Active, View::Deleted, View::All][rng.below(3)];
    let experiment_ids = [vec![1], vec![1], vec![2], vec![3, 1, 2, 1], vec![]][rng.below(5)].clone();
    let page = 1 + rng.below(60);

    let shown = |run: &&Sample| {
        experiment_ids.contains(&run.experiment)
            && (view == View::All || run.deleted == (view == View::Deleted))
            && tests.iter().all(|test| test(run))
    };
    let mut wanted: Vec<&Sample> = samples.iter().filter(shown).collect();
    let compare = |one: &&Sample, other: &&Sample| {
        let by_steps = compares.iter().map(|compare| compare(one, other)).find(|order| order.is_ne());
        by_steps.unwrap_or_else(|| other.started.cmp(&one.started).then(one.id.cmp(&other.id)))
    };
    wanted.sort_by(compare);
    let wanted: Vec<i64> = wanted.into_iter().map(|run| run.no).collect();

    let mut search = RunSearch {
        experiment_ids: experiment_ids.clone(),
        filter: texts.join(pick(rng, &[" AND ", " and "])),
        view,
        max_results: page,
        order_by: steps,
        page_token: None,
    };
    for (turn, expected) in wanted.chunks(page).chain(wanted.is_empty().then_some(&[][..])).take(5).enumerate() {
        let (found, token) = db.read(|tx| search::runs(tx, &reader(), &search)).unwrap();
        assert_eq!(found, expected, "seed {seed}, page {turn}: {search:?}");
        assert_eq!(token.is_some(), (turn + 1) * page < wanted.len(), "seed {seed}, page {turn}: {search:?}");
        search.page_token = token;
    }
}

#[test]
fn random_searches_find_what_a_plain_evaluation_finds() {
    on_both(|db| {
        let samples = samples(3_000, 7);
        let stored = samples.clone();
        db.write(move |tx| store(tx, &stored)).unwrap();
        for seed in 0..200 {
            ask(db, &samples, seed);
        }
    });
}

#[test]
fn other_workspaces_and_bad_tokens_show_nothing() {
    on_both(|db| {
        let samples = samples(20, 1);
        db.write(move |tx| store(tx, &samples)).unwrap();
        let ask = |search: &RunSearch| db.read(|tx| search::runs(tx, &reader(), search));
        let search = RunSearch { experiment_ids: vec![4, 99], max_results: 10, ..RunSearch::default() };
        assert_eq!(ask(&search).unwrap(), (vec![], None));
        for bad in ["x", "!!", "e30=", "eyJvZmZzZXQiOiAtMX0=", "eyJvZmZzZXQiOiAieCJ9"] {
            let error = ask(&RunSearch { page_token: Some(bad.into()), ..search.clone() }).unwrap_err();
            assert!(error.message().contains("Invalid page token"), "{bad}: {error}");
        }
    });
}
