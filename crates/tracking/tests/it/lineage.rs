use flyball_core::{Digest, Timestamp};
use flyball_testkit::on_both;
use flyball_tracking::lineage::{self, Lineage, NewTraining};
use flyball_tracking::{Pair, RunStatus, history, runs};

use crate::fixture::{NOW, edit, reader, stored};

fn training() -> NewTraining {
    NewTraining {
        id: "run_1".into(),
        experiment: "flights".into(),
        lineage: Lineage {
            cause: "first training".into(),
            dataset_version: "dsv_1".into(),
            window: Some((Timestamp(1), Timestamp(2))),
            rows: 5,
            rows_digest: Digest::of(b"rows"),
            code_commit: Some("abc".into()),
            error: None,
            importance: Vec::new(),
        },
    }
}

#[test]
fn a_training_is_a_run_with_its_lineage_and_starts_once() {
    on_both(|db| {
        for _ in 0..2 {
            edit(db, |tx, permit| lineage::start(tx, permit, &training(), NOW)).unwrap();
        }
        edit(db, |tx, permit| {
            lineage::log_params(tx, permit, "run_1", &[("trees".into(), "9".into())])?;
            lineage::log_metric(tx, permit, "run_1", "auc", &[0.5, f64::NAN, 0.7], NOW)?;
            lineage::log_metric(tx, permit, "run_1", "none", &[f64::NAN], NOW)?;
            lineage::finish(tx, permit, "run_1", Timestamp(NOW.0 + 1), None, &[("distance".into(), 0.25)])
        })
        .unwrap();
        let run = stored(db, "run_1");
        assert_eq!(
            (run.experiment.as_str(), run.status, run.metric("auc")),
            ("flights", RunStatus::Finished, Some(0.7))
        );
        assert!(run.tags.contains(&Pair::new("mlflow.source.git.commit", "abc")));
        let learnt = run.lineage.unwrap();
        assert_eq!((learnt.rows, learnt.window, learnt.error), (5, Some((Timestamp(1), Timestamp(2))), None));
        assert_eq!(learnt.importance, [("distance".to_owned(), 0.25)]);
        assert_eq!(db.read(|tx| history::of(tx, &reader(), "run_1", "auc")).unwrap().len(), 2);
        assert_eq!(db.read(|tx| runs::newest(tx, &reader(), Some("flights"), 9)).unwrap().len(), 1);
    });
}

#[test]
fn a_failed_training_says_why() {
    on_both(|db| {
        edit(db, |tx, permit| {
            lineage::start(tx, permit, &training(), NOW)?;
            lineage::finish(tx, permit, "run_1", NOW, Some("no rows"), &[])
        })
        .unwrap();
        let run = stored(db, "run_1");
        assert_eq!(run.status, RunStatus::Failed);
        assert_eq!(run.lineage.unwrap().error.as_deref(), Some("no rows"));
    });
}
