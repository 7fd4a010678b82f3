//! Labelling functions, and label errors that a model finds.

use flyball_core::Timestamp;
use flyball_labels::predictions::{self, NewPrediction};
use flyball_labels::{Kind, functions, quality, tasks};
use flyball_stats::annotation::Filter;
use flyball_testkit::on_both;

use super::{Like, Setup, choice, settings};

#[test]
fn functions_vote_by_sql_and_their_labels_are_predictions() {
    on_both(|db| {
        let setup = Setup::new(db, settings(Kind::Classification, &["cat", "dog"]));
        setup.texts(&["meow", "woof", "meow meow", "purr and meow", "woof purr", "silence"]);
        let set = |name: &str, sql: &str, class: Option<&str>| {
            let (own, sql, class) = (setup.name.clone(), sql.to_owned(), class.map(str::to_owned));
            let name = name.parse().unwrap();
            setup.write(move |tx, permit| {
                functions::set(tx, permit, &own, (&name, &sql, class.as_deref()), Timestamp(1))
            })
        };
        set("meows", "text LIKE '%meow%'", Some("cat")).unwrap();
        set("purrs", "text LIKE '%purr%'", Some("cat")).unwrap();
        set("woofs", "text LIKE '%woof%'", Some("dog")).unwrap();
        assert!(set("bad", "text LIKE '%x%'", Some("fish")).is_err());
        setup.submit(&setup.ids()[0], "ann", Some(choice("cat"))).unwrap();
        let run = || {
            let inputs = setup.db.read(|tx| functions::inputs(tx, &setup.permit.read(), &setup.name))?;
            functions::run(&Like, &inputs)
        };
        let done = run().unwrap();
        assert_eq!((done.tasks, done.covered), (6, 5));
        let of = |name: &str| done.functions.iter().find(|one| one.name.as_str() == name).unwrap().clone();
        assert_eq!(
            (of("purrs").coverage, of("purrs").overlap, of("purrs").conflict),
            (2.0 / 6.0, 2.0 / 6.0, 1.0 / 6.0)
        );
        assert_eq!((of("meows").with_people, of("meows").answered), (Some(1.0), 1));
        let name = setup.name.clone();
        setup.write(move |tx, permit| functions::keep(tx, permit, &name, &done, Timestamp(2))).unwrap();
        let kept =
            setup.db.read(|tx| predictions::list(tx, &setup.permit.read(), &setup.name, Some("functions"))).unwrap();
        assert_eq!(kept.len(), 5);
        set("odd", "lower(text)", None).unwrap();
        let error = run().unwrap_err();
        assert!(error.message().starts_with("function 'odd': there is no class 'meow'"), "{error:?}");
        let (own, odd) = (setup.name.clone(), "odd".parse().unwrap());
        setup.write(move |tx, permit| functions::remove(tx, permit, &own, &odd, Timestamp(3))).unwrap();
        assert!(run().is_ok());
    });
}

#[test]
fn a_wrong_label_is_found_by_a_model_that_knows_better() {
    on_both(|db| {
        let setup = Setup::new(db, settings(Kind::Classification, &["cat", "dog"]));
        let texts: Vec<String> = (0..20).map(|at| format!("animal {at}")).collect();
        setup.texts(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        let listed = setup.db.read(|tx| tasks::list(tx, &setup.permit.read(), &setup.name, None, 0, 100)).unwrap();
        let is_cat = |at: usize| at.is_multiple_of(2);
        for (at, task) in listed.iter().enumerate() {
            let class = if is_cat(at) != (at == 6) { "cat" } else { "dog" };
            setup.submit(&task.id, "ann", Some(choice(class))).unwrap();
        }
        let find =
            || setup.db.read(|tx| quality::issues(tx, &setup.permit.read(), &setup.name, "model", Filter::NoiseRate));
        assert!(find().unwrap_err().next_step().is_some());
        let said = listed.iter().enumerate().map(|(at, task)| {
            let cat = if is_cat(at) { 0.9 } else { 0.1 };
            let by_class = [("cat".to_owned(), cat), ("dog".to_owned(), 1.0 - cat)].into();
            NewPrediction { key: task.key.clone(), label: None, score: None, probabilities: Some(by_class) }
        });
        let (name, said) = (setup.name.clone(), said.collect::<Vec<_>>());
        setup
            .write(move |tx, permit| predictions::record(tx, permit, &name, ("model", "1"), &said, Timestamp(1)))
            .unwrap();
        let found = find().unwrap();
        assert_eq!((found.labels, found.issues.len()), (20, 1));
        let issue = &found.issues[0];
        assert_eq!((&issue.key, &issue.given, &issue.suggested), (&listed[6].key, &choice("dog"), &choice("cat")));
    });
}
