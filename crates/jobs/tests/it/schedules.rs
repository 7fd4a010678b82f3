use flyball_core::{Duration, ErrorCode};
use flyball_jobs::{Filter, Jobs, Schedule, remove_schedule, upsert_schedule};
use flyball_store::Db;
use flyball_testkit::on_both;
use serde_json::json;

use crate::helpers::{START, jobs_of};

fn nightly() -> Schedule {
    Schedule {
        name: "nightly".into(),
        cron: "0 3 * * *".into(),
        kind: "train".into(),
        owner: "flights".into(),
        payload: json!({"why": "schedule"}),
        priority: 2,
        max_attempts: 5,
    }
}

fn apply(db: &Db, schedule: Schedule, at: flyball_core::Timestamp) -> flyball_core::Result<()> {
    db.write(move |tx| upsert_schedule(tx, &schedule, at))
}

fn keys(jobs: &Jobs) -> Vec<String> {
    let mut jobs = jobs.list(&Filter::default()).unwrap();
    jobs.sort_by_key(|job| job.due_at);
    jobs.into_iter().map(|job| job.key).collect()
}

fn key_at(hours: i64) -> String {
    format!("schedule:nightly:{}", (START + Duration::hours(hours)).0)
}

#[test]
fn each_occurrence_is_enqueued_once_and_missed_ones_become_one() {
    on_both(|db| {
        let (jobs, _) = jobs_of(db);
        apply(db, nightly(), START).unwrap();
        assert_eq!(jobs.next_due().unwrap(), Some(START + Duration::hours(3)));
        assert_eq!(jobs.tick(START + Duration::hours(2)).unwrap(), 0);
        assert_eq!(jobs.tick(START + Duration::hours(3)).unwrap(), 1);
        assert_eq!(jobs.tick(START + Duration::hours(4)).unwrap(), 0);
        assert_eq!(keys(&jobs), [key_at(3)]);
        // Four nights are missed: 27, 51, 75 and 99 hours after the start.
        assert_eq!(jobs.tick(START + Duration::hours(100)).unwrap(), 1);
        assert_eq!(keys(&jobs), [key_at(3), key_at(99)]);
        let job = jobs.get(&key_at(99)).unwrap().unwrap();
        assert_eq!((job.kind.as_str(), job.priority, job.max_attempts), ("train", 2, 5));
        assert_eq!((job.payload, job.due_at), (json!({"why": "schedule"}), START + Duration::hours(99)));
        assert!(db.write(|tx| remove_schedule(tx, "nightly")).unwrap());
        assert!(!db.write(|tx| remove_schedule(tx, "nightly")).unwrap());
        assert_eq!(jobs.tick(START + Duration::hours(1_000)).unwrap(), 0);
    });
}

#[test]
fn many_tickers_enqueue_one_job() {
    on_both(|db| {
        let (jobs, _) = jobs_of(db);
        apply(db, nightly(), START).unwrap();
        let at = START + Duration::hours(3);
        let added: usize = std::thread::scope(|scope| {
            let tickers: Vec<_> = (0..8).map(|_| scope.spawn(|| jobs.tick(at).unwrap())).collect();
            tickers.into_iter().map(|ticker| ticker.join().unwrap()).sum()
        });
        assert_eq!(added, 1);
    });
}

#[test]
fn applying_the_same_schedule_again_loses_no_occurrence() {
    on_both(|db| {
        let (jobs, _) = jobs_of(db);
        apply(db, nightly(), START).unwrap();
        apply(db, Schedule { priority: 7, ..nightly() }, START + Duration::hours(5)).unwrap();
        assert_eq!(jobs.tick(START + Duration::hours(5)).unwrap(), 1, "the night before was missed, not forgotten");
        assert_eq!(jobs.get(&key_at(3)).unwrap().unwrap().priority, 7);
        apply(db, Schedule { cron: "0 6 * * *".into(), ..nightly() }, START + Duration::hours(5)).unwrap();
        assert_eq!(jobs.tick(START + Duration::hours(6)).unwrap(), 1);
    });
}

#[test]
fn a_pattern_that_cannot_be_understood_or_never_comes_is_refused() {
    on_both(|db| {
        for cron in ["", "* * *", "61 * * * *", "0 0 30 2 *", "every day"] {
            let error = apply(db, Schedule { cron: cron.into(), ..nightly() }, START).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidInput, "{cron}");
            assert!(error.next_step().is_some());
        }
    });
}
