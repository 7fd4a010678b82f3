//! One label per task from the answers of several annotators.

use std::collections::BTreeMap;

use flyball_stats::agreement::mean_iou;
use flyball_stats::annotation::{Vote, dawid_skene, majority_vote, most_probable};
use serde::Serialize;

use crate::agreement::rectangles;
use crate::label::{Label, Span, class_count};
use crate::model::{Annotation, Kind, Settings, words};

words! {
    /// How answers become one.
    Method: "method of consensus" {
        /// What most say; of numbers the median.
        Majority => "majority",
        /// Weighed by how reliable each annotator is, as the answers show.
        DawidSkene => "dawid_skene",
    }
}

/// The label of a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreed {
    /// The task's id.
    pub task_id: String,
    /// The label.
    pub label: Label,
    /// How probable it is, as the answers show; the share of answers that say so with the majority.
    pub confidence: f64,
    /// How many answered.
    pub annotators: usize,
}

/// The answers of each task, in the order of the ids.
pub(crate) fn by_task(annotations: &[Annotation]) -> BTreeMap<&str, Vec<&Annotation>> {
    let mut tasks: BTreeMap<&str, Vec<&Annotation>> = BTreeMap::new();
    for annotation in annotations.iter().filter(|annotation| annotation.label.is_some()) {
        tasks.entry(&annotation.task_id).or_default().push(annotation);
    }
    tasks
}

/// The annotators, sorted, each once.
pub(crate) fn annotators(annotations: &[Annotation]) -> Vec<&str> {
    let mut names: Vec<&str> = annotations.iter().map(|annotation| annotation.annotator.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// One label for each task that has an answer.
pub fn consensus(settings: &Settings, annotations: &[Annotation], method: Method) -> Vec<Agreed> {
    let (tasks, names) = (by_task(annotations), annotators(annotations));
    let labels = match settings.kind {
        Kind::Classification | Kind::Pairwise => one_class(settings, &tasks, &names, method),
        Kind::MultiLabel => several_classes(settings, &tasks, &names, method),
        Kind::Regression => tasks.values().map(|answers| median(answers)).collect(),
        Kind::Spans => tasks.values().map(|answers| common_spans(answers)).collect(),
        Kind::Boxes => tasks.values().map(|answers| most_typical(settings, answers)).collect(),
    };
    let agreed = tasks.iter().zip(labels).filter_map(|((task_id, answers), label)| {
        let (label, confidence) = label?;
        Some(Agreed { task_id: (*task_id).to_owned(), label, confidence, annotators: answers.len() })
    });
    agreed.collect()
}

type Tasks<'a> = BTreeMap<&'a str, Vec<&'a Annotation>>;

/// For each task the probability of each class, from votes.
fn probabilities(votes: &[Vec<Vote>], classes: usize, method: Method) -> Vec<Vec<f64>> {
    match method {
        Method::Majority => majority_vote(votes, classes),
        Method::DawidSkene => {
            dawid_skene(votes, classes).map_or_else(|| vec![Vec::new(); votes.len()], |found| found.probabilities)
        }
    }
}

fn votes_of(tasks: &Tasks<'_>, names: &[&str], class: impl Fn(&Label) -> Option<usize>) -> Vec<Vec<Vote>> {
    let vote = |annotation: &&Annotation| {
        let annotator = names.binary_search(&annotation.annotator.as_str()).ok()?;
        Some(Vote { annotator, class: class(annotation.label.as_ref()?)? })
    };
    tasks.values().map(|answers| answers.iter().filter_map(vote).collect()).collect()
}

fn one_class(settings: &Settings, tasks: &Tasks<'_>, names: &[&str], method: Method) -> Vec<Option<(Label, f64)>> {
    let votes = votes_of(tasks, names, |label| label.class(settings));
    let label = |probabilities: Vec<f64>| {
        let class = most_probable(&probabilities)?;
        Some((Label::of_class(settings, class)?, probabilities[class]))
    };
    probabilities(&votes, class_count(settings), method).into_iter().map(label).collect()
}

/// Each class by itself: said or not said. The label is as sure as its least sure class.
fn several_classes(
    settings: &Settings,
    tasks: &Tasks<'_>,
    names: &[&str],
    method: Method,
) -> Vec<Option<(Label, f64)>> {
    let mut chosen: Vec<(Vec<String>, f64)> = vec![(Vec::new(), 1.0); tasks.len()];
    for class in &settings.classes {
        let said = |label: &Label| match label {
            Label::Choices(chosen) => Some(usize::from(chosen.contains(&class.name))),
            _ => None,
        };
        let of_tasks = probabilities(&votes_of(tasks, names, said), 2, method);
        for ((classes, sure), probability) in chosen.iter_mut().zip(of_tasks) {
            let [_, yes] = probability[..] else { continue };
            if yes > 0.5 {
                classes.push(class.name.clone());
            }
            *sure = sure.min(yes.max(1.0 - yes));
        }
    }
    chosen.into_iter().map(|(classes, sure)| Some((Label::Choices(classes), sure))).collect()
}

/// The median, and the share of answers that say just this.
fn median(answers: &[&Annotation]) -> Option<(Label, f64)> {
    let number = |annotation: &&Annotation| match annotation.label {
        Some(Label::Number(number)) => Some(number),
        _ => None,
    };
    let mut numbers: Vec<f64> = answers.iter().filter_map(number).collect();
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len().checked_sub(1)? / 2;
    let median =
        if numbers.len().is_multiple_of(2) { (numbers[middle] + numbers[middle + 1]) / 2.0 } else { numbers[middle] };
    let same = numbers.iter().filter(|number| **number == median).count();
    Some((Label::Number(median), same as f64 / numbers.len() as f64))
}

/// The spans that more than half of the annotators marked alike; as sure as the least common of them.
fn common_spans(answers: &[&Annotation]) -> Option<(Label, f64)> {
    let mut counts: BTreeMap<&Span, usize> = BTreeMap::new();
    for annotation in answers {
        if let Some(Label::Spans(spans)) = &annotation.label {
            spans.iter().for_each(|span| *counts.entry(span).or_default() += 1);
        }
    }
    let all = answers.len();
    let mut sure = 1.0_f64;
    let mut kept = Vec::new();
    for (span, count) in counts {
        let share = count as f64 / all as f64;
        sure = sure.min(share.max(1.0 - share));
        if 2 * count > all {
            kept.push(span.clone());
        }
    }
    Some((Label::Spans(kept), sure))
}

/// The answer that overlaps most with all others, and by how much.
fn most_typical(settings: &Settings, answers: &[&Annotation]) -> Option<(Label, f64)> {
    let boxes: Vec<_> = answers.iter().map(|annotation| rectangles(settings, annotation.label.as_ref())).collect();
    let others = (answers.len() - 1) as f64;
    let alike = |at: usize| {
        let overlaps = boxes.iter().enumerate().filter(|(other, _)| *other != at);
        overlaps.map(|(_, other)| mean_iou(&boxes[at], other)).sum::<f64>() / others.max(1.0)
    };
    let likeness: Vec<f64> = (0..answers.len()).map(alike).collect();
    let best = most_probable(&likeness)?;
    let sure = if answers.len() == 1 { 1.0 } else { likeness[best] };
    Some((answers[best].label.clone()?, sure))
}
