//! Makes a declared loop so: datasets, checks, endpoint, first training, monitoring. `plan` says beforehand what `apply`
//! would change and why.

use std::collections::{BTreeMap, BTreeSet};

use flyball_core::{Digest, Edit, Error, ErrorCode, Name, Permit, Read, Result, Table, Timestamp, limits};
use flyball_data::model::DatasetVersion;
use flyball_governance::{Event, audit, vault};
use flyball_jobs::{NewJob, enqueue};
use flyball_monitoring::alert::{AlertSettings, settings};
use flyball_registry::{CHAMPION, packages as registry};
use flyball_serving::store as serving;
use flyball_store::Tx;
use serde::Serialize;
use serde_json::json;

use crate::declared::{self, Declared, LoopState, Variant};
use crate::file::{Dataset, LoopFile, Origin, Sql};
use crate::platform::{Platform, permit_of};
use crate::{checks, remedy, train, watch};

/// Rows that the conditions of segments are tried on: enough to find a wrong name or type.
const TRIED_ROWS: usize = 100;

/// What `apply` would do to one thing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// `create`, `update`, `run` or `keep`.
    pub action: &'static str,
    /// The thing, such as `dataset departures`.
    pub what: String,
    /// Why.
    pub why: String,
}

impl Change {
    fn new(action: &'static str, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { action, what: what.into(), why: why.into() }
    }
}

/// What was made.
#[derive(Clone, Debug, Serialize)]
pub struct Applied {
    /// The loop.
    pub name: String,
    /// By dataset the id of its version.
    pub datasets: BTreeMap<String, String>,
    /// Whether a training was started.
    pub training: bool,
    /// What changed.
    pub changes: Vec<Change>,
    /// Checks that failed without blocking.
    pub warnings: Vec<String>,
}

/// Says what `apply` would change; changes nothing.
pub fn plan(platform: &Platform, permit: &Permit<Read>, text: &str) -> Result<Vec<Change>> {
    let file = LoopFile::parse("flyball.yaml", text)?;
    let name = file.name.as_str();
    let before = platform.db.read(|tx| declared::find(tx, permit, name))?;
    let mut changes = vec![match &before {
        None => Change::new("create", format!("loop {name}"), "it is new"),
        Some(old) if old.text == text => Change::new("keep", format!("loop {name}"), "the file is the same"),
        Some(_) => Change::new("update", format!("loop {name}"), "the file changed"),
    }];
    let mut fresh: Vec<String> = Vec::new();
    for (dataset, declaration) in &file.data {
        let change = plan_dataset(platform, permit, dataset, declaration, &fresh)?;
        if change.action != "keep" {
            fresh.push(dataset.to_string());
        }
        changes.push(change);
    }
    let champion = platform.db.read(|tx| registry::by_alias(tx, permit, name, CHAMPION))?;
    changes.push(match (&before, champion) {
        (_, None) => Change::new("run", "first training", "no version serves yet"),
        (Some(old), Some(_)) if old.file.train != file.train => {
            Change::new("run", "training", "the section train changed")
        }
        (_, Some(version)) => Change::new(
            "keep",
            format!("version {} as champion", version.version),
            "a new version comes from a remedy or a changed section train",
        ),
    });
    if before.is_none() {
        changes.push(Change::new(
            "create",
            format!("endpoint {name} in {}", file.deploy.environment),
            "the loop serves under its own name",
        ));
        changes.push(Change::new("create", format!("monitor of {} windows", file.monitor.window), "the loop is new"));
    }
    Ok(changes)
}

fn plan_dataset(
    platform: &Platform,
    permit: &Permit<Read>,
    name: &Name,
    declaration: &Dataset,
    fresh: &[String],
) -> Result<Change> {
    let what = format!("dataset {name}");
    let Some(latest) = platform.datasets.latest(permit, name)? else {
        return Ok(Change::new("create", what, "it has no version yet"));
    };
    match &declaration.origin {
        Origin::From(from) => {
            if platform.datasets.ingest_is_current(permit, name, from.as_str())? {
                Ok(Change::new("keep", what, format!("version {} has the files' content", latest.version)))
            } else {
                Ok(Change::new("update", what, format!("the files differ from version {}", latest.version)))
            }
        }
        Origin::Sql(sql) => {
            let text = sql_text(platform, sql)?;
            let read = platform.datasets.datasets_read_by(&text)?;
            if let Some(input) = read.iter().find(|input| fresh.contains(input)) {
                return Ok(Change::new("update", what, format!("its input {input} changes")));
            }
            let mut inputs = Vec::new();
            for input in &read {
                inputs.extend(platform.datasets.latest(permit, &input.parse()?)?);
            }
            if platform.datasets.derive_is_current(permit, name, &text, &inputs)? {
                return Ok(Change::new(
                    "keep",
                    what,
                    format!("version {} has the same inputs and SQL", latest.version),
                ));
            }
            Ok(Change::new("update", what, format!("its SQL differs from version {}", latest.version)))
        }
    }
}

/// Makes it so. What was made already is found and kept, so that a repeated or interrupted `apply` goes on where it was.
pub fn apply(platform: &Platform, permit: &Permit<Edit>, text: &str) -> Result<Applied> {
    apply_variant(platform, permit, text, Variant::Declared, None)
}

/// The same for a variant of the file, with the monitoring windows counted from `anchor`: a simulation.
pub fn apply_variant(
    platform: &Platform,
    permit: &Permit<Edit>,
    text: &str,
    variant: Variant,
    anchor: Option<Timestamp>,
) -> Result<Applied> {
    if text.len() > limits::LOOP_FILE_BYTES {
        return Err(Error::new(
            ErrorCode::LimitExceeded,
            format!("the loop file is larger than {} bytes", limits::LOOP_FILE_BYTES),
        ));
    }
    let mut file = variant.apply_to(LoopFile::parse("flyball.yaml", text)?)?;
    if anchor.is_some() {
        // What is played back is over: nobody is told of it.
        file.notify.clear();
    }
    let changes = match variant {
        Variant::Declared => plan(platform, &permit.read(), text)?,
        Variant::NeverRetrain | Variant::RetrainMonthly => Vec::new(),
    };
    let (datasets, mut warnings) = make_datasets(platform, permit, &file)?;
    warnings.extend(unset_secrets(platform, permit, &file)?);
    let now = platform.clock.now();
    let name = file.name.clone();
    let before = platform.db.read(|tx| declared::find(tx, &permit.read(), name.as_str()))?;
    let window = file.monitor.stride().0.max(1);
    let state = before.as_ref().map_or_else(
        || LoopState { anchor: anchor.unwrap_or(Timestamp(now.0.div_euclid(window) * window)), variant },
        |old| old.state,
    );
    let declared = Declared { name, file, text: text.to_owned(), datasets, applied_at: now, state };
    let table = platform.datasets.table(&permit.read(), declared.training_dataset()?)?;
    check_columns(platform, &declared, &table)?;
    let actor = permit.clone();
    let (training, datasets) = platform.db.write({
        let declared = declared.clone();
        move |tx| {
            let training = install(tx, &actor, &declared, before.as_ref(), now)?;
            Ok((training, declared.datasets))
        }
    })?;
    Ok(Applied { name: declared.name.to_string(), datasets, training, changes, warnings })
}

/// The secrets that the routes name and nobody has set: what is sent there waits for them.
fn unset_secrets(platform: &Platform, permit: &Permit<Edit>, file: &LoopFile) -> Result<Vec<String>> {
    let known = platform.db.read(|tx| vault::list(tx, &permit.read()))?;
    let named = file.notify.iter().flat_map(|route| route.destination.templates()).flat_map(|text| text.secrets());
    let missing: BTreeSet<&str> = named.filter(|name| !known.iter().any(|secret| secret.name == **name)).collect();
    let warn = |name| format!("the secret {name} is not set; set it with `flyball secrets set {name}`");
    Ok(missing.into_iter().map(warn).collect())
}

/// Ingests and derives every dataset in the file's order, and judges its checks.
pub(crate) fn make_datasets(
    platform: &Platform,
    permit: &Permit<Edit>,
    file: &LoopFile,
) -> Result<(BTreeMap<String, String>, Vec<String>)> {
    let mut made: BTreeMap<String, DatasetVersion> = BTreeMap::new();
    let mut warnings = Vec::new();
    for (name, declaration) in &file.data {
        let version = match &declaration.origin {
            Origin::From(from) => platform.datasets.ingest(permit, name, from.as_str())?,
            Origin::Sql(sql) => {
                let text = sql_text(platform, sql)?;
                let above: Vec<DatasetVersion> = made.values().cloned().collect();
                platform.datasets.derive(permit, name, &text, &above)?
            }
        };
        if version.broken_rows > 0 {
            warnings.push(format!(
                "dataset {name}: {} broken rows were left out and kept in quarantine",
                version.broken_rows
            ));
        }
        if !declaration.checks.is_empty() {
            let report = platform.datasets.validate(permit, &version.id, &declaration.checks)?;
            warnings.extend(checks::judge(name.as_str(), &report)?);
        }
        made.insert(name.to_string(), version);
    }
    Ok((made.into_iter().map(|(name, version)| (name, version.id)).collect(), warnings))
}

/// The SQL of a derived dataset: as written, or from a file of the project.
fn sql_text(platform: &Platform, sql: &Sql) -> Result<String> {
    match sql {
        Sql::Inline(text) => Ok(text.clone()),
        Sql::File(path) => flyball_data::source::read_text(&platform.project_root, path, limits::SQL_BYTES),
    }
}

/// Whether the training dataset has the columns that the file names, before anything is started.
fn check_columns(platform: &Platform, declared: &Declared, table: &Table) -> Result<()> {
    let dataset = declared.file.training_dataset()?;
    for (role, column) in dataset.roles() {
        table.column(column).map_err(|error| error.context(format!("data.{}.{role}", declared.file.train.on)))?;
    }
    if let Some(time) = dataset.time.as_deref() {
        flyball_pipelines::split::event_times(table, time)?;
    }
    let features = train::features_of(declared, table)?;
    watch::check(&declared.file, &features)?;
    let names: Vec<&str> = features.iter().map(String::as_str).collect();
    let some: Vec<usize> = (0..table.rows().min(TRIED_ROWS)).collect();
    watch::check_conditions(&declared.file, platform.query.as_ref(), &table.select(&names)?.take(&some))
}

/// Writes the loop and starts what it needs, in the caller's transaction. Answers whether a training was started.
fn install(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    declared: &Declared,
    before: Option<&Declared>,
    now: Timestamp,
) -> Result<bool> {
    let name = declared.name.as_str();
    declared::save(tx, permit, declared)?;
    let same = before.is_some_and(|old| old.text == declared.text && old.datasets == declared.datasets);
    if !same {
        let event = Event::done(permit, now, "loop.apply", format!("loop/{name}"))
            .details(json!({ "file": Digest::of(declared.text.as_bytes()), "datasets": declared.datasets }));
        audit::record(tx, &event)?;
    }
    let alerting = AlertSettings { policy: declared.file.monitor.alerts.clone(), routes: declared.file.notify.clone() };
    settings::declare(tx, permit, name, &alerting)?;
    serving::create_endpoint(tx, permit, &declared.name, Some(&declared.name), now)?;
    let champion = registry::by_alias(tx, &permit.read(), name, CHAMPION)?;
    let changed = before.is_some_and(|old| old.file.train != declared.file.train);
    let mut training = false;
    if champion.is_none() || changed {
        let cause = if champion.is_none() { "first training" } else { "the section train changed" };
        // A training of the very same recipe and data is not started twice; after a failure a changed file or new data is.
        let recipe = json!([declared.file.train, declared.datasets, declared.text]).to_string();
        let key = format!("train:{name}:apply:{}", Digest::of(recipe.as_bytes()).short());
        let payload = json!({ "loop": name, "cause": cause });
        training = enqueue(tx, &NewJob::new(train::KIND, key, name, payload, now), now)?;
    }
    watch::plan(tx, declared, next_window(declared, now), now)?;
    for (position, remedy) in declared.file.remedies.iter().enumerate() {
        remedy::plan_scheduled(tx, declared, position, remedy, now)?;
    }
    Ok(training)
}

/// The start of the window that holds `now`, counted from the loop's anchor.
fn next_window(declared: &Declared, now: Timestamp) -> Timestamp {
    let (anchor, stride) = (declared.state.anchor, declared.file.monitor.stride());
    let passed = (now - anchor).0.div_euclid(stride.0.max(1));
    Timestamp(anchor.0 + passed.max(0) * stride.0)
}

/// The permit of a loop that acts for itself; used by simulations, which apply loops without a user.
pub fn own_permit(declared: &LoopFile) -> Result<Permit<Edit>> {
    permit_of(&declared.name)
}
