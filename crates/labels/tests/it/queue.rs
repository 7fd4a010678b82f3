//! Who gets which task.

use flyball_core::{ErrorCode, Timestamp};
use flyball_labels::predictions::{self, NewPrediction};
use flyball_labels::{Kind, ProjectState, TaskState, projects, tasks};
use flyball_stats::annotation::Uncertainty;
use flyball_testkit::on_both;

use super::{Setup, choice, settings};

#[test]
fn a_task_is_handed_to_as_many_annotators_as_it_needs_and_comes_back_when_a_lease_ends() {
    on_both(|db| {
        let setup = Setup::new(
            db,
            flyball_labels::Settings {
                overlap: 2,
                lease_seconds: 60,
                ..settings(Kind::Classification, &["cat", "dog"])
            },
        );
        setup.texts(&["a", "b"]);
        let text = |view: Option<tasks::TaskView>| view.map(|view| view.task.data["text"].as_str().unwrap().to_owned());
        assert_eq!(text(setup.next("ann", 0)).as_deref(), Some("a"));
        assert_eq!(text(setup.next("ann", 1)).as_deref(), Some("a"), "who asks again gets the same");
        assert_eq!(text(setup.next("ben", 2)).as_deref(), Some("a"));
        assert_eq!(text(setup.next("cat", 3)).as_deref(), Some("b"), "two have the first one");
        assert_eq!(text(setup.next("dan", 70_000)).as_deref(), Some("a"), "leases ended");
        let ids = setup.ids();
        setup.submit(&ids[0], "ann", Some(choice("cat"))).unwrap();
        assert_eq!(text(setup.next("ann", 70_001)).as_deref(), Some("b"), "answered once by each");
        setup.submit(&ids[0], "ben", Some(choice("dog"))).unwrap();
        assert_eq!(text(setup.next("eve", 70_002)).as_deref(), Some("b"), "the first one is done");
        let done = setup
            .db
            .read(|tx| tasks::list(tx, &setup.permit.read(), &setup.name, Some(TaskState::Done), 0, 10))
            .unwrap();
        assert_eq!(done.len(), 1);
        setup.submit(&ids[1], "ann", None).unwrap();
        assert_eq!(text(setup.next("ann", 70_003)), None, "skipped is not asked again");
        let given_back = setup.write({
            let id = ids[1].clone();
            move |tx, permit| tasks::release(tx, permit, &id, Some("eve"))
        });
        assert!(given_back.unwrap());
    });
}

#[test]
fn rows_that_say_the_same_are_one_task_and_hostile_rows_are_refused() {
    on_both(|db| {
        let setup = Setup::new(db, settings(Kind::Classification, &["cat", "dog"]));
        setup.texts(&["a", "a", "b"]);
        setup.texts(&["b", "c"]);
        assert_eq!(setup.ids().len(), 3);
        let long = serde_json::json!({ "text": "x".repeat(2 << 20) });
        let of = |data| tasks::NewTask::of(&settings(Kind::Classification, &["cat", "dog"]), data);
        assert_eq!(of(long).unwrap_err().code(), ErrorCode::LimitExceeded);
        let keyed = flyball_labels::Settings { key: Some("id".to_owned()), ..settings(Kind::Regression, &[]) };
        assert!(tasks::NewTask::of(&keyed, serde_json::json!({ "id": null })).is_err());
        assert_eq!(tasks::NewTask::of(&keyed, serde_json::json!({ "id": 7 })).unwrap().key, "7");
    });
}

#[test]
fn the_least_sure_prediction_comes_first() {
    on_both(|db| {
        let setup = Setup::new(db, settings(Kind::Classification, &["cat", "dog"]));
        setup.texts(&["a", "b", "c"]);
        let listed = setup.db.read(|tx| tasks::list(tx, &setup.permit.read(), &setup.name, None, 0, 10)).unwrap();
        let new = |at: usize, cat: f64| NewPrediction {
            key: listed[at].key.clone(),
            label: None,
            score: None,
            probabilities: Some([("cat".to_owned(), cat), ("dog".to_owned(), 1.0 - cat)].into()),
        };
        let (name, predicted) = (setup.name.clone(), vec![new(0, 0.9), new(1, 0.45), new(2, 0.8)]);
        let said = predicted.clone();
        setup
            .write(move |tx, permit| predictions::record(tx, permit, &name, ("model", "3"), &said, Timestamp(1)))
            .unwrap();
        let name = setup.name.clone();
        let ordered = setup.write(move |tx, permit| {
            predictions::prioritize(tx, permit, &name, "model", Uncertainty::Margin, Timestamp(2))
        });
        assert_eq!(ordered.unwrap(), 3);
        let first = setup.next("ann", 3).unwrap();
        assert_eq!(first.task.data["text"], "b");
        assert_eq!((&first.predictions[0].label, first.predictions[0].score), (&choice("dog"), Some(0.55)));
        let refuse = |change: fn(&mut NewPrediction)| {
            let (name, mut bad) = (setup.name.clone(), predicted.clone());
            change(&mut bad[1]);
            let refused = setup
                .write(move |tx, permit| predictions::record(tx, permit, &name, ("model", "4"), &bad, Timestamp(4)));
            refused.unwrap_err().message().to_owned()
        };
        assert!(refuse(|one| one.key = "nobody".to_owned()).starts_with("prediction 2: "));
        assert!(refuse(|one| one.probabilities = Some([("cat".to_owned(), 0.2)].into())).contains("add up"));
        assert!(refuse(|one| one.score = Some(1.5)).contains("from 0 to 1"));
    });
}

#[test]
fn an_archived_project_is_readable_and_takes_nothing() {
    on_both(|db| {
        let setup = Setup::new(db, settings(Kind::Classification, &["cat", "dog"]));
        setup.texts(&["a"]);
        let name = setup.name.clone();
        setup
            .write(move |tx, permit| projects::set_state(tx, permit, &name, ProjectState::Archived, Timestamp(5)))
            .unwrap();
        let refused = setup.submit(&setup.ids()[0], "ann", Some(choice("cat"))).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Conflict);
        let name = setup.name.clone();
        let again = setup
            .write(move |tx, permit| projects::create(tx, permit, &name, settings(Kind::Pairwise, &[]), Timestamp(6)));
        assert_eq!(again.unwrap_err().code(), ErrorCode::AlreadyExists);
        let name = setup.name.clone();
        let other = settings(Kind::Classification, &["cat", "bird"]);
        let lost = setup.write(move |tx, permit| projects::update(tx, permit, &name, other, Timestamp(7)));
        assert_eq!(lost.unwrap_err().code(), ErrorCode::Conflict);
        assert_eq!(setup.actions(), ["labels.create", "labels.tasks", "labels.state"]);
    });
}
