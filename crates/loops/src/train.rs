//! From data to a version: split, learn, evaluate beside the champion, judge, register, and start the rollout.

mod weights;

use std::sync::Arc;

use flyball_core::model::{self, Model, TrainRequest, Trained};
use flyball_core::{Digest, Error, Result, Table, Timestamp, id};
use flyball_data::formats::parquet;
use flyball_evaluation::Evaluated;
use flyball_evaluation::evaluate::{Evaluation, evaluate, truth_of};
use flyball_evaluation::expression::Subject;
use flyball_evaluation::gate::{self, Contest, GateReport};
use flyball_evaluation::store as gates;
use flyball_evaluation::suite::SuiteReport;
use flyball_governance::{Event, Outcome as Ended, audit, identity};
use flyball_jobs::{Claimed, Outcome};
use flyball_monitoring::alert::{AlertKind, Finding};
use flyball_monitoring::{Reference, store as monitoring};
use flyball_pipelines::leak;
use flyball_pipelines::split::{SplitPlan, TrainingSet, event_times, split, training_end};
use flyball_registry::{CHALLENGER, CHAMPION, NewPackage, Package, PackagedVersion, packages as registry};
use flyball_remedies::quarantine;
use flyball_store::Tx;
use flyball_tracking::lineage::{self as tracking, Lineage, NewTraining};
use serde_json::json;

use crate::apply::make_datasets;
use crate::command;
use crate::declared::{self, Declared};
use crate::evaluate::answers_of;
use crate::file::{Action, Holdout, Trainer};
use crate::packaged::{self, Files};
use crate::platform::{Platform, permit_of};
use crate::{rollout, suites, watch};

/// The kind of the job.
pub const KIND: &str = "loop.train";
/// The trainer whose model is the baseline and the fallback.
const BASELINE_TRAINER: &str = "linear";

/// What a training gave, before anything of it is written.
struct Product {
    trained: Trained,
    evaluation: Evaluation,
    report: GateReport,
    suite: Option<SuiteReport>,
    reference: Digest,
    baseline: Option<(Trained, Evaluation)>,
}

/// Runs the job: what it gave, or why it failed, is written in one transaction with the job's end. A training that fails
/// for a reason of the data or the file is an outcome, not a crash: it is recorded, an alert is raised, and the model
/// that serves goes on serving.
pub fn run(platform: &Platform, job: &Claimed) -> Result<Outcome> {
    let name = job.job.payload["loop"].as_str().unwrap_or_default().to_owned();
    let cause = job.job.payload["cause"].as_str().unwrap_or_default().to_owned();
    let permit = identity::local_user()?.edit().read();
    let mut declared = platform.db.read(|tx| declared::get(tx, &permit, &name))?;
    let run_id = id::derived("run", &[name.as_bytes(), job.job.key.as_bytes()]);
    // The files may hold more than when the loop was applied: a retraining learns from what is there now.
    let chosen = take_up_data(platform, &mut declared).and_then(|()| {
        let table = platform.datasets.table(&permit, declared.training_dataset()?)?;
        let table = without_quarantined(platform, &declared, table)?;
        choose_rows(platform, &declared, &table)
    });
    let new_run = NewTraining {
        id: run_id.clone(),
        experiment: name.clone(),
        lineage: Lineage {
            cause,
            dataset_version: declared.training_dataset()?.to_owned(),
            window: chosen.as_ref().ok().and_then(|set| set.window),
            rows: chosen.as_ref().map_or(0, |set| set.all.rows() as u64),
            rows_digest: chosen.as_ref().map_or_else(|_| Digest::of(b""), |set| set.rows_digest),
            code_commit: crate::commit::of(&platform.project_root),
            error: None,
            importance: Vec::new(),
        },
    };
    let product = chosen.and_then(|set| produce(platform, &declared, &set));
    match product {
        Ok(product) => {
            let now = platform.clock.now();
            let keep =
                |output, trained: &Trained| packaged::keep(&platform.blobs, &run_id, output, &trained.artifact, now);
            let model = keep("model", &product.trained)?;
            let fallback = product.baseline.as_ref().map(|(simple, _)| keep("fallback", simple)).transpose()?;
            let result = json!({ "run": run_id, "passed": product.report.passed });
            let effects =
                move |tx: &mut Tx<'_>| write(tx, &declared, &new_run, &product, (&model, fallback.as_ref()), now);
            Ok(Outcome { effects: Box::new(effects), result })
        }
        // What may pass by itself is left to the job's retries.
        Err(error) if error.code().status() >= 500 => Err(error),
        Err(error) => Ok(failed(declared, new_run, &error, platform.clock.now())),
    }
}

/// Makes new versions of the loop's datasets where their files have changed, held to their checks.
fn take_up_data(platform: &Platform, declared: &mut Declared) -> Result<()> {
    let (datasets, _warnings) = make_datasets(platform, &permit_of(&declared.name)?, &declared.file)?;
    declared.datasets = datasets;
    Ok(())
}

/// The rows whose event time is in no quarantine.
fn without_quarantined(platform: &Platform, declared: &Declared, table: Arc<Table>) -> Result<Arc<Table>> {
    let Some(time) = declared.file.training_dataset()?.time.as_deref() else { return Ok(table) };
    let permit = permit_of(&declared.name)?.read();
    let aside = platform.db.read(|tx| quarantine::all(tx, &permit, declared.name.as_str()))?;
    if aside.is_empty() {
        return Ok(table);
    }
    let times = event_times(&table, time)?;
    let sound = |row: &usize| !aside.iter().any(|quarantine| quarantine.holds(Timestamp(times[*row])));
    let rows: Vec<usize> = (0..table.rows()).filter(sound).collect();
    Ok(Arc::new(table.take(&rows)))
}

/// The rows that this training learns from and is judged on.
fn choose_rows(platform: &Platform, declared: &Declared, table: &Table) -> Result<TrainingSet> {
    let (file, dataset) = (&declared.file, declared.file.training_dataset()?);
    let label = dataset.label()?;
    let end = training_end(table, dataset.time.as_deref(), platform.clock.now(), dataset.label_delay)?;
    let plan = SplitPlan {
        task: file.task,
        label,
        time: dataset.time.as_deref(),
        key: dataset.key.as_deref(),
        window: file.train.window,
        holdout: match file.train.holdout {
            Holdout::Latest(span) => flyball_pipelines::split::Holdout::Span(span),
            Holdout::Share(share) => flyball_pipelines::split::Holdout::Share(share),
        },
        end,
    };
    split(table, &plan)
}

/// The columns that the loop learns from: those named, or all but those with a role; less the excluded ones.
pub fn features_of(declared: &Declared, table: &Table) -> Result<Vec<String>> {
    let (train, dataset) = (&declared.file.train, declared.file.training_dataset()?);
    let aside: Vec<&str> = dataset.roles().map(|(_, column)| column).collect();
    let all = match &train.features {
        Some(named) => named.clone(),
        None => table.names().iter().filter(|name| !aside.contains(&name.as_str())).cloned().collect(),
    };
    let features: Vec<String> = all.into_iter().filter(|name| !train.exclude.contains(name)).collect();
    for name in features.iter().chain(&train.exclude) {
        table.column(name).map_err(|error| error.context("train.features and train.exclude"))?;
    }
    if features.is_empty() {
        return Err(Error::invalid("no feature is left to learn from").hint("check train.features and train.exclude"));
    }
    Ok(features)
}

fn produce(platform: &Platform, declared: &Declared, set: &TrainingSet) -> Result<Product> {
    let file = &declared.file;
    let dataset = file.training_dataset()?;
    let label = dataset.label()?;
    let features = features_of(declared, &set.all)?;
    let holdout = set.holdout();
    let trained = learn(platform, declared, &set.learn(), &holdout, &features)?;
    // A command may learn from fewer columns than it was given.
    let learnt: Vec<&str> = trained.signature.features.iter().map(|feature| feature.name.as_str()).collect();
    watch::check(file, &learnt)?;
    let truth = truth_of(set.all.column(label)?, &trained.signature.classes);
    leak::refuse_leaks(&set.all, &features, &file.train.trusted, &truth, file.task)?;

    let by = gate_columns(file);
    let judge = |artifact: &[u8]| -> Result<(Evaluated, Evaluation)> {
        let model = model::load_graph(&platform.engines, artifact)?;
        let counted = (dataset.weight.as_deref(), dataset.group.as_deref());
        let answers = answers_of(model.as_ref(), &holdout, label, counted)?;
        let evaluation = evaluate(file.task, &answers, &holdout, &by)?;
        Ok((answers, evaluation))
    };
    let (answers, mut evaluation) = judge(&trained.artifact)?;
    evaluation.look_for_weakness(file.task, &answers, &holdout, &features)?;
    let champion = match champion_of(platform, declared)? {
        Some(version) => Some(judge(&platform.blobs.get(&version.artifact)?)?),
        None => None,
    };
    let baseline = if wants_baseline(declared) {
        let trainer = platform.trainer(BASELINE_TRAINER)?;
        let (rows, defaults) = (set.learn(), serde_json::Map::new());
        let weights = weights::of_dataset(declared, &rows)?;
        let asked = request(declared, &rows, None, &features, &defaults)?;
        let simple = trainer.train(&TrainRequest { weights: weights.as_deref(), ..asked })?;
        let (_, evaluation) = judge(&simple.artifact)?;
        Some((simple, evaluation))
    } else {
        None
    };
    let contest = Contest {
        task: file.task,
        candidate: &evaluation,
        answers: &answers,
        rows: &holdout,
        champion: champion.as_ref().map(|(answers, evaluation)| (evaluation, answers)),
        baseline: baseline.as_ref().map(|(_, evaluation)| evaluation),
    };
    let pair = (&trained, baseline.as_ref().map(|(simple, _)| simple));
    let again = |other: &Declared| learn(platform, other, &set.learn(), &holdout, &features);
    let suite = suites::run(platform, declared, set, pair, &again)?;
    let report = suites::joined(gate::judge(&file.gates, &contest), suite.as_ref());
    let times = dataset.time.as_deref().map(|time| event_times(&set.all, time)).transpose()?;
    let (sample, scores) = Reference::sample(&trained.signature, &set.all, times.as_deref(), &answers, file.seed)?;
    let reference = reference_digest(platform, &sample, &scores)?;
    Ok(Product { trained, evaluation, report, suite, reference, baseline })
}

/// Learns by the built-in trainer or by the user's command.
fn learn(
    platform: &Platform,
    declared: &Declared,
    rows: &Table,
    holdout: &Table,
    features: &[String],
) -> Result<Trained> {
    let file = &declared.file;
    let trainer = match &file.train.trainer {
        Trainer::Run(line) => return command::train(platform, declared, line, rows, holdout, features),
        Trainer::Uses(name) => platform.trainer(name)?,
    };
    // The newest tenth of the training rows watches for early stopping; the holdout stays unseen.
    let watched = if file.train.with.contains_key("early_stopping") { rows.rows() / 10 } else { 0 };
    let cut = rows.rows() - watched;
    let part = |range: std::ops::Range<usize>| rows.take(&range.collect::<Vec<_>>());
    let parts = (watched > 0).then(|| (part(0..cut), part(cut..rows.rows())));
    let (learn, watch) = parts.as_ref().map_or((rows, None), |(learn, watch)| (learn, Some(watch)));
    let asked = request(declared, learn, watch, features, &file.train.with)?;
    let Some(weights) = weights::weights(declared, learn)? else { return trainer.train(&asked) };
    let mut trained = trainer.train(&TrainRequest { weights: Some(&weights.rows), ..asked })?;
    trained.parameters.extend(weights.told);
    Ok(trained)
}

fn request<'a>(
    declared: &'a Declared,
    rows: &'a Table,
    validation: Option<&'a Table>,
    features: &'a [String],
    parameters: &'a serde_json::Map<String, serde_json::Value>,
) -> Result<TrainRequest<'a>> {
    Ok(TrainRequest {
        task: declared.file.task,
        rows,
        label: declared.file.training_dataset()?.label()?,
        features,
        weights: None,
        validation,
        parameters,
        seed: declared.file.seed,
    })
}

/// The columns by which the gates compare groups.
fn gate_columns(file: &crate::file::LoopFile) -> Vec<String> {
    let mut columns: Vec<String> = file.gates.iter().flat_map(|gate| gate.columns()).collect();
    columns.sort();
    columns.dedup();
    columns
}

fn wants_baseline(declared: &Declared) -> bool {
    let file = &declared.file;
    let compared = file.gates.iter().any(|gate| gate.mentions(Subject::Baseline));
    compared || file.remedies.iter().any(|remedy| remedy.steps.contains(&Action::Fallback))
}

fn champion_of(platform: &Platform, declared: &Declared) -> Result<Option<PackagedVersion>> {
    let permit = permit_of(&declared.name)?.read();
    platform.db.read(|tx| registry::by_alias(tx, &permit, declared.name.as_str(), CHAMPION))
}

/// Keeps both tables of a reference and a small list of their digests; the list's digest names the reference.
fn reference_digest(platform: &Platform, features: &[u8], scores: &[u8]) -> Result<Digest> {
    let parts = [platform.blobs.put(features)?, platform.blobs.put(scores)?];
    platform.blobs.put(&serde_json::to_vec(&parts).map_err(Error::internal)?)
}

/// Reads the reference that a version was registered with.
pub fn load_reference(platform: &Platform, version: &PackagedVersion) -> Result<Reference> {
    let list = platform.blobs.get(&version.reference)?;
    let [features, scores]: [Digest; 2] = serde_json::from_slice(&list).map_err(Error::internal)?;
    Reference::load(platform.blobs.get(&features)?, platform.blobs.get(&scores)?)
}

/// Writes everything that a training gave: the run, the version, the gates' report, the alert, and the rollout.
fn write(
    tx: &mut Tx<'_>,
    declared: &Declared,
    run: &NewTraining,
    product: &Product,
    (files, fallback): (&Files, Option<&Files>),
    now: flyball_core::Timestamp,
) -> Result<()> {
    let permit = permit_of(&declared.name)?;
    let name = declared.name.as_str();
    declared::take_up(tx, &permit, declared)?;
    tracking::start(tx, &permit, run, now)?;
    let parameters: Vec<(String, String)> =
        product.trained.parameters.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
    tracking::log_params(tx, &permit, &run.id, &parameters)?;
    for (metric, measure) in &product.evaluation.metrics {
        tracking::log_metric(tx, &permit, &run.id, &format!("holdout_{metric}"), &[measure.value], now)?;
    }
    if let Some((metric, values)) = &product.trained.curve {
        tracking::log_metric(tx, &permit, &run.id, &format!("validation_{metric}"), values, now)?;
    }
    tracking::finish(tx, &permit, &run.id, now, None, &product.trained.importance)?;
    let metrics: serde_json::Map<String, serde_json::Value> =
        product.evaluation.metrics.iter().map(|(name, measure)| (name.clone(), measure.value.into())).collect();
    let learnt = &run.lineage;
    let event = Event::done(&permit, now, "run.finish", format!("run/{}", run.id)).details(json!({
        "loop": name, "cause": learnt.cause, "rows": learnt.rows,
        "from": learnt.window.map(|w| w.0.to_string()), "to": learnt.window.map(|w| w.1.to_string()), "metrics": metrics,
    }));
    audit::record(tx, &event)?;

    let evaluation = serde_json::to_value(&product.evaluation).map_err(Error::internal)?;
    packaged::put(tx, &permit, &run.id, files, now)?;
    let version = registry::register(
        tx,
        &permit,
        &NewPackage {
            model: name.to_owned(),
            run_id: run.id.clone(),
            output: files.output,
            package: Package {
                artifact: files.graph,
                signature: product.trained.signature.clone(),
                reference: product.reference,
                evaluation,
            },
        },
        now,
    )?;
    gates::keep(tx, &permit, &run.id, name, &product.report, now)?;
    let judged = (&product.evaluation, product.suite.as_ref());
    suites::keep(tx, &permit, declared, (version, &product.trained), judged, now)?;
    if let (Some((simple, evaluation)), Some(files)) = (&product.baseline, fallback) {
        register_fallback(tx, declared, run, simple, evaluation, files, product.reference, now)?;
    }
    let refused: Vec<&str> =
        product.report.gates.iter().filter(|g| g.holds != Some(true)).map(|g| g.text.as_str()).collect();
    let summary = match refused.as_slice() {
        [] => format!("version {version} passed its gates"),
        gates => format!("version {version} did not pass: {}", gates.join("; ")),
    };
    let details = json!({ "run": run.id, "version": version });
    let finding = Finding::new(AlertKind::Training, !product.report.passed, summary, details);
    monitoring::apply(tx, &permit, name, &finding, now)?;
    if !product.report.passed {
        return Ok(());
    }
    registry::set_alias(tx, &permit, name, CHALLENGER, version, "passed its gates", now)?;
    rollout::start(tx, declared, version, now)
}

/// Registers the simple model that a remedy may fall back to.
#[expect(clippy::too_many_arguments, reason = "the parts of one training, written once")]
fn register_fallback(
    tx: &mut Tx<'_>,
    declared: &Declared,
    run: &NewTraining,
    simple: &Trained,
    evaluation: &Evaluation,
    files: &Files,
    reference: Digest,
    now: flyball_core::Timestamp,
) -> Result<()> {
    let permit = permit_of(&declared.name)?;
    packaged::put(tx, &permit, &run.id, files, now)?;
    let model = declared.fallback_model();
    let evaluation = serde_json::to_value(evaluation).map_err(Error::internal)?;
    let new = NewPackage {
        model: model.clone(),
        run_id: run.id.clone(),
        output: files.output,
        package: Package { artifact: files.graph, signature: simple.signature.clone(), reference, evaluation },
    };
    let version = registry::register(tx, &permit, &new, now)?;
    registry::set_alias(tx, &permit, &model, CHAMPION, version, "the newest fallback", now)
}

/// Records a training that ended without a version.
fn failed(declared: Declared, run: NewTraining, error: &Error, now: flyball_core::Timestamp) -> Outcome {
    let text = match error.next_step() {
        Some(hint) => format!("{}: {error}; {hint}", error.code()),
        None => format!("{}: {error}", error.code()),
    };
    let result = json!({ "run": run.id, "error": text });
    let effects = move |tx: &mut Tx<'_>| {
        let permit = permit_of(&declared.name)?;
        let name = declared.name.as_str();
        tracking::start(tx, &permit, &run, now)?;
        tracking::finish(tx, &permit, &run.id, now, Some(&text), &[])?;
        let event = Event::done(&permit, now, "run.fail", format!("run/{}", run.id))
            .outcome(Ended::Failed)
            .details(json!({ "loop": name, "cause": run.lineage.cause, "error": text }));
        audit::record(tx, &event)?;
        let summary = format!("training failed: {text}");
        let finding = Finding::new(AlertKind::Training, true, summary, json!({ "run": run.id }));
        monitoring::apply(tx, &permit, name, &finding, now)
    };
    Outcome { effects: Box::new(effects), result }
}

/// The model of a version, loaded.
pub fn load_model(platform: &Platform, version: &PackagedVersion) -> Result<Arc<dyn Model>> {
    model::load_graph(&platform.engines, &platform.blobs.get(&version.artifact)?)
}

/// A table as Parquet, for a training command.
pub(crate) fn parquet_of(table: &Table) -> Result<Vec<u8>> {
    parquet::write(table)
}
