//! The use cases that look at versions: check them with their history at hand, suggest checks, compare two of them.

use flyball_core::{Error, Name, Permit, Read, Result};

use crate::check::{self, Check, CheckOutcome, Rule};
use crate::compare::{self, RowDiff};
use crate::model::DatasetVersion;
use crate::profile::TableProfile;
use crate::scan::Rows;
use crate::service::Datasets;
use crate::suggest;

/// Earlier versions that checks on history look at: more than a month of daily ones.
const HISTORY_VERSIONS: usize = 50;

impl Datasets {
    /// A version as people write it: `flights@3`, or `flights` for the latest.
    pub fn named(&self, permit: &Permit<Read>, text: &str) -> Result<DatasetVersion> {
        let (name, number) = text.rsplit_once('@').map_or((text, None), |(name, number)| (name, Some(number)));
        let dataset: Name = name.parse()?;
        let none = || Error::not_found("dataset version", text);
        match number {
            None | Some("latest") => self.latest(permit, &dataset)?.ok_or_else(none),
            Some(number) => {
                let number: i64 =
                    number.parse().map_err(|_| none().hint("write it as NAME@3, or NAME for the latest"))?;
                self.versions(permit, &dataset)?.into_iter().find(|one| one.version == number).ok_or_else(none)
            }
        }
    }

    /// A suite of checks inferred from the rows of a version.
    pub fn suggest(&self, permit: &Permit<Read>, version: &DatasetVersion) -> Result<Vec<Check>> {
        suggest::suggest(self.rows(permit, version)?.as_ref())
    }

    /// What two versions differ in, their rows matched by `key`.
    pub fn compare(
        &self,
        permit: &Permit<Read>,
        before: &DatasetVersion,
        after: &DatasetVersion,
        key: &[String],
    ) -> Result<RowDiff> {
        compare::diff(self.rows(permit, before)?.as_ref(), self.rows(permit, after)?.as_ref(), key)
    }

    /// Runs checks against a version, with the versions before it and the other datasets at hand.
    pub(crate) fn outcomes(
        &self,
        permit: &Permit<Read>,
        version: &DatasetVersion,
        rows: &dyn Rows,
        checks: &[Check],
    ) -> Result<Vec<CheckOutcome>> {
        let looks_back = |check: &Check| matches!(check.rule, Rule::RowCountChange { .. } | Rule::Anomaly { .. });
        let mut history: Vec<TableProfile> = Vec::new();
        if checks.iter().any(looks_back) {
            let earlier = self.before(permit, version)?;
            history = earlier.iter().rev().map(|one| self.profile(permit, &one.id)).collect::<Result<_>>()?;
        }
        let others = |name: Option<&str>| {
            let found = match name {
                None => self.before(permit, version)?.into_iter().next(),
                Some(name) => Some(self.named(permit, name)?),
            };
            found.map(|found| self.rows(permit, &found)).transpose()
        };
        let context = check::Context {
            query: Some(self.query()),
            now: Some(self.clock().now()),
            history: &history,
            others: Some(&others),
        };
        check::evaluate(rows, checks, &context)
    }

    /// The newest versions of the dataset before a version, newest first.
    fn before(&self, permit: &Permit<Read>, version: &DatasetVersion) -> Result<Vec<DatasetVersion>> {
        let all = self.versions(permit, &version.dataset)?;
        Ok(all.into_iter().filter(|one| one.version < version.version).take(HISTORY_VERSIONS).collect())
    }
}
