//! Datasets and their versions.

use std::sync::Arc;

use axum::extract::{Path, State};
use flyball_core::{Error, Permit, Read, Result};
use flyball_data::{DatasetVersion, Datasets};
use serde_json::json;

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
