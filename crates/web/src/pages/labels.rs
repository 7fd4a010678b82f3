//! Labelling: a project, and the page on which people label and review.

use askama::Template;
use serde::Serialize;

use crate::{Badge, Fact, Link, Shell, filters, links};

/// `/labels/{name}`
#[derive(Clone, Debug, Default, Serialize, Template)]
#[template(path = "label_project.html")]
pub struct LabelProjectPage {
    /// What stands around the page.
    pub shell: Shell,
    /// The project.
    pub name: String,
    /// How it stands.
    pub badge: Badge,
    /// What is asked, of what, how far it is.
    pub facts: Vec<Fact>,
    /// The share of tasks that are done, from 0 to 1.
    pub done: f64,
    /// What annotators should know.
    pub instructions: String,
    /// How far annotators agree, measure by measure.
    pub agreement: Vec<Fact>,
    /// Annotators with how much they answered and how far they agree with the others.
    pub annotators: Vec<AnnotatorRow>,
    /// The labelling functions: name, class and SQL.
    pub functions: Vec<FunctionRow>,
    /// The commits, newest first.
    pub commits: Vec<LabelCommitRow>,
}

/// An annotator.
#[derive(Clone, Debug, Serialize)]
pub struct AnnotatorRow {
    /// Who.
    pub name: String,
    /// Answers.
    pub answers: u64,
    /// How far they agree with the others; empty when nobody answered the same.
    pub agreement: String,
}

/// A labelling function.
#[derive(Clone, Debug, Serialize)]
pub struct FunctionRow {
    /// Its name.
    pub name: String,
    /// The class that it votes for; empty when its SQL names classes.
    pub class: String,
    /// Its SQL.
    pub sql: String,
}

/// A commit.
#[derive(Clone, Debug, Serialize)]
pub struct LabelCommitRow {
    /// When.
    pub at: flyball_core::Timestamp,
    /// The dataset version.
    pub version: Link,
    /// Labels.
    pub labels: u64,
    /// How answers became one.
    pub consensus: String,
    /// By whom.
    pub who: String,
}

impl LabelProjectPage {
    pub(crate) fn annotate(&self) -> String {
        links::annotate(&self.name)
    }

    pub(crate) fn review(&self) -> String {
        links::label_review(&self.name)
    }
}

/// `/labels/{name}/annotate` and `/labels/{name}/review`
#[derive(Clone, Debug, Default, Serialize, Template)]
#[template(path = "annotate.html")]
pub struct AnnotatePage {
    /// What stands around the page.
    pub shell: Shell,
    /// The project.
    pub name: String,
    /// Who answers, when the address does not say.
    pub annotator: String,
    /// Whether answers are reviewed instead of given.
    pub reviewing: bool,
    /// The settings of the project, as JSON.
    pub settings: String,
    /// What annotators should know.
    pub instructions: String,
    /// The keys and what they do.
    pub keys: Vec<(String, String)>,
}
