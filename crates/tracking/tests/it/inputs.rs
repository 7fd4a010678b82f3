use flyball_core::ErrorCode;
use flyball_store::Db;
use flyball_testkit::on_both;
use flyball_tracking::{DatasetInput, LoggedDataset, ModelUse, experiments, inputs};

use crate::fixture::{code, edit, experiment, pairs, reader, run, stored};

fn input(name: &str, schema: Option<&str>, tags: &[(&str, &str)]) -> DatasetInput {
    let dataset = LoggedDataset {
        name: name.to_owned(),
        digest: "d1".into(),
        source_type: "local".into(),
        source: "{}".into(),
        schema: schema.map(str::to_owned),
        profile: None,
    };
    DatasetInput { dataset, tags: pairs(tags) }
}

fn log(db: &Db, run: &'static str, datasets: Vec<DatasetInput>) {
    edit(db, move |tx, permit| inputs::log(tx, permit, run, &datasets, &[])).unwrap();
}

#[test]
fn the_first_description_and_the_first_tags_of_a_use_stay() {
    on_both(|db| {
        let id = experiment(db, "x");
        run(db, id, "r1");
        run(db, id, "r2");
        log(db, "r1", vec![input("a", Some("s1"), &[("mlflow.data.context", "train")])]);
        log(db, "r1", vec![input("a", Some("s2"), &[("mlflow.data.context", "test")]), input("b", None, &[])]);
        log(db, "r2", vec![input("a", Some("s3"), &[("mlflow.data.context", "eval")])]);
        let datasets = stored(db, "r1").inputs.datasets;
        assert_eq!(datasets, [input("a", Some("s1"), &[("mlflow.data.context", "train")]), input("b", None, &[])]);
        let summaries = db.read(|tx| experiments::dataset_summaries(tx, &reader(), &[id], 10)).unwrap();
        let mut told: Vec<_> = summaries.iter().map(|one| (one.name.as_str(), one.context.as_deref())).collect();
        told.sort_unstable();
        assert_eq!(told, [("a", Some("eval")), ("a", Some("train")), ("b", None)]);
    });
}

#[test]
fn models_that_go_in_and_come_out_are_kept_apart() {
    on_both(|db| {
        let id = experiment(db, "x");
        run(db, id, "r1");
        let one = |id: &str, step| ModelUse { model_id: id.to_owned(), step };
        edit(db, move |tx, permit| inputs::log(tx, permit, "r1", &[], &[one("m-in", 0)])).unwrap();
        edit(db, move |tx, permit| inputs::log_outputs(tx, permit, "r1", &[one("m-b", 2), one("m-a", 1)])).unwrap();
        let inputs = stored(db, "r1").inputs;
        assert_eq!(inputs.models, [one("m-in", 0)]);
        assert_eq!(inputs.outputs, [one("m-a", 1), one("m-b", 2)]);
        assert_eq!(code(edit(db, |tx, permit| inputs::log_outputs(tx, permit, "nobody", &[]))), ErrorCode::NotFound);
    });
}

#[test]
fn descriptions_have_limits() {
    let long = |most: usize| "x".repeat(most + 1);
    assert!(inputs::check(&input("a", None, &[])).is_ok());
    assert!(inputs::check(&input(&long(500), None, &[])).is_err());
    assert!(inputs::check(&input("a", Some(&long(1_048_575)), &[])).is_err());
    assert!(inputs::check(&input("a", None, &[("k", &long(500))])).is_err());
    assert!(inputs::check(&input("a", None, &[(&long(255), "v")])).is_err());
}
