//! Answers: kept whatever happens, reviewed, compared.

use flyball_core::{ErrorCode, Timestamp};
use flyball_labels::annotate::{self, Verdict};
use flyball_labels::consensus::Method;
use flyball_labels::{AnnotationState, Kind, Label, Settings, Span, quality, tasks};
use flyball_testkit::on_both;

use super::{Setup, choice, settings};

#[test]
fn no_answer_is_lost_and_every_change_is_one_audit_event() {
    on_both(|db| {
        let setup = Setup::new(db, settings(Kind::Classification, &["cat", "dog"]));
        setup.texts(&["a"]);
        let id = setup.ids().remove(0);
        let first = setup.submit(&id, "ann", Some(choice("cat"))).unwrap();
        assert_eq!(setup.submit(&id, "ann", Some(choice("cat"))).unwrap(), first, "the same again changes nothing");
        let second = setup.submit(&id, "ann", Some(choice("dog"))).unwrap();
        assert_eq!((second.revision, second.state), (2, AnnotationState::Submitted));
        let reviewed = setup.write({
            let id = second.id.clone();
            move |tx, permit| annotate::review(tx, permit, &id, Verdict::Reject, "look again", Timestamp(9))
        });
        assert_eq!(reviewed.unwrap().state, AnnotationState::Rejected);
        assert_eq!(setup.next("ann", 10).unwrap().task.id, id, "who was refused is asked again");
        let third = setup.submit(&id, "ann", Some(choice("cat"))).unwrap();
        let stale =
            setup.write(move |tx, permit| annotate::review(tx, permit, &first.id, Verdict::Accept, "", Timestamp(9)));
        assert_eq!(stale.unwrap_err().code(), ErrorCode::Conflict);
        setup
            .write({
                let id = third.id.clone();
                move |tx, permit| annotate::review(tx, permit, &id, Verdict::Accept, "", Timestamp(9))
            })
            .unwrap();
        setup
            .write({
                let id = id.clone();
                move |tx, permit| annotate::comment(tx, permit, &id, "why a cat?", Timestamp(9))
            })
            .unwrap();
        let view = setup.db.read(|tx| tasks::get(tx, &setup.permit.read(), &id)).unwrap();
        let states: Vec<&str> = view.annotations.iter().map(|one| one.state.as_str()).collect();
        assert_eq!(
            (states, view.comments.len(), view.task.answered),
            (vec!["superseded", "superseded", "accepted"], 1, 1)
        );
        assert_eq!(view.annotations[1].review_note.as_deref(), Some("look again"));
        let expected = [
            "labels.create",
            "labels.tasks",
            "labels.annotate",
            "labels.annotate",
            "labels.reject",
            "labels.annotate",
            "labels.accept",
            "labels.comment",
        ];
        assert_eq!(setup.actions(), expected);
        assert!(setup.submit("task_nobody", "ann", None).is_err());
        assert!(setup.submit(&id, &"x".repeat(500), None).is_err());
    });
}

#[test]
fn annotators_agree_beyond_chance_or_not() {
    on_both(|db| {
        let setup = Setup::new(db, Settings { overlap: 3, ..settings(Kind::Classification, &["cat", "dog"]) });
        setup.texts(&["a", "b", "c", "d"]);
        let ids = setup.ids();
        let said = [["cat", "cat", "cat"], ["dog", "dog", "cat"], ["cat", "cat", "cat"], ["dog", "dog", "dog"]];
        for (id, said) in ids.iter().zip(said) {
            for (who, class) in ["ann", "ben", "cid"].into_iter().zip(said) {
                setup.submit(id, who, Some(choice(class))).unwrap();
            }
        }
        let read = setup.permit.read();
        let agreed = setup.db.read(|tx| quality::agreement_of(tx, &read, &setup.name)).unwrap();
        assert_eq!((agreed.tasks, agreed.pairs.len()), (4, 3));
        assert!((agreed.percent.unwrap() - 10.0 / 12.0).abs() < 1e-12);
        assert_eq!(agreed.pairs[0].cohen_kappa, Some(1.0));
        assert!((agreed.krippendorff_alpha.unwrap() - (1.0 - 22.0 / 70.0)).abs() < 1e-12);
        assert!(agreed.fleiss_kappa.unwrap() > 0.6);
        let cid = agreed.annotators.iter().find(|one| one.annotator == "cid").unwrap();
        assert!((cid.with_others.unwrap() - 0.75).abs() < 1e-12);
        for method in [Method::Majority, Method::DawidSkene] {
            let labels = setup.db.read(|tx| quality::consensus_of(tx, &read, &setup.name, method)).unwrap();
            let of = |id: &String| labels.iter().find(|one| one.task_id == *id).unwrap().label.clone();
            assert_eq!([of(&ids[0]), of(&ids[1])], [choice("cat"), choice("dog")], "{method:?}");
        }
    });
}

#[test]
fn spans_are_agreed_on_one_by_one() {
    on_both(|db| {
        let setup = Setup::new(db, Settings { overlap: 3, ..settings(Kind::Spans, &["PER", "LOC"]) });
        setup.texts(&["Ada in Rome"]);
        let id = setup.ids().remove(0);
        let span = |start, end, class: &str| Span { start, end, class: class.to_owned() };
        let (ada, rome, wrong) = (span(0, 3, "PER"), span(7, 11, "LOC"), span(7, 11, "PER"));
        setup.submit(&id, "ann", Some(Label::Spans(vec![rome.clone(), ada.clone()]))).unwrap();
        setup.submit(&id, "ben", Some(Label::Spans(vec![ada.clone(), rome.clone()]))).unwrap();
        setup.submit(&id, "cid", Some(Label::Spans(vec![ada.clone(), wrong]))).unwrap();
        let read = setup.permit.read();
        let agreed = setup.db.read(|tx| quality::agreement_of(tx, &read, &setup.name)).unwrap();
        assert!((agreed.f1.unwrap() - 2.0 / 3.0).abs() < 1e-12);
        let labels = setup.db.read(|tx| quality::consensus_of(tx, &read, &setup.name, Method::Majority)).unwrap();
        assert_eq!(labels[0].label, Label::Spans(vec![ada, rome]));
        assert!(setup.submit(&id, "dan", Some(Label::Spans(vec![span(0, 12, "PER")]))).is_err());
    });
}
