//! Where the answers are worse than elsewhere: groups of rows by one feature, and by two. Worse is what the model did
//! not expect itself: uncertain answers to uncertain rows are no weakness.

use flyball_core::{Column, Result};
use flyball_stats::compare::{Moments, welch};
use flyball_stats::multiplicity::benjamini_hochberg;
use serde_json::{Value as Json, json};

use super::bench::{Bench, Finding};
use super::integrity::SHOWN;
use crate::evaluate::SMALL_GROUP_ROWS;
use crate::measure::CONFIDENCE;

/// Numbers are cut into so many parts of equal size.
const PARTS: usize = 4;
/// Texts with more values than this are no groups.
const LEVELS: usize = 50;
/// Columns whose pairs are searched: 66 pairs.
const PAIRED: usize = 12;

/// A feature cut into groups: for each row its group, and what the groups are called.
struct Cut {
    groups: Vec<usize>,
    names: Vec<String>,
}

/// A group with its excess of loss.
struct Segment {
    name: String,
    rows: usize,
    loss: f64,
    rest: f64,
    p_value: f64,
}

pub(super) fn weak_segments(bench: &Bench<'_>) -> Result<Finding> {
    let Some(answers) = &bench.answers else { return Ok(Finding::missing("there is no model, or it has no rows")) };
    let losses = answers.surprises();
    let overall = answers.losses().iter().map(|(_, loss)| loss).sum::<f64>() / losses.len() as f64;
    if losses.len() < 2 * SMALL_GROUP_ROWS || overall <= 0.0 {
        return Ok(Finding::missing("too few labelled rows with an answer, or every answer is perfect"));
    }
    let mut cuts: Vec<Cut> = Vec::new();
    for name in &bench.features {
        cuts.extend(cut(name, bench.rows.column(name)?));
    }
    let mut segments: Vec<Segment> = cuts.iter().flat_map(|cut| judged(&losses, &cut.groups, &cut.names)).collect();
    for (at, first) in cuts.iter().enumerate().take(PAIRED) {
        for second in cuts.iter().take(PAIRED).skip(at + 1) {
            if bench.has_time() {
                segments.extend(paired(&losses, first, second));
            }
        }
    }
    if segments.is_empty() {
        return Ok(Finding::missing("no feature divides the rows into large enough groups"));
    }
    let p_values: Vec<f64> = segments.iter().map(|segment| segment.p_value).collect();
    let adjusted = benjamini_hochberg(&p_values);
    let searched = segments.len();
    let excess = |segment: &Segment| (segment.loss - segment.rest) / overall;
    let mut weak: Vec<(f64, Segment)> = segments
        .into_iter()
        .zip(adjusted)
        .filter(|(segment, p)| *p < 1.0 - CONFIDENCE && segment.loss > segment.rest)
        .map(|(segment, p)| (p, segment))
        .collect();
    weak.sort_by(|a, b| excess(&b.1).total_cmp(&excess(&a.1)));
    let shown: Vec<Json> = weak
        .iter()
        .take(SHOWN)
        .map(|(p, segment)| {
            json!({ "segment": segment.name, "rows": segment.rows, "unexpected_loss": segment.loss,
                "elsewhere": segment.rest, "excess": excess(segment), "adjusted_p": p })
        })
        .collect();
    let finding = match weak.first() {
        None => Finding::of(0.0, format!("none of {searched} segments is proven worse than the rest")),
        Some((_, worst)) => {
            let text = format!(
                "where {} the loss is {:.0} % higher than elsewhere, beyond what the model expects",
                worst.name,
                excess(worst) * 100.0
            );
            Finding::of(excess(worst), text)
        }
    };
    Ok(finding.because(json!({ "segments": shown, "searched": searched })))
}

fn judged(losses: &[(usize, f64)], groups: &[usize], names: &[String]) -> Vec<Segment> {
    let mut inside = vec![Moments::default(); names.len()];
    losses.iter().for_each(|(row, loss)| inside[groups[*row]].add(*loss));
    let mut found = Vec::new();
    for (group, moments) in inside.iter().enumerate() {
        let rows = moments.count() as usize;
        if rows < SMALL_GROUP_ROWS || losses.len() - rows < SMALL_GROUP_ROWS {
            continue;
        }
        let mut rest = Moments::default();
        losses.iter().filter(|(row, _)| groups[*row] != group).for_each(|(_, loss)| rest.add(*loss));
        let tested = welch(&rest, moments, CONFIDENCE);
        if let (Some(test), Some(loss), Some(elsewhere)) = (tested, moments.mean(), rest.mean()) {
            // Only an excess is of interest: half of the two-sided value on its side.
            let p_value = if test.value > 0.0 { test.p_value / 2.0 } else { 1.0 - test.p_value / 2.0 };
            found.push(Segment { name: names[group].clone(), rows, loss, rest: elsewhere, p_value });
        }
    }
    found
}

fn paired(losses: &[(usize, f64)], first: &Cut, second: &Cut) -> Vec<Segment> {
    // A product of many groups would be a search of groups that are too small anyway.
    if first.names.len() * second.names.len() > LEVELS * PARTS {
        return Vec::new();
    }
    let width = second.names.len();
    let groups: Vec<usize> = first.groups.iter().zip(&second.groups).map(|(a, b)| a * width + b).collect();
    let names: Vec<String> =
        first.names.iter().flat_map(|a| second.names.iter().map(move |b| format!("{a} and {b}"))).collect();
    judged(losses, &groups, &names)
}

/// The groups of a column; `None` when it does not divide the rows, or into too many.
fn cut(name: &str, column: &Column) -> Option<Cut> {
    if let Column::Text(texts) = column {
        if texts.levels.len() > LEVELS {
            return None;
        }
        let mut names: Vec<String> = texts.levels.iter().map(|level| format!("{name} = {level}")).collect();
        names.push(format!("{name} is missing"));
        let groups = texts.codes.iter().map(|code| (*code as usize).min(texts.levels.len())).collect();
        return Some(Cut { groups, names });
    }
    let values = column.numbers();
    let mut known: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    known.sort_unstable_by(f64::total_cmp);
    let mut cuts: Vec<f64> = (1..PARTS).filter_map(|part| known.get(known.len() * part / PARTS).copied()).collect();
    cuts.dedup();
    cuts.retain(|cut| Some(cut) != known.first());
    if cuts.is_empty() {
        return None;
    }
    let name_of = |part: usize| match (part.checked_sub(1).map(|before| cuts[before]), cuts.get(part)) {
        (None, Some(to)) => format!("{name} < {to}"),
        (Some(from), Some(to)) => format!("{from} ≤ {name} < {to}"),
        (Some(from), None) => format!("{name} ≥ {from}"),
        (None, None) => name.to_owned(),
    };
    let mut names: Vec<String> = (0..=cuts.len()).map(name_of).collect();
    names.push(format!("{name} is missing"));
    let missing = names.len() - 1;
    let part = |value: &f64| if value.is_nan() { missing } else { cuts.partition_point(|cut| cut <= value) };
    Some(Cut { groups: values.iter().map(part).collect(), names })
}
