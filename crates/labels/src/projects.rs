//! Projects: made, changed, archived.

use std::collections::HashSet;

use flyball_core::{Edit, Error, Name, Permit, Read, Result, Timestamp, id};
use flyball_governance::{Event, audit};
use flyball_store::Tx;
use serde::Serialize;
use serde_json::json;

use crate::model::{Kind, Progress, Project, ProjectState, Settings};
use crate::store;

/// Most classes of a project: a list that a person chooses from.
const CLASSES: usize = 1_000;
/// Longest name of a class, in characters: it stands on a button.
const CLASS_CHARS: usize = 128;
/// Most annotators of one task.
const OVERLAP: u32 = 100;
/// How long a lease may be, in seconds: from the time for a short answer to a day.
const LEASE_SECONDS: std::ops::RangeInclusive<u32> = 5..=86_400;
/// Longest instructions, in bytes: a long page.
const INSTRUCTION_BYTES: usize = 64 * 1024;
/// The keys that classes get, in their order; a, s, b and n are commands of the page.
const HOT_KEYS: &str = "1234567890qwertyuiopdfghjklzxcvm";

/// A project with how far it is.
#[derive(Clone, Debug, Serialize)]
pub struct ProjectView {
    /// The project.
    #[serde(flatten)]
    pub project: Project,
    /// How far it is.
    pub progress: Progress,
}

/// Makes a project.
///
/// # Errors
/// `AlreadyExists`; `InvalidInput` for settings that make no sense.
pub fn create(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    name: &Name,
    settings: Settings,
    now: Timestamp,
) -> Result<Project> {
    let project = Project {
        id: id::derived("lbl", &[permit.workspace().as_str().as_bytes(), name.as_str().as_bytes()]),
        name: name.clone(),
        settings: checked(settings)?,
        state: ProjectState::Open,
        created_at: now,
        created_by: permit.actor().to_owned(),
    };
    store::insert_project(tx, permit.workspace(), &project)?;
    let details = json!({ "kind": project.settings.kind.as_str(), "settings": project.settings });
    audit::record(tx, &event(permit, &project, "labels.create", now).details(details))?;
    Ok(project)
}

/// Changes the settings of a project. Its kind stays, and so do its classes: new ones may come behind them.
///
/// # Errors
/// `NotFound`; `InvalidInput` for settings that make no sense; `Conflict` when answers would lose their meaning.
pub fn update(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    name: &Name,
    settings: Settings,
    now: Timestamp,
) -> Result<Project> {
    let mut project = store::project(tx, &permit.read(), name)?;
    let settings = checked(settings)?;
    let kept = |old: &crate::model::Class| settings.class(&old.name).is_some();
    if settings.kind != project.settings.kind || !project.settings.classes.iter().all(kept) {
        let error = Error::new(flyball_core::ErrorCode::Conflict, "the kind and the classes of a project stay");
        return Err(error.hint("new classes may be added; for another question make another project"));
    }
    let details = json!({ "from": project.settings, "to": settings });
    project.settings = settings;
    store::update_project(tx, &project)?;
    store::recount_all(tx, &project.id, project.settings.overlap)?;
    audit::record(tx, &event(permit, &project, "labels.update", now).details(details))?;
    Ok(project)
}

/// Ends a project, or opens it again. Everything stays readable.
///
/// # Errors
/// `NotFound`.
pub fn set_state(
    tx: &mut Tx<'_>,
    permit: &Permit<Edit>,
    name: &Name,
    state: ProjectState,
    now: Timestamp,
) -> Result<Project> {
    let mut project = store::project(tx, &permit.read(), name)?;
    if project.state != state {
        project.state = state;
        store::update_project(tx, &project)?;
        let details = json!({ "state": state.as_str() });
        audit::record(tx, &event(permit, &project, "labels.state", now).details(details))?;
    }
    Ok(project)
}

/// All projects, by name.
///
/// # Errors
/// Those of the database.
pub fn list(tx: &mut Tx<'_>, permit: &Permit<Read>) -> Result<Vec<ProjectView>> {
    let projects = store::projects(tx, permit)?;
    projects.into_iter().map(|project| view(tx, project)).collect()
}

/// A project with how far it is.
///
/// # Errors
/// `NotFound`.
pub fn get(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &Name) -> Result<ProjectView> {
    let project = store::project(tx, permit, name)?;
    view(tx, project)
}

fn view(tx: &mut Tx<'_>, project: Project) -> Result<ProjectView> {
    let progress = store::progress(tx, &project.id)?;
    Ok(ProjectView { project, progress })
}

/// The beginning of an audit event about a project.
pub(crate) fn event(permit: &Permit<Edit>, project: &Project, action: &str, now: Timestamp) -> Event {
    Event::done(permit, now, action, format!("labels/{}", project.name))
}

/// The project, which must be open.
pub(crate) fn open(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &Name) -> Result<Project> {
    let project = store::project(tx, permit, name)?;
    must_be_open(&project)?;
    Ok(project)
}

pub(crate) fn must_be_open(project: &Project) -> Result<()> {
    if project.state == ProjectState::Open {
        return Ok(());
    }
    Err(Error::new(flyball_core::ErrorCode::Conflict, format!("the labelling project '{}' is archived", project.name))
        .hint("open it again with `flyball labels reopen`"))
}

/// Settings that make sense, with a key for every class.
fn checked(mut settings: Settings) -> Result<Settings> {
    let wrong = |message: String, hint: &str| Err(Error::invalid(message).hint(hint.to_owned()));
    let least = match settings.kind {
        Kind::Classification => 2,
        Kind::MultiLabel | Kind::Spans | Kind::Boxes => 1,
        Kind::Regression | Kind::Pairwise => 0,
    };
    let classes = settings.classes.len();
    if classes < least || classes > CLASSES || (least == 0 && classes > 0) {
        let most = if least == 0 { 0 } else { CLASSES };
        return wrong(
            format!("{} takes {least} to {most} classes, not {classes}", settings.kind.as_str()),
            "name them with --classes",
        );
    }
    let mut names = HashSet::new();
    for class in &settings.classes {
        let shown: String = class.name.chars().take(60).flat_map(char::escape_debug).collect();
        let fits = !class.name.trim().is_empty() && class.name.chars().count() <= CLASS_CHARS;
        if !fits || class.name.chars().any(char::is_control) {
            return wrong(format!("'{shown}' is no name of a class"), "write 1 to 128 visible characters");
        }
        if !names.insert(&class.name) {
            return wrong(format!("the class '{shown}' is there twice"), "name each class once");
        }
    }
    if settings.overlap == 0 || settings.overlap > OVERLAP {
        return wrong(format!("{} annotators for each task", settings.overlap), "overlap is 1 to 100");
    }
    if !LEASE_SECONDS.contains(&settings.lease_seconds) {
        return wrong(format!("a lease of {} seconds", settings.lease_seconds), "a lease lasts 5 seconds to a day");
    }
    if settings.instructions.len() > INSTRUCTION_BYTES {
        return wrong("the instructions are too long".to_owned(), "at most 64 KiB");
    }
    if let Some(range) =
        settings.range.filter(|range| !range.min.is_finite() || !range.max.is_finite() || range.min >= range.max)
    {
        return wrong(format!("{} to {} is no range", range.min, range.max), "min must be below max");
    }
    if settings.column.is_empty() || settings.column.chars().count() > CLASS_CHARS {
        return wrong("the column of the label has no name".to_owned(), "name it with 1 to 128 characters");
    }
    match settings.kind {
        Kind::Spans => drop(settings.text.get_or_insert_with(|| "text".to_owned())),
        Kind::Boxes => drop(settings.image.get_or_insert_with(|| "image".to_owned())),
        Kind::Pairwise => {
            settings.left.get_or_insert_with(|| "left".to_owned());
            settings.right.get_or_insert_with(|| "right".to_owned());
        }
        Kind::Classification | Kind::MultiLabel | Kind::Regression => {}
    }
    give_hot_keys(&mut settings)?;
    Ok(settings)
}

fn give_hot_keys(settings: &mut Settings) -> Result<()> {
    let mut taken = HashSet::new();
    for key in settings.classes.iter().filter_map(|class| class.hot_key) {
        if !HOT_KEYS.contains(key) {
            let error = Error::invalid(format!("'{}' is no hot key", key.escape_debug()));
            return Err(error.hint(format!("choose one of: {HOT_KEYS}")));
        }
        if !taken.insert(key) {
            return Err(Error::invalid(format!("the hot key '{key}' is there twice")).hint("give each class its own"));
        }
    }
    let mut free = HOT_KEYS.chars().filter(|key| !taken.contains(key));
    for class in settings.classes.iter_mut().filter(|class| class.hot_key.is_none()) {
        class.hot_key = free.next();
    }
    Ok(())
}
