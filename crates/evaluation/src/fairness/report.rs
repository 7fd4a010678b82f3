//! The report: rates with intervals by group, measures over them, and what a reader must be warned of.

use std::collections::BTreeMap;

use flyball_core::{Error, Result, Task};
use flyball_stats::fairness::{Benchmark, Groups, TAU, difference_to_overall, disparities, spread, within_tau};
use serde::{Deserialize, Serialize};

use super::count::{Counted, count};
use super::measures::{MEASURES, Tables};
use crate::evaluate::{SMALL_GROUP_ROWS, Subject};
use crate::grouping::Grouping;
use crate::measure::{CONFIDENCE, THRESHOLD};

/// A group with fewer rows than this is not shown: its rates would tell about single people (the smallest cell that
/// statistical offices publish is of this order).
pub const SMALLEST_SHOWN_GROUP: usize = 10;

/// With which group disparities compare the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The one with the most rows.
    Majority,
    /// For each value the one where it is lowest.
    Lowest,
    /// The one with this name.
    Group(String),
}

/// How a report is made.
#[derive(Clone, Debug, PartialEq)]
pub struct FairnessOptions {
    /// The confidence of the intervals.
    pub confidence: f64,
    /// The probability from which on a row is selected.
    pub threshold: f64,
    /// Groups with fewer rows are withheld.
    pub smallest_shown: usize,
    /// Groups with fewer rows are shown, but take no part in measures: they would be noise.
    pub smallest_compared: usize,
    /// With which group disparities compare the others.
    pub reference: Reference,
    /// Disparities in [τ, 1/τ] are called fair.
    pub tau: f64,
}

impl Default for FairnessOptions {
    fn default() -> Self {
        Self {
            confidence: CONFIDENCE,
            threshold: THRESHOLD,
            smallest_shown: SMALLEST_SHOWN_GROUP,
            smallest_compared: SMALL_GROUP_ROWS,
            reference: Reference::Majority,
            tau: TAU,
        }
    }
}

/// How alike a model treats the groups of some attributes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FairnessReport {
    /// The task.
    pub task: Task,
    /// The probability from which on a row is selected; absent for regression.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub threshold: Option<f64>,
    /// The confidence of the intervals.
    pub confidence: f64,
    /// Each attribute.
    pub attributes: Vec<AttributeFairness>,
    /// How alike similar rows are decided, from 0 to 1; absent where it was not asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub consistency: Option<f64>,
}

/// The groups of one column, or of several that are crossed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttributeFairness {
    /// The columns.
    pub columns: Vec<String>,
    /// The groups that are shown, by name.
    pub groups: Vec<GroupFairness>,
    /// The values over all groups that are shown: with those that are withheld, what is withheld could be worked out.
    pub overall: BTreeMap<String, GroupValue>,
    /// For each value how far the compared groups are apart.
    pub gaps: BTreeMap<String, GroupGap>,
    /// The measures over the compared groups; `None` is undefined.
    pub measures: BTreeMap<String, Option<f64>>,
    /// The group that disparities compare with; absent where each value has its own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reference: Option<String>,
    /// How many groups are withheld.
    pub withheld: usize,
    /// What a reader must know.
    pub warnings: Vec<String>,
}

/// One group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupFairness {
    /// Its values of the columns, joined by commas.
    pub group: String,
    /// Rows that were scored.
    pub rows: usize,
    /// Those whose truth is known.
    pub labelled: usize,
    /// Whether it is large enough to take part in gaps and measures.
    pub compared: bool,
    /// Rates, or errors of a regression.
    pub values: BTreeMap<String, GroupValue>,
    /// Each value over that of the reference group (Aequitas); `None` is undefined.
    pub disparities: BTreeMap<String, Option<f64>>,
    /// The values whose disparity is beyond τ.
    pub beyond_tau: Vec<String>,
}

/// A value with what it rests on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupValue {
    /// The value; `None` is undefined.
    pub value: Option<f64>,
    /// The lower end of the interval (Wilson's for rates), where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub low: Option<f64>,
    /// The upper end.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub high: Option<f64>,
    /// Rows in the denominator.
    pub rows: usize,
}

/// How far apart groups are in one value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupGap {
    /// Highest less lowest.
    pub difference: f64,
    /// Lowest over highest; `None` if all are zero.
    pub ratio: Option<f64>,
    /// The largest distance from the value of all groups together.
    pub to_overall: Option<f64>,
    /// The group where it is lowest.
    pub lowest: String,
    /// The group where it is highest.
    pub highest: String,
}

/// Reports how alike the groups of each attribute are treated. `subject.truth` may be NaN where it is not known yet, as in
/// production: rows without truth count for selection rates and mean predictions only. Rows without a score are left out.
///
/// # Errors
/// When a grouping is of another number of rows.
pub fn fairness(
    task: Task,
    subject: &Subject,
    groupings: &[Grouping],
    options: &FairnessOptions,
) -> Result<FairnessReport> {
    let of = |grouping| attribute(task, subject, grouping, options);
    Ok(FairnessReport {
        task,
        threshold: (task == Task::Classification).then_some(options.threshold),
        confidence: options.confidence,
        attributes: groupings.iter().map(of).collect::<Result<_>>()?,
        consistency: None,
    })
}

/// Reports one attribute.
///
/// # Errors
/// As [`fairness`].
pub fn attribute(
    task: Task,
    subject: &Subject,
    grouping: &Grouping,
    options: &FairnessOptions,
) -> Result<AttributeFairness> {
    let count = |codes: &[u32], groups: usize| {
        count(task, subject, codes, groups, options)
            .ok_or_else(|| Error::invalid("the groups, answers and labels are of different numbers of rows"))
    };
    let counted = count(&grouping.codes, grouping.names.len())?;
    let present: Vec<(&String, &Counted)> =
        grouping.names.iter().zip(&counted).filter(|(_, own)| own.rows > 0).collect();
    let shown: Vec<(&String, &Counted)> =
        present.iter().copied().filter(|(_, own)| own.rows >= options.smallest_shown).collect();
    let withheld = present.len() - shown.len();
    let is_shown = |code: &u32| counted.get(*code as usize).is_some_and(|own| own.rows >= options.smallest_shown);
    let all: Vec<u32> = grouping.codes.iter().map(|code| u32::from(!is_shown(code))).collect();
    let overall = count(&all, 2)?.swap_remove(0).values;

    let compared: Vec<(&String, &Counted)> =
        shown.iter().copied().filter(|(_, own)| own.rows >= options.smallest_compared).collect();
    let disparities = Disparities::of(&compared, options);
    let groups: Vec<GroupFairness> = shown.iter().map(|(name, own)| group(name, own, &disparities, options)).collect();
    let tables = tables(&compared);
    let measures = MEASURES.iter().filter(|_| task == Task::Classification);
    Ok(AttributeFairness {
        columns: grouping.columns.clone(),
        gaps: gaps(&groups, &overall),
        warnings: warnings(&groups, withheld, &disparities, options),
        measures: measures.map(|(name, _, compute)| ((*name).to_owned(), compute(&tables))).collect(),
        reference: disparities.reference,
        groups,
        overall,
        withheld,
    })
}

fn tables(compared: &[(&String, &Counted)]) -> Tables {
    let of = |cells: fn(&Counted) -> _| Groups::from_cells(compared.iter().map(|(_, own)| cells(own)).collect());
    Tables { decided: of(|own| own.decided), labelled: of(|own| own.confusion) }
}

fn group(name: &str, own: &Counted, disparities: &Disparities, options: &FairnessOptions) -> GroupFairness {
    let found = disparities.by_group.get(name);
    let of_group = found.cloned().unwrap_or_default();
    let beyond = |value: &Option<f64>| value.is_some_and(|value| !within_tau(value, options.tau));
    GroupFairness {
        group: name.to_owned(),
        rows: own.rows,
        labelled: own.labelled,
        compared: found.is_some(),
        values: own.values.clone(),
        beyond_tau: of_group.iter().filter(|(_, value)| beyond(value)).map(|(name, _)| name.clone()).collect(),
        disparities: of_group,
    }
}

/// Aequitas' disparities: the values of each compared group over those of the reference group.
#[derive(Default)]
struct Disparities {
    by_group: BTreeMap<String, BTreeMap<String, Option<f64>>>,
    reference: Option<String>,
    /// The group that was asked for and cannot be compared with.
    missing: Option<String>,
}

impl Disparities {
    fn of(compared: &[(&String, &Counted)], options: &FairnessOptions) -> Self {
        let mut found = Self::default();
        let benchmark = match &options.reference {
            Reference::Majority => Benchmark::Majority,
            Reference::Lowest => Benchmark::Lowest,
            Reference::Group(wanted) => match compared.iter().position(|(name, _)| *name == wanted) {
                Some(position) => Benchmark::Group(position),
                None => {
                    found.missing = Some(wanted.clone());
                    Benchmark::Majority
                }
            },
        };
        let groups = tables(compared).decided;
        found.by_group = compared.iter().map(|(name, _)| ((*name).clone(), BTreeMap::new())).collect();
        for name in compared.first().map(|(_, own)| own.values.keys()).into_iter().flatten() {
            let values: Vec<Option<f64>> = compared.iter().map(|(_, own)| own.values.get(name)?.value).collect();
            // A quotient of values with a sign says nothing.
            let signed = values.iter().flatten().any(|value| *value < 0.0);
            let Some(position) = benchmark.position(&groups, &values).filter(|_| !signed) else { continue };
            if options.reference != Reference::Lowest {
                found.reference = Some(compared[position].0.clone());
            }
            for ((group, _), disparity) in compared.iter().zip(disparities(&values, position)) {
                found.by_group.entry((*group).clone()).or_default().insert(name.clone(), disparity);
            }
        }
        found
    }
}

/// How far the compared groups are apart in each value that at least two of them have.
fn gaps(groups: &[GroupFairness], overall: &BTreeMap<String, GroupValue>) -> BTreeMap<String, GroupGap> {
    let compared: Vec<&GroupFairness> = groups.iter().filter(|group| group.compared).collect();
    let gap = |(name, overall): (&String, &GroupValue)| {
        let values: Vec<Option<f64>> = compared.iter().map(|group| group.values.get(name)?.value).collect();
        let spread = spread(&values)?;
        let gap = GroupGap {
            difference: spread.difference(),
            ratio: spread.ratio().filter(|_| spread.lowest.1 >= 0.0),
            to_overall: overall.value.and_then(|overall| difference_to_overall(&values, overall)),
            lowest: compared[spread.lowest.0].group.clone(),
            highest: compared[spread.highest.0].group.clone(),
        };
        Some((name.clone(), gap))
    };
    overall.iter().filter_map(gap).collect()
}

fn warnings(
    groups: &[GroupFairness],
    withheld: usize,
    disparities: &Disparities,
    options: &FairnessOptions,
) -> Vec<String> {
    let mut warnings = Vec::new();
    if withheld > 0 {
        let fewest = options.smallest_shown;
        warnings
            .push(format!("{withheld} groups of fewer than {fewest} rows are withheld: they could tell about people"));
    }
    for small in groups.iter().filter(|group| !group.compared) {
        warnings.push(format!("{} has {} rows, too few to be compared", small.group, small.rows));
    }
    if groups.iter().filter(|group| group.compared).count() < 2 {
        warnings.push("fewer than two groups can be compared".to_owned());
    }
    if let Some(missing) = &disparities.missing {
        warnings.push(format!("there is no group '{missing}' to compare with; the largest one takes its place"));
    }
    let (rows, labelled) =
        groups.iter().fold((0, 0), |(rows, labelled), group| (rows + group.rows, labelled + group.labelled));
    if labelled == 0 && rows > 0 {
        warnings.push("no truth is known: what follows from it is undefined".to_owned());
        return warnings;
    }
    if labelled < rows {
        warnings.push(format!("the truth of {:.0} % of the rows is known", 100.0 * labelled as f64 / rows as f64));
    }
    for name in groups.first().map(|group| group.values.keys()).into_iter().flatten() {
        let undefined = |group: &&GroupFairness| group.values.get(name).is_some_and(|value| value.value.is_none());
        let without: Vec<&str> = groups.iter().filter(undefined).map(|group| group.group.as_str()).collect();
        if !without.is_empty() {
            warnings.push(format!("{name} is undefined in {}: no row it could be measured on", without.join("; ")));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 300 rows: `A` 200, `B` 70 without positives, `C` 25, `D` 5.
    fn rows() -> (Subject, Grouping) {
        let sizes = [200, 70, 25, 5];
        let codes: Vec<u32> = sizes.iter().zip(0..).flat_map(|(size, code)| vec![code; *size]).collect();
        let truth = (0..300).map(|row| if row < 200 { f64::from(u8::from(row % 2 == 0)) } else { 0.0 }).collect();
        let score = (0..300).map(|row| f64::from(row % 10) / 10.0).collect();
        let names = ["A", "B", "C", "D"].map(str::to_owned).to_vec();
        (Subject::new(truth, score), Grouping { columns: vec!["g".into()], names, codes })
    }

    fn report(subject: &Subject, grouping: &Grouping, options: &FairnessOptions) -> AttributeFairness {
        let grouping = [grouping.clone()];
        let report = fairness(Task::Classification, subject, &grouping, options).unwrap();
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<FairnessReport>(&text).unwrap(), report);
        report.attributes.into_iter().next().unwrap()
    }

    #[test]
    fn small_groups_are_warned_of_and_smaller_ones_withheld_from_everything() {
        let (subject, grouping) = rows();
        let found = report(&subject, &grouping, &FairnessOptions::default());
        let shown: Vec<(&str, bool)> = found.groups.iter().map(|own| (own.group.as_str(), own.compared)).collect();
        assert_eq!(shown, [("A", true), ("B", true), ("C", false)]);
        assert_eq!((found.withheld, found.overall["selection_rate"].rows), (1, 295));
        assert!(found.warnings[0].starts_with("1 groups of fewer than 10"), "{:?}", found.warnings);
        assert_eq!(found.warnings[1], "C has 25 rows, too few to be compared");
        assert!(!serde_json::to_string(&found).unwrap().contains("\"D\""));
    }

    #[test]
    fn what_a_group_lacks_is_undefined_and_invents_no_disparity() {
        let (subject, grouping) = rows();
        let found = report(&subject, &grouping, &FairnessOptions::default());
        let tpr = found.groups[1].values["tpr"];
        assert_eq!((tpr.value, tpr.low, tpr.rows), (None, None, 0));
        assert_eq!(found.measures["equal_opportunity_difference"], None);
        assert_eq!(found.measures["demographic_parity_difference"], Some(0.0));
        assert!(!found.gaps.contains_key("tpr") && found.gaps["fpr"].difference > 0.0);
        assert!(
            found.warnings.iter().any(|text| text.starts_with("tpr is undefined in B; C:")),
            "{:?}",
            found.warnings
        );
        let interval = &found.groups[0].values["selection_rate"];
        assert!(interval.low.unwrap() < 0.5 && interval.high.unwrap() > 0.5);
    }

    #[test]
    fn disparities_compare_with_the_group_that_is_asked_for() {
        let (subject, grouping) = rows();
        let with =
            |reference| report(&subject, &grouping, &FairnessOptions { reference, ..FairnessOptions::default() });
        let majority = with(Reference::Majority);
        assert_eq!(majority.reference.as_deref(), Some("A"));
        assert_eq!(majority.groups[0].disparities["fpr"], Some(1.0));
        let named = with(Reference::Group("B".into()));
        assert_eq!(named.reference.as_deref(), Some("B"));
        assert_eq!(named.groups[0].disparities["tpr"], None);
        assert!(named.groups[0].beyond_tau.contains(&"npv".to_owned()), "{:?}", named.groups[0]);
        assert_eq!(with(Reference::Lowest).reference, None);
        let missing = with(Reference::Group("Z".into()));
        assert!(missing.warnings.iter().any(|text| text.contains("'Z'")));
    }

    #[test]
    fn without_truth_only_selection_is_known() {
        let (mut subject, grouping) = rows();
        subject.truth.fill(f64::NAN);
        subject.score[0] = f64::NAN;
        let found = report(&subject, &grouping, &FairnessOptions::default());
        assert_eq!((found.groups[0].rows, found.groups[0].labelled), (199, 0));
        assert!(found.measures["demographic_parity_ratio"].unwrap() > 0.9);
        assert_eq!((found.measures["theil_index"], found.groups[0].values["accuracy"].value), (None, None));
        assert!(found.warnings.iter().any(|text| text.starts_with("no truth is known")));
    }

    #[test]
    fn errors_of_regressions_are_compared() {
        let (subject, grouping) = rows();
        let found = fairness(Task::Regression, &subject, &[grouping], &FairnessOptions::default()).unwrap();
        let found = &found.attributes[0];
        assert!(found.measures.is_empty() && found.gaps["mae"].ratio.is_some() && found.gaps["rmse"].difference > 0.0);
        assert!(found.groups[0].values["mean_prediction"].low.is_some());
        let wrong = Grouping { codes: vec![0], ..rows().1 };
        assert!(fairness(Task::Regression, &subject, &[wrong], &FairnessOptions::default()).is_err());
    }
}
