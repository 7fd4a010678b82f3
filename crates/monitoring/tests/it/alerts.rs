use std::thread;

use flyball_core::{Duration, ErrorCode};
use flyball_governance::audit;
use flyball_monitoring::alert::{AlertKind, AlertPolicy, AlertState, Finding, store};
use flyball_testkit::on_both;
use serde_json::json;

use crate::fixture::{LOOP, World, drift};
use AlertState::{Acknowledged, Firing, Pending, Resolved};

fn slow() -> AlertPolicy {
    AlertPolicy {
        lasting: "2 windows".parse().unwrap(),
        clear: "2 windows".parse().unwrap(),
        runbook: Some("https://runbooks.example/drift".to_owned()),
        labels: [("team".to_owned(), "ml".to_owned())].into(),
        ..AlertPolicy::default()
    }
}

fn actions(world: &World) -> Vec<String> {
    let mut events: Vec<String> =
        world.read(|tx, _| audit::newest(tx, None, 100)).into_iter().map(|recorded| recorded.event.action).collect();
    events.reverse();
    events
}

#[test]
fn an_alert_runs_its_course() {
    on_both(|db| {
        let world = World::new(db, slow(), Vec::new());
        world.drift(true);
        assert_eq!(world.states(), [Pending]);
        world.drift(false);
        assert!(world.alerts().is_empty(), "it never fired, and is forgotten");
        world.drift(true);
        world.drift(true);
        world.drift(false);
        world.drift(true);
        let alert = world.alerts().remove(0);
        assert_eq!((alert.state, alert.windows, alert.subject.as_str()), (Firing, 1, ""));
        assert_eq!(alert.runbook.as_deref(), Some("https://runbooks.example/drift"));
        assert_eq!(alert.all_labels()["team"], "ml");
        let id = alert.id.clone();
        world.edit(move |tx, permit, now| store::acknowledge(tx, permit, &id, " looking ", now)).unwrap();
        world.drift(true);
        assert_eq!(world.states(), [Acknowledged]);
        world.drift(false);
        world.drift(false);
        let alert = world.alerts().remove(0);
        assert_eq!((alert.state, alert.acknowledged_by.as_deref()), (Resolved, Some("user:local")));
        assert_eq!(alert.summary, "1 of 9 columns drifted", "what it was about stays");
        let course: Vec<_> =
            world.read(|tx, _| store::history(tx, &alert)).into_iter().map(|c| (c.state, c.note)).collect();
        let notes = [
            (Pending, "1 of 9 columns drifted"),
            (Firing, "1 of 9 columns drifted"),
            (Acknowledged, "looking"),
            (Resolved, "no longer there: no drift"),
        ];
        assert_eq!(course, notes.map(|(state, note)| (state, note.to_owned())));
        assert_eq!(actions(&world), ["alert.fire", "alert.acknowledge", "alert.resolve"]);
        assert_eq!(world.read(|tx, permit| store::alert_count(tx, permit, LOOP)), 1);
    });
}

#[test]
fn people_can_do_only_what_makes_sense() {
    on_both(|db| {
        let world = World::new(db, AlertPolicy::default(), Vec::new());
        world.drift(true);
        let id = world.alerts()[0].id.clone();
        let acknowledge = |id: &str, note: &str| {
            let (id, note) = (id.to_owned(), note.to_owned());
            world.edit(move |tx, permit, now| store::acknowledge(tx, permit, &id, &note, now))
        };
        let resolve = |id: &str| {
            let id = id.to_owned();
            world.edit(move |tx, permit, now| store::resolve(tx, permit, &id, "fixed", now))
        };
        assert_eq!(acknowledge("alt_none", "").unwrap_err().code(), ErrorCode::NotFound);
        assert_eq!(acknowledge(&id, &"x".repeat(2000)).unwrap_err().code(), ErrorCode::InvalidInput);
        acknowledge(&id, "").unwrap();
        assert_eq!(acknowledge(&id, "").unwrap_err().code(), ErrorCode::Conflict);
        assert_eq!(resolve(&id).unwrap().state, Resolved);
        assert_eq!(resolve(&id).unwrap_err().code(), ErrorCode::Conflict);
        world.drift(true);
        assert_eq!(world.states(), [Firing, Resolved], "still there: a new one");
    });
}

#[test]
fn each_subject_has_one_open_alert_and_broken_data_explains_drift() {
    on_both(|db| {
        let world = World::new(db, AlertPolicy::default(), Vec::new());
        for origin in ["JFK", "EWR", "JFK"] {
            world.pass(1);
            world.find(drift(true).about(origin));
        }
        let subjects: Vec<_> = world.alerts().into_iter().map(|alert| alert.fingerprint).collect();
        assert_eq!(subjects, ["flights/drift/EWR", "flights/drift/JFK"]);
        let broken = |present| Finding::new(AlertKind::Data, present, "values went missing", json!({}));
        world.pass(1);
        world.find(broken(true));
        world.find(drift(true));
        let explained = |world: &World| {
            let alerts = world.alerts();
            alerts.into_iter().find(|alert| alert.fingerprint == "flights/drift").unwrap().inhibited_by
        };
        let data = world.alerts().into_iter().find(|alert| alert.kind == AlertKind::Data).unwrap().id;
        assert_eq!(explained(&world), Some(data));
        assert_eq!(world.read(|tx, permit| store::alert_count(tx, permit, LOOP)), 3);
        for _ in 0..2 {
            world.pass(1);
            world.find(broken(false));
            world.find(drift(true));
        }
        assert_eq!(explained(&world), None, "the source was repaired and the drift is still there");
        assert_eq!(world.read(|tx, permit| store::alert_count(tx, permit, LOOP)), 4);
    });
}

#[test]
fn what_happens_once_fires_at_once() {
    on_both(|db| {
        let world = World::new(db, slow(), Vec::new());
        world.find(Finding::new(AlertKind::Training, true, "failed", json!({})));
        assert_eq!(world.states(), [Firing]);
        world.pass(1);
        world.find(Finding::new(AlertKind::Training, false, "passed", json!({})));
        assert_eq!(world.states(), [Resolved]);
    });
}

#[test]
fn writers_at_the_same_time_open_one_alert() {
    on_both(|db| {
        let world = World::new(db, AlertPolicy::default(), Vec::new());
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| world.find(drift(true)));
            }
        });
        assert_eq!(world.states(), [Firing]);
        assert_eq!(world.alerts()[0].windows, 1, "one moment counts once");
        world.clock.advance_to(world.alerts()[0].opened_at + Duration::hours(1));
        world.find(drift(true));
        assert_eq!(world.alerts()[0].windows, 2);
    });
}
