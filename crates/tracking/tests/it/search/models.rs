//! Logged models: random filters, orders and pages against a plain evaluation.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use flyball_core::rng::Rng;
use flyball_core::{Result, Timestamp};
use flyball_store::Db;
use flyball_testkit::on_both;
use flyball_tracking::search::{self, ModelOrder, ModelSearch, OnDataset};
use flyball_tracking::{ModelMetric, ModelStatus, NewLoggedModel, Pair, Point, logged_models};

use super::is_like;
use crate::fixture::{edit, experiment, reader};

#[derive(Clone, Debug)]
struct Sample {
    id: String,
    experiment: i64,
    name: &'static str,
    ready: bool,
    deleted: bool,
    created: i64,
    params: BTreeMap<&'static str, &'static str>,
    metrics: Vec<ModelMetric>,
}

const DATASETS: [(&str, &str); 4] = [("", ""), ("train", "d1"), ("train", "d2"), ("test", "d3")];

fn samples(rng: &mut Rng, experiments: [i64; 2]) -> Vec<Sample> {
    let metric = |rng: &mut Rng| {
        let (name, digest) = DATASETS[rng.below(4)];
        let value = if rng.below(8) == 0 { f64::NAN } else { rng.below(5) as f64 };
        let point = Point { value, timestamp: rng.below(3) as i64, step: rng.below(4) as i64 };
        let key = ["acc", "loss"][rng.below(2)].to_owned();
        ModelMetric { key, point, dataset_name: name.into(), dataset_digest: digest.into() }
    };
    let sample = |number: i64| {
        // One point for each key, time and step, so that the latest is never a matter of taste.
        let mut metrics: Vec<ModelMetric> = (0..rng.below(6)).map(|_| metric(rng)).collect();
        let place = |m: &ModelMetric| (m.key.clone(), m.point.timestamp, m.point.step);
        metrics.sort_by_key(place);
        metrics.dedup_by_key(|m| place(m));
        let params = [("kind", ["tree", "Tree", "net"][rng.below(3)])];
        Sample {
            id: format!("m-{:032x}", rng.next_u64()),
            experiment: experiments[rng.below(2)],
            name: ["alpha", "Beta", "gamma"][rng.below(3)],
            ready: rng.below(2) == 0,
            deleted: rng.below(8) == 0,
            created: 100 + number / 3,
            params: params.into_iter().filter(|_| rng.below(4) > 0).collect(),
            metrics,
        }
    };
    (0..120).map(sample).collect()
}

fn store(db: &Db, samples: &[Sample]) {
    let samples = samples.to_vec();
    edit(db, move |tx, permit| {
        for sample in samples {
            let new = NewLoggedModel {
                id: sample.id.clone(),
                experiment_id: sample.experiment,
                name: Some(sample.name.into()),
                params: sample.params.iter().map(|(key, value)| Pair::new(*key, *value)).collect(),
                ..NewLoggedModel::default()
            };
            logged_models::create(tx, permit, &new, Timestamp(sample.created))?;
            logged_models::log_metrics(tx, permit, &sample.id, "run", sample.experiment, &sample.metrics)?;
            if sample.ready {
                logged_models::finalize(tx, permit, &sample.id, ModelStatus::Ready, Timestamp(1_000))?;
            }
            if sample.deleted {
                logged_models::delete(tx, permit, &sample.id, Timestamp(1_000))?;
            }
        }
        Result::Ok(())
    })
    .unwrap();
}

type Test = Box<dyn Fn(&Sample) -> bool>;
type Compare = Box<dyn Fn(&Sample, &Sample) -> Ordering>;

fn condition(rng: &mut Rng, on: &[OnDataset]) -> (String, Test) {
    let on = on.to_vec();
    match rng.below(5) {
        0 | 1 => {
            let (key, wanted) = (["acc", "loss", "none"][rng.below(3)], rng.below(5) as f64);
            let operator = ["=", "!=", "<", "<=", ">", ">="][rng.below(6)];
            let test = move |value: f64| match operator {
                "=" => value == wanted,
                "!=" => value != wanted,
                "<" => value < wanted,
                "<=" => value <= wanted,
                ">" => value > wanted,
                _ => value >= wanted,
            };
            let any = move |sample: &Sample| {
                sample.metrics.iter().any(|m| m.key == key && test(m.point.value) && (on.is_empty() || is_on(m, &on)))
            };
            (format!("metrics.{key} {operator} {wanted}"), Box::new(any))
        }
        2 => {
            let (operator, negated) = [("IN", false), ("not in", true)][rng.below(2)];
            let test = move |sample: &Sample| {
                sample.params.get("kind").is_some_and(|kind| ["tree", "net"].contains(kind) != negated)
            };
            (format!("params.kind {operator} ('tree', 'net')"), Box::new(test))
        }
        3 => {
            let (operator, fold) = [("LIKE", false), ("ilike", true)][rng.below(2)];
            (format!("name {operator} 'B_t%'"), Box::new(move |sample| is_like(sample.name, "B_t%", fold)))
        }
        _ => ("attributes.status = 2 AND creation_time > 110".into(), Box::new(|s| s.ready && s.created > 110)),
    }
}

fn is_on(metric: &ModelMetric, on: &[OnDataset]) -> bool {
    let same = |one: &OnDataset| {
        one.name == metric.dataset_name && one.digest.as_ref().is_none_or(|digest| *digest == metric.dataset_digest)
    };
    on.iter().any(same)
}

fn order(rng: &mut Rng) -> (ModelOrder, Compare) {
    let ascending = rng.below(2) == 0;
    let direct = move |order: Ordering| if ascending { order } else { order.reverse() };
    let step = |field: &str| ModelOrder { field: field.into(), ascending, dataset_name: None, dataset_digest: None };
    match rng.below(4) {
        0 => (step("name"), Box::new(move |one, other| direct(one.name.cmp(other.name)))),
        1 => (step("creation_timestamp"), Box::new(move |one, other| direct(one.created.cmp(&other.created)))),
        choice => {
            let dataset = (choice == 2).then(|| "train".to_owned());
            let on = dataset.clone();
            let place = move |sample: &Sample| {
                let latest = sample
                    .metrics
                    .iter()
                    .filter(|m| m.key == "acc" && on.as_ref().is_none_or(|name| *name == m.dataset_name))
                    .max_by_key(|m| (m.point.timestamp, m.point.step));
                match latest.map(|m| m.point.value) {
                    None => (2, 0.0),
                    Some(value) if value.is_nan() => (1, 0.0),
                    Some(value) => (0, value),
                }
            };
            let compare = move |one: &Sample, other: &Sample| {
                let (one, other) = (place(one), place(other));
                one.0.cmp(&other.0).then(direct(one.1.total_cmp(&other.1)))
            };
            (ModelOrder { dataset_name: dataset, ..step("metrics.acc") }, Box::new(compare))
        }
    }
}

fn ask(db: &Db, samples: &[Sample], experiments: [i64; 2], seed: u64) {
    let rng = &mut Rng::seeded(seed);
    let datasets = match rng.below(4) {
        0 => vec![OnDataset { name: "train".into(), digest: Some("d1".into()) }],
        1 => vec![OnDataset { name: "test".into(), digest: None }, OnDataset { name: "train".into(), digest: None }],
        _ => vec![],
    };
    let count = rng.below(3);
    let (texts, tests): (Vec<_>, Vec<_>) = (0..count).map(|_| condition(rng, &datasets)).unzip();
    let (order_by, compares): (Vec<_>, Vec<_>) = (0..rng.below(3)).map(|_| order(rng)).unzip();
    let experiment_ids = [experiments.to_vec(), vec![experiments[0]], vec![]][rng.below(3)].clone();
    let metrics_asked = texts.iter().any(|text| text.starts_with("metrics"));
    let shown = |sample: &&Sample| {
        let measured = datasets.is_empty() || metrics_asked || sample.metrics.iter().any(|m| is_on(m, &datasets));
        !sample.deleted && measured && experiment_ids.contains(&sample.experiment) && tests.iter().all(|t| t(sample))
    };
    let mut wanted: Vec<&Sample> = samples.iter().filter(shown).collect();
    wanted.sort_by(|one, other| {
        let by_steps = compares.iter().map(|compare| compare(one, other)).find(|order| order.is_ne());
        by_steps.unwrap_or_else(|| other.created.cmp(&one.created).then(one.id.cmp(&other.id)))
    });
    let max_results = 1 + rng.below(30);
    let filter = texts.join(" AND ");
    let mut search = ModelSearch { experiment_ids, filter, datasets, max_results, order_by, page_token: None };
    let mut found = Vec::new();
    loop {
        let (ids, token) = db.read(|tx| search::logged_models(tx, &reader(), &search)).unwrap();
        assert!(ids.len() <= max_results);
        found.extend(ids);
        search.page_token = token;
        if search.page_token.is_none() {
            break;
        }
    }
    let wanted: Vec<&str> = wanted.iter().map(|sample| sample.id.as_str()).collect();
    assert_eq!(found, wanted, "seed {seed}: {search:?}");
}

#[test]
fn random_searches_of_models_find_what_a_plain_evaluation_finds() {
    on_both(|db| {
        let experiments = [experiment(db, "one"), experiment(db, "two")];
        let samples = samples(&mut Rng::seeded(5), experiments);
        store(db, &samples);
        for seed in 0..200 {
            ask(db, &samples, experiments, seed);
        }
    });
}

#[test]
fn page_tokens_and_orders_of_models_are_checked() {
    on_both(|db| {
        let experiments = [experiment(db, "one"), experiment(db, "two")];
        store(db, &samples(&mut Rng::seeded(1), experiments));
        let ask = |search: &ModelSearch| db.read(|tx| search::logged_models(tx, &reader(), search));
        let search = ModelSearch { experiment_ids: vec![experiments[0]], max_results: 3, ..ModelSearch::default() };
        let page_token = ask(&search).unwrap().1;
        let other = ModelSearch { filter: "name != 'x'".into(), page_token: page_token.clone(), ..search.clone() };
        assert!(ask(&other).unwrap_err().message().contains("do not match"), "a token is good for its query only");
        assert!(ask(&ModelSearch { page_token, ..search.clone() }).is_ok());
        for field in ["foo", "params.a", "metrics", ""] {
            let step = ModelOrder { field: field.into(), ascending: true, dataset_name: None, dataset_digest: None };
            let error = ask(&ModelSearch { order_by: vec![step], ..search.clone() }).unwrap_err();
            assert!(error.message().contains("Invalid order by field name"), "{field}: {error}");
        }
        let nameless = ModelSearch { datasets: vec![OnDataset::default()], ..search.clone() };
        assert!(ask(&nameless).unwrap_err().message().contains("`dataset_name` in the `datasets` clause"));
        let words = ModelSearch { filter: "status IN ('READY')".into(), ..search };
        assert!(ask(&words).unwrap_err().message().contains("Expected numeric value type"));
    });
}
