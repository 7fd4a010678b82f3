use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use flyball_core::{Duration, Error, ErrorCode, SystemClock, Timestamp};
use flyball_jobs::{Claimed, Filter, Jobs, NewJob, Outcome, Runner, State, enqueue};
use flyball_testkit::on_both;
use serde_json::json;

use crate::helpers::{LEASE, Recorder, START, create_effects, effect, effects, job, jobs_of};

#[test]
fn run_due_runs_everything_in_order_also_what_becomes_due_on_the_way() {
    on_both(|db| {
        let (jobs, clock) = jobs_of(db);
        let handler = Recorder::new(|claimed: &Claimed| {
            let key = claimed.job.key.clone();
            Ok(Outcome::new(
                move |tx| {
                    if key == "b" {
                        enqueue(tx, &job("b, then").priority(9), START)?;
                        enqueue(tx, &NewJob { due_at: START + Duration::hours(1), ..job("tomorrow") }, START)?;
                    }
                    Ok(())
                },
                json!(null),
            ))
        });
        let runner = Runner::new(jobs.clone(), vec![handler.clone()]);
        for (key, priority) in [("c", 1), ("b", 2), ("a", 3)] {
            jobs.enqueue(job(key).priority(priority)).unwrap();
        }
        jobs.enqueue(NewJob { kind: "unknown".into(), ..job("of nobody") }).unwrap();
        assert_eq!(runner.run_due().unwrap(), 4);
        assert_eq!(handler.ran(), ["a", "b", "b, then", "c"]);
        assert_eq!(runner.run_due().unwrap(), 0);
        clock.advance_to(START + Duration::hours(1));
        assert_eq!(runner.run_due().unwrap(), 1);
        assert_eq!(jobs.get("of nobody").unwrap().unwrap().state, State::Queued);
    });
}

#[test]
fn effects_that_fail_leave_nothing_and_count_as_a_failure() {
    on_both(|db| {
        create_effects(db);
        let (jobs, _) = jobs_of(db);
        let handler = Recorder::new(|_| {
            Ok(Outcome::new(
                |tx| {
                    tx.execute("INSERT INTO effects (seq, key) VALUES (1, 'half')", &[])?;
                    Err(Error::new(ErrorCode::Conflict, "the other half did not work"))
                },
                json!(null),
            ))
        });
        jobs.enqueue(job("a")).unwrap();
        Runner::new(jobs.clone(), vec![handler]).run_due().unwrap();
        assert!(effects(db).is_empty());
        let kept = jobs.get("a").unwrap().unwrap();
        assert_eq!((kept.state, kept.error_code.as_deref()), (State::Failed, Some("conflict")));
    });
}

#[test]
fn a_panic_of_a_handler_is_an_internal_error_of_that_job() {
    on_both(|db| {
        let (jobs, _) = jobs_of(db);
        let handler = Recorder::new(|claimed: &Claimed| match claimed.job.key.as_str() {
            "bad" => panic!("on purpose"),
            key => Ok(Outcome::unchanged(json!(key))),
        });
        jobs.enqueue(job("bad").priority(1).max_attempts(1)).unwrap();
        jobs.enqueue(job("good")).unwrap();
        assert_eq!(Runner::new(jobs.clone(), vec![handler]).run_due().unwrap(), 2);
        let bad = jobs.get("bad").unwrap().unwrap();
        assert_eq!((bad.state, bad.error_code.as_deref()), (State::Failed, Some("internal")));
        assert!(!bad.error.unwrap().contains("on purpose"), "the text of a panic is for the log");
        assert_eq!(jobs.get("good").unwrap().unwrap().state, State::Succeeded);
    });
}

#[test]
fn a_job_that_is_cancelled_while_it_runs_has_no_effect() {
    on_both(|db| {
        create_effects(db);
        let (jobs, _) = jobs_of(db);
        let canceller = jobs.clone();
        let handler = Recorder::new(move |claimed: &Claimed| {
            assert!(canceller.cancel(&claimed.job.key).unwrap());
            Ok(effect("a"))
        });
        jobs.enqueue(job("a")).unwrap();
        assert_eq!(Runner::new(jobs.clone(), vec![handler]).run_due().unwrap(), 1);
        assert!(effects(db).is_empty());
        assert_eq!(jobs.get("a").unwrap().unwrap().state, State::Cancelled);
    });
}

/// A world that makes its own work, sometimes fails and is sometimes interrupted; what it leaves behind, step by step.
fn history(db: &flyball_store::Db, crash: bool) -> Vec<(String, Timestamp, u32)> {
    create_effects(db);
    let (jobs, clock) = jobs_of(db);
    let handler = Recorder::new(|claimed: &Claimed| {
        let (key, due) = (claimed.job.key.clone(), claimed.job.due_at);
        if key.len() % 3 == 0 && claimed.job.failures == 0 {
            return Err(Error::new(ErrorCode::Overloaded, "not now"));
        }
        Ok(Outcome::new(
            move |tx| {
                tx.execute(
                    "INSERT INTO effects (seq, key) SELECT COUNT(*), $1 FROM effects",
                    &flyball_store::params![&key],
                )?;
                for child in ["x", "y"].iter().take(usize::from(key.len() < 5) * 2) {
                    let at = due + Duration::seconds(i64::try_from(key.len()).unwrap_or(0) * 7);
                    enqueue(tx, &NewJob { due_at: at, ..job(&format!("{key}{child}")) }, at)?;
                }
                Ok(())
            },
            json!(null),
        ))
    });
    let runner = Runner::new(jobs.clone(), vec![handler]);
    jobs.enqueue(job("r")).unwrap();
    while let Some(due) = jobs.next_due().unwrap() {
        clock.advance_to(due);
        if crash {
            // As after kill -9: somebody claimed and never came back.
            jobs.claim(&["train"], "simulation", LEASE).unwrap();
        }
        runner.run_due().unwrap();
    }
    let keys = effects(db);
    keys.into_iter()
        .map(|key| {
            let kept = jobs.get(&key).unwrap().unwrap();
            (key, kept.finished_at.unwrap(), kept.failures)
        })
        .collect()
}

#[test]
fn a_simulation_is_the_same_every_time_on_every_engine_with_or_without_crashes() {
    let histories = Mutex::new(Vec::new());
    on_both(|db| histories.lock().unwrap().push(history(db, false)));
    on_both(|db| histories.lock().unwrap().push(history(db, true)));
    let histories = histories.into_inner().unwrap();
    assert_eq!(histories[0].len(), 31);
    assert!(histories.iter().all(|history| *history == histories[0]));
}

#[test]
fn worker_threads_run_what_is_enqueued_while_they_wait() {
    on_both(|db| {
        create_effects(db);
        let jobs = Jobs::new((*db).clone(), Arc::new(SystemClock::default()));
        let (tell, told) = channel();
        let tell = Mutex::new(tell);
        let handler = Recorder::new(move |claimed: &Claimed| {
            tell.lock().unwrap().send(claimed.job.key.clone()).unwrap();
            match (claimed.job.key.as_str(), claimed.job.attempt) {
                ("passing", 1) => Err(Error::new(ErrorCode::Unavailable, "once")),
                ("panics", _) => panic!("on purpose"),
                (key, _) => Ok(effect(key)),
            }
        });
        let workers = Runner::new(jobs.clone(), vec![handler]).spawn(3).unwrap();
        for n in 0..10 {
            jobs.enqueue(job(&format!("job {n}"))).unwrap();
        }
        jobs.enqueue(job("passing")).unwrap();
        jobs.enqueue(job("panics").max_attempts(1)).unwrap();
        assert_eq!(told.iter().take(13).count(), 13, "one of them twice");
        workers.stop();
        let mut done = effects(db);
        done.sort();
        assert_eq!(done.len(), 11);
        let open = jobs.list(&Filter::default()).unwrap();
        assert!(
            open.iter().all(|job| matches!(job.state, State::Succeeded | State::Failed)),
            "stop waits for the work"
        );
        assert_eq!(jobs.get("panics").unwrap().unwrap().state, State::Failed);
    });
}
