//! Which labels are probably wrong, by confident learning: what a model that did not learn from them says instead.

use std::collections::HashMap;

use flyball_core::{Error, ErrorCode, Name, Permit, Read, Result};
use flyball_stats::annotation::{Filter, Quality, label_issues, label_quality, most_probable, ranked_by_quality};
use flyball_store::Tx;
use serde::Serialize;

use crate::agreement::{Agreement, agreement};
use crate::consensus::{Agreed, Method, consensus};
use crate::label::Label;
use crate::model::{Annotation, Project};
use crate::store::{self, annotations};

/// A label that is probably wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Issue {
    /// The task's id.
    pub task_id: String,
    /// The task's key.
    pub key: String,
    /// What people say.
    pub given: Label,
    /// What the model says.
    pub suggested: Label,
    /// How good the given label is, from 0 to 1: its probability.
    pub quality: f64,
}

/// The labels that are probably wrong, worst first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Issues {
    /// Labels that were looked at: those for which the source has probabilities.
    pub labels: usize,
    /// The issues.
    pub issues: Vec<Issue>,
}

/// The project with its answers that stand; only accepted ones where the project is reviewed.
///
/// # Errors
/// `NotFound`.
pub(crate) fn standing(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &Name) -> Result<(Project, Vec<Annotation>)> {
    let project = store::project(tx, permit, name)?;
    let standing = annotations::standing(tx, &project.id, false)?;
    Ok((project, standing))
}

/// How far the annotators of a project agree.
///
/// # Errors
/// `NotFound`.
pub fn agreement_of(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &Name) -> Result<Agreement> {
    let (project, standing) = standing(tx, permit, name)?;
    Ok(agreement(&project.settings, &standing))
}

/// One label for each task that has an answer.
///
/// # Errors
/// `NotFound`.
pub fn consensus_of(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &Name, method: Method) -> Result<Vec<Agreed>> {
    let (project, standing) = standing(tx, permit, name)?;
    Ok(consensus(&project.settings, &standing, method))
}

/// The labels that are probably wrong, from the probabilities that a source gave. They mean something only if the source
/// did not learn from these very labels.
///
/// # Errors
/// `NotFound`; `InvalidInput` when the source gave no probabilities for labelled tasks.
pub fn issues(tx: &mut Tx<'_>, permit: &Permit<Read>, name: &Name, source: &str, by: Filter) -> Result<Issues> {
    let (project, standing) = standing(tx, permit, name)?;
    let settings = &project.settings;
    let agreed = consensus(settings, &standing, Method::Majority);
    let predictions = store::predictions(tx, &project.id, None, Some(source))?;
    let probabilities: HashMap<&str, &Vec<f64>> =
        predictions.iter().filter_map(|one| Some((one.task_id.as_str(), one.probabilities.as_ref()?))).collect();
    let known: Vec<(&Agreed, usize, Vec<f64>)> = agreed
        .iter()
        .filter_map(|one| Some((one, one.label.class(settings)?, (*probabilities.get(one.task_id.as_str())?).clone())))
        .collect();
    if known.is_empty() {
        let shown: String = source.chars().take(60).flat_map(char::escape_debug).collect();
        return Err(Error::new(ErrorCode::InvalidInput, format!("'{shown}' gave no probabilities for labelled tasks"))
            .hint("predict with a model that did not learn from these labels: `flyball labels predict`"));
    }
    let labels: Vec<usize> = known.iter().map(|(_, class, _)| *class).collect();
    let rows: Vec<Vec<f64>> = known.iter().map(|(.., row)| row.clone()).collect();
    let none = || Error::internal("kept probabilities fit their classes");
    let found = label_issues(&labels, &rows, by).ok_or_else(none)?;
    let quality = label_quality(&labels, &rows, Quality::SelfConfidence).ok_or_else(none)?;
    let keys: HashMap<String, String> =
        store::all_tasks(tx, &project.id)?.into_iter().map(|task| (task.id, task.key)).collect();
    let issue = |at: usize| {
        let (agreed, _, row) = &known[at];
        Some(Issue {
            task_id: agreed.task_id.clone(),
            key: keys.get(&agreed.task_id).cloned().unwrap_or_default(),
            given: agreed.label.clone(),
            suggested: Label::of_class(settings, most_probable(row)?)?,
            quality: quality[at],
        })
    };
    let issues = ranked_by_quality(&found, &quality).into_iter().filter_map(issue).collect();
    Ok(Issues { labels: labels.len(), issues })
}
