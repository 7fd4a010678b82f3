use flyball_core::ErrorCode;
use flyball_store::Db;
use flyball_testkit::on_both;
use flyball_tracking::batch::{self, Batch};
use flyball_tracking::{Metric, history, metrics, runs};

use crate::fixture::{NOW, code, edit, experiment, metric, reader, run, stored};

fn log(db: &Db, metrics: &[Metric]) {
    let batch = Batch { metrics: metrics.to_vec(), ..Batch::default() };
    edit(db, move |tx, permit| batch::log(tx, permit, "r1", &batch)).unwrap();
}

/// The history as `timestamp step value`.
fn told(db: &Db, key: &str) -> Vec<String> {
    let points = db.read(|tx| history::of(tx, &reader(), "r1", key)).unwrap();
    points.iter().map(|point| format!("{} {} {}", point.timestamp, point.step, point.value)).collect()
}

#[test]
fn the_latest_value_is_the_greatest_step_whatever_the_order_of_writing() {
    on_both(|db| {
        let id = experiment(db, "x");
        run(db, id, "r1");
        let latest = || {
            let point = stored(db, "r1").metrics[0].point;
            (point.step, point.timestamp, point.value)
        };
        log(db, &[metric("loss", 2, 10, 0.2), metric("loss", 1, 99, 0.9), metric("loss", 2, 10, 0.1)]);
        assert_eq!(latest(), (2, 10, 0.2));
        log(db, &[metric("loss", 0, 500, 5.0)]);
        assert_eq!(latest(), (2, 10, 0.2));
        log(db, &[metric("loss", 2, 11, 0.05)]);
        assert_eq!(latest(), (2, 11, 0.05));
        log(db, &[metric("loss", 3, 0, f64::NAN)]);
        assert!(latest().2.is_nan());
        log(db, &[metric("loss", 3, 0, -1.0)]);
        assert!(latest().2.is_nan(), "a NaN counts as 0, which is more");
        log(db, &[metric("loss", 4, 0, f64::NEG_INFINITY)]);
        assert_eq!(latest().2, f64::MIN);
    });
}

#[test]
fn histories_are_in_order_and_hold_each_point_once() {
    on_both(|db| {
        let id = experiment(db, "x");
        run(db, id, "r1");
        log(db, &[metric("a", 1, 5, 1.0), metric("b", 0, 0, 0.0), metric("a", 0, 5, 2.0), metric("a", 1, 5, 1.0)]);
        log(db, &[metric("a", 1, 5, 1.0), metric("a", -3, 4, f64::NAN), metric("a", 1, 5, 0.5)]);
        assert_eq!(told(db, "a"), ["4 -3 NaN", "5 0 2", "5 1 0.5", "5 1 1"]);
        assert_eq!(told(db, "b"), ["0 0 0"]);
        assert!(told(db, "nothing").is_empty());
        assert_eq!(code(db.read(|tx| history::of(tx, &reader(), "nobody", "a"))), ErrorCode::NotFound);
    });
}

#[test]
fn a_thousand_metrics_at_once_are_all_there() {
    on_both(|db| {
        let id = experiment(db, "x");
        run(db, id, "r1");
        let key = |n: i64| format!("m{n}");
        let round = |round: i64| (0..1_000).map(|n| metric(&key(n), round, round, n as f64)).collect::<Vec<_>>();
        log(db, &round(0));
        log(db, &round(1));
        let run = stored(db, "r1");
        assert_eq!(run.metrics.len(), 1_000);
        assert!(run.metrics.iter().all(|metric| metric.point.step == 1));
        assert_eq!(told(db, "m7"), ["0 0 7", "1 1 7"]);
        let steps: Vec<_> = (0..1_000).map(|step| metric("curve", step, step, 0.5)).collect();
        log(db, &steps);
        assert_eq!(told(db, "curve").len(), 1_000);
    });
}

#[test]
fn histories_of_many_runs_come_by_run_and_within_their_limit() {
    on_both(|db| {
        let id = experiment(db, "x");
        for name in ["r2", "r1"] {
            run(db, id, name);
            let points: Vec<_> = (0..5).map(|step| metric("m", step, step, step as f64)).collect();
            edit(db, move |tx, permit| points.iter().try_for_each(|point| metrics::log(tx, permit, name, point)))
                .unwrap();
        }
        let ids = ["r2", "nobody", "r1"].map(str::to_owned);
        let all = db.read(|tx| history::of_many(tx, &reader(), &ids, "m", 7)).unwrap();
        let told: Vec<_> = all.iter().map(|(run, point)| (run.as_str(), point.step)).collect();
        assert_eq!(told, [("r1", 0), ("r1", 1), ("r1", 2), ("r1", 3), ("r1", 4), ("r2", 0), ("r2", 1)]);
        let sampled = db.read(|tx| history::sampled(tx, &reader(), &ids, "m", Some((1, 4)), 2)).unwrap();
        let told: Vec<_> = sampled.iter().map(|(run, point)| (run.as_str(), point.step)).collect();
        assert_eq!(told, [("r1", 1), ("r1", 4), ("r2", 1), ("r2", 4)]);
        let crowd: Vec<String> = (0..101).map(|n| n.to_string()).collect();
        assert_eq!(code(db.read(|tx| history::of_many(tx, &reader(), &crowd, "m", 7))), ErrorCode::InvalidInput);
    });
}

#[test]
fn bad_points_are_refused() {
    on_both(|db| {
        let id = experiment(db, "x");
        run(db, id, "r1");
        for bad in [metric("a", 0, -1, 0.0), metric("a//b", 0, 0, 0.0), metric("", 0, 0, 0.0)] {
            assert_eq!(code(edit(db, move |tx, permit| metrics::log(tx, permit, "r1", &bad))), ErrorCode::InvalidInput);
        }
        edit(db, |tx, permit| runs::delete(tx, permit, "r1", NOW)).unwrap();
        let good = metric("a", 0, 0, 0.0);
        assert_eq!(code(edit(db, move |tx, permit| metrics::log(tx, permit, "r1", &good))), ErrorCode::Conflict);
        assert!(stored(db, "r1").metrics.is_empty());
    });
}

#[test]
fn points_of_many_runs_are_logged_together_each_with_its_own_outcome() {
    on_both(|db| {
        let id = experiment(db, "x");
        for name in ["r1", "r2", "gone"] {
            run(db, id, name);
        }
        edit(db, |tx, permit| runs::delete(tx, permit, "gone", NOW)).unwrap();
        let points =
            [("r1", 0, 0.5), ("nobody", 0, 1.0), ("r2", 0, 7.0), ("gone", 0, 1.0), ("r1", 1, 0.25), ("r1", 0, 0.5)];
        let points = points.map(|(run, step, value)| (run.to_owned(), metric("loss", step, 10, value))).to_vec();
        let outcomes = edit(db, move |tx, permit| metrics::log_many(tx, permit, &points)).unwrap();
        let codes: Vec<_> = outcomes.into_iter().map(|outcome| outcome.err().map(|error| error.code())).collect();
        assert_eq!(codes, [None, Some(ErrorCode::NotFound), None, Some(ErrorCode::Conflict), None, None]);
        assert_eq!(told(db, "loss"), ["10 0 0.5", "10 1 0.25"]);
        assert_eq!(stored(db, "r2").metrics[0].point.value, 7.0);
        assert!(stored(db, "gone").metrics.is_empty());
        assert!(edit(db, |tx, permit| metrics::log_many(tx, permit, &[])).unwrap().is_empty());
    });
}
