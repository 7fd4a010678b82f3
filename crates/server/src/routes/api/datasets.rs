//! Datasets and their versions.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use flyball_core::{Error, Permit, Read, Result, Table};
use flyball_data::{DatasetVersion, Datasets};
use flyball_loops::file::checks_yaml;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::IntoParams;

use super::{Answer, answer, reader};
use crate::app::App;

/// The newest version of every dataset.
#[utoipa::path(get, path = "/api/v1/datasets", tag = "data", operation_id = "listDatasets",
    responses((status = 200, description = "The newest version of each dataset", body = Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>) -> Answer {
    answer(move || app.platform.datasets.list(&reader()?)).await
}

/// One version: its schema, profile, checks and lineage.
#[utoipa::path(get, path = "/api/v1/datasets/{name}/versions/{version}", tag = "data", operation_id = "getDatasetVersion",
    params(("name" = String, Path, description = "The dataset"),
        ("version" = String, Path, description = "Its number, or latest")),
    responses((status = 200, description = "The version", body = Value), (status = 404, description = "There is none")))]
pub(crate) async fn get(State(app): State<Arc<App>>, Path((name, version)): Path<(String, String)>) -> Answer {
    answer(move || {
        let (permit, datasets) = (reader()?, &app.platform.datasets);
        let found = version_of(datasets, &permit, &name, &version)?;
        Ok(json!({
            "version": found,
            "profile": datasets.profile(&permit, &found.id)?,
            "reports": datasets.reports(&permit, &found.id)?,
            "quarantine": datasets.quarantine(&permit, &found.id)?,
            "lineage": datasets.lineage(&permit, &found.id)?,
        }))
    })
    .await
}

/// The newest report of a version's checks, and the rows that failed, each with its check.
#[utoipa::path(get, path = "/api/v1/datasets/{name}/versions/{version}/checks", tag = "data", operation_id = "getChecks",
    params(("name" = String, Path, description = "The dataset"),
        ("version" = String, Path, description = "Its number, or latest")),
    responses((status = 200, description = "The report; null when no checks ran", body = Value),
        (status = 404, description = "There is no such version")))]
pub(crate) async fn checks(State(app): State<Arc<App>>, Path((name, version)): Path<(String, String)>) -> Answer {
    answer(move || {
        let (permit, datasets) = (reader()?, &app.platform.datasets);
        let found = version_of(datasets, &permit, &name, &version)?;
        let report = datasets.reports(&permit, &found.id)?.into_iter().next();
        let failing = match &report {
            Some(report) => datasets.failing_rows(&permit, &report.id)?,
            None => Table::default(),
        };
        let rows: Vec<Map<String, Value>> = (0..failing.rows())
            .map(|row| failing.columns().map(|(name, column)| (name.to_owned(), column.value(row).json())).collect())
            .collect();
        Ok(json!({ "version": found, "report": report, "failing_rows": rows }))
    })
    .await
}

/// A suite of checks inferred from the rows of a version, also as the YAML of the loop file.
#[utoipa::path(get, path = "/api/v1/datasets/{name}/versions/{version}/suggestions", tag = "data",
    operation_id = "suggestChecks",
    params(("name" = String, Path, description = "The dataset"),
        ("version" = String, Path, description = "Its number, or latest")),
    responses((status = 200, description = "The suite", body = Value),
        (status = 404, description = "There is no such version")))]
pub(crate) async fn suggestions(State(app): State<Arc<App>>, Path((name, version)): Path<(String, String)>) -> Answer {
    answer(move || {
        let (permit, datasets) = (reader()?, &app.platform.datasets);
        let found = version_of(datasets, &permit, &name, &version)?;
        let checks = datasets.suggest(&permit, &found)?;
        let yaml = checks_yaml(&checks, SUITE_INDENT)?;
        Ok(json!({ "version": found.label(), "checks": checks, "yaml": yaml }))
    })
    .await
}

/// How far checks stand from the left in a loop file.
const SUITE_INDENT: usize = 6;

/// Which versions are compared, and by which key.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Compared {
    /// The version before, as NAME@3 or NAME for the latest.
    before: String,
    /// The version after.
    after: String,
    /// The columns that tell rows apart, with commas between them.
    key: String,
}

/// What two versions differ in: rows matched by key, cells, columns, and how far distributions moved.
#[utoipa::path(get, path = "/api/v1/datasets/compare", tag = "data", operation_id = "compareDatasetVersions",
    params(Compared),
    responses((status = 200, description = "The differences", body = Value),
        (status = 400, description = "The key does not tell rows apart"),
        (status = 404, description = "There is no such version")))]
pub(crate) async fn compare(State(app): State<Arc<App>>, Query(asked): Query<Compared>) -> Answer {
    answer(move || {
        let (permit, datasets) = (reader()?, &app.platform.datasets);
        let (before, after) = (datasets.named(&permit, &asked.before)?, datasets.named(&permit, &asked.after)?);
        let key: Vec<String> = asked.key.split(',').map(|name| name.trim().to_owned()).collect();
        datasets.compare(&permit, &before, &after, &key)
    })
    .await
}

/// A version by its number or as `latest`.
pub(crate) fn version_of(
    datasets: &Datasets,
    permit: &Permit<Read>,
    name: &str,
    version: &str,
) -> Result<DatasetVersion> {
    let dataset = name.parse()?;
    let none = || Error::not_found("dataset version", format!("{name}/{version}"));
    if version == "latest" {
        return datasets.latest(permit, &dataset)?.ok_or_else(none);
    }
    datasets.versions(permit, &dataset)?.into_iter().find(|found| found.version.to_string() == version).ok_or_else(none)
}
