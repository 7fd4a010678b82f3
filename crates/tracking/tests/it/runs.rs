use flyball_core::{ErrorCode, Timestamp};
use flyball_testkit::on_both;
use flyball_tracking::batch::{self, Batch};
use flyball_tracking::runs::{self, Update};
use flyball_tracking::{Lifecycle, NewRun, Pair, RunStatus};

use crate::fixture::{NOW, code, edit, experiment, pairs, reader, run, stored};

#[test]
fn a_new_run_is_running_and_has_a_name() {
    on_both(|db| {
        let id = experiment(db, "x");
        let made = run(db, id, "r1");
        assert_eq!((made.status, made.lifecycle, made.ended_at), (RunStatus::Running, Lifecycle::Active, None));
        assert_eq!(made.tags, [Pair::new("mlflow.runName", made.name.as_str())]);
        assert!(!made.name.is_empty());
        assert_eq!(made.artifact_uri, "mlflow-artifacts:/1/r1/artifacts");
        let name = |name: Option<&str>, tag: Option<&str>| {
            let tags = tag.map(|tag| Pair::new("mlflow.runName", tag)).into_iter().collect();
            let id = format!("r-{}-{}", name.unwrap_or("_"), tag.unwrap_or("_"));
            let new = NewRun { id, experiment_id: 1, name: name.map(str::to_owned), tags, ..NewRun::default() };
            edit(db, move |tx, permit| runs::create(tx, permit, &new, NOW)).map(|run| run.name)
        };
        assert_eq!(name(Some("a"), None).unwrap(), "a");
        assert_eq!(name(None, Some("b")).unwrap(), "b");
        assert_eq!(name(Some("a"), Some("a")).unwrap(), "a");
        assert_eq!(code(name(Some("a"), Some("b"))), ErrorCode::InvalidInput);
        let nowhere = NewRun { id: "r9".into(), experiment_id: 77, ..NewRun::default() };
        assert_eq!(code(edit(db, move |tx, permit| runs::create(tx, permit, &nowhere, NOW))), ErrorCode::NotFound);
    });
}

#[test]
fn updates_change_what_they_name_and_the_name_follows_its_tag() {
    on_both(|db| {
        let id = experiment(db, "x");
        run(db, id, "r1");
        let change = |change: Update| edit(db, move |tx, permit| runs::update(tx, permit, "r1", &change)).unwrap();
        change(Update {
            status: Some(RunStatus::Killed),
            ended_at: Some(Some(Timestamp(5))),
            name: Some(String::new()),
        });
        let name = stored(db, "r1").name;
        change(Update { name: Some("new".into()), ..Update::default() });
        let changed = stored(db, "r1");
        assert_eq!((changed.status, changed.ended_at), (RunStatus::Killed, Some(Timestamp(5))));
        assert!(name != "new" && changed.name == "new" && changed.tags == pairs(&[("mlflow.runName", "new")]));
        let tag = Pair::new("mlflow.runName", "newer");
        edit(db, move |tx, permit| batch::set_tag(tx, permit, "r1", &tag)).unwrap();
        assert_eq!(stored(db, "r1").name, "newer");
    });
}

#[test]
fn a_deleted_run_can_be_read_and_restored_but_not_written() {
    on_both(|db| {
        let id = experiment(db, "x");
        run(db, id, "r1");
        for _ in 0..2 {
            edit(db, |tx, permit| runs::delete(tx, permit, "r1", NOW)).unwrap();
        }
        assert_eq!(stored(db, "r1").lifecycle, Lifecycle::Deleted);
        let tag = Pair::new("a", "b");
        assert_eq!(code(edit(db, move |tx, permit| batch::set_tag(tx, permit, "r1", &tag))), ErrorCode::Conflict);
        assert_eq!(
            code(edit(db, |tx, permit| runs::update(tx, permit, "r1", &Update::default()))),
            ErrorCode::Conflict
        );
        assert_eq!(code(edit(db, |tx, permit| runs::delete(tx, permit, "nobody", NOW))), ErrorCode::NotFound);
        assert!(db.read(|tx| runs::newest(tx, &reader(), None, 9)).unwrap().is_empty());
        edit(db, |tx, permit| runs::restore(tx, permit, "r1", NOW)).unwrap();
        assert_eq!(db.read(|tx| runs::newest(tx, &reader(), Some("x"), 9)).unwrap().len(), 1);
        assert!(db.read(|tx| runs::newest(tx, &reader(), Some("y"), 9)).unwrap().is_empty());
    });
}

#[test]
fn a_parameter_keeps_its_first_value() {
    on_both(|db| {
        let id = experiment(db, "x");
        run(db, id, "r1");
        let log = |params: &[(&str, &str)]| {
            let batch = Batch { params: pairs(params), tags: pairs(&[("logged", params[0].1)]), ..Batch::default() };
            edit(db, move |tx, permit| batch::log(tx, permit, "r1", &batch))
        };
        log(&[("depth", "3"), ("empty", "")]).unwrap();
        log(&[("depth", "3"), ("width", "é")]).unwrap();
        let changed = log(&[("depth", "4"), ("new", "1")]).unwrap_err();
        assert_eq!(changed.code(), ErrorCode::Conflict);
        assert!(changed.message().contains("'3'") && changed.message().contains("'4'"), "{changed}");
        let run = stored(db, "r1");
        assert_eq!(run.params, pairs(&[("depth", "3"), ("empty", ""), ("width", "é")]));
        assert!(run.tags.contains(&Pair::new("logged", "3")), "nothing of a refused batch is kept: {:?}", run.tags);
    });
}

#[test]
fn long_values_are_cut_and_long_keys_refused() {
    on_both(|db| {
        let id = experiment(db, "x");
        run(db, id, "r1");
        let long = "é".repeat(9_000);
        let batch = Batch { params: pairs(&[("p", &long)]), tags: pairs(&[("t", &long)]), ..Batch::default() };
        batch.check().unwrap();
        edit(db, move |tx, permit| batch::log(tx, permit, "r1", &batch)).unwrap();
        let run = stored(db, "r1");
        assert_eq!(run.params[0].value.chars().count(), 6_000);
        assert_eq!(run.tags.iter().find(|tag| tag.key == "t").unwrap().value.chars().count(), 8_000);
        let again = Batch { params: pairs(&[("p", &long)]), ..Batch::default() };
        edit(db, move |tx, permit| batch::log(tx, permit, "r1", &again)).unwrap();
        let key = "k".repeat(251);
        assert!(Batch { tags: pairs(&[(&key, "v")]), ..Batch::default() }.check().is_err());
    });
}

#[test]
fn batches_have_limits() {
    let many = |count: usize| (0..count).map(|n| Pair::new(format!("k{n}"), "v")).collect::<Vec<_>>();
    assert!(Batch { params: many(100), tags: many(100), ..Batch::default() }.check().is_ok());
    assert!(Batch { params: many(101), ..Batch::default() }.check().is_err());
    assert!(Batch { tags: many(101), ..Batch::default() }.check().is_err());
    let metrics = |count: usize| (0..count).map(|n| crate::fixture::metric("m", n as i64, 0, 0.0)).collect();
    assert!(Batch { metrics: metrics(1_000), ..Batch::default() }.check().is_ok());
    assert!(Batch { metrics: metrics(1_001), ..Batch::default() }.check().is_err());
    assert!(Batch { metrics: metrics(1_000), tags: many(1), ..Batch::default() }.check().is_err());
    assert!(Batch { params: pairs(&[("a", "1"), ("a", "1")]), ..Batch::default() }.check().is_err());
}
