//! What making a version would do, without doing it.

use flyball_core::{Name, Permit, Read, Result};

use crate::model::DatasetVersion;
use crate::service::{Datasets, recipe_of_files, recipe_of_query};
use crate::source::{self, SourceFile};

impl Datasets {
    /// Whether ingesting `source` now would find what the latest version already holds.
    pub fn ingest_is_current(&self, permit: &Permit<Read>, dataset: &Name, source: &str) -> Result<bool> {
        let loaded = source::load(self.project_root(), source)?;
        let files: Vec<SourceFile> = loaded.files.into_iter().map(|(file, _)| file).collect();
        Ok(self.latest(permit, dataset)?.is_some_and(|latest| latest.recipe == recipe_of_files(&files)))
    }

    /// Whether deriving by this query from the latest of `inputs` now would find what the latest version already holds.
    pub fn derive_is_current(
        &self,
        permit: &Permit<Read>,
        dataset: &Name,
        sql: &str,
        inputs: &[DatasetVersion],
    ) -> Result<bool> {
        let used = self.inputs_in_use(sql, inputs)?;
        Ok(self.latest(permit, dataset)?.is_some_and(|latest| latest.recipe == recipe_of_query(sql, &used)))
    }

    /// The names of the datasets that a query reads.
    pub fn datasets_read_by(&self, sql: &str) -> Result<Vec<String>> {
        self.query().referenced_tables(sql)
    }
}
