//! The card of a model version: what is known of it, gathered from where it is kept, and what only people can say, from the
//! tags `card.*` of the version and its model. Nothing in it is made up: what nobody said is shown as not said.

mod front_matter;
mod markdown;

use std::collections::BTreeMap;

use flyball_core::{ErrorCode, Permit, Read, Result, Signature, Task, Timestamp};
use flyball_evaluation::{Evaluation, GateReport, store as gates};
use flyball_governance::audit::{self, Recorded};
use flyball_monitoring::{WindowReport, store as monitoring};
use flyball_registry::{ModelVersion, models, packages, versions};
use flyball_store::{Tx, params};
use flyball_tracking::{Run, runs};
use serde::Serialize;

use crate::declared;
use crate::platform::Platform;

pub use markdown::markdown;

/// What people say of a model, by the ending of its tag `card.…`: the key, and the question that it answers.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("intended_use", "what it is for, and for whom"),
    ("out_of_scope", "what it must not be used for"),
    ("limitations", "where it is known to be weak"),
    ("ethics", "risks for the people concerned, and what was done about them"),
    ("oversight", "who can overrule it, and how"),
    ("owners", "who answers for it"),
    ("contact", "whom to write to"),
    ("license", "the licence, by its SPDX name"),
];

/// How a tag of a statement begins.
const TAG: &str = "card.";
/// Most events of its history that a card tells.
const HISTORY: usize = 50;
/// The newest windows that a card looks at: a month of days.
const WINDOWS: usize = 30;

/// Everything that is known of a model version.
#[derive(Clone, Debug, Serialize)]
pub struct ModelCard {
    /// The registered model.
    pub model: String,
    /// The number.
    pub version: i64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Who registered it.
    pub registered_by: Option<String>,
    /// Aliases that point at it.
    pub aliases: Vec<String>,
    /// What is to be known of it: the version's description, else the model's.
    pub description: Option<String>,
    /// What people say, by the keys of [`STATEMENTS`].
    pub statements: BTreeMap<String, String>,
    /// What it takes and gives, where Flyball knows.
    pub signature: Option<Signature>,
    /// The content address of the model.
    pub artifact: Option<String>,
    /// What it learnt from.
    pub training: Option<Training>,
    /// How it did on held-out rows, over all and by group.
    pub evaluation: Option<Evaluation>,
    /// The gates that it passed or failed.
    pub gates: Option<GateReport>,
    /// How it did while it served.
    pub serving: Option<Monitored>,
    /// What happened to it: registrations, aliases, approvals, rollouts.
    pub history: Vec<Recorded>,
}

/// What a version learnt from.
#[derive(Clone, Debug, Serialize)]
pub struct Training {
    /// The run.
    pub run: String,
    /// When it started.
    pub started_at: Timestamp,
    /// Why it was started, when a loop did.
    pub cause: Option<String>,
    /// The dataset version, by name and number.
    pub dataset: Option<String>,
    /// The event times of the rows: from (inclusive) and to (exclusive).
    pub window: Option<(Timestamp, Timestamp)>,
    /// How many rows.
    pub rows: Option<u64>,
    /// The commit of the project's code.
    pub code_commit: Option<String>,
    /// The parameters.
    pub parameters: BTreeMap<String, String>,
    /// The importance of each feature, largest first.
    pub importance: Vec<(String, f64)>,
}

/// What the monitor saw of a loop's model in its newest windows.
#[derive(Clone, Debug, Serialize)]
pub struct Monitored {
    /// The loop.
    pub name: String,
    /// Windows that it answered in.
    pub windows: usize,
    /// Those in which the data differed from what it learnt from.
    pub drifted: usize,
    /// The newest window whose labels were due.
    pub newest: Option<WindowReport>,
}

/// Gathers the card of a version.
///
/// # Errors
/// `NotFound` when there is no such version; those of the database.
pub fn card(platform: &Platform, permit: &Permit<Read>, model: &str, version: i64) -> Result<ModelCard> {
    platform.db.read(|tx| {
        let found = versions::get(tx, permit, model, version)?;
        let package = packages::find(tx, permit, model, version)?;
        let run = match runs::get(tx, permit, &found.run_id) {
            // A client may name a run that another server keeps, or none.
            Err(error) if error.code() == ErrorCode::NotFound => None,
            run => Some(run?),
        };
        let gates = if declared::is_fallback(model) { None } else { gates::get(tx, permit, &found.run_id)? };
        let about = models::get(tx, permit, model)?;
        let said = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let mut statements = BTreeMap::new();
        // What is said of the version holds over what is said of the model.
        for tag in about.tags.iter().chain(&found.tags) {
            if let Some(key) = tag.key.strip_prefix(TAG).filter(|key| is_statement(key)) {
                statements.insert(key.to_owned(), tag.value.clone());
            }
        }
        Ok(ModelCard {
            description: said(&found.description).or_else(|| said(&about.description)),
            statements,
            artifact: package.as_ref().map(|package| package.artifact.to_string()),
            evaluation: package.as_ref().and_then(|p| serde_json::from_value(p.evaluation.clone()).ok()),
            signature: package.map(|package| package.signature),
            training: run.map(|run| training(platform, permit, run)).transpose()?,
            gates,
            serving: monitored(tx, permit, &found)?,
            history: history(tx, permit, &found)?,
            model: found.model,
            version: found.version,
            created_at: found.created_at,
            registered_by: found.user_id,
            aliases: found.aliases,
        })
    })
}

impl ModelCard {
    /// What the model does, where Flyball knows.
    pub fn task(&self) -> Option<Task> {
        self.signature.as_ref().map(|signature| signature.task)
    }
}

fn is_statement(key: &str) -> bool {
    STATEMENTS.iter().any(|(known, _)| *known == key)
}

fn training(platform: &Platform, permit: &Permit<Read>, run: Run) -> Result<Training> {
    let learnt = run.lineage;
    let dataset = match &learnt {
        Some(learnt) => Some(platform.datasets.get(permit, &learnt.dataset_version)?.label()),
        None => run.inputs.datasets.first().map(|input| input.dataset.name.clone()),
    };
    Ok(Training {
        run: run.id,
        started_at: run.started_at,
        cause: learnt.as_ref().map(|learnt| learnt.cause.clone()),
        dataset,
        window: learnt.as_ref().and_then(|learnt| learnt.window),
        rows: learnt.as_ref().map(|learnt| learnt.rows),
        code_commit: learnt.as_ref().and_then(|learnt| learnt.code_commit.clone()),
        parameters: run.params.into_iter().map(|pair| (pair.key, pair.value)).collect(),
        importance: learnt.map(|learnt| learnt.importance).unwrap_or_default(),
    })
}

/// What the monitor of the loop saw of this version, when a loop of the model's name watches it.
fn monitored(tx: &mut Tx<'_>, permit: &Permit<Read>, version: &ModelVersion) -> Result<Option<Monitored>> {
    if declared::find(tx, permit, &version.model)?.is_none() {
        return Ok(None);
    }
    let label = format!("{}/{}", version.model, version.version);
    let mut windows = monitoring::windows(tx, permit, &version.model, WINDOWS)?;
    windows.retain(|window| window.versions.contains_key(&label));
    Ok(Some(Monitored {
        name: version.model.clone(),
        windows: windows.len(),
        drifted: windows.iter().filter(|window| window.drift).count(),
        newest: windows.into_iter().find(|window| window.labels_due && window.note.is_none()),
    }))
}

/// What the audit log tells of a version, oldest first.
fn history(tx: &mut Tx<'_>, permit: &Permit<Read>, version: &ModelVersion) -> Result<Vec<Recorded>> {
    let rows = tx.query(
        "SELECT seq FROM audit_events WHERE workspace = $1 AND resource IN ($2, $3) ORDER BY seq LIMIT $4",
        &params![
            permit.workspace(),
            format!("model/{}/{}", version.model, version.version),
            format!("run/{}", version.run_id),
            HISTORY
        ],
    )?;
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        events.extend(audit::since(tx, row.get::<i64>("seq")? - 1, 1)?);
    }
    Ok(events)
}
