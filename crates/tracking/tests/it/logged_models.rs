//! The life of a logged model.

use flyball_core::{ErrorCode, Timestamp};
use flyball_testkit::on_both;
use flyball_tracking::{ModelMetric, ModelStatus, NewLoggedModel, Pair, Point, experiments, logged_models};

use crate::fixture::{NOW, edit, experiment, pairs, reader};

fn new(id: &str, experiment_id: i64) -> NewLoggedModel {
    NewLoggedModel { id: id.to_owned(), experiment_id, ..NewLoggedModel::default() }
}

#[test]
fn a_model_is_made_changed_and_deleted() {
    on_both(|db| {
        let owner = experiment(db, "one");
        let mut made = new("m-1", owner);
        made.params = pairs(&[("a", "1"), ("b", "")]);
        made.tags = pairs(&[("t", "old"), ("t", "new")]);
        let model = edit(db, move |tx, permit| logged_models::create(tx, permit, &made, NOW)).unwrap();
        assert_eq!(model.artifact_uri, format!("mlflow-artifacts:/{owner}/models/m-1/artifacts"));
        assert_eq!((model.status, model.tags), (ModelStatus::Pending, pairs(&[("t", "new")])));
        assert_eq!(model.params, pairs(&[("a", "1"), ("b", "")]));
        assert!(!model.name.is_empty());

        let later = Timestamp(NOW.0 + 5);
        let ready = edit(db, move |tx, permit| logged_models::finalize(tx, permit, "m-1", ModelStatus::Ready, later));
        assert_eq!(ready.unwrap().updated_at, later);
        let log = |key: &str, value: &str| {
            let params = vec![Pair::new(key, value)];
            edit(db, move |tx, permit| logged_models::log_params(tx, permit, "m-1", &params))
        };
        log("c", "3").unwrap();
        log("c", "3").unwrap();
        assert_eq!(log("c", "4").unwrap_err().code(), ErrorCode::InvalidInput);

        edit(db, |tx, permit| logged_models::delete_tag(tx, permit, "m-1", "t")).unwrap();
        let missing = edit(db, |tx, permit| logged_models::delete_tag(tx, permit, "m-1", "t")).unwrap_err();
        assert_eq!(missing.code(), ErrorCode::NotFound);

        for _twice in 0..2 {
            edit(db, move |tx, permit| logged_models::delete(tx, permit, "m-1", later)).unwrap();
        }
        let get = |deleted_too| db.read(|tx| logged_models::get(tx, &reader(), "m-1", deleted_too));
        assert_eq!(get(false).unwrap_err().code(), ErrorCode::NotFound);
        assert_eq!(get(true).unwrap().params.len(), 3);
    });
}

#[test]
fn metrics_of_a_model_are_kept_once_and_nan_stays_nan() {
    on_both(|db| {
        let owner = experiment(db, "one");
        edit(db, move |tx, permit| logged_models::create(tx, permit, &new("m-1", owner), NOW)).unwrap();
        let metric = |value: f64, step: i64, dataset: &str| ModelMetric {
            key: "acc".into(),
            point: Point { value, timestamp: 7, step },
            dataset_name: dataset.into(),
            dataset_digest: String::new(),
        };
        let points = [metric(0.5, 1, ""), metric(0.5, 1, ""), metric(0.5, 1, "train"), metric(f64::NAN, 2, "")];
        for _twice in 0..2 {
            let points = points.to_vec();
            edit(db, move |tx, permit| logged_models::log_metrics(tx, permit, "m-1", "run", owner, &points)).unwrap();
        }
        let model = db.read(|tx| logged_models::get(tx, &reader(), "m-1", false)).unwrap();
        assert_eq!(model.metrics.len(), 3);
        assert!(model.metrics[2].0.point.value.is_nan());
        let nobody = edit(db, move |tx, permit| logged_models::log_metrics(tx, permit, "m-2", "run", owner, &[]));
        assert_eq!(nobody.unwrap_err().code(), ErrorCode::InvalidInput);
    });
}

#[test]
fn registrations_are_listed_in_a_tag() {
    on_both(|db| {
        let owner = experiment(db, "one");
        edit(db, move |tx, permit| logged_models::create(tx, permit, &new("m-1", owner), NOW)).unwrap();
        for version in [1, 2, 2] {
            edit(db, move |tx, permit| logged_models::record_registration(tx, permit, "m-1", "fraud", version))
                .unwrap();
        }
        let model = db.read(|tx| logged_models::get(tx, &reader(), "m-1", false)).unwrap();
        let listed: serde_json::Value = serde_json::from_str(&model.tags[0].value).unwrap();
        assert_eq!(listed, serde_json::json!([{ "name": "fraud", "version": 1 }, { "name": "fraud", "version": 2 }]));
    });
}

#[test]
fn bad_models_are_refused() {
    on_both(|db| {
        let owner = experiment(db, "one");
        let create = |model: NewLoggedModel| edit(db, move |tx, permit| logged_models::create(tx, permit, &model, NOW));
        for bad in ["a/b", "a:b", "a.b", "a%", "\"", "'"] {
            let error = create(NewLoggedModel { name: Some(bad.into()), ..new("m-1", owner) }).unwrap_err();
            assert!(error.message().contains("Invalid model name"), "{bad}: {error}");
        }
        let twice = NewLoggedModel { params: pairs(&[("a", "1"), ("a", "2")]), ..new("m-1", owner) };
        assert_eq!(create(twice).unwrap_err().code(), ErrorCode::InvalidInput);
        let long = NewLoggedModel { tags: vec![Pair::new("k".repeat(251), "")], ..new("m-1", owner) };
        assert_eq!(create(long).unwrap_err().code(), ErrorCode::InvalidInput);
        assert_eq!(create(new("m-1", 99)).unwrap_err().code(), ErrorCode::NotFound);
        edit(db, move |tx, permit| experiments::delete(tx, permit, owner, NOW)).unwrap();
        assert_eq!(create(new("m-1", owner)).unwrap_err().code(), ErrorCode::Conflict);
    });
}
