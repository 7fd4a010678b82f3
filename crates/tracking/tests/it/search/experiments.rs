//! Experiments.

use flyball_core::Result;
use flyball_governance::identity::LOCAL_WORKSPACE;
use flyball_store::{OnConflict, params};
use flyball_testkit::on_both;
use flyball_tracking::View;
use flyball_tracking::search::{self, ExperimentSearch};

use crate::fixture::reader;

#[test]
fn experiments_are_filtered_ordered_and_paged() {
    on_both(|db| {
        db.write(|tx| {
            let row = |id: i64, name: &str, lifecycle: &str, at: i64| {
                params![id, LOCAL_WORKSPACE, name, "mlflow-artifacts:/", lifecycle, at, 100 - at].to_vec()
            };
            let mut rows = vec![
                row(1, "alpha", "active", 10),
                row(2, "Alpine", "active", 30),
                row(3, "beta", "deleted", 20),
                row(4, "gamma", "active", 30),
            ];
            rows.push(params![5, "other", "alpha", "mlflow-artifacts:/", "active", 1, 1].to_vec());
            let columns = ["id", "workspace", "name", "artifact_location", "lifecycle", "created_at", "updated_at"];
            tx.insert_rows("experiments", &columns, &rows, OnConflict::Fail)?;
            let tags = [params![1, "team", "red"].to_vec(), params![4, "team", "blue"].to_vec()];
            tx.insert_rows("experiment_tags", &["experiment_id", "key", "value"], &tags, OnConflict::Fail)
        })
        .unwrap();
        let ask = |filter: &str, order: &[&str], view: View| -> Result<Vec<i64>> {
            let order_by = order.iter().map(|step| (*step).to_owned()).collect();
            let mut search =
                ExperimentSearch { filter: filter.into(), view, max_results: 2, order_by, page_token: None };
            let mut all = Vec::new();
            loop {
                let (page, token) = db.read(|tx| search::experiments(tx, &reader(), &search))?;
                all.extend(page);
                if token.is_none() {
                    return Ok(all);
                }
                search.page_token = token;
            }
        };
        for (filter, order, view, wanted) in [
            ("", &[][..], View::Active, &[2, 4, 1][..]),
            ("", &[], View::All, &[2, 4, 3, 1]),
            ("", &[], View::Deleted, &[3]),
            ("", &["creation_time"], View::Active, &[1, 4, 2]),
            ("", &["name DESC"], View::All, &[4, 3, 1, 2]),
            ("", &["last_update_time ASC", "experiment_id asc"], View::Active, &[2, 4, 1]),
            ("name LIKE 'al%'", &[], View::Active, &[1]),
            ("name ilike 'AL%'", &[], View::Active, &[2, 1]),
            ("attribute.name != 'alpha'", &[], View::Active, &[2, 4]),
            ("experiment_id IN ('1', '4', '77')", &[], View::Active, &[4, 1]),
            ("experiment_id != '1' AND creation_time >= 30", &[], View::Active, &[2, 4]),
            ("tags.team = 'red'", &[], View::Active, &[1]),
            ("tag.team != 'red'", &[], View::Active, &[4]),
            ("tags.team IS NULL", &[], View::All, &[2, 3]),
        ] {
            assert_eq!(ask(filter, order, view).unwrap(), wanted, "{filter:?} {order:?}");
        }
        for bad in ["experiment_id = 'x'", "experiment_id IN ('1', 'x')", "creation_time > 1.5", "run_id = 'x'"] {
            assert_eq!(ask(bad, &[], View::Active).unwrap_err().code().status(), 400, "{bad}");
        }
        assert!(ask("", &["tags.team"], View::Active).is_err());
    });
}
