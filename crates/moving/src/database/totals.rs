//! What an MLflow database counts of itself.

use flyball_core::Result;
use flyball_store::Param;

use super::{Database, number, places};
use crate::tally::{Kind, OWN_TAGS, Totals};

/// How many experiments are counted with one statement.
const AT_ONCE: usize = 500;

impl Database {
    /// How much there is of each kind in these experiments.
    pub(super) fn count(&mut self, experiments: &[String]) -> Result<Totals> {
        let of_run = |table: &str, more: &str| {
            format!("{table} x JOIN runs r ON r.run_uuid = x.run_uuid WHERE {more} r.experiment_id")
        };
        let not_ours = format!("x.key NOT LIKE '{OWN_TAGS}%' AND");
        let mut counted = vec![
            (Kind::Runs, "runs WHERE experiment_id".to_owned()),
            (Kind::Params, of_run("params", "")),
            (Kind::MetricPoints, of_run("metrics", "")),
            (Kind::Tags, of_run("tags", &not_ours)),
        ];
        if self.schema.has_table("logged_models") {
            counted.push((Kind::LoggedModels, "logged_models WHERE experiment_id".to_owned()));
        }
        let mut totals = Totals::new();
        for part in experiments.chunks(AT_ONCE) {
            let ids = part.iter().map(|id| number(id).map(Param::from)).collect::<Result<Vec<_>>>()?;
            for (kind, what) in &counted {
                let sql = format!("SELECT COUNT(*) AS n FROM {what} IN ({})", places(1, ids.len()));
                let row = self.db.read(|tx| tx.query_one(&sql, &ids))?;
                *totals.entry(*kind).or_default() += row.map_or(Ok(0), |row| row.get::<u64>("n"))?;
            }
        }
        Ok(totals)
    }
}
