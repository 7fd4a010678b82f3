//! Gates: conditions that a new version must meet before it may be promoted, judged with their evidence.

use flyball_core::Task;
use flyball_stats::compare;
use serde::{Deserialize, Serialize};

use crate::evaluate::{Evaluation, Subject as Evaluated};
use crate::expression::{Aggregate, Condition, Facts, Measured, Subject};
use crate::measure::Measure;

/// The outcome of one gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateOutcome {
    /// The gate as written.
    pub text: String,
    /// Whether it holds; `None` where a value that it needs is missing.
    pub holds: Option<bool>,
    /// Each term with its value.
    pub evidence: Vec<(String, Option<Measured>)>,
}

/// The outcome of all gates of a version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateReport {
    /// Whether every gate holds.
    pub passed: bool,
    /// Each gate.
    pub gates: Vec<GateOutcome>,
}

/// What the gates judge: the new version beside the champion and the baseline, all on the same rows.
#[derive(Debug)]
pub struct Contest<'a> {
    /// The task.
    pub task: Task,
    /// The new version.
    pub candidate: &'a Evaluation,
    /// Its answers.
    pub answers: &'a Evaluated,
    /// The version that serves now, and its answers.
    pub champion: Option<(&'a Evaluation, &'a Evaluated)>,
    /// The simple model that any version should beat.
    pub baseline: Option<&'a Evaluation>,
}

/// Judges every gate. A gate with a missing value does not hold, with one exception: while there is no champion yet, a
/// comparison with the champion is vacuous and holds.
pub fn judge(gates: &[Condition], contest: &Contest<'_>) -> GateReport {
    let outcomes: Vec<GateOutcome> = gates
        .iter()
        .map(|gate| {
            let verdict = gate.evaluate(contest);
            let vacuous = contest.champion.is_none() && gate.mentions(Subject::Champion);
            GateOutcome {
                text: gate.text().to_owned(),
                holds: if vacuous { Some(true) } else { verdict.holds },
                evidence: verdict.evidence,
            }
        })
        .collect();
    GateReport { passed: outcomes.iter().all(|gate| gate.holds == Some(true)), gates: outcomes }
}

impl Facts for Contest<'_> {
    fn value(&self, subject: Subject, metric: &str) -> Option<Measured> {
        match subject {
            Subject::Current => self.candidate.metrics.get(metric).map(shown),
            Subject::Champion => {
                let (evaluation, answers) = self.champion?;
                let mut measured = shown(evaluation.metrics.get(metric)?);
                if metric == "auc" {
                    measured.note = paired_auc(self.answers, answers);
                }
                Some(measured)
            }
            Subject::Baseline => self.baseline?.metrics.get(metric).map(shown),
            Subject::Reference | Subject::Estimated => None,
        }
    }

    fn by_group(&self, aggregate: Aggregate, metric: &str, column: &str) -> Option<Measured> {
        over_groups(self.task, self.candidate, aggregate, metric, column)
    }

    fn flag(&self, _name: &str) -> Option<bool> {
        None
    }
}

/// A measure as evidence.
pub fn shown(measure: &Measure) -> Measured {
    Measured {
        value: measure.value,
        low: measure.low,
        high: measure.high,
        note: Some(format!("{} rows", measure.rows)),
    }
}

/// `worst`, `best`, `ratio` (smallest ÷ largest) or `difference` (largest − smallest) of a metric over the groups of a
/// column; groups too small to count are left out. `None` without any group, and for a ratio to zero.
pub fn over_groups(
    _task: Task,
    evaluation: &Evaluation,
    aggregate: Aggregate,
    metric: &str,
    column: &str,
) -> Option<Measured> {
    let groups = evaluation.groups(column, metric);
    let smallest = groups.iter().min_by(|a, b| a.1.value.total_cmp(&b.1.value))?;
    let largest = groups.iter().max_by(|a, b| a.1.value.total_cmp(&b.1.value))?;
    let small_is_bad = crate::expression::higher_is_better(metric);
    let one = |group: &(&str, &Measure)| Measured {
        note: Some(format!("{column} = {}, {} rows", group.0, group.1.rows)),
        ..shown(group.1)
    };
    let both = |value: f64| Measured {
        value,
        low: None,
        high: None,
        note: Some(format!("{} {:.3} and {} {:.3}", smallest.0, smallest.1.value, largest.0, largest.1.value)),
    };
    match aggregate {
        Aggregate::Worst => Some(one(if small_is_bad { smallest } else { largest })),
        Aggregate::Best => Some(one(if small_is_bad { largest } else { smallest })),
        Aggregate::Ratio if largest.1.value == 0.0 => None,
        Aggregate::Ratio => Some(both(smallest.1.value / largest.1.value)),
        Aggregate::Difference => Some(both(largest.1.value - smallest.1.value)),
    }
}

/// The paired comparison of two AUCs on the same rows (DeLong 1988), in words.
fn paired_auc(candidate: &Evaluated, champion: &Evaluated) -> Option<String> {
    let known: Vec<usize> = (0..candidate.truth.len()).filter(|&row| !candidate.truth[row].is_nan()).collect();
    let truth: Vec<bool> = known.iter().map(|&row| candidate.truth[row] > 0.5).collect();
    let pick = |scores: &[f64]| known.iter().map(|&row| scores[row]).collect::<Vec<f64>>();
    let test = compare::delong_paired(&truth, &pick(&champion.score), &pick(&candidate.score))?;
    // 1.96 standard errors on each side hold 95 % of a normal distribution.
    let (difference, margin) = (test.difference(), 1.96 * test.standard_error());
    Some(format!("difference {difference:+.4} ± {margin:.4} at 95 % (DeLong)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::evaluate;
    use crate::expression::Scope;
    use flyball_core::{Column, Table, TextColumn};

    /// 400 rows of two origins; the score is right on EWR and noise on JFK.
    fn answers(noise: f64) -> (Table, Evaluated) {
        let mut rng = flyball_core::rng::Rng::seeded(9);
        let truth: Vec<f64> = (0..400).map(|_| f64::from(u8::from(rng.unit() < 0.4))).collect();
        let score = truth
            .iter()
            .enumerate()
            .map(|(row, y)| if row % 2 == 0 { (y * 0.6 + rng.unit() * noise).min(1.0) } else { rng.unit() })
            .collect();
        let origin = TextColumn::from_texts((0..400).map(|row| Some(if row % 2 == 0 { "EWR" } else { "JFK" })));
        let table = Table::new(vec![("origin".into(), Column::Text(origin))]).unwrap();
        (table, Evaluated { truth, score })
    }

    fn judged(gates: &[&str], with_champion: bool) -> GateReport {
        let (table, candidate) = answers(0.4);
        let (_, worse) = answers(3.0);
        let by = vec!["origin".to_owned()];
        let evaluation = evaluate(Task::Classification, &candidate, &table, &by).unwrap();
        let champion = evaluate(Task::Classification, &worse, &table, &by).unwrap();
        let gates: Vec<Condition> =
            gates.iter().map(|gate| Condition::parse(gate, Scope::Gate, Task::Classification).unwrap()).collect();
        let contest = Contest {
            task: Task::Classification,
            candidate: &evaluation,
            answers: &candidate,
            champion: with_champion.then_some((&champion, &worse)),
            baseline: None,
        };
        judge(&gates, &contest)
    }

    #[test]
    fn slices_and_the_champion_are_judged_with_evidence() {
        let report = judged(&["auc >= 0.6", "worst(auc, by: origin) >= 0.8", "auc >= champion.auc - 0.005"], true);
        let holds: Vec<Option<bool>> = report.gates.iter().map(|gate| gate.holds).collect();
        assert_eq!(holds, [Some(true), Some(false), Some(true)]);
        assert!(!report.passed);
        let note = |gate: usize, term: usize| report.gates[gate].evidence[term].1.clone().unwrap().note.unwrap();
        assert!(note(1, 0).starts_with("origin = JFK"), "{}", note(1, 0));
        assert!(note(2, 1).contains("DeLong"), "{}", note(2, 1));
    }

    #[test]
    fn without_a_champion_a_comparison_holds_and_an_unknown_value_does_not() {
        let report = judged(&["auc >= champion.auc - 0.005", "auc >= baseline.auc"], false);
        assert_eq!((report.gates[0].holds, report.gates[1].holds), (Some(true), None));
        assert!(!report.passed);
    }
}
