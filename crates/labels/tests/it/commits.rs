//! Labels become dataset versions.

use flyball_core::{Column, ErrorCode, Timestamp};
use flyball_data::Origin;
use flyball_labels::consensus::Method;
use flyball_labels::{Kind, Settings, commit, tasks};
use flyball_testkit::on_both;

use super::{Like, Setup, choice, settings};

fn rows(setup: &Setup) -> flyball_data::DatasetVersion {
    let file = setup.folder.path().join("project/pets.csv");
    std::fs::write(file, "id,text,weight\n1,meow,4\n2,woof,20\n3,purr,5\n").unwrap();
    setup.datasets.ingest(&setup.permit, &"pets".parse().unwrap(), "pets.csv").unwrap()
}

fn add(
    setup: &Setup,
    version: &flyball_data::DatasetVersion,
    condition: Option<&str>,
) -> flyball_core::Result<tasks::Added> {
    let table = setup.datasets.table(&setup.permit.read(), &version.id).unwrap();
    let (name, version, condition) = (setup.name.clone(), version.clone(), condition.map(str::to_owned));
    setup.write(move |tx, permit| {
        let settings = flyball_labels::projects::get(tx, &permit.read(), &name)?.project.settings;
        let new = tasks::of_version(&Like, &settings, &version, &table, condition.as_deref())?;
        tasks::add(tx, permit, &name, &new, Timestamp(1000))
    })
}

#[test]
fn a_commit_is_a_version_with_its_lineage_and_the_same_labels_are_the_same_version() {
    on_both(|db| {
        let own = Settings {
            key: Some("id".to_owned()),
            dataset: Some("pets".parse().unwrap()),
            ..settings(Kind::Classification, &["cat", "dog"])
        };
        let setup = Setup::new(db, own);
        let version = rows(&setup);
        assert_eq!(add(&setup, &version, Some("text LIKE '%oo%'")).unwrap(), tasks::Added { added: 1, known: 0 });
        assert_eq!(add(&setup, &version, None).unwrap(), tasks::Added { added: 2, known: 1 });
        let make = |into: Option<&str>| {
            let into = into.map(|name| name.parse().unwrap());
            let how = (into.as_ref(), Method::Majority);
            commit::commit(&setup.db, &setup.datasets, &setup.permit, &setup.name, how, Timestamp(3000))
        };
        assert_eq!(make(None).unwrap_err().code(), ErrorCode::EmptyWindow);
        let ids = setup.ids();
        setup.submit(&ids[0], "ann", Some(choice("dog"))).unwrap();
        setup.submit(&ids[1], "ann", Some(choice("cat"))).unwrap();
        assert!(make(Some("pets")).is_err(), "not into the dataset itself");
        let (made, _) = make(None).unwrap();
        assert_eq!((made.label().as_str(), made.rows), ("animals-labels@1", 2));
        let Origin::Labels { inputs, project, .. } = &made.origin else { panic!("{made:?}") };
        assert_eq!((inputs, project.as_str()), (&vec![version.id.clone()], "animals"));
        let table = setup.datasets.table(&setup.permit.read(), &made.id).unwrap();
        assert_eq!(table.names(), ["id", "text", "weight", "label", "label_confidence", "label_annotators"]);
        assert_eq!(table.column("weight").unwrap(), &Column::Int(vec![20, 4]), "columns keep their types");
        let lineage = setup.datasets.lineage(&setup.permit.read(), &made.id).unwrap();
        assert_eq!(lineage.edges, [(version.id.clone(), made.id.clone())]);
        assert_eq!(make(None).unwrap().0, made);
        setup.submit(&ids[2], "ann", Some(choice("cat"))).unwrap();
        assert_eq!(make(None).unwrap().0.version, 2);
        let commits = setup.db.read(|tx| commit::list(tx, &setup.permit.read(), &setup.name)).unwrap();
        assert_eq!(commits.len(), 2);
        let told = setup.actions().into_iter().filter(|action| action == "labels.commit" || action == "dataset.label");
        assert_eq!(told.count(), 4);
    });
}

#[test]
fn of_a_reviewed_project_only_accepted_answers_are_committed() {
    on_both(|db| {
        let setup = Setup::new(db, Settings { review: true, ..settings(Kind::MultiLabel, &["red", "big"]) });
        setup.texts(&["a", "b"]);
        let ids = setup.ids();
        let said = flyball_labels::Label::Choices(vec!["big".to_owned()]);
        let kept = setup.submit(&ids[0], "ann", Some(said.clone())).unwrap();
        setup.submit(&ids[1], "ann", Some(said)).unwrap();
        let make = || {
            let how = (None, Method::Majority);
            commit::commit(&setup.db, &setup.datasets, &setup.permit, &setup.name, how, Timestamp(3000))
        };
        assert!(make().is_err());
        setup
            .write(move |tx, permit| {
                let verdict = flyball_labels::annotate::Verdict::Accept;
                flyball_labels::annotate::review(tx, permit, &kept.id, verdict, "", Timestamp(5))
            })
            .unwrap();
        let table = setup.datasets.table(&setup.permit.read(), &make().unwrap().0.id).unwrap();
        assert_eq!(table.rows(), 1);
        assert_eq!(table.column("label.big").unwrap(), &Column::Bool(vec![1]));
        assert_eq!(table.column("label.red").unwrap(), &Column::Bool(vec![0]));
    });
}

#[test]
fn columns_that_are_not_there_are_named() {
    on_both(|db| {
        let setup = Setup::new(db, Settings { text: Some("story".to_owned()), ..settings(Kind::Spans, &["PER"]) });
        let version = rows(&setup);
        assert!(add(&setup, &version, None).unwrap_err().message().contains("story"));
    });
}
