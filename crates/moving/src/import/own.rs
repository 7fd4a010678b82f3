//! What is here, as records: how it is stored, and how it is read back to compare it with what arrived.

use flyball_core::{Error, Permit, Read, Result, Timestamp};
use flyball_registry::{ModelVersion as StoredVersion, RegisteredModel as StoredRegistered, Stage, models, versions};
use flyball_store::Tx;
use flyball_tracking::artifacts::{self, TreePath};
use flyball_tracking::{
    DatasetInput, Experiment as StoredExperiment, Lifecycle, LoggedDataset, LoggedModel as StoredModel, ModelStatus,
    ModelUse as StoredUse, Pair as StoredPair, Run as StoredRun, RunInputs, RunStatus, experiments, history,
    logged_models, runs,
};

use super::names::{lifecycle, stored_pairs};
use crate::record::{
    Alias, Dataset, Experiment, LoggedModel, ModelMetric, ModelUse, ModelVersion, Ordered, Pair, Point,
    RegisteredModel, Run,
};
use crate::tally::{self, Files, Histories, Kind, Tally};

pub(crate) fn experiment(stored: StoredExperiment) -> Experiment {
    Experiment {
        id: stored.id.to_string(),
        name: stored.name,
        artifact_location: stored.artifact_location,
        deleted: stored.lifecycle == Lifecycle::Deleted,
        created_at: stored.created_at.0,
        updated_at: stored.updated_at.0,
        tags: pairs(stored.tags),
    }
    .ordered()
}

fn pairs(stored: Vec<StoredPair>) -> Vec<Pair> {
    stored.into_iter().map(|pair| Pair { key: pair.key, value: pair.value }).collect()
}

/// A run in the form in which it is stored.
pub(crate) fn stored_run(run: &Run, experiment_id: i64) -> Result<StoredRun> {
    let status = RunStatus::ALL.into_iter().find(|status| status.as_str() == run.status);
    let status = status.ok_or_else(|| Error::invalid(format!("its status '{}' is not one of a run", run.status)))?;
    let uses = |used: &[ModelUse]| {
        used.iter().map(|used| StoredUse { model_id: used.model_id.clone(), step: used.step }).collect()
    };
    Ok(StoredRun {
        id: run.id.clone(),
        experiment_id,
        experiment: String::new(),
        name: run.name.clone(),
        user_id: run.user_id.clone(),
        status,
        lifecycle: lifecycle(run.deleted),
        started_at: Timestamp(run.started_at),
        ended_at: run.ended_at.map(Timestamp),
        artifact_uri: run.artifact_uri.clone(),
        params: stored_pairs(&run.params),
        metrics: Vec::new(),
        tags: stored_pairs(&run.tags),
        inputs: RunInputs {
            datasets: run.datasets.iter().map(stored_dataset).collect(),
            models: uses(&run.models_in),
            outputs: uses(&run.models_out),
        },
        lineage: None,
    })
}

fn stored_dataset(dataset: &Dataset) -> DatasetInput {
    DatasetInput {
        dataset: LoggedDataset {
            name: dataset.name.clone(),
            digest: dataset.digest.clone(),
            source_type: dataset.source_type.clone(),
            source: dataset.source.clone(),
            schema: dataset.schema.clone(),
            profile: dataset.profile.clone(),
        },
        tags: stored_pairs(&dataset.tags),
    }
}

fn run(stored: StoredRun) -> Run {
    let uses = |used: Vec<StoredUse>| {
        used.into_iter().map(|used| ModelUse { model_id: used.model_id, step: used.step }).collect()
    };
    let dataset = |DatasetInput { dataset, tags }: DatasetInput| Dataset {
        name: dataset.name,
        digest: dataset.digest,
        source_type: dataset.source_type,
        source: dataset.source,
        schema: dataset.schema,
        profile: dataset.profile,
        tags: pairs(tags),
    };
    Run {
        id: stored.id,
        experiment_id: stored.experiment_id.to_string(),
        name: stored.name,
        user_id: stored.user_id,
        status: stored.status.as_str().to_owned(),
        deleted: stored.lifecycle == Lifecycle::Deleted,
        started_at: stored.started_at.0,
        ended_at: stored.ended_at.map(|at| at.0),
        artifact_uri: stored.artifact_uri,
        params: pairs(stored.params),
        tags: pairs(stored.tags),
        datasets: stored.inputs.datasets.into_iter().map(dataset).collect(),
        models_in: uses(stored.inputs.models),
        models_out: uses(stored.inputs.outputs),
    }
    .ordered()
}

/// What the database says of an experiment.
pub(crate) fn tally_of_experiment(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<Tally> {
    let number = id.parse().map_err(Error::internal)?;
    tally::of_experiment(&experiment(experiments::get(tx, permit, number)?))
}

/// What the database says of a run and all that hangs on it.
pub(crate) fn tally_of_run(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<Tally> {
    let stored = runs::get(tx, permit, id)?;
    let keys: Vec<String> = stored.metrics.iter().map(|metric| metric.key.clone()).collect();
    let mut histories = Histories::default();
    for key in keys {
        for part in history::of(tx, permit, id, &key)?.chunks(1 << 16) {
            let points: Vec<Point> = part.iter().map(|p| Point(p.timestamp, p.step, p.value)).collect();
            histories.add(&key, &points)?;
        }
    }
    let run = run(stored);
    let mut tally = tally::of_run(&run)?;
    tally.insert(Kind::MetricPoints, histories.sum()?);
    tally.insert(Kind::Artifacts, files(tx, permit, &run.artifact_uri)?.sum()?);
    Ok(tally)
}

/// What the database says of a logged model and its files.
pub(crate) fn tally_of_logged_model(tx: &mut Tx<'_>, permit: &Permit<Read>, id: &str) -> Result<Tally> {
    let model = logged_model(logged_models::get(tx, permit, id, true)?);
    let mut tally = tally::of_logged_model(&model)?;
    tally.insert(Kind::Artifacts, files(tx, permit, &model.artifact_uri)?.sum()?);
    Ok(tally)
}

fn files(tx: &mut Tx<'_>, permit: &Permit<Read>, uri: &str) -> Result<Files> {
    let root = TreePath::from_uri(uri)?;
    let mut files = Files::default();
    for artifact in artifacts::below(tx, permit, &root)? {
        let path = artifact.path.as_str().get(root.as_str().len() + 1..).unwrap_or_default();
        files.add(path, artifact.size, artifact.digest);
    }
    Ok(files)
}

/// A logged model in the form in which it is stored.
pub(crate) fn stored_model(model: &LoggedModel, experiment_id: i64) -> StoredModel {
    StoredModel {
        id: model.id.clone(),
        experiment_id,
        name: model.name.clone(),
        model_type: model.model_type.clone(),
        source_run_id: model.source_run_id.clone(),
        status: ModelStatus::of(model.status),
        status_message: model.status_message.clone(),
        lifecycle: lifecycle(model.deleted),
        created_at: Timestamp(model.created_at),
        updated_at: Timestamp(model.updated_at),
        artifact_uri: model.artifact_uri.clone(),
        params: stored_pairs(&model.params),
        tags: stored_pairs(&model.tags),
        metrics: model
            .metrics
            .iter()
            .map(|metric| {
                let stored = flyball_tracking::ModelMetric {
                    key: metric.key.clone(),
                    point: stored_point(&metric.point),
                    dataset_name: metric.dataset_name.clone(),
                    dataset_digest: metric.dataset_digest.clone(),
                };
                (stored, metric.run_id.clone())
            })
            .collect(),
    }
}

pub(crate) fn stored_point(point: &Point) -> flyball_tracking::Point {
    flyball_tracking::Point { timestamp: point.0, step: point.1, value: point.2 }
}

fn logged_model(stored: StoredModel) -> LoggedModel {
    LoggedModel {
        id: stored.id,
        experiment_id: stored.experiment_id.to_string(),
        name: stored.name,
        model_type: stored.model_type,
        source_run_id: stored.source_run_id,
        status: stored.status as i64,
        status_message: stored.status_message,
        deleted: stored.lifecycle == Lifecycle::Deleted,
        created_at: stored.created_at.0,
        updated_at: stored.updated_at.0,
        artifact_uri: stored.artifact_uri,
        params: pairs(stored.params),
        tags: pairs(stored.tags),
        metrics: stored
            .metrics
            .into_iter()
            .map(|(metric, run_id)| ModelMetric {
                key: metric.key,
                point: Point(metric.point.timestamp, metric.point.step, metric.point.value),
                run_id,
                dataset_name: metric.dataset_name,
                dataset_digest: metric.dataset_digest,
            })
            .collect(),
    }
    .ordered()
}

/// A registered model in the form in which it is stored.
pub(crate) fn stored_registered(model: &RegisteredModel) -> StoredRegistered {
    StoredRegistered {
        no: 0,
        name: model.name.clone(),
        description: model.description.clone(),
        created_at: Timestamp(model.created_at),
        updated_at: Timestamp(model.updated_at),
        tags: stored_pairs(&model.tags),
        aliases: model.aliases.iter().map(|alias| (alias.alias.clone(), alias.version)).collect(),
        latest_versions: Vec::new(),
    }
}

/// A version in the form in which it is stored.
pub(crate) fn stored_version(version: &ModelVersion) -> Result<StoredVersion> {
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    Ok(StoredVersion {
        no: 0,
        model: version.model.clone(),
        version: version.version,
        created_at: Timestamp(version.created_at),
        updated_at: Timestamp(version.updated_at),
        stage: Stage::named(&version.stage)?,
        status: version.status.clone(),
        status_message: version.status_message.clone(),
        user_id: version.user_id.clone(),
        description: version.description.clone(),
        source: version.source.clone(),
        run_id: version.run_id.clone(),
        run_link: version.run_link.clone(),
        model_id: text(&version.model_id),
        tags: stored_pairs(&version.tags),
        aliases: Vec::new(),
    })
}

/// What the database says of a registered model.
pub(crate) fn tally_of_registered(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &str) -> Result<Tally> {
    let stored = models::get(tx, permit, name)?;
    let model = RegisteredModel {
        last_version: flyball_registry::import::last_version(tx, permit, name)?,
        name: stored.name,
        description: stored.description,
        created_at: stored.created_at.0,
        updated_at: stored.updated_at.0,
        tags: pairs(stored.tags),
        aliases: stored.aliases.into_iter().map(|(alias, version)| Alias { alias, version }).collect(),
    };
    tally::of_registered_model(&model.ordered())
}

/// What the database says of a version; `place` is its model and number.
pub(crate) fn tally_of_version(tx: &mut Tx<'_>, permit: &Permit<Read>, place: &str) -> Result<Tally> {
    let (model, number) = place.rsplit_once('/').unwrap_or((place, ""));
    let number = number.parse().map_err(Error::internal)?;
    let stored = versions::get(tx, permit, model, number)?;
    let location = versions::download_uri(tx, permit, model, number)?;
    let version = ModelVersion {
        model: stored.model,
        version: stored.version,
        created_at: stored.created_at.0,
        updated_at: stored.updated_at.0,
        stage: stored.stage.as_str().to_owned(),
        status: stored.status,
        status_message: stored.status_message,
        user_id: stored.user_id,
        description: stored.description,
        source: stored.source,
        location,
        run_id: stored.run_id,
        run_link: stored.run_link,
        model_id: stored.model_id,
        tags: pairs(stored.tags),
    };
    tally::of_version(&version.ordered())
}
