//! One threshold per group, so that decisions become alike at the best accuracy (Hardt, Price & Srebro 2016, without
//! the random choices that their optimum may need: the same person always gets the same decision).

use super::groups::{Aggregate, Groups};
use super::rate::Rate;
use crate::classification::Confusion;

/// Most thresholds that are tried per group: half a per cent of a group's rows lies between two of them.
const POINTS: usize = 200;
/// Targets that are tried for one rate.
const TARGETS: usize = 200;
/// Targets that are tried for each of two rates, whose pairs are all tried.
const PAIRED_TARGETS: usize = 50;
/// What rounding adds to a difference that is within its tolerance.
const ROUNDING: f64 = 1e-12;

/// What shall be alike between the groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// The selection rate.
    DemographicParity,
    /// The true positive rate.
    EqualOpportunity,
    /// The true and the false positive rate.
    EqualizedOdds,
}

impl Constraint {
    /// How far groups are from it: the difference in its rate, the larger one of two. `None` if fewer than two groups have
    /// the rate.
    pub fn violation(self, groups: &Groups) -> Option<f64> {
        match self {
            Self::DemographicParity => groups.demographic_parity_difference(),
            Self::EqualOpportunity => groups.equal_opportunity_difference(),
            Self::EqualizedOdds => groups.equalized_odds_difference(Aggregate::WorstCase),
        }
    }

    fn rates(self) -> &'static [Rate] {
        match self {
            Self::DemographicParity => &[Rate::SelectionRate],
            Self::EqualOpportunity => &[Rate::TruePositiveRate],
            Self::EqualizedOdds => &[Rate::TruePositiveRate, Rate::FalsePositiveRate],
        }
    }
}

/// What is searched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThresholdSearch {
    /// What shall be alike.
    pub constraint: Constraint,
    /// How large the difference may be.
    pub tolerance: f64,
    /// The threshold that all groups share before.
    pub threshold: f64,
}

/// What some thresholds give.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The decisions by group.
    pub groups: Groups,
    /// Share of right decisions.
    pub accuracy: f64,
    /// The difference between the groups; `None` if fewer than two can be compared.
    pub violation: Option<f64>,
}

/// One threshold per group, with what it changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds {
    /// For each group the score from which on a row is selected; infinite where nobody is, and the common one for a
    /// group without rows.
    pub thresholds: Vec<f64>,
    /// With the common threshold.
    pub before: Outcome,
    /// With these: the difference is within the tolerance, which selecting nobody at all would always be.
    pub after: Outcome,
}

#[derive(Clone, Copy)]
struct Point {
    threshold: f64,
    cells: Confusion,
}

impl Point {
    fn right(&self) -> f64 {
        self.cells.tp + self.cells.tn
    }

    /// How far it is from the wanted rates; rates that the group does not have cannot be missed.
    fn distance(&self, rates: &[Rate], wanted: &[f64]) -> f64 {
        let gap = |(rate, wanted): (&Rate, &f64)| rate.of(&self.cells).map_or(0.0, |value| (value - wanted).abs());
        rates.iter().zip(wanted).map(gap).fold(0.0, f64::max)
    }
}

/// Searches the thresholds. `codes` holds an index below `groups` for each row. `None` without rows, if lengths differ, an
/// index is too high, a score is NaN, or the tolerance is negative.
pub fn optimize_thresholds(
    y: &[bool],
    scores: &[f64],
    codes: &[u32],
    groups: usize,
    search: &ThresholdSearch,
) -> Option<Thresholds> {
    let fits = y.len() == scores.len() && y.len() == codes.len() && !y.is_empty();
    if !fits || search.tolerance.is_nan() || search.tolerance < 0.0 || scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let mut members: Vec<Vec<(f64, bool)>> = vec![Vec::new(); groups];
    for ((&truth, &score), &code) in y.iter().zip(scores).zip(codes) {
        members.get_mut(code as usize)?.push((score, truth));
    }
    let predicted: Vec<bool> = scores.iter().map(|&score| score >= search.threshold).collect();
    let before = outcome(Groups::new(y, &predicted, codes, groups, None)?, search.constraint);
    let points: Vec<Vec<Point>> = members.into_iter().map(|rows| operating_points(rows, search.threshold)).collect();

    let mut best: Option<(Vec<Point>, Outcome)> = None;
    for wanted in targets(search.constraint) {
        let chosen: Vec<Point> = points.iter().filter_map(|points| nearest(points, search, &wanted)).collect();
        let cells = chosen.iter().map(|point| point.cells).collect();
        let found = outcome(Groups::from_cells(cells), search.constraint);
        if best.as_ref().is_none_or(|(_, best)| better(&found, best, search.tolerance)) {
            best = Some((chosen, found));
        }
    }
    let (chosen, after) = best?;
    let thresholds = chosen.iter().map(|point| point.threshold).collect();
    Some(Thresholds { thresholds, before, after })
}

fn outcome(groups: Groups, constraint: Constraint) -> Outcome {
    let accuracy = groups.overall().accuracy().unwrap_or(0.0);
    Outcome { accuracy, violation: constraint.violation(&groups), groups }
}

/// By how much the difference is beyond the tolerance.
fn excess(outcome: &Outcome, tolerance: f64) -> f64 {
    let beyond = outcome.violation.unwrap_or(0.0) - tolerance;
    if beyond <= ROUNDING { 0.0 } else { beyond }
}

fn better(found: &Outcome, best: &Outcome, tolerance: f64) -> bool {
    let (ours, theirs) = (excess(found, tolerance), excess(best, tolerance));
    ours < theirs || (ours == theirs && found.accuracy > best.accuracy)
}

/// The rates that the groups are led to, all combinations of them.
fn targets(constraint: Constraint) -> Vec<Vec<f64>> {
    let grid = |steps: usize| (0..=steps).map(move |step| step as f64 / steps as f64);
    match constraint.rates() {
        [_] => grid(TARGETS).map(|target| vec![target]).collect(),
        _ => grid(PAIRED_TARGETS).flat_map(|a| grid(PAIRED_TARGETS).map(move |b| vec![a, b])).collect(),
    }
}

/// The most accurate point within half the tolerance of the wanted rates (two groups may then differ by all of it), or
/// the nearest one.
fn nearest(points: &[Point], search: &ThresholdSearch, wanted: &[f64]) -> Option<Point> {
    let rates = search.constraint.rates();
    let order = |point: &Point| (point.distance(rates, wanted) - search.tolerance / 2.0).max(0.0);
    let closer =
        |left: &Point, right: &Point| order(left).total_cmp(&order(right)).then(right.right().total_cmp(&left.right()));
    points.iter().copied().min_by(closer)
}

/// The thresholds of a group with the decisions that they give, from nobody selected to all.
fn operating_points(mut rows: Vec<(f64, bool)>, common: f64) -> Vec<Point> {
    if rows.is_empty() {
        return vec![Point { threshold: common, cells: Confusion::default() }];
    }
    rows.sort_unstable_by(|left, right| right.0.total_cmp(&left.0));
    let positives = rows.iter().filter(|(_, truth)| *truth).count() as f64;
    let negatives = rows.len() as f64 - positives;
    let mut cells = Confusion { tn: negatives, fp: 0.0, fn_: positives, tp: 0.0 };
    let mut points = vec![Point { threshold: f64::INFINITY, cells }];
    let stride = rows.len().div_ceil(POINTS);
    let (mut taken, mut due) = (0, stride);
    for tie in rows.chunk_by(|left, right| left.0 == right.0) {
        for (_, truth) in tie {
            let (from, to) = if *truth { (&mut cells.fn_, &mut cells.tp) } else { (&mut cells.tn, &mut cells.fp) };
            *from -= 1.0;
            *to += 1.0;
        }
        taken += tie.len();
        if taken >= due || taken == rows.len() {
            points.push(Point { threshold: tie[0].0, cells });
            due = taken + stride;
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use flyball_core::rng::Rng;

    use super::*;

    /// Two groups whose scores are equally good, but those of the second are lower.
    fn rows() -> (Vec<bool>, Vec<f64>, Vec<u32>) {
        let mut rng = Rng::seeded(4);
        let (mut y, mut scores, mut codes) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..4000_u32 {
            let code = row % 2;
            let truth = rng.unit() < 0.4;
            y.push(truth);
            codes.push(code);
            scores.push(0.35 * f64::from(u8::from(truth)) + 0.5 * rng.unit() - 0.25 * f64::from(code) + 0.15);
        }
        (y, scores, codes)
    }

    #[test]
    fn each_constraint_is_met_at_an_accuracy_that_is_hardly_lower() {
        let (y, scores, codes) = rows();
        for constraint in [Constraint::DemographicParity, Constraint::EqualOpportunity, Constraint::EqualizedOdds] {
            let search = ThresholdSearch { constraint, tolerance: 0.03, threshold: 0.5 };
            let found = optimize_thresholds(&y, &scores, &codes, 2, &search).unwrap();
            assert!(found.before.violation.unwrap() > 0.3, "{constraint:?}: {:?}", found.before);
            assert!(found.after.violation.unwrap() <= 0.03 + 1e-9, "{constraint:?}: {:?}", found.after);
            assert!(found.after.accuracy >= found.before.accuracy, "{constraint:?}");
            assert!((found.thresholds[0] - found.thresholds[1] - 0.25).abs() < 0.1, "{:?}", found.thresholds);
            // The report is of the very thresholds that are given.
            let predicted: Vec<bool> =
                scores.iter().zip(&codes).map(|(score, code)| *score >= found.thresholds[*code as usize]).collect();
            assert_eq!(Groups::new(&y, &predicted, &codes, 2, None).unwrap(), found.after.groups);
        }
    }

    #[test]
    fn a_group_without_rows_or_without_positives_takes_no_part() {
        let search = ThresholdSearch { constraint: Constraint::EqualOpportunity, tolerance: 0.0, threshold: 0.5 };
        let found = optimize_thresholds(&[true, false, false], &[0.9, 0.2, 0.7], &[0, 0, 1], 3, &search).unwrap();
        assert_eq!((found.after.accuracy, found.after.violation), (1.0, None));
        assert_eq!((found.thresholds[1], found.thresholds[2]), (f64::INFINITY, 0.5));
    }

    #[test]
    fn scores_that_say_nothing_leave_all_or_nobody() {
        let search = ThresholdSearch { constraint: Constraint::EqualizedOdds, tolerance: 0.0, threshold: 0.5 };
        let y = [true, false, true, false, true, true];
        let found = optimize_thresholds(&y, &[0.5; 6], &[0, 0, 0, 0, 1, 1], 2, &search).unwrap();
        assert_eq!((found.after.violation, found.after.accuracy), (None, 4.0 / 6.0));
        assert_eq!(optimize_thresholds(&y, &[f64::NAN; 6], &[0; 6], 1, &search), None);
        assert_eq!(optimize_thresholds(&[], &[], &[], 1, &search), None);
        assert_eq!(optimize_thresholds(&y, &[0.5; 6], &[2; 6], 2, &search), None);
    }
}
