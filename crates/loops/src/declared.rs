//! A loop as applied: the file, and the dataset versions that its names stand for now.

use std::collections::BTreeMap;

use flyball_core::{Digest, Duration, Edit, Error, ErrorCode, Name, Permit, Read, Result, Timestamp};
use flyball_store::{Row, Tx, params};
use serde::{Deserialize, Serialize};

use crate::file::{Action, Dataset, Limits, LoopFile, Remedy, Schedule, Strategy, Trigger};

/// A loop as applied.
#[derive(Clone, Debug)]
pub struct Declared {
    /// The name of the loop, which is also that of its endpoint and its registered model.
    pub name: Name,
    /// The declaration.
    pub file: LoopFile,
    /// The text that it was read from.
    pub text: String,
    /// By dataset name the id of the version in use.
    pub datasets: BTreeMap<String, String>,
    /// When it was applied last.
    pub applied_at: Timestamp,
    /// What outlives a change of the file.
    pub state: LoopState,
}

/// What a loop remembers over changes of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoopState {
    /// The start of the first monitoring window; all windows count from here.
    pub anchor: Timestamp,
    /// What is done differently from the file.
    pub variant: Variant,
}

/// A policy to compare a loop with: the same data, model and endpoint, another way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// As the file says.
    Declared,
    /// The first model serves for ever.
    NeverRetrain,
    /// Trains on the first of each month and deploys at once, whatever was measured.
    RetrainMonthly,
}

impl Variant {
    /// What is put behind the loop's name for this variant.
    pub fn suffix(self) -> &'static str {
        match self {
            Variant::Declared => "",
            Variant::NeverRetrain => ".never",
            Variant::RetrainMonthly => ".monthly",
        }
    }

    /// The file of this variant.
    pub fn apply_to(self, mut file: LoopFile) -> Result<LoopFile> {
        if self == Variant::Declared {
            return Ok(file);
        }
        file.name = format!("{}{}", file.name, self.suffix()).parse()?;
        file.gates.clear();
        file.suites = None;
        file.deploy.strategy = Strategy::Direct;
        file.remedies.clear();
        if self == Variant::RetrainMonthly {
            let trigger = Trigger::Every(Schedule::Month);
            let limits = Limits::after(Duration::ZERO);
            file.remedies.push(Remedy { trigger, steps: vec![Action::Retrain], limits, dry_run: false });
        }
        Ok(file)
    }
}

impl Declared {
    /// The version of the dataset that trainings read.
    pub fn training_dataset(&self) -> Result<&str> {
        let name = self.file.train.on.as_str();
        self.datasets
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| Error::not_found("dataset of the loop", name).hint("run `flyball apply` again"))
    }

    /// The registered model of the fallback, when a remedy may ask for it.
    pub fn fallback_model(&self) -> String {
        format!("{}{FALLBACK_ENDING}", self.name)
    }
}

/// How the name of a fallback's model ends.
const FALLBACK_ENDING: &str = ".fallback";

/// Whether a registered model is the fallback of a loop: no gates judge it.
pub fn is_fallback(model: &str) -> bool {
    model.ends_with(FALLBACK_ENDING)
}

/// Writes the loop as applied.
pub fn save(tx: &mut Tx<'_>, permit: &Permit<Edit>, declared: &Declared) -> Result<()> {
    let datasets = serde_json::to_string(&declared.datasets).map_err(Error::internal)?;
    let state = serde_json::to_string(&declared.state).map_err(Error::internal)?;
    tx.execute(
        "INSERT INTO loops (workspace, name, endpoint, file, file_digest, datasets, applied_at, state) \
         VALUES ($1, $2, $2, $3, $4, $5, $6, $7) ON CONFLICT (workspace, name) DO UPDATE SET \
         file = excluded.file, file_digest = excluded.file_digest, datasets = excluded.datasets, \
         applied_at = excluded.applied_at, state = excluded.state",
        &params![
            permit.workspace(),
            &declared.name,
            declared.text.as_str(),
            Digest::of(declared.text.as_bytes()),
            datasets,
            declared.applied_at,
            state
        ],
    )?;
    Ok(())
}

/// Notes the dataset versions that the loop uses now; the file stays as it was applied.
pub(crate) fn take_up(tx: &mut Tx<'_>, permit: &Permit<Edit>, declared: &Declared) -> Result<()> {
    let datasets = serde_json::to_string(&declared.datasets).map_err(Error::internal)?;
    tx.execute(
        "UPDATE loops SET datasets = $3 WHERE workspace = $1 AND name = $2",
        &params![permit.workspace(), &declared.name, datasets],
    )?;
    Ok(())
}

const COLUMNS: &str = "name, file, datasets, applied_at, state";

/// The loop called `name`.
pub fn find(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &str) -> Result<Option<Declared>> {
    let sql = format!("SELECT {COLUMNS} FROM loops WHERE workspace = $1 AND name = $2");
    tx.query_one(&sql, &params![permit.workspace(), name])?.map(|row| from_row(&row)).transpose()
}

/// The loop called `name`, or an error that says how to declare one.
pub fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &str) -> Result<Declared> {
    find(tx, permit, name)?
        .ok_or_else(|| Error::not_found("loop", name).hint("declare it in flyball.yaml and run `flyball apply`"))
}

/// What changes whenever a loop is applied: how many there are, and when the last was applied.
pub(crate) fn version(tx: &mut Tx<'_>) -> Result<(i64, Option<Timestamp>)> {
    let row = tx.query_one("SELECT COUNT(*) AS loops, MAX(applied_at) AS newest FROM loops", &[])?;
    row.map_or(Ok((0, None)), |row| Ok((row.get("loops")?, row.get("newest")?)))
}

/// All loops, by name.
pub fn list(tx: &mut Tx<'_>, permit: &Permit<Read>) -> Result<Vec<Declared>> {
    let sql = format!("SELECT {COLUMNS} FROM loops WHERE workspace = $1 ORDER BY name");
    tx.query(&sql, &params![permit.workspace()])?.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<Declared> {
    let text: String = row.get("file")?;
    let name: Name = row.get("name")?;
    let state: LoopState = serde_json::from_str(&row.get::<String>("state")?).map_err(Error::internal)?;
    let file = state.variant.apply_to(LoopFile::parse("flyball.yaml", &text)?)?;
    Ok(Declared {
        name,
        file,
        text,
        datasets: serde_json::from_str(&row.get::<String>("datasets")?).map_err(Error::internal)?,
        applied_at: row.get("applied_at")?,
        state,
    })
}

impl LoopFile {
    /// The dataset that trainings read.
    pub fn training_dataset(&self) -> Result<&Dataset> {
        let found = self.data.iter().find(|(name, _)| *name == self.train.on);
        found.map(|(_, dataset)| dataset).ok_or_else(|| Error::not_found("dataset of the loop", &self.train.on))
    }
}

impl Dataset {
    /// The column to predict.
    pub fn label(&self) -> Result<&str> {
        self.label.as_deref().ok_or_else(|| {
            Error::new(ErrorCode::InvalidLoopFile, "the training dataset declares no label")
                .hint("add `label:` to the dataset that train.on names")
        })
    }
}
