//! How far the annotators of a project agree.

use flyball_stats::agreement::{
    LabelledSpan, Level, Rectangle, Weights, box_f1, cohen_kappa, fleiss_kappa, krippendorff_alpha, mean_iou,
    percent_agreement, span_f1,
};
use serde::Serialize;

use crate::consensus::{annotators, by_task};
use crate::label::{Label, class_count};
use crate::model::{Annotation, Kind, Settings};

/// Boxes that overlap by this much are one and the same, as in most comparisons of detectors.
const SAME_BOX: f64 = 0.5;

/// How far annotators agree, over the tasks that two or more answered. What does not fit the kind of the project, or cannot
/// be computed, is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Agreement {
    /// Tasks with two or more answers.
    pub tasks: usize,
    /// Who answered them, with how often they agree with the others.
    pub annotators: Vec<AnnotatorAgreement>,
    /// The share of pairs of answers that are the same.
    pub percent: Option<f64>,
    /// Krippendorff's alpha: of classes nominal, of numbers interval; of several classes the mean over them.
    pub krippendorff_alpha: Option<f64>,
    /// Fleiss' kappa, where every task has as many answers.
    pub fleiss_kappa: Option<f64>,
    /// Cohen's kappa of every two annotators.
    pub pairs: Vec<PairAgreement>,
    /// The mean F1 of every two annotators' spans, or boxes that overlap by half.
    pub f1: Option<f64>,
    /// The mean intersection over union of every two annotators' boxes.
    pub iou: Option<f64>,
}

/// One annotator.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnnotatorAgreement {
    /// Who.
    pub annotator: String,
    /// Their answers.
    pub answers: usize,
    /// How far they agree with the others on the same tasks, in the measure of the project.
    pub with_others: Option<f64>,
}

/// Two annotators.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairAgreement {
    /// One.
    pub one: String,
    /// The other.
    pub other: String,
    /// Tasks that both answered.
    pub tasks: usize,
    /// The share on which they agree, or the mean F1.
    pub agreement: Option<f64>,
    /// Cohen's kappa.
    pub cohen_kappa: Option<f64>,
}

/// The boxes of a label for comparison.
pub(crate) fn rectangles(settings: &Settings, label: Option<&Label>) -> Vec<Rectangle> {
    let Some(Label::Boxes(boxes)) = label else { return Vec::new() };
    let rectangle = |own: &crate::BoundingBox| {
        let class = settings.class(&own.class)?;
        Some(Rectangle { x: own.x, y: own.y, width: own.width, height: own.height, class })
    };
    boxes.iter().filter_map(rectangle).collect()
}

fn spans(settings: &Settings, label: Option<&Label>) -> Vec<LabelledSpan> {
    let Some(Label::Spans(spans)) = label else { return Vec::new() };
    let span =
        |own: &crate::Span| Some(LabelledSpan { start: own.start, end: own.end, class: settings.class(&own.class)? });
    spans.iter().filter_map(span).collect()
}

/// Two answers to the same task, and how alike they are.
type Compared<'a> = (&'a Annotation, &'a Annotation, f64);

/// How alike two answers are, from 0 to 1: the same or not, or by their regions.
fn alike(settings: &Settings, one: &Annotation, other: &Annotation) -> f64 {
    let (one, other) = (one.label.as_ref(), other.label.as_ref());
    match settings.kind {
        Kind::Spans => span_f1(&spans(settings, one), &spans(settings, other)),
        Kind::Boxes => box_f1(&rectangles(settings, one), &rectangles(settings, other), SAME_BOX),
        _ => f64::from(u8::from(one == other)),
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0_usize, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / count as f64)
}

/// How far the annotators agree.
pub fn agreement(settings: &Settings, annotations: &[Annotation]) -> Agreement {
    let names = annotators(annotations);
    let mut tasks = by_task(annotations);
    tasks.retain(|_, answers| answers.len() > 1);
    let shared: Vec<Vec<&Annotation>> = tasks.into_values().collect();
    let mut found = Agreement { tasks: shared.len(), ..Agreement::default() };
    let mut compared = Vec::new();
    for answers in &shared {
        for (at, one) in answers.iter().enumerate() {
            for other in &answers[at + 1..] {
                compared.push((*one, *other, alike(settings, one, other)));
            }
        }
    }
    found.annotators = names.iter().map(|name| of_annotator(name, annotations, &compared)).collect();
    found.pairs = pairs(settings, &compared);
    match settings.kind {
        Kind::Spans => found.f1 = mean(compared.iter().map(|(.., alike)| *alike)),
        Kind::Boxes => {
            found.f1 = mean(compared.iter().map(|(.., alike)| *alike));
            let overlap = |one: &Annotation, other: &Annotation| {
                mean_iou(&rectangles(settings, one.label.as_ref()), &rectangles(settings, other.label.as_ref()))
            };
            found.iou = mean(compared.iter().map(|(one, other, _)| overlap(one, other)));
        }
        Kind::Regression => {
            found.percent = mean(compared.iter().map(|(.., alike)| *alike));
            let number = |label: &Label| if let Label::Number(number) = label { Some(*number) } else { None };
            found.krippendorff_alpha = krippendorff_alpha(&ratings(&shared, &names, number), Level::Interval);
        }
        Kind::MultiLabel => {
            found.percent = mean(compared.iter().map(|(.., alike)| *alike));
            let of_class = |class: &crate::Class| {
                let said = |label: &Label| match label {
                    Label::Choices(chosen) => Some(f64::from(u8::from(chosen.contains(&class.name)))),
                    _ => None,
                };
                krippendorff_alpha(&ratings(&shared, &names, said), Level::Nominal)
            };
            found.krippendorff_alpha = mean(settings.classes.iter().filter_map(of_class));
        }
        Kind::Classification | Kind::Pairwise => of_classes(settings, &shared, &names, &mut found),
    }
    found
}

fn of_classes(settings: &Settings, shared: &[Vec<&Annotation>], names: &[&str], found: &mut Agreement) {
    let classes = ratings(shared, names, |label| label.class(settings));
    found.percent = percent_agreement(&classes);
    let numbers: Vec<Vec<Option<f64>>> =
        classes.iter().map(|item| item.iter().map(|class| class.map(|class| class as f64)).collect()).collect();
    found.krippendorff_alpha = krippendorff_alpha(&numbers, Level::Nominal);
    let count = |item: &Vec<Option<usize>>| {
        let mut counts = vec![0; class_count(settings)];
        item.iter().flatten().for_each(|&class| counts[class] += 1);
        counts
    };
    found.fleiss_kappa = fleiss_kappa(&classes.iter().map(count).collect::<Vec<_>>());
}

/// One row per task and one place per annotator.
fn ratings<T: Clone>(
    shared: &[Vec<&Annotation>],
    names: &[&str],
    rating: impl Fn(&Label) -> Option<T>,
) -> Vec<Vec<Option<T>>> {
    let row = |answers: &Vec<&Annotation>| {
        let mut row = vec![None; names.len()];
        for annotation in answers {
            if let Ok(at) = names.binary_search(&annotation.annotator.as_str()) {
                row[at] = annotation.label.as_ref().and_then(&rating);
            }
        }
        row
    };
    shared.iter().map(row).collect()
}

fn of_annotator(name: &str, annotations: &[Annotation], compared: &[Compared<'_>]) -> AnnotatorAgreement {
    let own = compared.iter().filter(|(one, other, _)| one.annotator == name || other.annotator == name);
    AnnotatorAgreement {
        annotator: name.to_owned(),
        answers: annotations.iter().filter(|annotation| annotation.annotator == name).count(),
        with_others: mean(own.map(|(.., alike)| *alike)),
    }
}

fn pairs(settings: &Settings, compared: &[Compared<'_>]) -> Vec<PairAgreement> {
    let mut by_pair = std::collections::BTreeMap::<(&str, &str), Vec<Compared<'_>>>::new();
    for (one, other, alike) in compared {
        let in_order = one.annotator <= other.annotator;
        let (one, other) = if in_order { (one, other) } else { (other, one) };
        by_pair.entry((&one.annotator, &other.annotator)).or_default().push((one, other, *alike));
    }
    let pair = |((one, other), answers): ((&str, &str), Vec<Compared<'_>>)| {
        let class = |annotation: &Annotation| annotation.label.as_ref().and_then(|label| label.class(settings));
        let classes: Option<Vec<(usize, usize)>> =
            answers.iter().map(|(one, other, _)| Some((class(one)?, class(other)?))).collect();
        let kappa = classes.and_then(|classes| {
            let (one, other): (Vec<usize>, Vec<usize>) = classes.into_iter().unzip();
            cohen_kappa(&one, &other, class_count(settings), Weights::None)
        });
        PairAgreement {
            one: one.to_owned(),
            other: other.to_owned(),
            tasks: answers.len(),
            agreement: mean(answers.iter().map(|(.., alike)| *alike)),
            cohen_kappa: kappa,
        }
    };
    by_pair.into_iter().map(pair).collect()
}
