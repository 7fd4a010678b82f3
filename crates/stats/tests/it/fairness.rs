use flyball_stats::fairness::{Aggregate, Groups, Rate};
use serde_json::Value;

use crate::oracle::{bools, items, load, near, numbers};

struct Case {
    name: String,
    labels: Vec<String>,
    groups: Groups,
    weighted: Option<Groups>,
    expected: Value,
}

fn cases() -> Vec<Case> {
    items(&load("fairness")["cases"])
        .iter()
        .map(|case| {
            let sensitive: Vec<&str> = items(&case["sensitive"]).iter().map(|group| group.as_str().unwrap()).collect();
            let mut labels: Vec<String> = sensitive.iter().map(|&group| group.to_owned()).collect();
            labels.sort();
            labels.dedup();
            let index: Vec<usize> =
                sensitive.iter().map(|group| labels.iter().position(|label| label == group).unwrap()).collect();
            let (y, predicted) = (bools(&case["y_true"]), bools(&case["y_pred"]));
            let count = |weights: Option<&[f64]>| Groups::new(&y, &predicted, &index, labels.len(), weights).unwrap();
            let weights = case.get("sample_weight").filter(|weights| !weights.is_null()).map(numbers);
            Case {
                name: case["name"].as_str().unwrap().to_owned(),
                groups: count(None),
                weighted: weights.map(|weights| count(Some(&weights))),
                expected: case["expected"].clone(),
                labels,
            }
        })
        .collect()
}

#[track_caller]
fn check(got: Option<f64>, expected: &Value, what: &str) {
    near(got.unwrap_or_else(|| panic!("{what} is undefined")), expected.as_f64().unwrap(), 1e-12, what);
}

#[test]
fn rates_by_group_equal_fairlearn_wherever_they_are_defined() {
    for case in cases() {
        let mut undefined = 0;
        for rate in Rate::ALL {
            let what = format!("{} {}", case.name, rate.name());
            let by_group = case.groups.by_group(rate, 0.95);
            for (label, group) in case.labels.iter().zip(&by_group) {
                let expected = &case.expected["by_group"][rate.name()][label.as_str()];
                let Some(value) = group.value else {
                    // Fairlearn reports a zero here.
                    assert_eq!((expected.as_f64(), group.rows, group.interval), (Some(0.0), 0.0, None), "{what}");
                    undefined += 1;
                    continue;
                };
                check(Some(value), expected, &what);
                let interval = group.interval.unwrap();
                assert!(interval.low <= value && value <= interval.high, "{what}");
            }
            check(rate.of(&case.groups.overall()), &case.expected["overall"][rate.name()], &what);
            if by_group.iter().all(|group| group.value.is_some()) {
                let expected = |table: &str| case.expected[table][rate.name()].clone();
                check(case.groups.difference(rate), &expected("difference_between_groups"), &what);
                check(case.groups.difference_to_overall(rate), &expected("difference_to_overall"), &what);
                check(case.groups.ratio(rate), &expected("ratio_between_groups"), &what);
            }
        }
        assert_eq!(undefined > 0, case.name == "group_without_positives", "{}", case.name);
    }
}

#[test]
fn disparities_equal_fairlearn() {
    for case in cases() {
        let (groups, expected) = (&case.groups, &case.expected);
        check(groups.demographic_parity_difference(), &expected["demographic_parity_difference"], &case.name);
        check(groups.demographic_parity_ratio(), &expected["demographic_parity_ratio"], &case.name);
        if case.name == "group_without_positives" {
            // Fairlearn says 0.8, for a rate that one of the two groups does not have.
            assert_eq!(groups.equalized_odds_difference(Aggregate::WorstCase), None);
            assert_eq!(groups.equalized_odds_ratio(Aggregate::WorstCase), None);
            assert_eq!(groups.equal_opportunity_difference(), None);
            continue;
        }
        let odds = |aggregate| groups.equalized_odds_difference(aggregate);
        check(odds(Aggregate::WorstCase), &expected["equalized_odds_difference_worst_case"], &case.name);
        check(odds(Aggregate::Mean), &expected["equalized_odds_difference_mean"], &case.name);
        let ratio = groups.equalized_odds_ratio(Aggregate::WorstCase);
        check(ratio, &expected["equalized_odds_ratio_worst_case"], &case.name);
        check(groups.equal_opportunity_difference(), &expected["equal_opportunity_difference"], &case.name);
        check(groups.equal_opportunity_ratio(), &expected["equal_opportunity_ratio"], &case.name);
        if let (Some(groups), Some(expected)) = (&case.weighted, expected.get("weighted")) {
            check(groups.demographic_parity_difference(), &expected["demographic_parity_difference"], &case.name);
            let odds = groups.equalized_odds_difference(Aggregate::WorstCase);
            check(odds, &expected["equalized_odds_difference"], &case.name);
        }
    }
}
