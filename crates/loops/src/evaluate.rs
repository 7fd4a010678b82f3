//! Evaluations on demand: any registered version, of any engine, on any dataset version; metrics, curves, groups, the
//! checks of a suite, and a comparison on the same rows. Asking is one transaction, the work is a job.

pub(crate) mod tensors;

use std::sync::Arc;

use flyball_core::model::{Loaded, Model};
use flyball_core::{Digest, Edit, Error, ErrorCode, Format, Manifest, Name, Permit, Read, Result, Table, Task};
use flyball_data::DatasetVersion;
use flyball_evaluation::comparison::{ModelComparison, compare};
use flyball_evaluation::evaluate::evaluate;
use flyball_evaluation::evaluations::{self, Kind, NewEvaluation};
use flyball_evaluation::fairness::{FairnessOptions, FairnessReport, Mitigation, fairness, mitigate};
use flyball_evaluation::grouping::Grouping;
use flyball_evaluation::suite::{self, Case, Suite, SuiteReport};
use flyball_evaluation::{Evaluated, Evaluation};
use flyball_jobs::{Claimed, NewJob, Outcome, enqueue};
use flyball_registry::{packages, versions};
use flyball_tracking::runs;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::declared;
use crate::deploy::{self, Prepared};
use crate::platform::Platform;

/// The kind of the job.
pub const KIND: &str = "evaluation.run";

/// A registered version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionOf {
    /// The registered model.
    pub model: Name,
    /// Its version.
    pub version: i64,
}

impl VersionOf {
    /// As people write it: `late/3`.
    pub fn label(&self) -> String {
        format!("{}/{}", self.model, self.version)
    }
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The version.
    pub subject: VersionOf,
    /// The form to load it in; the fastest that works when absent.
    pub format: Option<Format>,
    /// The id of the dataset version that it answers.
    pub dataset: String,
    /// The id of the dataset version that it was learned from; of a loop's version the loop knows it.
    pub train: Option<String>,
    /// The column to predict; of a loop's version the loop knows it, and key and time as well.
    pub label: Option<String>,
    /// The column that names each row.
    pub key: Option<String>,
    /// The column with the event time.
    pub time: Option<String>,
    /// The column of how much each row counts; of a loop's version the loop knows it.
    pub weight: Option<String>,
    /// The column whose values say which rows are ranked against each other; of a loop's version the loop knows it.
    pub group: Option<String>,
    /// The columns whose groups are compared.
    pub by: Vec<String>,
    /// The version to compare with.
    pub baseline: Option<VersionOf>,
    /// What is checked.
    pub suite: Suite,
}

/// What an evaluation found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Whether no check has failed.
    pub passed: bool,
    /// What the model does.
    pub task: Task,
    /// The column that was predicted.
    pub label: Option<String>,
    /// The classes; empty for numbers.
    pub classes: Vec<String>,
    /// The metrics, also by group, with curves and where the model errs most; empty without labels.
    pub evaluation: Evaluation,
    /// How alike the groups of each named column are treated; not for more than two classes.
    pub fairness: Option<FairnessReport>,
    /// What would make the decisions about groups more alike, where they are not.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub mitigation: Vec<Mitigation>,
    /// The other version on the same rows.
    pub comparison: Option<Comparison>,
    /// The checks.
    pub suite: SuiteReport,
}

/// Another version on the same rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The version, as `MODEL/VERSION`.
    pub with: String,
    /// Its metrics.
    pub evaluation: Evaluation,
    /// Each metric beside it, as a difference with its uncertainty; not for more than two classes.
    pub differences: Option<ModelComparison>,
}

/// Notes what is asked for and enqueues the work; answers the id of the evaluation. What cannot be done is refused
/// here as far as it can be known without reading rows.
///
/// # Errors
/// `NotFound` for a version or dataset that is not there; `InvalidInput` for a column that is not in the dataset.
pub fn ask(platform: &Platform, permit: &Permit<Edit>, mut asked: Asked) -> Result<String> {
    let reader = permit.read();
    let dataset = platform.datasets.get(&reader, &asked.dataset)?;
    complete(platform, &reader, &mut asked, &dataset)?;
    let roles = [&asked.label, &asked.key, &asked.time, &asked.weight, &asked.group];
    let columns = roles.into_iter().flatten().chain(&asked.by);
    for column in columns {
        if !dataset.columns.iter().any(|known| known.name == *column) {
            let known: Vec<&str> = dataset.columns.iter().map(|column| column.name.as_str()).collect();
            return Err(Error::invalid(format!("there is no column '{column}' in {}", dataset.label()))
                .hint(format!("the columns are: {}", known.join(", "))));
        }
    }
    let (permit, now) = (permit.clone(), platform.clock.now());
    platform.db.write(move |tx| {
        for version in [Some(&asked.subject), asked.baseline.as_ref()].into_iter().flatten() {
            versions::get(tx, &permit.read(), version.model.as_str(), version.version)?;
        }
        let new = NewEvaluation {
            kind: Kind::Suite,
            model: asked.subject.model.as_str(),
            version: asked.subject.version,
            subject: &dataset.label(),
            request: serde_json::to_value(&asked).map_err(Error::internal)?,
        };
        let id = evaluations::open(tx, &permit, &new, now)?;
        enqueue(tx, &job(&id, now), now)?;
        Ok(id)
    })
}

/// The job that makes an evaluation. It is not repeated when it fails: whoever asked sees why, and may ask again.
pub(crate) fn job(id: &str, now: flyball_core::Timestamp) -> NewJob {
    NewJob::new(KIND, format!("evaluation:{id}"), id, json!({ "evaluation": id }), now).max_attempts(1)
}

/// What the loop knows of its own versions, where nothing else is said.
fn complete(platform: &Platform, permit: &Permit<Read>, asked: &mut Asked, dataset: &DatasetVersion) -> Result<()> {
    let model = asked.subject.model.as_str();
    let version = asked.subject.version;
    let (declared, learnt) = platform.db.read(|tx| {
        let packaged = packages::find(tx, permit, model, version)?;
        // A run that was deleted took what it learned from with it.
        let run = match packaged.map(|packaged| runs::get(tx, permit, &packaged.run_id)) {
            Some(Err(error)) if error.code() != ErrorCode::NotFound => return Err(error),
            run => run.and_then(Result::ok),
        };
        Ok((declared::find(tx, permit, model)?, run.and_then(|run| run.lineage)))
    })?;
    let Some(declared) = declared else { return Ok(()) };
    let known = |column: &Option<String>| {
        column.clone().filter(|column| dataset.columns.iter().any(|known| known.name == *column))
    };
    let own = declared.file.training_dataset()?;
    asked.label = asked.label.take().or_else(|| known(&own.label));
    asked.key = asked.key.take().or_else(|| known(&own.key));
    asked.time = asked.time.take().or_else(|| known(&own.time));
    asked.weight = asked.weight.take().or_else(|| known(&own.weight));
    asked.group = asked.group.take().or_else(|| known(&own.group));
    let learnt = learnt.map(|learnt| learnt.dataset_version).filter(|learnt| *learnt != dataset.id);
    asked.train = asked.train.take().or(learnt);
    Ok(())
}

/// Makes an evaluation that was asked for.
///
/// # Errors
/// Faults of the machine; whatever else goes wrong is kept with the evaluation.
pub fn run(platform: &Platform, claimed: &Claimed) -> Result<Outcome> {
    let id = claimed.job.payload["evaluation"].as_str().unwrap_or_default().to_owned();
    let permit = flyball_governance::identity::local_user()?.edit();
    let (kept, _) = platform.db.read(|tx| evaluations::get(tx, &permit.read(), &id))?;
    let made = match kept.kind {
        Kind::Replay => serde_json::from_value(kept.request)
            .map_err(Error::internal)
            .and_then(|asked| crate::replay::report(platform, &permit.read(), &asked))
            .and_then(|report| Ok((report.passed, serde_json::to_value(report).map_err(Error::internal)?))),
        Kind::Suite | Kind::Training => serde_json::from_value(kept.request)
            .map_err(Error::internal)
            .and_then(|asked| report(platform, &permit.read(), &asked))
            .and_then(|report| Ok((report.passed, serde_json::to_value(report).map_err(Error::internal)?))),
    };
    let now = platform.clock.now();
    let result = json!({ "evaluation": id, "passed": made.as_ref().ok().map(|made| made.0) });
    Ok(Outcome {
        effects: Box::new(move |tx| match &made {
            Ok((passed, report)) => evaluations::finish(tx, &permit, &id, *passed, report, now),
            Err(error) => evaluations::give_up(tx, &permit, &id, &told(error), now),
        }),
        result,
    })
}

/// An error as it is kept: what went wrong, and the next step.
fn told(error: &Error) -> String {
    error.next_step().map_or_else(|| error.to_string(), |next| format!("{error}; {next}"))
}

/// Makes the report.
///
/// # Errors
/// `UnsupportedModel`; `InvalidData` when model and rows do not fit; what the model fails with.
pub fn report(platform: &Platform, permit: &Permit<Read>, asked: &Asked) -> Result<Report> {
    let rows = platform.datasets.table(permit, &asked.dataset)?;
    let train = asked.train.as_ref().map(|id| platform.datasets.table(permit, id)).transpose()?;
    let aside = Aside {
        label: asked.label.as_deref(),
        key: asked.key.as_deref(),
        time: asked.time.as_deref(),
        weight: asked.weight.as_deref(),
        group: asked.group.as_deref(),
    };
    let counted = (aside.weight, aside.group);
    let (prepared, model) = model_of(platform, permit, &asked.subject, asked.format, &rows, &aside)?;
    let signature = model.signature().clone();
    let mut report = Report {
        passed: false,
        task: signature.task,
        label: asked.label.clone(),
        classes: signature.classes.clone(),
        evaluation: Evaluation::default(),
        fairness: None,
        mitigation: Vec::new(),
        comparison: None,
        suite: SuiteReport::default(),
    };
    let other = match &asked.baseline {
        Some(version) => Some(model_of(platform, permit, version, None, &rows, &aside)?.1),
        None => None,
    };
    if let Some(label) = aside.label {
        let answers = answers_of(model.as_ref(), &rows, label, counted)?;
        let features: Vec<String> = signature.features.iter().map(|feature| feature.name.clone()).collect();
        report.evaluation = evaluate(signature.task, &answers, &rows, &asked.by)?;
        report.evaluation.look_for_weakness(signature.task, &answers, &rows, &features)?;
        let narrow = signature.classes.len() <= 2;
        if narrow && !asked.by.is_empty() {
            let by: Vec<Grouping> = asked
                .by
                .iter()
                .map(|column| Grouping::of(&rows, std::slice::from_ref(column)))
                .collect::<Result<_>>()?;
            let options = FairnessOptions::default();
            report.fairness = Some(fairness(signature.task, &answers, &by, &options)?);
            let suggested = by.iter().map(|grouping| mitigate(signature.task, &answers, grouping, &options));
            report.mitigation = suggested.filter_map(Result::transpose).collect::<Result<_>>()?;
        }
        if let (Some(other), Some(version)) = (&other, &asked.baseline) {
            let theirs = answers_of(other.as_ref(), &rows, label, counted)?;
            let same = narrow && other.signature().classes == signature.classes;
            let by: Vec<Vec<String>> = asked.by.iter().map(|column| vec![column.clone()]).collect();
            let differences = same.then(|| compare(signature.task, &theirs, &answers, &rows, &by)).transpose()?;
            let evaluation = evaluate(other.signature().task, &theirs, &rows, &asked.by)?;
            report.comparison = Some(Comparison { with: version.label(), evaluation, differences });
        }
    }
    let case = Case {
        train: train.as_deref(),
        label: aside.label,
        key: aside.key,
        time: aside.time,
        model: Some(model.as_ref()),
        baseline: other.as_deref(),
        artifact_bytes: Some(size_of(platform, &prepared.artifact)?),
        ..Case::of_rows(platform.clock.as_ref(), &rows)
    };
    report.suite = suite::run(&asked.suite, &case)?;
    report.passed = report.suite.passed;
    Ok(report)
}

/// The answers of a model beside the labels, with how much each row counts and which rows are ranked against each other,
/// where columns say it.
///
/// # Errors
/// What the model fails with; `NotFound` for a column that is not there; `InvalidInput` for weights that are none.
pub(crate) fn answers_of(
    model: &dyn Model,
    rows: &Table,
    label: &str,
    (weight, group): (Option<&str>, Option<&str>),
) -> Result<Evaluated> {
    let mut answers = Evaluated::of(model, rows, label)?;
    if let Some(column) = weight {
        answers = answers.weighted(rows, column)?;
    }
    if let Some(column) = group {
        answers = answers.ranked(rows, column)?;
    }
    Ok(answers)
}

/// The columns of rows that are no features.
#[derive(Default)]
pub(crate) struct Aside<'a> {
    pub(crate) label: Option<&'a str>,
    pub(crate) key: Option<&'a str>,
    pub(crate) time: Option<&'a str>,
    pub(crate) weight: Option<&'a str>,
    pub(crate) group: Option<&'a str>,
}

impl Aside<'_> {
    pub(crate) fn has(&self, column: &str) -> bool {
        [self.label, self.key, self.time, self.weight, self.group].contains(&Some(column))
    }
}

/// A version as a model of rows, whatever its engine takes. What was loaded is held as long as it is.
pub(crate) fn model_of(
    platform: &Platform,
    permit: &Permit<Read>,
    version: &VersionOf,
    format: Option<Format>,
    rows: &Table,
    aside: &Aside<'_>,
) -> Result<(Prepared, Arc<dyn Model>)> {
    let prepared = deploy::prepare(platform, permit, &version.model, version.version, format)?;
    let model: Arc<dyn Model> = match &*prepared.held {
        Loaded::Rows(model) => Arc::clone(model),
        Loaded::Tensors(model) => Arc::new(tensors::RowsOfTensors::over(Arc::clone(model), rows, aside)?),
    };
    Ok((prepared, model))
}

/// What the files of a model take, in bytes.
fn size_of(platform: &Platform, artifact: &Digest) -> Result<u64> {
    let bytes = platform.blobs.get(artifact)?;
    Ok(Manifest::read(&bytes)?.map_or(bytes.len() as u64, |manifest| manifest.size()))
}
