//! Labelling: the projects, one of them, and the page on which people label and review.

use flyball_core::{Error, Name, Permit, Read, Result};
use flyball_labels::agreement::Agreement;
use flyball_labels::projects::{self, ProjectView};
use flyball_labels::{Kind, ProjectState, Settings, commit, functions, quality};
use flyball_loops::platform::Platform;
use flyball_web::{
    AnnotatePage, AnnotatorRow, Badge, Fact, FunctionRow, LabelCommitRow, LabelProjectPage, Link, ListCell, ListPage,
    Section, State, format, links,
};

use super::{lists, shell};

/// The projects.
pub(crate) fn list(platform: &Platform, permit: &Permit<Read>) -> Result<ListPage> {
    let found = platform.db.read(|tx| projects::list(tx, permit))?;
    let row = |view: &ProjectView| {
        let ProjectView { project, progress } = view;
        vec![
            ListCell::from(Link::new(project.name.to_string(), links::label_project(project.name.as_str()))),
            badge(view).into(),
            words(project.settings.kind).into(),
            format!(
                "{} of {}",
                format::count(progress.done.unsigned_abs()),
                format::count(progress.tasks.unsigned_abs())
            )
            .into(),
            format::count(progress.annotators.unsigned_abs()).into(),
        ]
    };
    let rows = found.iter().map(row).collect();
    let empty = "No labelling project yet. Make one with `flyball labels create`.";
    lists::list(platform, permit, Section::Labels, &["project", "state", "kind", "done", "annotators"], rows, empty)
}

fn badge(view: &ProjectView) -> Badge {
    let ProjectView { project, progress } = view;
    match project.state {
        ProjectState::Archived => Badge::new(State::Idle, "archived"),
        ProjectState::Open if progress.tasks > 0 && progress.done == progress.tasks => {
            Badge::new(State::Ok, "labelled")
        }
        ProjectState::Open => Badge::new(State::Active, "open"),
    }
}

/// A kind as people say it.
fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Classification => "one class",
        Kind::MultiLabel => "several classes",
        Kind::Regression => "a number",
        Kind::Spans => "spans of text",
        Kind::Boxes => "boxes in images",
        Kind::Pairwise => "the better of two",
    }
}

/// A project.
pub(crate) fn project(platform: &Platform, permit: &Permit<Read>, name: &str) -> Result<LabelProjectPage> {
    let name: Name = name.parse()?;
    let (view, agreed, functions, commits) = platform.db.read(|tx| {
        Ok((
            projects::get(tx, permit, &name)?,
            quality::agreement_of(tx, permit, &name)?,
            functions::list(tx, permit, &name)?,
            commit::list(tx, permit, &name)?,
        ))
    })?;
    let progress = view.progress;
    let commit = |commit: &flyball_labels::Commit| {
        let (dataset, version) = (commit.summary["dataset"].as_str().unwrap_or_default(), &commit.summary["version"]);
        LabelCommitRow {
            at: commit.created_at,
            version: Link::new(format!("{dataset}@{version}"), links::dataset_version(dataset, &version.to_string())),
            labels: commit.summary["labels"].as_u64().unwrap_or_default(),
            consensus: commit.summary["consensus"].as_str().unwrap_or_default().to_owned(),
            who: commit.created_by.clone(),
        }
    };
    Ok(LabelProjectPage {
        shell: shell(platform, permit, Section::Labels)?,
        name: name.to_string(),
        badge: badge(&view),
        facts: facts(&view),
        done: if progress.tasks == 0 { 0.0 } else { progress.done as f64 / progress.tasks as f64 },
        instructions: view.project.settings.instructions.clone(),
        annotators: agreed
            .annotators
            .iter()
            .map(|one| AnnotatorRow {
                name: one.annotator.clone(),
                answers: one.answers as u64,
                agreement: one.with_others.map(format::percent).unwrap_or_default(),
            })
            .collect(),
        agreement: measures(&agreed),
        functions: functions
            .into_iter()
            .map(|one| FunctionRow { name: one.name.to_string(), class: one.class.unwrap_or_default(), sql: one.sql })
            .collect(),
        commits: commits.iter().map(commit).collect(),
    })
}

fn facts(view: &ProjectView) -> Vec<Fact> {
    let ProjectView { project, progress } = view;
    let settings = &project.settings;
    let count = |number: i64| format::count(number.unsigned_abs());
    let mut facts = vec![
        Fact::new("asked for", words(settings.kind)),
        Fact::new("tasks done", format!("{} of {}", count(progress.done), count(progress.tasks))),
        Fact::new("answers", count(progress.annotations)),
        Fact::new("answers for each task", settings.overlap.to_string()),
    ];
    if let Some(dataset) = &settings.dataset {
        facts.push(Fact::link("dataset", dataset.to_string(), links::dataset_version(dataset.as_str(), "latest")));
    }
    if settings.review {
        facts.push(Fact::new("accepted", count(progress.accepted)));
    }
    for (name, number) in [("rejected", progress.rejected), ("skipped", progress.skipped)] {
        facts.extend((number > 0).then(|| Fact::new(name, count(number))));
    }
    facts
}

fn measures(agreed: &Agreement) -> Vec<Fact> {
    let measures = [
        ("same answers", agreed.percent),
        ("Krippendorff's alpha", agreed.krippendorff_alpha),
        ("Fleiss' kappa", agreed.fleiss_kappa),
        ("F1 of regions", agreed.f1),
        ("overlap of boxes (IoU)", agreed.iou),
    ];
    let known = measures.into_iter().filter_map(|(name, value)| Some(Fact::new(name, format::metric(value?))));
    let tasks = (agreed.tasks > 0).then(|| Fact::new("tasks with two answers or more", agreed.tasks.to_string()));
    tasks.into_iter().chain(known).collect()
}

/// Where people label, or review.
pub(crate) fn annotate(
    platform: &Platform,
    permit: &Permit<Read>,
    name: &str,
    reviewing: bool,
) -> Result<AnnotatePage> {
    let name: Name = name.parse()?;
    let mut settings = platform.db.read(|tx| projects::get(tx, permit, &name))?.project.settings;
    let instructions = std::mem::take(&mut settings.instructions);
    Ok(AnnotatePage {
        shell: shell(platform, permit, Section::Labels)?,
        name: name.to_string(),
        annotator: permit.actor().to_owned(),
        reviewing,
        settings: serde_json::to_string(&settings).map_err(Error::internal)?,
        instructions,
        keys: if reviewing { review_keys() } else { keys(&settings) },
    })
}

fn pairs(keys: &[(&str, &str)]) -> Vec<(String, String)> {
    keys.iter().map(|(key, does)| ((*key).to_owned(), (*does).to_owned())).collect()
}

fn review_keys() -> Vec<(String, String)> {
    pairs(&[("Enter", "accept"), ("r", "reject"), ("n", "comment")])
}

fn keys(settings: &Settings) -> Vec<(String, String)> {
    let classes = settings.classes.iter().filter_map(|class| Some((class.hot_key?.to_string(), class.name.clone())));
    let own: &[(&str, &str)] = match settings.kind {
        Kind::Pairwise => &[("1 or ←", "the left one"), ("2 or →", "the right one"), ("0 or ↓", "neither")],
        Kind::Spans => &[("← →", "move"), ("Shift ← →", "select more"), ("⌫", "remove the span")],
        Kind::Boxes => &[
            ("+", "add a box"),
            ("arrows", "move the box"),
            ("Shift arrows", "resize it"),
            (".", "the next box"),
            ("⌫", "remove the box"),
        ],
        Kind::Classification | Kind::MultiLabel | Kind::Regression => &[],
    };
    let common = [("Enter", "submit"), ("a", "take the pre-label"), ("s", "skip"), ("b", "back"), ("n", "comment")];
    classes.chain(pairs(own)).chain(pairs(&common)).collect()
}
