//! Gates: conditions that a new version must meet before it may be promoted, judged with their evidence.

use flyball_core::{Table, Task};
use flyball_stats::classification::Confusion;
use flyball_stats::fairness::Rate;
use flyball_stats::interval::wilson;
use serde::{Deserialize, Serialize};

use crate::comparison::{MetricDifference, Pair, difference, in_groups};
use crate::evaluate::{Evaluation, SMALL_GROUP_ROWS, Subject as Evaluated};
use crate::expression::{self, Aggregate, Claim, ClaimKind, Condition, Domain, Facts, Measured, Subject};
use crate::fairness::{FairnessOptions, attribute};
use crate::grouping::Grouping;
use crate::measure::{CONFIDENCE, Measure, THRESHOLD, measured};
use crate::ranking::RankedLists;

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
    /// The rows that were answered, for their groups.
    pub rows: &'a Table,
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
            Subject::Current => of(self.candidate, metric),
            Subject::Champion => {
                let (evaluation, answers) = self.champion?;
                let mut measured = of(evaluation, metric)?;
                let pair = Pair::of(answers, self.answers).ok();
                let compared =
                    pair.zip(expression::metric(metric)).and_then(|(pair, metric)| difference(&pair, metric, None));
                measured.note = compared.map(|(told, _)| told.sentence()).or(measured.note);
                Some(measured)
            }
            Subject::Baseline => of(self.baseline?, metric),
            Subject::Reference | Subject::Estimated => None,
        }
    }

    fn by_group(&self, aggregate: Aggregate, metric: &str, column: &str) -> Option<Measured> {
        if self.candidate.groups(column, metric).is_empty() {
            return self.across(aggregate, metric, &[column.to_owned()]);
        }
        over_groups(self.task, self.candidate, aggregate, metric, column)
    }

    fn across(&self, aggregate: Aggregate, metric: &str, columns: &[String]) -> Option<Measured> {
        let grouping = Grouping::of(self.rows, columns).ok()?;
        let groups = measured_groups(self.task, self.answers, &grouping, metric);
        let groups: Vec<(&str, &Measure)> = groups.iter().map(|(name, own)| (*name, own)).collect();
        over(&groups, aggregate, metric, &columns.join(", "))
    }

    fn fairness(&self, name: &str, columns: &[String]) -> Option<Measured> {
        let grouping = Grouping::of(self.rows, columns).ok()?;
        let found = attribute(self.task, self.answers, &grouping, &FairnessOptions::default()).ok()?;
        let compared = found.groups.iter().filter(|group| group.compared).count();
        let note = format!("{compared} of {} groups by {} compared", grouping.names.len(), columns.join(", "));
        let value = found.measures.get(name).copied().flatten()?;
        Some(Measured { note: Some(note), ..Measured::from(value) })
    }

    fn claim(&self, claim: &Claim) -> Option<Measured> {
        let pair = Pair::of(self.champion?.1, self.answers).ok()?;
        let differences = if claim.by.is_empty() {
            vec![difference(&pair, claim.metric, None)?]
        } else {
            in_groups(&pair, claim.metric, &Grouping::of(self.rows, &claim.by).ok()?)
        };
        // That it holds in every group is shown when it is shown in each of them at the same level: no correction is needed
        // for the number of groups (intersection-union test, Berger 1982).
        let shown = differences.iter().map(|(told, found)| {
            let test = match claim.kind {
                ClaimKind::NonInferior => found.non_inferior(claim.margin, CONFIDENCE),
                ClaimKind::Superior => found.superior(claim.margin, CONFIDENCE),
                ClaimKind::Equivalent => found.equivalent(claim.margin, CONFIDENCE),
            };
            test.map(|test| (told, test.p_value, test.holds))
        });
        let shown = shown.collect::<Option<Vec<(&MetricDifference, f64, bool)>>>()?;
        let (weakest, p_value, _) = shown.iter().max_by(|left, right| left.1.total_cmp(&right.1))?;
        let holds = shown.iter().all(|(_, _, holds)| *holds);
        let place = weakest.group.as_ref().map_or(String::new(), |group| format!("weakest in {group}: "));
        let note = format!("{place}{}, p {p_value:.3}", weakest.sentence());
        Some(Measured { note: Some(note), ..Measured::from(f64::from(u8::from(holds))) })
    }

    fn flag(&self, _name: &str) -> Option<bool> {
        None
    }
}

/// A metric of an evaluation as evidence.
fn of(evaluation: &Evaluation, name: &str) -> Option<Measured> {
    let measured = shown(evaluation.metrics.get(name)?);
    let lists = evaluation.ranking.as_ref().filter(|_| is_of(name, Domain::Ranking));
    Some(Measured { note: lists.map(RankedLists::sentence).or(measured.note), ..measured })
}

fn is_of(name: &str, domain: Domain) -> bool {
    expression::metric(name).is_some_and(|metric| metric.domain == domain)
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
    over(&evaluation.groups(column, metric), aggregate, metric, column)
}

/// What is made of the measures of groups, as [`over_groups`].
fn over(groups: &[(&str, &Measure)], aggregate: Aggregate, metric: &str, column: &str) -> Option<Measured> {
    let smallest = groups.iter().min_by(|a, b| a.1.value.total_cmp(&b.1.value))?;
    let largest = groups.iter().max_by(|a, b| a.1.value.total_cmp(&b.1.value))?;
    let small_is_bad = is_better_high(metric);
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

/// Whether more of a metric or of a rate is better.
fn is_better_high(name: &str) -> bool {
    let rate = || expression::RATES.iter().find(|rate| rate.name == name);
    let found = expression::metric(name).or_else(rate);
    found.is_some_and(|metric| metric.direction == expression::Direction::Higher)
}

/// A metric or a rate of each group that is large enough to count.
fn measured_groups<'a>(
    task: Task,
    answers: &Evaluated,
    grouping: &'a Grouping,
    metric: &str,
) -> Vec<(&'a str, Measure)> {
    let known = |row: &usize| answers.truth.get(*row).is_some_and(|truth| !truth.is_nan());
    let of_group = |(name, members): (&'a String, Vec<usize>)| {
        let members: Vec<usize> = members.into_iter().filter(known).collect();
        if members.len() < SMALL_GROUP_ROWS {
            return None;
        }
        let own = answers.take(&members);
        let own = own.take(&own.known());
        let found = measured(task, &own).remove(metric).or_else(|| rate(metric, &own))?;
        Some((name.as_str(), found))
    };
    grouping.names.iter().zip(grouping.members()).filter_map(of_group).collect()
}

/// A rate of decisions with Wilson's interval.
fn rate(name: &str, answers: &Evaluated) -> Option<Measure> {
    let rate = Rate::named(name)?;
    let y: Vec<bool> = answers.truth.iter().map(|y| *y > 0.5).collect();
    let cells = Confusion::at_threshold(&y, &answers.score, answers.weights.as_deref(), THRESHOLD)?;
    // Weighted rows count by their effective number (Kish 1965).
    let sum = |of: fn(&f64) -> f64| answers.weights.as_ref().map(|weights| weights.iter().map(of).sum::<f64>());
    let scale = sum(|weight| *weight).zip(sum(|weight| weight * weight)).map_or(1.0, |(all, squares)| all / squares);
    let (hits, rows) = rate.parts(&cells);
    let (hits, rows) = (hits * scale, rows * scale);
    let interval = wilson(hits, rows, CONFIDENCE);
    let value = rate.of(&cells)?;
    Some(Measure { value, low: interval.map(|own| own.low), high: interval.map(|own| own.high), rows: rows as usize })
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
        let half = TextColumn::from_texts((0..400).map(|row| Some(if row < 200 { "first" } else { "second" })));
        let columns = vec![("origin".into(), Column::Text(origin)), ("half".into(), Column::Text(half))];
        let table = Table::new(columns).unwrap();
        (table, Evaluated::new(truth, score))
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
            rows: &table,
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

    #[test]
    fn fairness_is_judged_by_column_and_by_crossed_columns() {
        let gates = [
            "difference(tpr, by: origin) <= 0.1",
            "ratio(selection_rate, by: [origin, half]) >= 0.5",
            "equalized_odds_difference(by: origin) <= 0.2",
            "demographic_parity_ratio(by: [origin, half]) >= 0.5",
            "difference(tpr, by: nobody) <= 0.1",
        ];
        let report = judged(&gates, true);
        let holds: Vec<Option<bool>> = report.gates.iter().map(|gate| gate.holds).collect();
        assert_eq!(holds, [Some(false), Some(true), Some(false), Some(true), None], "{report:#?}");
        let evidence = |gate: usize| report.gates[gate].evidence[0].1.clone().unwrap();
        assert!(evidence(0).note.unwrap().contains("EWR"));
        assert!((evidence(1).value - evidence(3).value).abs() < 1e-12);
        assert_eq!(evidence(3).note.unwrap(), "4 of 4 groups by origin, half compared");
    }

    #[test]
    fn claims_need_significance_in_every_group() {
        let gates = [
            "superior(auc)",
            "superior(log_loss, margin: 0.01)",
            "non_inferior(auc, margin: 0.005, by: origin)",
            "non_inferior(f1, margin: 5%)",
            "equivalent(auc, margin: 0.01)",
            "superior(auc, by: [origin, half])",
        ];
        let report = judged(&gates, true);
        let holds: Vec<Option<bool>> = report.gates.iter().map(|gate| gate.holds).collect();
        // On JFK both answer alike: not worse, and not better.
        let expected = [true, true, true, true, false, false].map(Some);
        assert_eq!(holds, expected, "{report:#?}");
        let note = report.gates[5].evidence[0].1.clone().unwrap().note.unwrap();
        assert!(note.starts_with("weakest in JFK, ") && note.contains("DeLong, 100 rows"), "{note}");
        let first = judged(&gates, false);
        assert!(first.passed, "a first version has nobody to be compared with");
    }
}
