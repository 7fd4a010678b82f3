//! The suites of a loop, at training: what they find refuses a version as a gate does, and is kept as an evaluation.

use std::sync::Arc;

use flyball_core::model::{self, Model, Trained};
use flyball_core::{Edit, Error, Permit, Result, Timestamp};
use flyball_evaluation::Evaluation;
use flyball_evaluation::evaluations::{self, Kind, NewEvaluation};
use flyball_evaluation::expression::{Measured, higher_is_better};
use flyball_evaluation::gate::{GateOutcome, GateReport};
use flyball_evaluation::suite::{self, Case, CheckOutcome, Status, SuiteReport};
use flyball_pipelines::split::TrainingSet;
use flyball_store::Tx;
use serde_json::json;

use crate::declared::Declared;
use crate::evaluate::Report;
use crate::file::{Holdout, Trainer};
use crate::platform::Platform;

/// Runs the loop's suites on a model that was learned; `None` when the file declares none. `learn` learns it again with
/// another seed.
///
/// # Errors
/// What the model fails with; faults of the machine.
pub(crate) fn run(
    platform: &Platform,
    declared: &Declared,
    set: &TrainingSet,
    (trained, baseline): (&Trained, Option<&Trained>),
    learn: &dyn Fn(&Declared) -> Result<Trained>,
) -> Result<Option<SuiteReport>> {
    let Some(wanted) = &declared.file.suites else { return Ok(None) };
    let dataset = declared.file.training_dataset()?;
    let (holdout, learned) = (set.holdout(), set.learn());
    let load = |trained: &Trained| model::load_graph(&platform.engines, &trained.artifact);
    let (model, simple) = (load(trained)?, baseline.map(load).transpose()?);
    let again = |seed: u64| -> Result<Arc<dyn Model>> {
        let mut other = declared.clone();
        other.file.seed = seed;
        load(&learn(&other)?)
    };
    let curve = trained.curve.as_ref().map(|(metric, values)| (values.as_slice(), higher_is_better(metric)));
    // Rows that were held back by chance are not later than the others, and need not be.
    let by_time = matches!(declared.file.train.holdout, Holdout::Latest(_));
    let case = Case {
        train: Some(&learned),
        label: Some(dataset.label()?),
        key: dataset.key.as_deref(),
        time: dataset.time.as_deref().filter(|_| by_time),
        model: Some(model.as_ref()),
        baseline: simple.as_deref(),
        // A user's command has its own seed, if any.
        retrain: matches!(declared.file.train.trainer, Trainer::Uses(_)).then_some(&again),
        curve,
        artifact_bytes: Some(trained.artifact.len() as u64),
        ..Case::of_rows(platform.clock.as_ref(), &holdout)
    };
    suite::run(wanted, &case).map(Some)
}

/// The report of the gates with a gate for each check that could be judged.
pub(crate) fn joined(mut gates: GateReport, suite: Option<&SuiteReport>) -> GateReport {
    if let Some(suite) = suite {
        gates.passed &= suite.passed;
        gates.gates.extend(suite.checks.iter().filter_map(as_gate));
    }
    gates
}

fn as_gate(check: &CheckOutcome) -> Option<GateOutcome> {
    let holds = match check.status {
        Status::Passed | Status::Warned => true,
        Status::Failed => false,
        Status::NotApplicable => return None,
    };
    let measured = check.value.map(|value| Measured {
        value,
        low: check.interval.map(|interval| interval.0),
        high: check.interval.map(|interval| interval.1),
        note: Some(check.explanation.clone()),
    });
    let text = format!("suite {}: {}", check.group, check.name);
    Some(GateOutcome { text, holds: Some(holds), evidence: vec![(check.name.clone(), measured)] })
}

/// Keeps what the suites found of a version that was just registered.
///
/// # Errors
/// Those of the database.
pub(crate) fn keep(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    declared: &Declared,
    (version, trained): (i64, &Trained),
    (evaluation, suite): (&Evaluation, Option<&SuiteReport>),
    now: Timestamp,
) -> Result<()> {
    let Some(suite) = suite else { return Ok(()) };
    let report = Report {
        passed: suite.passed,
        task: trained.signature.task,
        label: declared.file.training_dataset()?.label.clone(),
        classes: trained.signature.classes.clone(),
        evaluation: evaluation.clone(),
        fairness: None,
        mitigation: Vec::new(),
        comparison: None,
        suite: suite.clone(),
    };
    let new = NewEvaluation {
        kind: Kind::Training,
        model: declared.name.as_str(),
        version,
        subject: &format!("held-out rows of {}", declared.file.train.on),
        request: json!({ "loop": declared.name, "suite": declared.file.suites }),
    };
    let id = evaluations::open(tx, permit, &new, now)?;
    let report = serde_json::to_value(&report).map_err(Error::internal)?;
    evaluations::finish(tx, permit, &id, suite.passed, &report, now)
}
