use std::collections::BTreeSet;
use std::thread;

use flyball_core::{Duration, Error, ErrorCode};
use flyball_jobs::{Filter, NewJob, Outcome, State, enqueue, next_of, unfinished};
use flyball_testkit::on_both;
use serde_json::json;

use crate::helpers::{LEASE, START, create_effects, effect, effects, job, jobs_of};

#[test]
fn a_key_is_enqueued_once_even_after_it_is_done() {
    on_both(|db| {
        let (jobs, _) = jobs_of(db);
        assert!(jobs.enqueue(job("a")).unwrap());
        assert!(!jobs.enqueue(NewJob { payload: json!("other"), ..job("a") }).unwrap());
        let claimed = jobs.claim(&[], "w", LEASE).unwrap().unwrap();
        assert_eq!(claimed.job.payload, json!({"key": "a"}));
        assert_eq!(claimed.job.id, job("a").id());
        jobs.finish(&claimed, Outcome::unchanged(json!(7))).unwrap();
        assert!(!jobs.enqueue(job("a")).unwrap());
        let kept = jobs.get("a").unwrap().unwrap();
        assert_eq!(
            (kept.state, kept.result.clone(), kept.finished_at),
            (State::Succeeded, Some(json!(7)), Some(START))
        );
        assert_eq!(jobs.get(&kept.id).unwrap().unwrap(), kept);
        assert_eq!(jobs.get("b").unwrap(), None);
    });
}

#[test]
fn enqueueing_is_part_of_the_callers_transaction() {
    on_both(|db| {
        let (jobs, _) = jobs_of(db);
        let failed = db.write(|tx| -> flyball_core::Result<()> {
            assert!(enqueue(tx, &job("a"), START)?);
            Err(Error::invalid("no"))
        });
        assert!(failed.is_err());
        assert_eq!(jobs.get("a").unwrap(), None);
    });
}

#[test]
fn what_is_due_first_goes_first_then_the_higher_priority() {
    on_both(|db| {
        let (jobs, clock) = jobs_of(db);
        for (key, due, priority) in [("late", 5, 9), ("low", 0, -1), ("high", 0, 3), ("later", 9, 0)] {
            jobs.enqueue(NewJob { due_at: START + Duration::seconds(due), ..job(key).priority(priority) }).unwrap();
        }
        jobs.enqueue(NewJob { kind: "other".into(), ..job("other kind").priority(99) }).unwrap();
        let mut order = Vec::new();
        while let Some(claimed) = jobs.claim(&["train"], &format!("w{}", order.len()), LEASE).unwrap() {
            order.push(claimed.job.key);
        }
        assert_eq!(order, ["high", "low"], "the others are not due yet");
        assert_eq!(jobs.next_due().unwrap(), Some(START));
        clock.advance_to(START + Duration::seconds(9));
        for expected in ["late", "later"] {
            assert_eq!(jobs.claim(&["none", "train"], expected, LEASE).unwrap().unwrap().job.key, expected);
        }
        assert!(jobs.claim(&["train"], "w9", LEASE).unwrap().is_none());
    });
}

#[test]
fn concurrent_workers_never_get_the_same_job() {
    on_both(|db| {
        let (jobs, _) = jobs_of(db);
        db.write(|tx| (0..80).try_for_each(|n| enqueue(tx, &job(&format!("job {n}")), START).map(drop))).unwrap();
        let taken: Vec<String> = thread::scope(|scope| {
            let workers: Vec<_> = (0..8)
                .map(|worker| {
                    let jobs = &jobs;
                    scope.spawn(move || {
                        let mut taken = Vec::new();
                        while let Some(claimed) = jobs.claim(&[], &format!("w{worker}"), LEASE).unwrap() {
                            jobs.finish(&claimed, Outcome::unchanged(json!(null))).unwrap();
                            taken.push(claimed.job.key);
                        }
                        taken
                    })
                })
                .collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        assert_eq!(taken.len(), 80);
        assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), 80);
    });
}

#[test]
fn an_expired_lease_is_taken_over_and_the_former_worker_is_fenced() {
    on_both(|db| {
        create_effects(db);
        let (jobs, clock) = jobs_of(db);
        jobs.enqueue(job("a")).unwrap();
        let slow = jobs.claim(&[], "slow", LEASE).unwrap().unwrap();
        assert!(jobs.claim(&[], "quick", LEASE).unwrap().is_none(), "the lease holds");
        clock.advance_to(START + Duration::seconds(20));
        jobs.heartbeat(&slow).unwrap();
        clock.advance_to(START + Duration::seconds(49));
        assert!(jobs.claim(&[], "quick", LEASE).unwrap().is_none(), "the heartbeat prolonged it");
        clock.advance_to(START + Duration::seconds(50));
        let quick = jobs.claim(&[], "quick", LEASE).unwrap().unwrap();
        assert_eq!((quick.job.attempt, quick.job.failures), (2, 0));
        for fenced in [
            jobs.heartbeat(&slow),
            jobs.finish(&slow, effect("slow")),
            jobs.fail(&slow, &Error::invalid("x")).map(drop),
        ] {
            assert_eq!(fenced.unwrap_err().code(), ErrorCode::Fenced);
        }
        jobs.finish(&quick, effect("quick")).unwrap();
        assert_eq!(effects(db), ["quick"]);
        assert_eq!(jobs.finish(&quick, effect("quick")).unwrap_err().code(), ErrorCode::Fenced, "once only");
        assert_eq!(effects(db), ["quick"]);
    });
}

#[test]
fn the_same_worker_takes_up_its_own_crashed_job_at_once() {
    on_both(|db| {
        let (jobs, _) = jobs_of(db);
        jobs.enqueue(job("a")).unwrap();
        let before = jobs.claim(&[], "simulation", LEASE).unwrap().unwrap();
        let after = jobs.claim(&[], "simulation", LEASE).unwrap().unwrap();
        assert_eq!((before.job.id.as_str(), after.job.attempt), (after.job.id.as_str(), 2));
        assert_ne!(before.lease_token, after.lease_token);
        assert_eq!(jobs.heartbeat(&before).unwrap_err().code(), ErrorCode::Fenced);
    });
}

#[test]
fn a_job_that_loses_worker_after_worker_is_given_up() {
    on_both(|db| {
        let (jobs, _) = jobs_of(db);
        jobs.enqueue(job("deadly").max_attempts(1)).unwrap();
        let claims = (0..100).map_while(|_| jobs.claim(&[], "w", LEASE).unwrap()).count();
        assert_eq!(claims, 20);
        let kept = jobs.get("deadly").unwrap().unwrap();
        assert_eq!((kept.state, kept.error_code.as_deref()), (State::Failed, Some("unavailable")));
    });
}

#[test]
fn passing_errors_are_tried_again_ever_later_until_the_attempts_are_used_up() {
    on_both(|db| {
        let (jobs, clock) = jobs_of(db);
        jobs.enqueue(job("a")).unwrap();
        let passing = Error::new(ErrorCode::Unavailable, "the store is away");
        let mut waits = Vec::new();
        loop {
            let claimed = jobs.claim(&[], "w", LEASE).unwrap().unwrap();
            let begun = claimed.job.started_at.unwrap();
            if jobs.fail(&claimed, &passing).unwrap() == State::Failed {
                break;
            }
            let due = jobs.next_due().unwrap().unwrap();
            waits.push((due - begun).0);
            assert!(jobs.claim(&[], "w", LEASE).unwrap().is_none(), "not before its time");
            clock.advance_to(due);
        }
        assert_eq!(waits, [1_000, 2_000]);
        let kept = jobs.get("a").unwrap().unwrap();
        assert_eq!((kept.attempt, kept.failures, kept.finished_at), (3, 3, Some(START + Duration::seconds(3))));
        assert_eq!(
            (kept.error_code.as_deref(), kept.error.as_deref()),
            (Some("unavailable"), Some("the store is away"))
        );
        assert_eq!(jobs.next_due().unwrap(), None);
    });
}

#[test]
fn lasting_errors_fail_at_once() {
    on_both(|db| {
        let (jobs, _) = jobs_of(db);
        jobs.enqueue(job("a")).unwrap();
        let claimed = jobs.claim(&[], "w", LEASE).unwrap().unwrap();
        let lasting = Error::new(ErrorCode::ClassVanished, "one class only");
        assert_eq!(jobs.fail(&claimed, &lasting).unwrap(), State::Failed);
    });
}

#[test]
fn cancelling_discards_what_a_worker_is_doing() {
    on_both(|db| {
        create_effects(db);
        let (jobs, _) = jobs_of(db);
        jobs.enqueue(job("running")).unwrap();
        jobs.enqueue(job("waiting").priority(-1)).unwrap();
        let claimed = jobs.claim(&[], "w", LEASE).unwrap().unwrap();
        assert!(jobs.cancel("running").unwrap() && jobs.cancel("waiting").unwrap());
        assert!(!jobs.cancel("running").unwrap() && !jobs.cancel("nowhere").unwrap());
        assert_eq!(jobs.finish(&claimed, effect("running")).unwrap_err().code(), ErrorCode::Fenced);
        assert!(effects(db).is_empty() && jobs.claim(&[], "w", LEASE).unwrap().is_none());
        assert_eq!(jobs.get("running").unwrap().unwrap().state, State::Cancelled);
    });
}

#[test]
fn lists_show_what_matches() {
    on_both(|db| {
        let (jobs, _) = jobs_of(db);
        for key in ["a", "b", "c"] {
            jobs.enqueue(NewJob { owner: format!("loop {key}"), ..job(key) }).unwrap();
        }
        jobs.cancel("b").unwrap();
        let keys = |filter: Filter| {
            let mut keys: Vec<_> = jobs.list(&filter).unwrap().into_iter().map(|job| job.key).collect();
            keys.sort();
            keys
        };
        assert_eq!(keys(Filter::default()), ["a", "b", "c"]);
        assert_eq!(keys(Filter { state: Some(State::Queued), ..Filter::default() }), ["a", "c"]);
        assert_eq!(
            keys(Filter { owner: Some("loop c".into()), kind: Some("train".into()), ..Filter::default() }),
            ["c"]
        );
        assert_eq!(keys(Filter { limit: Some(2), ..Filter::default() }).len(), 2);
        assert!(keys(Filter { kind: Some("' OR 1 = 1".into()), ..Filter::default() }).is_empty());
    });
}

#[test]
fn a_transaction_can_ask_what_is_still_to_be_done_for_an_owner() {
    on_both(|db| {
        let (jobs, _) = jobs_of(db);
        let ask = |owner: &'static str| {
            db.read(|tx| Ok((unfinished(tx, "train", owner)?, next_of(tx, "train", owner)?))).unwrap()
        };
        assert_eq!(ask("flights"), (false, None));
        jobs.enqueue(job("a")).unwrap();
        assert_eq!((ask("flights"), ask("others")), ((true, Some(START)), (false, None)));
        let claimed = jobs.claim(&[], "w", LEASE).unwrap().unwrap();
        assert_eq!(ask("flights"), (true, Some(START)), "a running job is unfinished");
        jobs.finish(&claimed, Outcome::unchanged(json!(null))).unwrap();
        assert_eq!(ask("flights"), (false, None));
    });
}
